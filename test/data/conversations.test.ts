// Conversations: four formats, what is refused and where, and how a long one is fitted to the context.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { toJsonl } from '../../src/base/jsonl.js';
import { fitConversation } from '../../src/data/conversations/fit.js';
import { readRow } from '../../src/data/conversations/formats.js';
import { RowNotes } from '../../src/data/conversations/notes.js';
import { readConversations } from '../../src/data/conversations/read.js';
import type { Conversation } from '../../src/data/types.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import type { Message } from '../../src/tokenizer/message.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';

const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const tool = (content: string): Message => ({ role: 'tool', content });
const system = (content: string): Message => ({ role: 'system', content });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'conversations-'));
});
after(() => rm(directory, { recursive: true }));

/** The conversations of a file, and what was said of its rows. */
async function readFrom(path: string): Promise<{ conversations: Conversation[]; notes: string[] }> {
  const notes = new RowNotes();
  const conversations = (await collect(readConversations(path, notes))).map(({ conversation }) => conversation);
  return { conversations, notes: notes.lines().map(({ text }) => text.replaceAll(`${directory}/`, '')) };
}

async function readWithNotes(rows: readonly unknown[]) {
  const path = join(directory, 'rows.jsonl');
  await writeFile(path, toJsonl(rows));
  return readFrom(path);
}

async function read(rows: readonly unknown[]): Promise<Conversation[]> {
  return (await readWithNotes(rows)).conversations;
}

async function faultOf(rows: readonly unknown[]): Promise<string> {
  const error = await read(rows).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof UserError, String(error));
  return error.message.replace(directory, '');
}

test('our own rows keep their kind, language, check, provenance and what tools start from', async () => {
  const row: Conversation = {
    id: 'sum-1',
    messages: [system('简短回答。'), user('1+1=?'), assistant('2')],
    kind: 'arithmetic',
    language: 'zh',
    check: { type: 'number', answer: 2 },
    start: { now: new Date('2026-11-29T08:30:00+08:00'), scene: 'a key in a box' },
    provenance: { teacher: 'offline', seeds: ['s1', 's2'] },
  };
  const [own, unnamed, numbered] = await read([
    row,
    { messages: [user('hi')], extra: 1 },
    { id: 7, messages: [user('hi')] },
  ]);
  assert.deepEqual(own, row);
  assert.deepEqual(unnamed, { id: 'rows.jsonl:2', messages: [user('hi')] });
  assert.equal(numbered.id, '7');
});

test('Alpaca, with and without input, system and history', async () => {
  const [plain, full] = await read([
    { instruction: 'Say hi.', input: '', output: 'Hi.' },
    { instruction: '翻译', input: '你好', output: 'Hello', system: '你是译员', history: [['在吗', '在']] },
  ]);
  assert.deepEqual(plain.messages, [user('Say hi.'), assistant('Hi.')]);
  const expected = [system('你是译员'), user('在吗'), assistant('在'), user('翻译\n你好'), assistant('Hello')];
  assert.deepEqual(full.messages, expected);
});

test('ShareGPT, with tool calls and tool definitions', async () => {
  const [row] = await read([
    {
      conversations: [
        { from: 'system', value: 'Be brief.' },
        { from: 'human', value: 'Weather?' },
        { from: 'function_call', value: '{"name":"weather"}' },
        { from: 'observation', value: '{"sky":"clear"}' },
        { from: 'gpt', value: 'Clear.' },
      ],
      tools: '[{"name":"weather"}]',
    },
  ]);
  assert.deepEqual(row.messages, [
    system('Be brief.'),
    user('Weather?'),
    { ...assistant(''), toolCalls: [{ name: 'weather', arguments: {} }], callText: '{"name":"weather"}' },
    tool('{"sky":"clear"}'),
    assistant('Clear.'),
  ]);
  assert.deepEqual(row.tools, [{ name: 'weather' }]);
});

test('MOSS: markers are stripped, turns are in order of their number, None is nothing', async () => {
  const turn = (n: number, thoughts: string, command: string, result: string) => ({
    Human: `<|Human|>: 问${n}<eoh>\n`,
    'Inner Thoughts': `<|Inner Thoughts|>: ${thoughts}<eot>\n`,
    Commands: `<|Commands|>: ${command}<eoc>\n`,
    'Tool Responses': `<|Results|>:\n${result}\n<eor>\n`,
    MOSS: `<|MOSS|>: 答${n}<sup><|1|></sup><eom>\n`,
  });
  const [row] = await read([
    {
      conversation_id: 1,
      meta_instruction: 'You are MOSS.\n',
      chat: {
        turn_2: turn(2, 'None', 'None (no call is needed.)', 'None'),
        turn_1: turn(1, '要算', 'Calculate("1+1")', 'Calculate("1+1") => \'2\''),
      },
    },
  ]);
  assert.deepEqual(row.messages, [
    system('You are MOSS.\n'),
    user('问1'),
    {
      ...assistant(''),
      ...{ toolCalls: [{ name: 'Calculate', arguments: { expression: '1+1' } }], callText: 'Calculate("1+1")' },
      reasoning: '要算',
    },
    tool('Calculate("1+1") => \'2\''),
    assistant('答1<sup><|1|></sup>'),
    user('问2'),
    assistant('答2<sup><|1|></sup>'),
  ]);
});

test('rows of a wrong shape are errors that name the line and the field', async () => {
  const good = { messages: [user('a'), assistant('b')] };
  assert.match(
    await faultOf([good, { text: 'x' }]),
    /rows\.jsonl:2: this row is no conversation.*the field text.*"chat"/,
  );
  assert.match(await faultOf([{ messages: [], id: 1 }]), /no conversation. It has the fields messages \(empty\), id\./);
  assert.match(await faultOf([good, good, 'text']), /rows\.jsonl:3: an object with fields was expected/);
  assert.match(await faultOf([{ messages: [{ content: 'x' }] }]), /:1: messages\.0\.role: a role was expected/);
  assert.match(
    await faultOf([{ messages: [{ role: 'user', content: 3 }] }]),
    /:1: messages\.0\.content: a text was expected/,
  );
  assert.match(await faultOf([{ messages: ['a', 3] }]), /:1: messages\.0: an object with fields was expected/);
  assert.match(await faultOf([{ messages: [user('x'.repeat((4 << 20) + 1))] }]), /messages\.0\.content: .*4194304/);
  for (const field of ['messages', 'conversations'])
    assert.match(
      await faultOf([{ [field]: 3 }]),
      new RegExp(`${field}: a list of messages was expected, not a number`),
    );
  assert.match(await faultOf([{ instruction: 'x', output: 3 }]), /output: a text was expected, not a number/);
  assert.match(await faultOf([{ chat: { turn_x: {} } }]), /chat\.turn_x/);
  assert.match(await faultOf([{ messages: [user('a')], check: { type: 'nunber' } }]), /:1: check\.type/);
  assert.match(
    await faultOf([{ messages: [user('a')], start: { now: '2026-11-29' } }]),
    /:1: start\.now: a time with its offset/,
  );
  const all = await faultOf([{ text: 'x' }, good, { text: 'y' }]);
  assert.match(all, /rows\.jsonl:1: this row is no conversation.*\n.*rows\.jsonl:3: this row is no conversation/);
  const array = join(directory, 'broken.json');
  await writeFile(array, '[{"messages": ');
  await assert.rejects(readFrom(array), /broken\.json(:1)?: this is not valid JSON/);
  await writeFile(array, Buffer.concat([Buffer.from('[\n"'), Uint8Array.of(0xc4, 0xe3), Buffer.from('"]')]));
  await assert.rejects(readFrom(array), /broken\.json:\d: this is not UTF-8.*iconv/s);
});

test('rows of no use are skipped, and counted by reason with the place of the first', async () => {
  const { conversations, notes } = await readWithNotes([
    { messages: [user('a'), user('b')] },
    { messages: [user('a'), system('late')] },
    { messages: [assistant('first')] },
    { messages: [user('a'), tool('no call')] },
    { messages: [user('a'), assistant(' \n')] },
    { messages: [system('alone')] },
    { instruction: 'x', input: '', output: ' ' },
    { messages: [user('a'), assistant('call'), tool(''), tool('2'), assistant('b'), user('c'), assistant('d')] },
    { messages: [user('a'), assistant('b'), user('c'), user('d')] },
  ]);
  assert.deepEqual(
    conversations.map(({ id }) => id),
    ['rows.jsonl:8'],
  );
  assert.deepEqual(notes, [
    'skipped 2 conversations: a message of the user where assistant was expected (first: rows.jsonl:1, message 2)',
    'skipped 1 conversation: a message of the system where assistant was expected (first: rows.jsonl:2, message 2)',
    'skipped 1 conversation: a message of the assistant where system or user was expected (first: rows.jsonl:3, message 1)',
    'skipped 1 conversation: a message of the tool where assistant was expected (first: rows.jsonl:4, message 2)',
    'skipped 2 conversations: the assistant message is empty (first: rows.jsonl:5, message 2)',
    'skipped 1 conversation: there is no user message (first: rows.jsonl:6)',
  ]);
});

test('a row that several formats fit is read as the one that is named; one that lacks its fields is an error', () => {
  const row = { messages: [user('m'), assistant('n')], instruction: 'i', output: 'o', prompt: 'p', id: 'x' };
  const said = (format?: 'alpaca' | 'prompt-completion' | 'messages') =>
    readRow(row, 'r', format).conversation.messages.map(({ content }) => content);
  assert.deepEqual(
    [said(), said('alpaca'), said('prompt-completion')],
    [
      ['m', 'n'],
      ['i', 'o'],
      ['p', 'o'],
    ],
  );
  assert.match(
    readRow(row, 'r', 'alpaca')
      .notes.map((note) => (note.level === 'unread' ? '' : note.text))
      .join(),
    /the field messages, which is not read/,
  );
  assert.throws(
    () => readRow(row, 'r', 'moss'),
    /not of the format moss \(sft\.format\)\. It has the fields messages, .*"chat"/,
  );
});

test('a JSON array is read like JSON lines', async () => {
  const path = join(directory, 'array.json');
  await writeFile(
    path,
    `\uFEFF ${JSON.stringify([{ instruction: 'a', output: 'b' }, { messages: [user('c')] }], null, 2)}`,
  );
  const { conversations } = await readFrom(path);
  assert.deepEqual(
    conversations.map(({ id, messages }) => [id, messages.length]),
    [
      ['array.json:1', 2],
      ['array.json:2', 1],
    ],
  );
});

test('a conversation is cut before the turn that overflows the context', async () => {
  const messages = [1, 2, 3, 4, 5].flatMap((n) => [user(`question ${n}?`), assistant(`answer ${n}.`)]);
  const tokenizer = await trainTokenizer(
    messages.map(({ content }) => content),
    { vocabSize: 270 },
  );
  const template = new ChatTemplate(tokenizer);
  const conversation: Conversation = { id: 'c', messages: [...messages, user('and?')] };
  const lengths = [2, 4, 6, 8, 10].map((end) => template.encode(messages.slice(0, end)).tokens.length);
  for (const [i, length] of lengths.entries()) {
    for (const [contextLength, exchanges] of [
      [length - 1, i + 1],
      [length - 2, i],
    ]) {
      const fitted = fitConversation(conversation, template, contextLength);
      if (exchanges === 0) {
        assert.deepEqual(fitted, { skipped: `its first exchange takes more than ${contextLength} tokens` });
        continue;
      }
      assert.ok('sequences' in fitted);
      assert.equal(fitted.cutAnswers, 5 - exchanges);
      const [sequence] = fitted.sequences;
      assert.deepEqual([fitted.sequences.length, sequence.id], [1, 'c']);
      assert.deepEqual(Array.from(sequence.tokens), template.encode(messages.slice(0, 2 * exchanges)).tokens);
      const { tokens, loss } = sequence;
      const learnt = Array.from(tokens).filter((_, token) => loss?.[token] === 1);
      const answers = messages.filter(({ role }) => role === 'assistant').slice(0, exchanges);
      const expected = answers.map(({ content }) => `${content}<|im_end|>`).join('');
      assert.equal(tokenizer.decode(learnt), expected, 'loss on the answers and their end tokens, nothing else');
    }
  }
  const silent = fitConversation({ id: 'u', messages: [user('hi')] }, template, 100);
  assert.deepEqual(silent, { skipped: 'no assistant turn to learn from' });
});

const skipUnless = (file: string) => (existsSync(join(shared, file)) ? false : `${file} is not on this machine`);

test('MOSS sample: 240 real conversations', { skip: skipUnless('moss_sft_sample.jsonl') }, async () => {
  const { conversations, notes } = await readFrom(join(shared, 'moss_sft_sample.jsonl'));
  assert.deepEqual(notes, ['fields that are not read: conversation_id, category, source_path']);
  assert.equal(conversations.length, 240);
  const messages = conversations.flatMap((conversation) => conversation.messages);
  const count = (role: Message['role']) => messages.filter((message) => message.role === role).length;
  // 915 turns, of which 188 call tools (715 + 11 + 1 do not).
  assert.deepEqual([count('system'), count('user'), count('tool'), count('assistant')], [240, 915, 188, 915 + 188]);
  assert.equal(messages.filter(({ reasoning }) => reasoning !== undefined).length, 200);
  const marker = /<eo[htcrm]>|<\|(Human|Inner Thoughts|Commands|Results|MOSS)\|>/;
  assert.deepEqual(
    messages.filter(({ content }) => marker.test(content)),
    [],
  );
});

test('ShareGPT sample with tools: 300 rows', { skip: skipUnless('lf_glaive_toolcall_zh_demo.json') }, async () => {
  const { conversations, notes } = await readFrom(join(shared, 'lf_glaive_toolcall_zh_demo.json'));
  assert.deepEqual([conversations.length, notes], [300, []]);
  assert.equal(conversations.filter(({ tools }) => tools !== undefined).length, 200);
  const calls = conversations.flatMap(({ messages }) => messages.filter(({ toolCalls }) => toolCalls !== undefined));
  assert.equal(calls.length, 216);
});

test('requests of batch files: the body is the row, under the name of the request; what is not read of it is said', async () => {
  const body = { model: 'm', messages: [system('Be short.'), user('What is 7+5?')], max_tokens: 20, temperature: 0 };
  const url = '/v1/chat/completions';
  const { conversations, notes } = await readWithNotes([
    { custom_id: 'a-1', method: 'POST', url, body },
    { custom_id: 2, params: { model: 'm', system: 'Be kind.', messages: [user('And 8?')], max_tokens: 9 } },
    { custom_id: 'c', method: 'POST', url: '/v1/embeddings', body: { model: 'm', input: 'x' } },
    { custom_id: 'd', messages: [user('No request: a row with a field of that name.')] },
  ]);
  assert.deepEqual(
    conversations.map(({ id, messages }) => [id, messages.map(({ content }) => content)]),
    [
      ['a-1', ['Be short.', 'What is 7+5?']],
      ['2', ['Be kind.', 'And 8?']],
      ['rows.jsonl:4', ['No request: a row with a field of that name.']],
    ],
  );
  assert.deepEqual(notes, [
    'skipped 1 conversation: a request to "/v1/embeddings" asks a chat model nothing (first: rows.jsonl:3)',
    '1 conversation has settings that are not read, those of the command hold for all: max_tokens, temperature (first: rows.jsonl:1)',
    '1 conversation has settings that are not read, those of the command hold for all: max_tokens (first: rows.jsonl:2)',
    'fields that are not read: model, custom_id',
  ]);
});
