// One conversation in every spelling that data sets use, and what is refused of it: by name, counted, with its line.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { toJsonl } from '../../src/base/jsonl.js';
import { RowNotes } from '../../src/data/conversations/notes.js';
import { readConversations } from '../../src/data/conversations/read.js';
import type { Conversation } from '../../src/data/types.js';
import type { Message } from '../../src/tokenizer/message.js';

const directory = await mkdtemp(join(tmpdir(), 'spellings-'));
after(() => rm(directory, { recursive: true }));

async function read(rows: readonly unknown[]): Promise<{ conversations: Conversation[]; notes: string[] }> {
  const path = join(directory, 'rows.jsonl');
  await writeFile(path, toJsonl(rows));
  const notes = new RowNotes();
  const conversations: Conversation[] = [];
  for await (const { conversation } of readConversations(path, notes)) conversations.push(conversation);
  return { conversations, notes: notes.lines().map(({ text }) => text.replaceAll(`${directory}/`, '')) };
}

const asked: Message[] = [
  { role: 'user', content: 'Up?' },
  { role: 'assistant', content: 'Down.' },
];

test('the same two messages in the spellings of thirteen data sets', async () => {
  const openAi = [
    { role: 'user', content: 'Up?' },
    { role: 'assistant', content: 'Down.' },
  ];
  const shareGpt = [
    { from: 'human', value: 'Up?' },
    { from: 'gpt', value: 'Down.' },
  ];
  const { conversations, notes } = await read([
    { messages: openAi },
    { messages: shareGpt },
    { conversations: openAi },
    { conversation: shareGpt, messages: null, tools: '', system: null },
    {
      dialogue: [
        { role: 'Human', text: 'Up?' },
        { role: 'bot', text: 'Down.' },
      ],
    },
    { messages: JSON.stringify(openAi) },
    {
      messages: [
        { role: 'prompter', content: [{ type: 'text', text: 'Up' }, '?'] },
        { role: 'model', content: [{ type: 'output_text', text: 'Down.' }] },
      ],
    },
    { prompt: 'Up?', completion: 'Down.' },
    { prompt: [openAi[0]], completion: [openAi[1]] },
    { question: 'Up?', answer: 'Down.' },
    { input: 'Up?', output: 'Down.' },
    ['Up?', 'Down.'],
    openAi,
  ]);
  for (const { id, messages } of conversations) assert.deepEqual(messages, asked, id);
  assert.deepEqual([conversations.length, notes], [13, []]);
});

test('a system prompt is the first message, under whatever name it stands, and two are joined', async () => {
  const names = [
    'system',
    'system_prompt',
    'systemPrompt',
    'system_message',
    'systemMessage',
    'meta_instruction',
    'instruction',
  ];
  const { conversations, notes } = await read([
    ...names.map((name) => ({ [name]: 'Be brief.', messages: asked })),
    { system: 'Be brief.', messages: [{ role: 'system', content: 'Be brief.' }, ...asked] },
    { messages: [{ role: 'developer', content: 'Be brief.' }, ...asked] },
    { system: 'Be', system_prompt: 'very', conversations: [{ from: 'system', value: 'brief.' }, ...asked] },
    { system_prompt: 'Be brief.', question: 'Up?', response: 'Down.' },
  ]);
  assert.deepEqual(notes, []);
  for (const [i, { messages }] of conversations.entries()) {
    const content = i === names.length + 2 ? 'Be\n\nvery\n\nbrief.' : 'Be brief.';
    assert.deepEqual(messages, [{ role: 'system', content }, ...asked]);
  }
});

test('tools, calls and results, as OpenAI writes them and as ShareGPT does', async () => {
  const tide = { name: 'tide', parameters: { type: 'object' } };
  const call = { name: 'tide', arguments: { port: 'Brest' } };
  const text = JSON.stringify(call);
  const { conversations, notes } = await read([
    {
      tools: [{ type: 'function', function: tide }],
      messages: [
        asked[0],
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'tide', arguments: '{"port":"Brest"}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: { metres: 5.1 } },
        asked[1],
      ],
    },
    {
      tools: JSON.stringify([tide]),
      conversations: [
        asked[0],
        { from: 'function_call', value: text },
        { from: 'observation', value: '5.1' },
        asked[1],
      ],
    },
    { messages: [{ role: 'system', content: '', tools: JSON.stringify(tide) }, ...asked] },
    {
      functions: [tide],
      messages: [
        asked[0],
        { role: 'assistant', function_call: call },
        { role: 'function', name: 'tide', content: '' },
        asked[1],
      ],
    },
    { conversations: [asked[0], { from: 'function_call', value: 'tide(Brest)' }] },
    {
      messages: [
        asked[0],
        { role: 'assistant', content: '', tool_calls: [{ function: { name: 'tide', arguments: '{"port"' } }] },
      ],
    },
    { tools: 'tide(port): metres', messages: asked },
  ]);
  for (const i of [0, 1, 2, 3]) assert.deepEqual(conversations[i].tools, [tide], String(i));
  const [openAi, shareGpt, , functions, plain, prose] = conversations.map(({ messages }) => messages);
  assert.deepEqual(openAi[1], { role: 'assistant', content: '', toolCalls: [{ id: 'c1', ...call }] });
  assert.deepEqual(openAi[2], { role: 'tool', content: '{"metres":5.1}', toolCallId: 'c1' });
  assert.deepEqual(shareGpt[1], { role: 'assistant', content: '', toolCalls: [call], callText: text });
  assert.deepEqual(functions.slice(1, 3), [
    { role: 'assistant', content: '', toolCalls: [call] },
    { role: 'tool', content: '', name: 'tide' },
  ]);
  assert.deepEqual(plain[1], { role: 'assistant', content: 'tide(Brest)' });
  assert.equal(prose[0].content, 'tide(port): metres');
  assert.deepEqual(notes, [
    'skipped 1 conversation: tool_calls has a call that is no {"name":…,"arguments":{…}} (first: rows.jsonl:6, message 2)',
    '1 conversation has tools that are no JSON: they join the system message (first: rows.jsonl:7)',
  ]);
});

test('a tool is the function with all that its maker wrote, however it is wrapped', async () => {
  const parameters = { type: 'object', properties: { port: { type: 'string' } } };
  const { conversations, notes } = await read(
    [
      [{ type: 'function', function: { name: 'tide', parameters, strict: true } }],
      [{ type: 'function', function: { name: 'tide', parameters }, strict: true }],
      [{ type: 'function', name: 'tide', parameters, strict: true }],
      [{ name: 'tide', input_schema: parameters, strict: true }],
      [{ type: 'web_search' }],
    ].map((tools) => ({ tools, messages: asked })),
  );
  for (const { tools } of conversations) assert.deepEqual(tools, [{ name: 'tide', parameters, strict: true }]);
  assert.equal(conversations.length, 4);
  assert.deepEqual(notes, [
    'skipped 1 conversation: tools has a tool that is no {"name":…,"parameters":{…}} (first: rows.jsonl:5)',
  ]);
});

test('an exchange in one object, earlier messages as history, a list of messages as input', async () => {
  const { conversations, notes } = await read([
    { conversation: [{ human: 'Low tide?', assistant: 'At six.', note: 'x' }] },
    { conversation: [{ system: 'Be brief.', input: 'Low tide?', output: 'At six.' }] },
    { instruction: 'Low tide?', output: 'At six.', history: asked },
    { input: [asked[0]], output: 'At six.' },
    { prompt: [asked[0]], completion: [{ ...asked[1], reasoning_content: 'A.' }], reasoning: 'B.' },
  ]);
  const user = { role: 'user', content: 'Low tide?' };
  const assistant = { role: 'assistant', content: 'At six.' };
  assert.deepEqual(
    conversations.map(({ messages }) => messages),
    [
      [user, assistant],
      [{ role: 'system', content: 'Be brief.' }, user, assistant],
      [...asked, user, assistant],
      [asked[0], assistant],
      [asked[0], { ...asked[1], reasoning: 'A.\nB.' }],
    ],
  );
  assert.deepEqual(notes, ['1 conversation has messages[].note, which is not read (first: rows.jsonl:1)']);
});

test('what a part of a message says beside its text is said, and a mark of a turn is read', async () => {
  const { conversations, notes } = await read([
    {
      messages: [asked[0], { role: 'assistant', content: [{ type: 'text', text: 'At six.', weight: 0, image: null }] }],
    },
    { conversations: [asked[0], { from: 'gpt', value: 'At six.', train_on_turn: false }] },
  ]);
  assert.deepEqual(
    conversations.map(({ messages }) => messages[1]),
    [
      { role: 'assistant', content: 'At six.' },
      { role: 'assistant', content: 'At six.', weight: 0 },
    ],
  );
  assert.deepEqual(notes, ['1 conversation has messages[].content[].weight, which is not read (first: rows.jsonl:1)']);
});

test('a tool may answer with data, which templates get as JSON', async () => {
  const rows = [5.1, { metres: 5.1 }, [{ metres: 5.1 }], [{ type: 'text', text: '5.1' }]].map((content) => ({
    messages: [asked[0], { role: 'assistant', content: 'I look.' }, { role: 'tool', content }, asked[1]],
  }));
  const { conversations, notes } = await read(rows);
  assert.deepEqual(
    conversations.map(({ messages }) => messages[2].content),
    ['5.1', '{"metres":5.1}', '[{"metres":5.1}]', '5.1'],
  );
  assert.deepEqual(notes, []);
});

test('marks of how much a message weighs in the loss, in every spelling; what is no weight is refused by name', async () => {
  const marked = (mark: object) => ({ messages: [asked[0], { ...asked[1], ...mark }] });
  const off = [
    { weight: 0 },
    { train: false },
    { loss: false },
    { masked: true },
    { trainable: 0 },
    { train_on: false },
  ];
  const on = [{ weight: 1 }, { train: true }, { masked: false }, { loss: null }];
  const { conversations, notes } = await read([
    ...[...off, ...on].map(marked),
    marked({ weight: -0.5 }),
    marked({ weight: 1e9 }),
    marked({ weight: 1e-40 }),
    marked({ train: 'no' }),
    {
      messages: [
        { ...asked[0], weight: 0.25 },
        { ...asked[1], weight: 0.5 },
      ],
    },
    { messages: [{ ...asked[0], weight: 0 }, asked[1]] },
  ]);
  const weights = conversations.map(({ messages }) => messages.map(({ weight }) => weight));
  assert.deepEqual(weights, [
    ...off.map(() => [undefined, 0]),
    ...[
      [undefined, 1],
      [undefined, 1],
      [undefined, 1],
      [undefined, undefined],
    ],
    [0.25, 0.5],
    [0, undefined],
  ]);
  assert.deepEqual(notes, [
    'skipped 1 conversation: a message has weight: -0.5, and only a weight from 0.000001 to 1000, or 0, false and true, is read (first: rows.jsonl:11, message 2)',
    'skipped 1 conversation: a message has weight: 1000000000, and only a weight from 0.000001 to 1000, or 0, false and true, is read (first: rows.jsonl:12, message 2)',
    'skipped 1 conversation: a message has weight: 1e-40, and only a weight from 0.000001 to 1000, or 0, false and true, is read (first: rows.jsonl:13, message 2)',
    'skipped 1 conversation: a message has train: "no", and only a weight from 0.000001 to 1000, or 0, false and true, is read (first: rows.jsonl:14, message 2)',
  ]);
});

test('reasoning in every spelling, as a part of the content too', async () => {
  const spelt = [
    ...['reasoning_content', 'reasoning', 'thinking', 'thought'].map((name) => ({ ...asked[1], [name]: 'Hm.' })),
    { ...asked[1], reasoning: 'Hm.', reasoning_content: 'Hm.' },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Hm.' },
        { type: 'text', text: 'Down.' },
      ],
    },
  ];
  const { conversations, notes } = await read([
    ...spelt.map((answer) => ({ messages: [asked[0], answer] })),
    { instruction: 'Up?', output: 'Down.', reasoning: 'Hm.' },
  ]);
  assert.deepEqual(notes, []);
  for (const { messages } of conversations) assert.deepEqual(messages[1], { ...asked[1], reasoning: 'Hm.' });
  assert.equal(conversations.length, 7);
});

test('what is no text, no role and no JSON skips its row, counted and named', async () => {
  const picture = { type: 'image_url', image_url: { url: 'x' } };
  const { conversations, notes } = await read([
    { messages: [{ role: 'user', content: [picture, { type: 'text', text: 'What?' }] }, asked[1]] },
    { messages: [{ role: 'narrator', content: 'Once' }, asked[1]] },
    { messages: 'Up? Down.' },
    {
      instruction: 'a',
      instances: [
        { input: '', output: 'b' },
        { input: '', output: 'c' },
      ],
    },
    { instruction: 'Up?', instances: [{ input: '', output: 'Down.' }] },
  ]);
  assert.deepEqual(
    conversations.map(({ messages }) => messages),
    [asked],
  );
  assert.equal(notes.length, 4);
  assert.equal(
    notes[0],
    'skipped 1 conversation: a part of a message is of the type image_url: only text is read, {"type":"text","text":"…"} (first: rows.jsonl:1, message 1)',
  );
  assert.match(
    notes[1],
    /has the role "narrator", which is none of system, developer, user, human, .*rows\.jsonl:2, message 1/,
  );
  assert.match(
    notes[2],
    /messages is a text and no JSON, where a list or an object was expected \(first: rows\.jsonl:3\)/,
  );
  assert.match(notes[3], /has several instances.*rows\.jsonl:4/);
});

test('broken MOSS turns are skipped and counted', async () => {
  const turn = (changes: object = {}) => ({ Human: '<|Human|>: a<eoh>', MOSS: '<|MOSS|>: b<eom>', ...changes });
  const { conversations, notes } = await read([
    { chat: { turn_1: turn() }, num_turns: 1 },
    { chat: { turn_1: turn({ Human: undefined }) } },
    { chat: { turn_1: turn({ MOSS: '<|MOSS|>: <eom>' }) } },
    { chat: { turn_1: turn(), turn_3: turn() } },
    { chat: { turn_1: turn(), turn_2: turn() }, num_turns: 3 },
    { chat: { turn_1: turn({ Commands: '<|Commands|>: Search("x")<eoc>' }) } },
    { chat: { turn_1: turn({ 'Tool Responses': '<|Results|>:\n7\n<eor>' }) } },
    { chat: { turn_1: turn({ Feelings: 'x' }) } },
  ]);
  assert.equal(conversations.length, 2);
  assert.deepEqual(notes, [
    'skipped 1 conversation: a turn has no text of the person (Human) (first: rows.jsonl:2, turn_1)',
    'skipped 1 conversation: a turn has no answer (MOSS) (first: rows.jsonl:3, turn_1)',
    'skipped 1 conversation: a turn is missing before the last one (first: rows.jsonl:4, turn_2)',
    'skipped 1 conversation: num_turns is not the number of turns that are there (first: rows.jsonl:5)',
    'skipped 1 conversation: a turn has a command (Commands) without a result (Tool Responses) (first: rows.jsonl:6, turn_1)',
    'skipped 1 conversation: a turn has a result (Tool Responses) without a command (Commands) (first: rows.jsonl:7, turn_1)',
    '1 conversation has chat.turn[].Feelings, which is not read (first: rows.jsonl:8)',
  ]);
});

test('a row counts once, however many of its messages have a field', async () => {
  const messages = [...asked, ...asked].map((message) => ({ ...message, prefix: true, timestamp: 1 }));
  const { notes } = await read([{ messages }, { messages }, messages]);
  assert.deepEqual(notes, [
    '3 conversations have messages[].prefix, which is not read (first: rows.jsonl:1)',
    'fields that are not read: messages[].timestamp',
  ]);
});

test('a file whose rows all differ gets a bounded list of notes', async () => {
  const { notes } = await read(
    Array.from({ length: 500 }, (_, i) => ({ messages: [{ role: `r${i}`, content: 'x' }] })),
  );
  assert.equal(notes.length, 41);
  assert.match(notes[40], /^skipped 460 conversations: other reasons than those above/);
  const fields = await read(Array.from({ length: 500 }, (_, i) => ({ messages: asked, [`f${i}`]: 1 })));
  assert.deepEqual(fields.notes.length, 1);
  assert.ok(fields.notes[0].length < 300, fields.notes[0]);
});
