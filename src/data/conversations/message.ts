// One message of a row, in any of the field's spellings: role and content or from and value, content as a text or as a
// list of text parts, reasoning, tool calls, how much it weighs in the loss.
import { isRecord, jsonIn } from '../../base/objects.js';
import {
  type Message,
  maxMessages,
  maxToolCalls,
  type Role,
  type Tool,
  type ToolCall,
} from '../../tokenizer/message.js';
import { expectText, Fields, kindOf, parsed, wrongShape } from './fields.js';
import { type RowNote, RowRefusal, shownName } from './notes.js';

/** As lower case. */
const roles: Readonly<Record<string, Role>> = {
  ...{ system: 'system', developer: 'system' },
  ...{ user: 'user', human: 'user', prompter: 'user' },
  ...{ assistant: 'assistant', gpt: 'assistant', chatgpt: 'assistant', bot: 'assistant', model: 'assistant' },
  ...{ function_call: 'assistant', tool_call: 'assistant' },
  ...{ tool: 'tool', observation: 'tool', function: 'tool', tool_response: 'tool', ipython: 'tool' },
};
/** The content of such a message is a call in JSON. */
const callRoles: readonly string[] = ['function_call', 'tool_call'];

export const reasoningFields = ['reasoning_content', 'reasoning', 'thinking', 'thought', 'thoughts'];
const learntFields = ['weight', 'train', 'training', 'trainable', 'train_on', 'train_on_turn', 'loss', 'learn'];
const maskedFields = ['masked', 'mask'];
/** Fields of a message that describe it and are no part of it. */
const descriptive = new Set(
  'id message_id parent_id uuid index turn turn_identifier created_at timestamp time date model lang language source score rank tokens toxic redacted country state header hashed_ip cache_control signature'.split(
    ' ',
  ),
);

/** As Firefly and XTuner write what one exchange says. */
const exchanges = [
  ['human', 'assistant'],
  ['input', 'output'],
] as const;

/** What the messages of a row say beside themselves. */
export interface RowContext {
  note(note: RowNote): void;
  /** Tool lists that stand in a message. */
  tools(value: unknown, at: string): void;
}

/** A list of messages, or JSON text of one. */
export function readMessages(value: unknown, at: string, context: RowContext): Message[] {
  const list = parsed(value, at);
  if (!Array.isArray(list)) throw wrongShape(at, `a list of messages was expected, not ${kindOf(list)}`);
  if (list.length === 0) throw wrongShape(at, 'there is no message in it');
  if (list.length > maxMessages) throw wrongShape(at, `more than ${maxMessages} messages are refused`);
  return list.flatMap((item, i) => {
    try {
      const fields = new Fields(item, `${at}.${i}`);
      return readExchange(fields, context) ?? [readMessage(fields, context)];
    } catch (error) {
      if (error instanceof RowRefusal) throw new RowRefusal(error.message, error.place ?? `message ${i + 1}`);
      throw error;
    }
  });
}

/** What a person says and what follows it in one object, `{human, assistant}` or `{system, input, output}`; undefined where it is none. */
function readExchange(fields: Fields, context: RowContext): Message[] | undefined {
  const names = exchanges.find(([user, assistant]) => fields.has(user) && fields.has(assistant));
  if (names === undefined || fields.has('role', 'from')) return undefined;
  const turns = (['system', ...names] as const).map((name, i): Message => {
    return { role: (['system', 'user', 'assistant'] as const)[i], content: fields.text(name) ?? '' };
  });
  noteRest(fields, context);
  return turns.filter(({ role, content }) => role !== 'system' || content !== '');
}

function readMessage(fields: Fields, context: RowContext): Message {
  const spelling = fields.text('role', 'from');
  if (spelling === undefined) throw wrongShape(fields.path('role'), 'a role was expected, or "from"');
  const role = Object.hasOwn(roles, spelling.toLowerCase()) ? roles[spelling.toLowerCase()] : undefined;
  if (role === undefined) {
    const known = Object.keys(roles).join(', ');
    throw new RowRefusal(`a message has the role "${shownName(spelling)}", which is none of ${known}`);
  }
  const message: Message = { role, content: '' };
  readContent(fields, message, context);
  if (role === 'assistant') {
    const reasoning = fields.take(...reasoningFields);
    if (reasoning !== undefined)
      addReasoning(message, textOf(reasoning.value, fields.path(reasoning.name), context).text);
    readCalls(fields, spelling.toLowerCase(), message);
  }
  const weight = weightOf(fields);
  if (weight !== undefined) message.weight = weight;
  if (role === 'tool') message.toolCallId = fields.text('tool_call_id', 'toolCallId');
  message.name = fields.text('name', ...(role === 'tool' ? ['tool_name'] : []));
  const tools = role === 'system' ? fields.take('tools', 'functions') : undefined;
  if (tools !== undefined) context.tools(tools.value, fields.path(tools.name));
  noteRest(fields, context);
  for (const key of ['toolCallId', 'name'] as const) if (message[key] === undefined) delete message[key];
  return message;
}

function noteRest(fields: Fields, context: RowContext, at = 'messages[]'): void {
  for (const name of fields.rest) {
    const shown = `${at}.${shownName(name)}`;
    if (descriptive.has(name)) context.note({ level: 'unread', field: shown });
    else context.note({ level: 'warning', text: `${shown}, which is not read` });
  }
}

function readContent(fields: Fields, message: Message, context: RowContext): void {
  const found = fields.take('content', 'value', 'text');
  if (found === undefined) return;
  const at = fields.path(found.name);
  if (message.role === 'tool' && !isText(found.value)) {
    message.content = expectText(JSON.stringify(found.value), at);
    return;
  }
  const { text, thoughts } = textOf(found.value, at, context);
  message.content = text;
  if (thoughts !== '') {
    if (message.role !== 'assistant')
      throw new RowRefusal('a message that is no answer has a part of the type thinking');
    addReasoning(message, thoughts);
  }
}

/** Tools answer with data as well. */
function isText(value: unknown): boolean {
  const isPart = (part: unknown): boolean => typeof part === 'string' || (isRecord(part) && 'type' in part);
  return typeof value === 'string' || (Array.isArray(value) && value.every(isPart));
}

export function addReasoning(message: Message, text: string): void {
  if (text !== '' && text !== message.reasoning)
    message.reasoning = [message.reasoning, text].filter(Boolean).join('\n');
}

/** A text, or a list of text parts, joined as templates join them; thinking parts apart. */
function textOf(value: unknown, at: string, context: RowContext): { text: string; thoughts: string } {
  if (!Array.isArray(value)) return { text: expectText(value, at), thoughts: '' };
  if (value.length > maxMessages) throw wrongShape(at, `more than ${maxMessages} parts are refused`);
  let text = '';
  let thoughts = '';
  for (const [i, part] of value.entries()) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    if (!isRecord(part)) throw wrongShape(`${at}.${i}`, 'a part of a message was expected: {"type":"text","text":"…"}');
    const fields = new Fields(part, `${at}.${i}`);
    const type = fields.take('type')?.value;
    if (type === 'thinking' || type === 'reasoning') {
      const thought = fields.take('thinking', 'reasoning', 'text');
      thoughts += textOf(thought?.value, `${at}.${i}`, context).text;
    } else if (typeof part.text === 'string') text += fields.text('text') ?? '';
    else {
      const shown = shownName(String(type ?? Object.keys(part)[0]));
      throw new RowRefusal(
        `a part of a message is of the type ${shown}: only text is read, {"type":"text","text":"…"}`,
      );
    }
    noteRest(fields, context, 'messages[].content[]');
  }
  return { text: expectText(text, at), thoughts };
}

function readCalls(fields: Fields, spelling: string, message: Message): void {
  const found = fields.take('tool_calls', 'toolCalls', 'function_call');
  const calls = found === undefined ? [] : callsOf(parsed(found.value, fields.path(found.name)));
  if (calls === undefined) throw new RowRefusal(`${found?.name} has a call that is no {"name":…,"arguments":{…}}`);
  if (calls.length > 0) message.toolCalls = calls;
  else if (callRoles.includes(spelling)) readCallText(message);
}

/** ShareGPT's form: the content is the call. What is no JSON stays the text that it is. */
function readCallText(message: Message): void {
  const calls = callsOf(jsonIn(message.content));
  if (calls === undefined || calls.length === 0) return;
  message.toolCalls = calls;
  message.callText = message.content;
  message.content = '';
}

/** undefined where one of them is none. */
function callsOf(value: unknown): ToolCall[] | undefined {
  const list = Array.isArray(value) ? value : [value];
  if (list.length > maxToolCalls) return undefined;
  const calls = list.map(callOf);
  return calls.every((call) => call !== undefined) ? calls : undefined;
}

function callOf(value: unknown): ToolCall | undefined {
  if (!isRecord(value) || (value.type !== undefined && value.type !== 'function')) return undefined;
  const call = value.function ?? value;
  if (!isRecord(call) || typeof call.name !== 'string' || call.name === '' || call.name.length > 1000) return undefined;
  const given = argumentsOf(call.arguments ?? call.parameters ?? {});
  if (given === undefined) return undefined;
  const { id } = value;
  return { ...(typeof id === 'string' && id.length <= 1000 && { id }), name: call.name, arguments: given };
}

function argumentsOf(value: unknown): ToolCall['arguments'] | undefined {
  if (value === '') return {};
  const given = typeof value === 'string' ? jsonIn(value) : value;
  return isRecord(given) ? given : undefined;
}

/** The tools of a row: OpenAI's list, a list of functions, one of either, or JSON text of any. undefined: something else. */
export function toolsOf(value: unknown): Tool[] | undefined {
  const list = typeof value === 'string' ? jsonIn(value) : value;
  const tools = (Array.isArray(list) ? list : [list]).map(toolOf);
  return tools.every((tool) => tool !== undefined) ? tools : undefined;
}

/** `{type, function: {name, …}}`, or the function alone, with Anthropic's name for its parameters, too. */
function toolOf(value: unknown): Tool | undefined {
  if (!isRecord(value) || (value.type !== undefined && value.type !== 'function')) return undefined;
  const { type: _, function: inner, ...outer } = value;
  const { input_schema: schema, ...tool } = isRecord(inner) ? { ...outer, ...inner } : outer;
  if (typeof tool.name !== 'string' || tool.name === '') return undefined;
  if (isRecord(schema)) tool.parameters ??= schema;
  return tool as Tool;
}

/** The least of what its marks say; undefined where there is none. @throws RowRefusal for a mark that is no weight. */
function weightOf(fields: Fields): number | undefined {
  const marks = [
    ...learntFields.map((name) => mark(fields, name)),
    ...maskedFields.map((name) => {
      const masked = mark(fields, name);
      return masked === undefined ? undefined : Number(masked === 0);
    }),
  ].filter((weight) => weight !== undefined);
  return marks.length === 0 ? undefined : Math.min(...marks);
}

/** But for 0, which masks: a smaller one is no number to divide by. */
const minWeight = 1e-6;
const maxWeight = 1000;

function mark(fields: Fields, name: string): number | undefined {
  const value = fields.take(name)?.value;
  if (value === undefined) return undefined;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number' && (value === 0 || (value >= minWeight && value <= maxWeight))) return value;
  const shown = shownName(JSON.stringify(value));
  throw new RowRefusal(
    `a message has ${name}: ${shown}, and only a weight from ${minWeight} to ${maxWeight}, or 0, false and true, is read`,
  );
}
