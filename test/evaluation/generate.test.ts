// Answers to a file of prompts, as rows: what is written can be learnt from and judged, and a killed command resumes.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { toJsonl } from '../../src/base/jsonl.js';
import { samplingSchema } from '../../src/config/sampling.js';
import { fitConversation } from '../../src/data/conversations/fit.js';
import { RowNotes } from '../../src/data/conversations/notes.js';
import { readConversations } from '../../src/data/conversations/read.js';
import type { Conversation } from '../../src/data/types.js';
import { generateRows, journalOf } from '../../src/evaluation/generate.js';
import { readItems } from '../../src/feedback/items.js';
import type { Generation } from '../../src/inference/engine.js';
import type { OpenedModel } from '../../src/inference/local-model.js';
import { Toolbox } from '../../src/tools/toolbox.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';
import { scriptedModel } from '../inference/scripted-model.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-generate-'));
after(() => rm(folder, { recursive: true }));
const tokenizer = await templateTokenizer('chatml');
const toolbox = new Toolbox([
  {
    tool: { name: 'Double', parameters: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] } },
    limits: { seconds: 5, characters: 100 },
    run: ({ n }) => String(2 * Number(n)),
  },
]);
const tasks: Conversation[] = [1, 2, 3].map((n) => ({
  id: `task ${n}`,
  messages: [
    { role: 'user', content: `Double ${n}?` },
    { role: 'assistant', content: 'the reference' },
  ],
  check: { type: 'number', answer: 2 * n },
}));
const call = (n: string): string => `<tool_call>\n{"name": "Double", "arguments": {"n": ${n}}}\n</tool_call><|im_end|>`;

/** The first sample calls with a text, and then as it should; the second says what it thinks, or does not end. */
const script = (before: string, sample: number): string => {
  const n = /Double (\d)/.exec(before)?.[1] ?? '';
  const result = /<tool_response>\n(\d)\n/.exec(before)?.[1];
  if (result !== undefined) return `It is ${result}.<|im_end|>`;
  if (before.includes('must be')) return call(n);
  return sample === 0 ? call(`"${n}"`) : n === '3' ? 'It is' : 'Four.<|im_end|>';
};
const sampling = samplingSchema.parse({});
const options = { samples: 2, sampling, maxNewTokens: 100, seed: 3, toolbox };
const opened = (model: object): OpenedModel => model as OpenedModel;

test('rows have the prompt and the whole turn; bad calls carry no loss; what does not end is counted', async () => {
  const path = join(folder, 'answers.jsonl');
  const result = await generateRows(opened(scriptedModel(tokenizer, script)), tasks, path, options);
  assert.deepEqual(result, { rows: 5, unfinished: 1, calls: 6, faults: { arguments: 3 }, resumed: 0 });
  const notes = new RowNotes();
  const rows: Conversation[] = [];
  for await (const { conversation } of readConversations(path, notes)) rows.push(conversation);
  assert.deepEqual(notes.lines(), []);
  assert.deepEqual(
    rows.map(({ id }) => id),
    ['task 1#1', 'task 1#2', 'task 2#1', 'task 2#2', 'task 3#1'],
  );
  const [first, direct] = rows;
  assert.deepEqual(
    first.messages.map(({ role, weight }) => [role, weight]),
    [
      ['user', undefined],
      ['assistant', 0],
      ['tool', undefined],
      ['assistant', undefined],
      ['tool', undefined],
      ['assistant', undefined],
    ],
  );
  assert.deepEqual([first.check, first.group, first.tools], [tasks[0].check, 'task 1', toolbox.tools]);
  assert.deepEqual(direct.messages.at(-1), { role: 'assistant', content: 'Four.' });
  const template = scriptedModel(tokenizer, []).template;
  const fitted = fitConversation(first, template, 4096);
  assert.ok('sequences' in fitted);
  const [{ tokens, loss }] = fitted.sequences;
  const learnt = tokenizer.decode(Array.from(tokens).filter((_, i) => (loss as number[])[i] > 0));
  assert.equal(learnt, `${call('1')}It is 2.<|im_end|>`);
  // For people: each pair of answers to a prompt, with what they called; the last has one answer.
  const items = await readItems(path, assert.fail);
  assert.deepEqual(
    items.map(({ answers }) => answers.map(({ messages }) => messages.length)),
    [[5, 1], [5, 1], [5]],
  );
});

test('a command that was stopped asks only what is left, and writes what it would have written', async () => {
  const whole = join(folder, 'whole.jsonl');
  await generateRows(opened(scriptedModel(tokenizer, script)), tasks, whole, options);
  const path = join(folder, 'resumed.jsonl');
  const controller = new AbortController();
  const stopped = generateRows(opened(scriptedModel(tokenizer, script)), tasks, path, {
    ...{ ...options, signal: controller.signal },
    onProgress: (done) => done === 1 && controller.abort(),
  });
  await assert.rejects(stopped, /stopped while answering/);
  // What came last of the journal is half a line, as after a crash.
  await writeFile(journalOf(path), `${await readFile(journalOf(path), 'utf8')}{"task":1,"ans`);
  const model = scriptedModel(tokenizer, script);
  const { resumed } = await generateRows(opened(model), tasks, path, options);
  assert.equal(resumed, 1);
  const prompts = model.asked.map(({ tokens }) => tokenizer.decode(tokens));
  assert.ok(!prompts.some((prompt) => prompt.includes('Double 1')), prompts.join('\n'));
  assert.equal(await readFile(path, 'utf8'), await readFile(whole, 'utf8'));
  await assert.rejects(readFile(journalOf(path)), /ENOENT/);
  // Other settings: nothing of a journal is believed.
  await writeFile(journalOf(path), toJsonl([{ source: 'other', seal: 'x' }]));
  const other = await generateRows(opened(scriptedModel(tokenizer, script)), tasks, path, { ...options, seed: 4 });
  assert.equal(other.resumed, 0);
});

test('many prompts are under way at once, and the next begins as soon as one has ended; where one fails, none that waits begins', async () => {
  const many = Array.from({ length: 300 }, (_, i): Conversation => {
    return { id: `${i}`, messages: [{ role: 'user', content: `Question ${i}` }] };
  });
  const ends: ((text: string | Error) => void)[] = [];
  const scripted = scriptedModel(tokenizer, []);
  const generate = () =>
    new Promise<Generation[]>((resolve, reject) => {
      ends.push((text) => {
        if (text instanceof Error) return reject(text);
        return resolve([
          { tokens: tokenizer.encodeTrusted(text), finish: 'stop', stopId: tokenizer.specialId('turnEnd') },
        ]);
      });
    });
  const path = join(folder, 'many.jsonl');
  const own = { samples: 1, sampling, maxNewTokens: 9, seed: 1 };
  const work = generateRows(opened({ ...scripted, generate }), many, path, own);
  const settled = async (): Promise<number> => {
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    return ends.length;
  };
  while ((await settled()) < 256);
  assert.equal(await settled(), 256);
  ends[7]('seven');
  assert.equal(await settled(), 257, 'the 255 others have not ended');
  ends[9](new Error('no memory'));
  assert.equal(await settled(), 257);
  for (const [i, end] of ends.entries()) end(`text ${i}`);
  await assert.rejects(work, /no memory/);
  const rest = scriptedModel(tokenizer, () => 'late<|im_end|>');
  const { rows, resumed } = await generateRows(opened(rest), many, path, own);
  assert.deepEqual([rows, resumed, rest.asked.length], [300, 256, 44], 'what was under way is kept');
});
