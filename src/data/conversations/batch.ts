// A line of a batch file as OpenAI and Anthropic take them: a request with its id, and what is asked in its body. What the body says
// of the answer (its length, how it is drawn) was meant for an endpoint: it is not read, and that is said.
import { isRecord } from '../../base/objects.js';
import { type RowNote, RowRefusal } from './notes.js';

/** What a request says of its answer; other fields of a body are read, or named, as in any row. */
const settings = new Set([
  ...['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'n', 'seed', 'stop', 'stop_sequences'],
  ...[
    'frequency_penalty',
    'presence_penalty',
    'logit_bias',
    'logprobs',
    'top_logprobs',
    'reasoning_effort',
    'thinking',
  ],
  ...['tool_choice', 'parallel_tool_calls', 'response_format'],
]);

/** The row that a request holds, under the request's id; undefined where the row is no request. @throws RowRefusal */
export function requestBody(value: unknown): { row: Record<string, unknown>; notes: RowNote[] } | undefined {
  if (!isRecord(value) || !['string', 'number'].includes(typeof value.custom_id)) return undefined;
  const { custom_id: id, method: _, url = '', body, params, ...rest } = value;
  const asked = body ?? params;
  if (!isRecord(asked)) return undefined;
  if (url !== '' && !/\/completions\/?$/.test(String(url)))
    throw new RowRefusal(`a request to ${JSON.stringify(String(url).slice(0, 80))} asks a chat model nothing`);
  const unread = Object.keys(asked).filter((name) => settings.has(name));
  const row = Object.fromEntries(Object.entries(asked).filter(([name]) => !settings.has(name)));
  const text = `settings that are not read, those of the command hold for all: ${unread.join(', ')}`;
  return { row: { ...rest, ...row, id }, notes: unread.length === 0 ? [] : [{ level: 'warning', text }] };
}
