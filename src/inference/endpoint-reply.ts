// The body of an endpoint's answer, read as a reply: a completion, or a stream of its pieces although none was asked for;
// text as a string or in parts; thoughts in fields of their own. What is no reply says so in the endpoint's words.
import { z } from 'zod';
import { cleanText } from '../base/clean-text.js';
import { isRecord } from '../base/objects.js';
import { type Tool, type ToolCall, toolCallSchema } from '../tokenizer/message.js';
import { type Reply, type TokenUsage, unusable } from './chat-model.js';
import { errorIn, isWebPage, parsed, type SaidError, wordsOfText } from './endpoint-words.js';

/** Of a reply: more than a body can hold. */
const maxTextLength = 4 << 20;

const { id, name, arguments: given } = toolCallSchema.shape;
const callSchema = z
  .object({ id, function: z.object({ name, arguments: z.string().transform(parseArguments).pipe(given) }) })
  .transform((call): ToolCall => ({ id: call.id, ...call.function }));

/** A reply, which may be `unusable`, or the error that the body holds in its place. */
export function readReply(
  body: string,
  contentType: string,
  tools: readonly Tool[] = [],
): Reply | { error: SaidError } {
  const read = readBody(body, contentType, tools);
  if ('error' in read) return read;
  const { value, ...reply } = read;
  const usage = usageIn(value);
  return usage === undefined ? reply : { ...reply, usage };
}

const tokens = z.int().min(0).max(1e9);
const usageSchema = z.object({ usage: z.object({ prompt_tokens: tokens, completion_tokens: tokens }) });

/** What it says to have counted; undefined where it does not. */
function usageIn(value: unknown): TokenUsage | undefined {
  const said = usageSchema.safeParse(value).data?.usage;
  return said && { input: said.prompt_tokens, output: said.completion_tokens };
}

function readBody(
  body: string,
  contentType: string,
  tools: readonly Tool[],
): (Reply & { value?: unknown }) | { error: SaidError } {
  const isStream = /^text\/event-stream/i.test(contentType) || /^(?:data|event|id):/m.test(body.slice(0, 200));
  const value = (isStream ? mergeStream(body) : undefined) ?? parsed(body);
  const error = errorIn(value);
  if (error !== undefined) return { error };
  if (value === undefined) return unusable(whatElse(body));
  const choices = isRecord(value) ? value.choices : undefined;
  if (!Array.isArray(choices)) return unusable(`its answer is JSON, but no completion: ${wordsOfText(body)}`);
  const [choice] = choices as unknown[];
  // The legacy interface has the text where chat has a message.
  const message = isRecord(choice)
    ? (choice.message ?? (typeof choice.text === 'string' && { content: choice.text }))
    : 0;
  if (!isRecord(choice) || !isRecord(message)) {
    const isEmpty = choices.length === 0;
    const why = isEmpty
      ? 'it sent an empty list of choices'
      : `its choice holds no message and no text: ${wordsOfText(body)}`;
    return { ...unusable(why), value };
  }
  return { ...replyOfMessage(message, choice.finish_reason, tools), value };
}

function whatElse(body: string): string {
  if (body.trim() === '') return 'it sent an empty body';
  if (isWebPage(body)) return `it sent a web page: ${wordsOfText(body)}`;
  const what = /^\s*[{[]/.test(body) ? 'its JSON breaks off or is damaged' : 'it sent text that is no JSON';
  return `${what}: ${wordsOfText(body)}`;
}

/** Calls are read only where there was something to call; one that cannot be read makes the whole unusable. */
function replyOfMessage(message: Record<string, unknown>, reason: unknown, tools: readonly Tool[]): Reply {
  const finish = typeof reason === 'string' && reason !== '' ? cleanText(reason, 40) : 'stop';
  const { text, thought, others } = partsOf(message.content);
  const apart = [message.reasoning_content, message.reasoning].find((each) => typeof each === 'string' && each !== '');
  const reasoning = cleanText([thought, apart ?? ''].filter((each) => each !== '').join('\n'), maxTextLength);
  let toolCalls: ToolCall[] = [];
  if (tools.length > 0) {
    const calls = z.array(callSchema).nullish().safeParse(message.tool_calls);
    if (!calls.success) return unusable('it calls a tool in a form that cannot be read');
    toolCalls = calls.data ?? [];
  }
  const clean = cleanText(text, maxTextLength);
  const reply: Reply = { text: clean, finish, ...(reasoning !== '' && { reasoning }) };
  if (toolCalls.length > 0) return { ...reply, toolCalls };
  if (clean !== '' || finish === 'length') return reply;
  return { ...reply, ...unusable(emptyBecause(message, finish, others, reasoning !== '')) };
}

function emptyBecause(
  { refusal }: Record<string, unknown>,
  finish: string,
  others: string[],
  hasThought: boolean,
): string {
  if (typeof refusal === 'string' && refusal !== '') return `it refused: ${wordsOfText(refusal)}`;
  if (finish === 'content_filter') return 'its content filter withheld the answer (finish_reason content_filter)';
  if (others.length > 0) return `its answer has no text, but ${[...new Set(others)].join(', ')}`;
  return hasThought ? 'it thought, and answered nothing' : `its answer is empty (finish_reason ${finish})`;
}

/** The texts, the thoughts and the kinds of what is neither, of a content that is a string or a list of parts. */
function partsOf(content: unknown): { text: string; thought: string; others: string[] } {
  const parts: unknown[] = Array.isArray(content) ? content : [content ?? ''];
  const read = { text: '', thought: '', others: [] as string[] };
  for (const part of parts) {
    if (typeof part === 'string') read.text += part;
    else if (!isRecord(part)) read.others.push(typeof part);
    else if (/^(?:thinking|reasoning)/.test(textOf(part.type)))
      read.thought += partsOf(part.thinking ?? part.text).text;
    else if (typeof part.text === 'string') read.text += part.text;
    else read.others.push(cleanText(textOf(part.type) || 'a part of no type', 40));
  }
  return read;
}

/** The pieces of a stream of events as one completion; undefined where there are none. */
function mergeStream(body: string): unknown {
  const message = {
    content: '',
    reasoning: '',
    tool_calls: [] as { id?: unknown; function: Record<string, string> }[],
  };
  let finish: unknown;
  let usage: unknown;
  let pieces = 0;
  for (const line of body.split(/\r\n?|\n/)) {
    const piece = parsed(/^data:(.*)$/.exec(line)?.[1] ?? '');
    if (errorIn(piece) !== undefined) return piece;
    const [choice] = isRecord(piece) && Array.isArray(piece.choices) ? (piece.choices as unknown[]) : [];
    if (isRecord(piece)) usage = piece.usage ?? usage;
    if (!isRecord(choice)) continue;
    pieces++;
    finish = choice.finish_reason ?? finish;
    const delta = [choice.delta, choice.message].find(isRecord) ?? { content: textOf(choice.text) };
    const { text, thought } = partsOf(delta.content);
    message.content += text;
    message.reasoning += thought + textOf(delta.reasoning_content ?? delta.reasoning);
    for (const call of Array.isArray(delta.tool_calls) ? (delta.tool_calls as unknown[]) : [])
      addCall(message.tool_calls, call);
  }
  if (pieces === 0) return undefined;
  // A stream without its end broke off, as an answer does that ran into the limit.
  const end = /^data:\s*\[DONE\]/m.test(body) ? 'stop' : 'length';
  return { choices: [{ message, finish_reason: finish ?? end }], usage };
}

function addCall(calls: { id?: unknown; function: Record<string, string> }[], piece: unknown): void {
  if (!isRecord(piece)) return;
  const given = isRecord(piece.function) ? piece.function : {};
  const index = typeof piece.index === 'number' ? piece.index : calls.length;
  if (index > 128) return;
  calls[index] ??= { id: piece.id ?? undefined, function: { name: '', arguments: '' } };
  for (const key of ['name', 'arguments'])
    calls[index].function[key] += typeof given[key] === 'string' ? given[key] : '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseArguments(text: string): unknown {
  return text.trim() === '' ? {} : parsed(text);
}
