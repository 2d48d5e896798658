// OpenAI's messages and tools as ours: the one message type, arguments as objects. What a message says that is not read here
// (pictures, audio, files) is refused; nothing of it is dropped.
import { z } from 'zod';
import { isDeeperThan, isRecord, jsonIn } from '../base/objects.js';
import { type Message, maxArgumentDepth, type Tool, type ToolCall } from '../tokenizer/message.js';
import { limits } from './limits.js';
import { fieldOf } from './openai-request.js';
import { RefusedRequest } from './refusal.js';

const name = z.string().min(1).max(64);
/** Absent, or said to be nothing: clients send back what they were given. */
const nothing = z.union([z.null(), z.array(z.never()).max(0)]).optional();
/** A text, or parts that are all of them text. */
const content = z.unknown().transform((value, context): string => {
  const refuse = (path: PropertyKey[], message: string): string => {
    context.addIssue({ code: 'custom', path, message });
    return '';
  };
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return refuse([], `it is a text, or a list of parts ${textPart}`);
  const texts = value.map((part: unknown, i) => {
    const { type, text, ...more } = isRecord(part) ? part : {};
    if (typeof type === 'string' && type !== 'text') {
      return refuse([i, 'type'], `${type.slice(0, 64)} is not read here: the models that are served read text alone`);
    }
    const isPart = type === 'text' && typeof text === 'string' && Object.keys(more).length === 0;
    return isPart ? text : refuse([i], `a part is ${textPart}`);
  });
  return texts.join('');
});
const textPart = '{"type": "text", "text": …}';
const empty = { refusal: nothing, annotations: nothing, audio: nothing, function_call: nothing };

const callSchema = z.strictObject({
  id: z.string().min(1).max(200),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string().min(1).max(200), arguments: z.string() }),
  index: z.int().optional(),
});

const messageSchema = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'developer', 'user']), content, name: name.optional() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    name: name.optional(),
    reasoning_content: z.union([z.string(), z.null()]).optional(),
    tool_calls: z.union([z.array(callSchema).max(limits.tools), z.null()]).optional(),
    ...empty,
  }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: z.string().min(1).max(200), name: name.optional() }),
]);

const toolSchema = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'letters, digits, _ and -, at most 64' }),
    description: z.string().max(16_384).optional(),
    parameters: z.record(z.string(), z.unknown()).optional(),
    strict: z.literal(false, { error: 'strict holds calls to their schema, which is not built here' }).nullish(),
  }),
});

/** The results of a turn's calls, in the order of the calls: a template writes no ids, and a model pairs them by place. */
export function messagesOf(given: readonly unknown[]): Message[] {
  const messages: Message[] = [];
  const isResult = (each: unknown): boolean => isRecord(each) && each.role === 'tool';
  for (let i = 0; i < given.length; ) {
    const at = i;
    const message = messageOf(checked(messageSchema, given[i], ['messages', i]), i++);
    if (message.role === 'tool') throw refused('it answers no call of the message before', callIdPath(at));
    messages.push(message);
    if (message.toolCalls === undefined) continue;
    const from = i;
    while (i < given.length && isResult(given[i])) i++;
    messages.push(...resultsOf(message.toolCalls, given.slice(from, i), at));
  }
  return messages;
}

function messageOf(message: z.output<typeof messageSchema>, i: number): Message {
  switch (message.role) {
    case 'assistant': {
      const calls = message.tool_calls?.map((call, j) => callOf(call, ['messages', i, 'tool_calls', j])) ?? [];
      const { content: text, reasoning_content: reasoning } = message;
      return {
        ...{ role: message.role, content: text ?? '' },
        ...(message.name !== undefined && { name: message.name }),
        ...(reasoning && { reasoning }),
        ...(calls.length > 0 && { toolCalls: calls }),
      };
    }
    case 'tool': {
      const { role, content: text, tool_call_id: toolCallId } = message;
      return { role, content: text, toolCallId, ...(message.name !== undefined && { name: message.name }) };
    }
    default: {
      const role = message.role === 'developer' ? 'system' : message.role;
      return { role, content: message.content, ...(message.name !== undefined && { name: message.name }) };
    }
  }
}

/**
 * @param at where the message with these calls stands; the results follow it.
 * @throws RefusedRequest unless there is one result for each call.
 */
function resultsOf(calls: readonly ToolCall[], given: readonly unknown[], at: number): Message[] {
  const results = new Map<string | undefined, Message>();
  for (const [j, each] of given.entries()) {
    const i = at + 1 + j;
    const result = messageOf(checked(messageSchema, each, ['messages', i]), i);
    const call = calls.find(({ id }) => id === result.toolCallId);
    if (call === undefined) throw refused('it answers no call of the message before', callIdPath(i));
    if (results.has(call.id)) throw refused('this call is answered twice', callIdPath(i));
    if (result.name !== undefined && result.name !== call.name) {
      throw refused(`the call that it answers is of ${call.name}`, ['messages', i, 'name']);
    }
    results.set(call.id, { ...result, name: call.name });
  }
  return calls.map(({ id }, j) => {
    const path = ['messages', at, 'tool_calls', j, 'id'];
    if (calls.findIndex((call) => call.id === id) < j) throw refused('another call has this id', path);
    const result = results.get(id);
    if (result === undefined) throw refused('no message of role tool that follows answers this call', path);
    return result;
  });
}

function callIdPath(i: number): PropertyKey[] {
  return ['messages', i, 'tool_call_id'];
}

export function toolsOf(given: readonly unknown[]): Tool[] {
  const tools = given.map((each, i): Tool => {
    const { strict: _, ...tool } = checked(toolSchema, each, ['tools', i]).function;
    if (!isDeeperThan(tool.parameters, maxArgumentDepth)) return tool;
    throw refused('it is nested too deep', ['tools', i, 'function', 'parameters']);
  });
  const twice = tools.findIndex((tool, i) => tools.findIndex((other) => other.name === tool.name) < i);
  if (twice >= 0) throw refused('there is another tool of this name', ['tools', twice, 'function', 'name']);
  return tools;
}

function callOf({ id, function: call }: z.output<typeof callSchema>, path: readonly PropertyKey[]): ToolCall {
  const given = call.arguments === '' ? {} : jsonIn(call.arguments);
  if (isRecord(given) && !isDeeperThan(given, maxArgumentDepth)) return { id, name: call.name, arguments: given };
  throw refused('it is no JSON object', [...path, 'function', 'arguments']);
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: readonly PropertyKey[],
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refused(issue.message, [...path, ...issue.path]);
}

function refused(what: string, path: readonly PropertyKey[]): RefusedRequest {
  const param = fieldOf(path);
  return new RefusedRequest({ status: 400, what: `${param}: ${what}`, param });
}
