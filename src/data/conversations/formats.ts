// A row as a conversation, in any of the formats that data sets come in, recognised by their fields: turns (our own rows,
// OpenAI's, ShareGPT), a question and its answer (Alpaca, prompt and completion), MOSS, a request of a batch file. What else a row
// says is read in every format alike: a system prompt, tools, how an answer is checked.
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { isRecord } from '../../base/objects.js';
import type { RowFormat } from '../../config/sft.js';
import { type Message, maxMessages, type Tool } from '../../tokenizer/message.js';
import { type Conversation, checkSchema, conversationFields, sessionStartSchema } from '../types.js';
import { requestBody } from './batch.js';
import { expectText, Fields, parsed, wrongShape } from './fields.js';
import { addReasoning, type RowContext, readMessages, reasoningFields, toolsOf } from './message.js';
import { readMossTurns } from './moss.js';
import { distinct, type RowNote, RowRefusal, shownName } from './notes.js';

export const turnFields = ['messages', 'conversations', 'conversation', 'dialogue', 'dialog', 'turns', 'chat'];
export const questionFields = ['instruction', 'prompt', 'question', 'query'];
export const answerFields = ['output', 'response', 'completion', 'answer', 'target'];
const inputFields = ['input', 'context'];
/** What a row of a named format must have one of. */
const fieldsOf: Readonly<Record<RowFormat, readonly string[]>> = {
  messages: ['messages'],
  sharegpt: ['conversations', 'conversation'],
  alpaca: ['instruction'],
  'prompt-completion': ['prompt'],
  moss: ['chat'],
};
const systemFields = [
  ...['system', 'system_prompt', 'systemPrompt', 'system_message', 'systemMessage'],
  ...['system_instruction', 'systemInstruction', 'meta_instruction'],
];

/** Fields that a training elsewhere may learn from, or that change what it learns, and that no format here has. */
const learntElsewhere = new Set([
  ...[...turnFields, ...questionFields, ...answerFields, ...inputFields, ...systemFields, ...reasoningFields],
  ...[
    'history',
    'instances',
    'text',
    'prefix',
    'prefill',
    'suffix',
    'margin',
    'answers',
    'chosen_response',
    'rejected_response',
  ],
  ...['functions', 'tools', 'function_call', 'tool_calls', 'documents', 'response_format'],
  ...['images', 'image', 'videos', 'video', 'audios', 'audio', 'objects'],
  ...['chat_template', 'chat_template_kwargs', 'enable_thinking', 'cot', 'chain_of_thought'],
  ...['weight', 'weights', 'loss', 'loss_weight', 'sample_weight', 'train', 'mask', 'masked'],
  ...['chosen', 'rejected', 'label', 'kto_tag'],
]);
/** What follows from not reading them, where that is not plain. */
const consequences: Readonly<Record<string, string>> = {
  label: ': an answer that it marks as bad is learnt like the others',
  kto_tag: ': an answer that it marks as bad is learnt like the others',
  chosen: ': fine-tuning learns from one answer; align --data learns from pairs',
  rejected: ': fine-tuning learns from one answer; align --data learns from pairs',
};

export interface RowReading {
  conversation: Conversation;
  notes: RowNote[];
}

/**
 * @param name of a row without an `id`.
 * @param format what the row is to be read as, where its fields would allow several.
 * @throws UserError for a row of the wrong shape, RowRefusal for one that is understood and cannot be used.
 */
export function readRow(value: unknown, name: string, format?: RowFormat): RowReading {
  const request = requestBody(value);
  const read = readRowAs(request?.row ?? value, name, (row, context) => readBody(row, context, format), consequences);
  return request === undefined ? read : { ...read, notes: [...request.notes, ...read.notes] };
}

/**
 * A row whose messages `body` reads; a row that is a list is a conversation as it stands.
 * @param consequences of a field that is not read, where they are not plain.
 */
export function readRowAs(
  value: unknown,
  name: string,
  body: (row: Fields, context: RowContext) => Message[],
  consequences: Readonly<Record<string, string>> = {},
): RowReading {
  const notes: RowNote[] = [];
  const toolLists: [unknown, string][] = [];
  const context: RowContext = {
    note: (note) => notes.push(note),
    tools: (list, at) => toolLists.push([list, at]),
  };
  if (Array.isArray(value)) {
    const messages = spokenInTurn(value, 'the row', context);
    return { conversation: { id: name, messages }, notes: distinct(notes) };
  }
  const row = new Fields(value, '');
  let messages = body(row, context);
  const system: string[] = [];
  for (let found = row.text(...systemFields); found !== undefined; found = row.text(...unread(row, systemFields))) {
    system.push(found);
  }
  const isTurns = !row.has(...answerFields);
  if (isTurns && unread(row, ['instruction']).length > 0) system.push(row.text('instruction') ?? '');
  const given = row.take('tools', 'functions');
  if (given !== undefined) toolLists.push([given.value, given.name]);
  const tools: Tool[] = [];
  for (const [list, at] of toolLists) {
    const read = toolsOf(list);
    if (read !== undefined) tools.push(...read);
    else if (typeof list !== 'string') throw new RowRefusal(`${at} has a tool that is no {"name":…,"parameters":{…}}`);
    else {
      system.push(expectText(list, at));
      notes.push({ level: 'warning', text: 'tools that are no JSON: they join the system message' });
    }
  }
  messages = withSystem(messages, system);
  const conversation = { ...ownFields(row, name), messages, ...(tools.length > 0 && { tools }) };
  for (const field of row.rest) {
    const isCopy = messages.some(({ content }) => content === row.peek(field));
    if (isCopy || !learntElsewhere.has(field)) notes.push({ level: 'unread', field: shownName(field) });
    else
      notes.push({
        level: 'warning',
        text: `the field ${shownName(field)}, which is not read${consequences[field] ?? ''}`,
      });
  }
  return { conversation, notes: distinct(notes) };
}

/** The messages, but for what a row says beside them. */
export function readBody(row: Fields, context: RowContext, format?: RowFormat): Message[] {
  if (format !== undefined) return readNamed(row, context, format);
  const turns = turnFields.find((field) => row.has(field) && typeof row.peek(field) !== 'number');
  if (turns === 'chat' && !Array.isArray(row.peek('chat'))) return readMossTurns(row, context);
  if (turns !== undefined) return spokenInTurn(row.take(turns)?.value, turns, context);
  if (row.has(...questionFields) || (row.has('input') && row.has(...answerFields))) return readQuestion(row, context);
  // A count of them (`turns: 3`) stands beside many a conversation; alone, in a field of messages, it is a row of the wrong shape.
  const counted = Object.values(fieldsOf)
    .flat()
    .find((field) => turnFields.includes(field) && row.has(field));
  if (counted !== undefined) return spokenInTurn(row.take(counted)?.value, counted, context);
  throw new UserError({
    what: 'this row is no conversation',
    why: `it has ${fieldsInWords(row)}`,
    next: 'Expected "messages" (our own format), "conversations" (ShareGPT), "instruction" (Alpaca), "prompt" and "completion", or "chat" (MOSS)',
  });
}

/** Of the format that a person named. @throws UserError for a row that lacks its fields. */
function readNamed(row: Fields, context: RowContext, format: RowFormat): Message[] {
  const [field] = fieldsOf[format].filter((name) => row.has(name));
  if (field === undefined) {
    throw new UserError({
      what: `this row is not of the format ${format} (sft.format)`,
      why: `it has ${fieldsInWords(row)}`,
      next: `Expected ${fieldsOf[format].map((name) => `"${name}"`).join(' or ')}; without sft.format the format is recognised`,
    });
  }
  if (format === 'moss') return readMossTurns(row, context);
  if (format === 'messages' || format === 'sharegpt') return spokenInTurn(row.take(field)?.value, field, context);
  return readQuestion(row, context, field);
}

/** `the fields messages (empty), id` */
export function fieldsInWords(row: Fields): string {
  const names = row.names.slice(0, 8).map((name) => `${shownName(name)}${row.has(name) ? '' : ' (empty)'}`);
  if (names.length === 0) return 'no fields';
  return `the ${row.names.length === 1 ? 'field' : 'fields'} ${names.join(', ')}${row.names.length > 8 ? ', …' : ''}`;
}

/** Messages, or texts of a person and an assistant by turns. */
function spokenInTurn(value: unknown, at: string, context: RowContext): Message[] {
  const list = parsed(value, at);
  if (!Array.isArray(list) || list.length > maxMessages || !list.every((item) => typeof item === 'string')) {
    return readMessages(list, at, context);
  }
  return list.map((content: string, i): Message => {
    return { role: i % 2 === 0 ? 'user' : 'assistant', content: expectText(content, `${at}.${i}`) };
  });
}

/** Alpaca, or a prompt and its completion, each a text or a list of messages. */
function readQuestion(row: Fields, context: RowContext, first?: string): Message[] {
  const part = (found: { name: string; value: unknown } | undefined, role: 'user' | 'assistant'): Message[] => {
    if (found === undefined) return [];
    if (Array.isArray(found.value)) return readMessages(found.value, found.name, context);
    return [{ role, content: expectText(found.value, found.name) }];
  };
  const question = row.take(...(first === undefined ? [] : [first]), ...questionFields);
  const asked = part(question ?? row.take(...inputFields), 'user');
  const input = question === undefined ? undefined : row.text(...inputFields);
  if (asked.length === 0) asked.push({ role: 'user', content: '' });
  else if (input !== undefined) asked[asked.length - 1].content += `\n${input}`;
  const answer = part(row.take(...answerFields) ?? onlyInstance(row, asked), 'assistant');
  const thoughts = row.text(...reasoningFields);
  if (thoughts !== undefined && answer.length > 0) addReasoning(answer[0], thoughts);
  return [...readHistory(row, context), ...asked, ...answer];
}

/** Seed tasks of Self-Instruct hold their answers in instances, mostly one. */
function onlyInstance(row: Fields, asked: Message[]): { name: string; value: unknown } | undefined {
  const instances = parsed(row.take('instances')?.value, 'instances');
  if (instances === undefined) return undefined;
  if (!Array.isArray(instances) || instances.length !== 1) {
    throw new RowRefusal('a row has several instances, where one is read: write a row for each');
  }
  const instance = new Fields(instances[0], 'instances.0');
  const input = instance.text('input');
  if (input !== undefined) asked[asked.length - 1].content += `\n${input}`;
  return instance.take('output');
}

/** Pairs of a question and its answer, or messages. */
function readHistory(row: Fields, context: RowContext): Message[] {
  const history = row.take('history');
  if (history === undefined) return [];
  const pairs = parsed(history.value, 'history');
  if (!Array.isArray(pairs) || pairs.length > maxMessages) throw wrongShape('history', 'a list of pairs was expected');
  if (pairs.some(isRecord)) return readMessages(pairs, 'history', context);
  return pairs.flatMap((pair: unknown, i): Message[] => {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw wrongShape(`history.${i}`, 'a question and its answer were expected');
    const [user, assistant] = pair.map((text, j) => expectText(text, `history.${i}.${j}`));
    return [
      { role: 'user', content: user },
      { role: 'assistant', content: assistant },
    ];
  });
}

/** One system message at the beginning, of all texts that there are for it, each once. */
function withSystem(messages: readonly Message[], more: readonly string[]): Message[] {
  const first = messages.findIndex(({ role }) => role !== 'system');
  const count = first < 0 ? messages.length : first;
  const texts = [...more, ...messages.slice(0, count).map(({ content }) => content)];
  if (texts.length === 0) return [...messages];
  const content = [...new Set(texts)].filter((text, _, all) => text !== '' || all.length === 1).join('\n\n');
  return [{ ...(messages[count - 1] ?? {}), role: 'system', content }, ...messages.slice(count)];
}

function unread(row: Fields, names: readonly string[]): string[] {
  const { rest } = row;
  return names.filter((name) => rest.includes(name));
}

/** Our own fields, which any row may have. What does not fit is somebody else's field of that name; a check must fit, and so must what tools start from. */
function ownFields(row: Fields, name: string): Omit<Conversation, 'messages'> {
  const own: Partial<Conversation> = {};
  for (const [field, schema] of Object.entries(conversationFields)) {
    const { data } = schema.safeParse(row.peek(field));
    if (data === undefined) continue;
    row.take(field);
    Object.assign(own, { [field]: data });
  }
  const check = row.take('check');
  if (check !== undefined) Object.assign(own, z.object({ check: checkSchema }).parse({ check: check.value }));
  const start = row.peek('start');
  if (isRecord(start) && ('now' in start || 'scene' in start)) {
    row.take('start');
    Object.assign(own, z.object({ start: sessionStartSchema }).parse({ start }));
  }
  return { id: name, ...own };
}
