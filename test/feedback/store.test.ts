// The store on the disk: what is written comes back, a cut loses the last line alone, and what is deleted is gone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { itemOf, type Judgement, lineOf, newId, tombstone } from '../../src/feedback/record.js';
import {
  appendFeedback,
  eraseLines,
  finishDeletions,
  indexStore,
  isFeedbackStore,
  readFeedback,
} from '../../src/feedback/store.js';
import type { Message } from '../../src/tokenizer/message.js';
import { asked, collected, judgement, said } from './judgements.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-feedback-'));
after(() => rm(folder, { recursive: true }));

const all = async (path: string): Promise<Judgement[]> => collected(readFeedback(path));
const idsIn = async (path: string): Promise<string[]> => (await all(path)).map(({ id }) => id);

test('a record comes back as it was, with calls, thoughts, tools and what one would need to ask again', async () => {
  const path = join(folder, 'whole.jsonl');
  const prompt: Message[] = [
    { role: 'system', content: 'Speak 中文 🙂\n<|im_end|>' },
    { role: 'user', content: '3 + 4?' },
    {
      ...{ role: 'assistant', content: 'Let me see.', reasoning: 'a sum' },
      toolCalls: [{ id: 'c1', name: 'add', arguments: { a: 3, b: [4, null] } }],
    },
    { role: 'tool', content: '7', toolCallId: 'c1', name: 'add' },
  ];
  const record: Judgement = {
    ...judgement(1, 'first', ['7', 'eight'], { prompt }),
    tools: [{ name: 'add', description: 'adds', parameters: { type: 'object', properties: {} } }],
    edited: said('7.'),
    shownFirst: 1,
    request: '00000000000000ab',
  };
  record.answers[0].sampling = { temperature: 0.7, topK: 50 };
  record.answers[0].finish = 'stop';
  await appendFeedback(path, [record]);
  assert.deepEqual(await all(path), [record]);
  assert.equal(await isFeedbackStore(path), true);
  assert.match(
    await readFile(path, 'utf8'),
    /^\{"mossctl":"feedback","format":1,"about":"judgements.*\n\{"deleted":0,/,
  );
});

test('what is no store is neither read nor written to, and a newer format is refused', async () => {
  const rows = join(folder, 'rows.jsonl');
  await writeFile(rows, '{"prompt":"a","chosen":"b","rejected":"c"}\n');
  await assert.rejects(
    appendFeedback(rows, [judgement(1, 'good', ['a'])]),
    /rows\.jsonl: this file is no feedback store/,
  );
  await assert.rejects(indexStore(rows), /no feedback store/);
  assert.equal(await isFeedbackStore(rows), false);
  assert.equal(await readFile(rows, 'utf8'), '{"prompt":"a","chosen":"b","rejected":"c"}\n');
  const newer = join(folder, 'newer.jsonl');
  await writeFile(newer, '{"mossctl":"feedback","format":2}\n');
  await assert.rejects(indexStore(newer), /format 2, this mossctl reads format 1.*Upgrade/s);
  assert.deepEqual(await all(join(folder, 'absent.jsonl')), []);
});

test('cut at any of 200 places, a store loses its last line at most, and the next judgement is whole', async () => {
  const path = join(folder, 'cut.jsonl');
  const records = Array.from({ length: 12 }, (_, n) => judgement(n + 1, 'good', [`答案 ${'中'.repeat(n * 9)} ${n}`]));
  for (const record of records) await appendFeedback(path, [record]);
  const bytes = await readFile(path);
  const ends = [...bytes.keys()].filter((i) => bytes[i] === 10).slice(1); // of the records, without their line end
  const random = Random.stream(1, 'cuts');
  const places = Array.from({ length: 200 }, (_, i) => (i < 140 ? i : random.integer(0, bytes.length)));
  const later = judgement(99, 'bad', ['later']);
  for (const [i, place] of places.entries()) {
    await writeFile(path, bytes.subarray(0, place));
    const whole = records.slice(0, ends.filter((end) => end <= place).length).map(({ id }) => id);
    assert.deepEqual(await idsIn(path), whole, `cut at ${place}`);
    if (i % 4 !== 0) continue; // each waits for the disk
    await appendFeedback(path, [later]);
    assert.deepEqual(await idsIn(path), [...whole, later.id], `cut at ${place}, then written`);
    assert.ok((await indexStore(path)).damaged.length <= 1);
  }
});

test('a deleted text is gone from the disk; a deletion that is cut anywhere deletes all the same, and is finished', async () => {
  const path = join(folder, 'deleted.jsonl');
  const secret = judgement(2, 'first', ['my PIN is 4711', 'no'], { prompt: asked('my PIN?') });
  const records = [judgement(1, 'good', ['one']), secret, judgement(3, 'bad', ['three'])];
  await appendFeedback(path, records);
  const before = await readFile(path);
  const { texts } = await indexStore(path);
  const { offset, bytes } = texts[1];
  const blank = Buffer.from(tombstone(secret.id, secret.conversation, bytes));
  const random = Random.stream(2, 'cuts');
  for (let i = 0; i < 200; i++) {
    const torn = Buffer.from(before);
    torn.write('1', offset + '{"deleted":'.length); // the first of the two writes
    blank.copy(torn, offset, 0, i < 100 ? i : random.integer(0, bytes));
    await writeFile(path, torn);
    assert.deepEqual(await idsIn(path), [records[0].id, records[2].id]);
    if (i % 8 !== 0) continue; // each waits for the disk
    await finishDeletions(path);
    const left = await readFile(path, 'utf8');
    assert.ok(!left.includes('4711') && !left.includes('PIN'));
    assert.equal(await finishDeletions(path), 0);
  }
  await writeFile(path, before);
  await eraseLines(path, [texts[1]]);
  const index = await indexStore(path);
  assert.deepEqual(index.deleted, [{ id: secret.id, conversation: secret.conversation }]);
  assert.deepEqual([index.unfinished, index.damaged], [[], []]);
  assert.equal((await readFile(path)).length, before.length);
  // A line that a crash cut holds text as well, and is found by how it begins.
  await writeFile(path, before.subarray(0, offset + bytes - 30));
  const cut = await indexStore(path);
  assert.deepEqual(
    cut.damaged.map(({ line }) => line),
    [3],
  );
  await eraseLines(path, cut.texts.slice(1));
  assert.ok(!(await readFile(path, 'utf8')).includes('4711'));
  assert.deepEqual((await indexStore(path)).damaged, []);
});

test('withdrawn is as never made; a record that is written again stands where it first stood', async () => {
  const path = join(folder, 'undone.jsonl');
  const [first, second, third] = [1, 2, 3].map((n) => judgement(n, 'good', [`answer ${n}`]));
  const undo = {
    type: 'undo',
    id: newId(),
    conversation: second.conversation,
    at: second.at,
    annotator: 'anna',
  } as const;
  const scrubbed = { ...first, prompt: asked('question <EMAIL>') };
  await appendFeedback(path, [first, second, { ...undo, target: second.id }, third, scrubbed]);
  assert.deepEqual(await all(path), [scrubbed, third]);
  const { texts, undone } = await indexStore(path);
  assert.equal(texts.length, 4); // withdrawn and replaced texts are still to be erased
  assert.deepEqual([...undone], [second.id]);
  await eraseLines(path, [texts[0]]);
  assert.deepEqual(await all(path), [scrubbed, third]);
});

test('two processes append at once: every judgement is there, none is damaged', async () => {
  const path = join(folder, 'shared.jsonl');
  const built = process.env.MOSSCTL_TEST_BUILT !== undefined; // starts a second sooner
  const source = new URL(built ? '../../dist/feedback/store.js' : '../../src/feedback/store.ts', import.meta.url).href;
  const tsx = new URL('../../node_modules/tsx/dist/esm/index.mjs', import.meta.url).href;
  const long = judgement(0, 'good', ['x'.repeat(20_000)]);
  const script = join(folder, 'writer.mjs');
  await writeFile(
    script,
    `import { appendFeedback } from '${source}';
     for (let i = 0; i < 40; i++) {
       const id = (Number(process.argv[2]) * 1000 + i).toString(16).padStart(16, '0');
       await appendFeedback('${path}', [{ ...${JSON.stringify(long)}, id }]);
     }`,
  );
  const writers = ['1', '2'].map((n) =>
    spawn(process.execPath, [...(built ? [] : ['--import', tsx]), script, n], { stdio: 'inherit' }),
  );
  const ends = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0]));
  assert.deepEqual(ends, [0, 0]);
  const { live, damaged } = await indexStore(path);
  assert.equal(new Set(live.map(({ id }) => id)).size, 80);
  assert.deepEqual(damaged, []);
});

test('an item is its prompt and its answers, in their order', () => {
  const item = (question: string, answers: string[]) => itemOf(asked(question), answers.map(said));
  assert.equal(item('q', ['a', 'b']), item('q', ['a', 'b']));
  assert.equal(
    new Set([item('q', ['a', 'b']), item('q', ['b', 'a']), item('r', ['a', 'b']), item('q', ['a'])]).size,
    4,
  );
  assert.ok(lineOf(judgement(1, 'skip', ['a'])).length > tombstone('0'.repeat(16), '0'.repeat(16), 0).length);
});
