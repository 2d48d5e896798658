// A recording: what was answered once is not asked again, whatever version wrote it down.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ChatModel, type Reply, type ReplyOptions, replyOf } from '../../src/inference/chat-model.js';
import { Recording } from '../../src/inference/recording.js';
import { RequestLedger } from '../../src/inference/request-ledger.js';
import type { Message } from '../../src/tokenizer/message.js';
import { resizeDisk, smallDisk } from '../small-disk.js';

/** Written by the version before messages had more than one turn, for `tiny` at http://127.0.0.1:1/v1. */
const identity = 'd65e85da27e4f15644d8264e05ce2542dcc2623d62e8fa87b60055e437beb55a';
const earlier = String.raw`{"key":"0:78d1ebd56b339ed76d5218f5e94794cc8fe2a3ce5b21accdf839626653e0d4f8","completion":{"text":"1. 你好?\n2. \"Hi\"","finish":"stop"}}
{"key":"0:6ed0c227ea29f2302a6ef278c0fc49421124e31572d5d130a6afd07dadf4b64a","completion":{"text":"cut off her","finish":"length"}}
{"key":"1:fbaad923a205a309d71bc454eaa74222baa1d1ce3ac0d34063eb74bb0527ad05","completion":{"text":"","finish":"garbage"}}
`;

/** Answers with what it was asked, and counts. */
class Echo implements ChatModel {
  readonly identity = identity;
  readonly asked: string[] = [];
  finish = 'stop';

  async *reply(messages: readonly Message[], { index = 0 }: ReplyOptions): AsyncGenerator<string, Reply> {
    const text = `${index}:${messages.at(-1)?.content}`;
    this.asked.push(text);
    yield text.slice(0, 2);
    yield text.slice(2);
    return { text, finish: this.finish, toolCalls: [{ name: 'f', arguments: { text } }] };
  }
}

async function pathFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'recording-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'inner', 'responses.jsonl');
}

async function openRecording(
  inner: ChatModel,
  path: string,
  warn?: (text: string, isIncomplete: boolean) => void,
): Promise<Recording & { close(): Promise<void> }> {
  const ledger = await RequestLedger.open(path, { warn });
  return Object.assign(new Recording(inner, ledger), { close: () => ledger.close() });
}

const pair = (system: string, user: string): Message[] => [
  { role: 'system', content: system },
  { role: 'user', content: user },
];
const tasks = pair('You write tasks.', 'Write “two”.\n1. a');
const writing = { maxNewTokens: 1024, temperature: 1 };

test('answers that an earlier version paid for are found', async (t) => {
  const path = await pathFor(t);
  const echo = new Echo();
  await (await openRecording(echo, path)).close();
  await writeFile(path, earlier);
  const recording = await openRecording(echo, path);
  const signal = new AbortController().signal;
  assert.deepEqual(await replyOf(recording, tasks, { ...writing, index: 0, signal }), {
    text: '1. 你好?\n2. "Hi"',
    finish: 'stop',
  });
  const answering = { index: 0, maxNewTokens: 200, temperature: 0 };
  const cut = await replyOf(recording, pair('You answer.', 'Task: x\nAnswer:'), answering);
  assert.deepEqual(cut, { text: 'cut off her', finish: 'length' });
  assert.deepEqual(await replyOf(recording, tasks, { ...writing, index: 1 }), { text: '', finish: 'unusable' });
  assert.deepEqual(recording.counts, { asked: 0, replayed: 3 });
  assert.deepEqual(
    recording.costs.map(({ tokens, seconds }) => [tokens, seconds]),
    [1, 2, 3].map(() => [undefined, undefined]),
    'what an earlier version did not note is not known',
  );
  assert.deepEqual(echo.asked, []);
  await recording.close();
});

test('a reply is kept whole with its calls, and replayed by another process', async (t) => {
  const path = await pathFor(t);
  const echo = new Echo();
  const recording = await openRecording(echo, path);
  const pieces: string[] = [];
  const stream = recording.reply(tasks, writing);
  for (let piece = await stream.next(); !piece.done; piece = await stream.next()) pieces.push(piece.value);
  assert.deepEqual(pieces, ['0:', tasks[1].content]);
  const kept = await readFile(path, 'utf8');
  await recording.close();
  await writeFile(path, `${kept}{"key":"0:ab`);
  const again = await openRecording(echo, path);
  const reply = await replyOf(again, tasks, writing);
  const text = `0:${tasks[1].content}`;
  assert.deepEqual(reply, { text, finish: 'stop', toolCalls: [{ name: 'f', arguments: { text } }] });
  assert.equal(echo.asked.length, 1);
  assert.equal(await readFile(path, 'utf8'), kept);
  await again.forget([{ messages: tasks, options: writing }]);
  await again.close();
  assert.match(
    await readFile(path, 'utf8'),
    /\n\{"forgotten":\["0:[0-9a-f]{64}"\]\}\n$/,
    'nothing that was paid for goes',
  );
  const third = await openRecording(echo, path);
  await replyOf(third, tasks, writing);
  assert.equal(echo.asked.length, 2, 'asked anew');
  await third.close();
});

test('what is asked after something was forgotten is kept too', async (t) => {
  const path = await pathFor(t);
  const echo = new Echo();
  const [a, b, c] = ['a', 'b', 'c'].map((text) => pair('You answer.', text));
  const recording = await openRecording(echo, path);
  for (const question of [a, b]) await replyOf(recording, question, writing);
  const forgotten = recording.forget([{ messages: a, options: writing }]);
  await replyOf(recording, c, writing);
  await forgotten;
  await recording.close();
  const again = await openRecording(echo, path);
  for (const question of [b, c]) await replyOf(again, question, writing);
  assert.deepEqual(again.counts, { asked: 0, replayed: 2 });
  await replyOf(again, a, writing);
  assert.deepEqual(echo.asked, ['0:a', '0:b', '0:c', '0:a']);
  await again.close();
});

test('a full disk ends no reply: what it had no room for is written later, or said to be missing', async (t) => {
  const disk = await smallDisk(t, '4k');
  if (disk === undefined) return;
  const path = join(disk, 'responses.jsonl');
  const [small, large, other] = ['a', 'b'.repeat(5000), 'c'].map((text) => pair('You answer.', text));
  const echo = new Echo();
  const warnings: [string, boolean][] = [];
  const recording = await openRecording(echo, path, (...warning) => warnings.push(warning));
  await replyOf(recording, small, writing);
  const kept = await readFile(path, 'utf8');
  for (const question of [large, other, large]) await replyOf(recording, question, writing);
  assert.equal(await readFile(path, 'utf8'), kept, 'no half line');
  await recording.forget([{ messages: other, options: writing }]);
  assert.match(warnings.map(([text]) => text).join(), /^cannot write .*responses\.jsonl \(ENOSPC\)/);
  await recording.close();
  assert.deepEqual(
    warnings.map(([text, isIncomplete]) => [isIncomplete, text.includes('lacks 3 lines')]),
    [
      [false, false],
      [true, true],
    ],
  );
  const again = await openRecording(echo, path, (...warning) => warnings.push(warning));
  await replyOf(again, large, writing);
  resizeDisk(disk, '64k');
  await replyOf(again, other, writing);
  await again.close();
  assert.equal(warnings.filter(([, isIncomplete]) => isIncomplete).length, 1, 'all of it was written in the end');
  assert.deepEqual(echo.asked.length, 5);
  const third = await openRecording(echo, path);
  for (const question of [small, large, other]) await replyOf(third, question, writing);
  assert.deepEqual(third.counts, { asked: 0, replayed: 3 });
  await third.close();
});

test('whatever changes the question asks anew', async (t) => {
  const echo = new Echo();
  const recording = await openRecording(echo, await pathFor(t));
  const tool = { name: 'f', description: '', parameters: {} };
  const questions: [Message[], ReplyOptions][] = [
    [tasks, writing],
    [tasks, { ...writing, index: 1 }],
    [tasks, { ...writing, topP: 0.9 }],
    [tasks, { ...writing, seed: 1 }],
    [tasks, { ...writing, tools: [tool] }],
    [[tasks[0], { ...tasks[1], name: 'moss' }], writing],
    [tasks.toReversed(), writing],
    [[...tasks, { role: 'assistant', content: 'a' }, tasks[1]], writing],
    [[...tasks, { role: 'assistant', content: 'b' }, tasks[1]], writing],
  ];
  for (let round = 0; round < 2; round++)
    for (const [messages, options] of questions) await replyOf(recording, messages, options);
  assert.deepEqual(recording.counts, { asked: questions.length, replayed: questions.length });
  await recording.close();
});

test('keys that an earlier version kept are redacted, in the file too', async (t) => {
  const path = await pathFor(t);
  const echo = new Echo();
  await (await openRecording(echo, path)).close();
  const before = process.env.HF_TOKEN;
  process.env.HF_TOKEN = 'cut_off_her3';
  t.after(() => {
    delete process.env.HF_TOKEN;
    if (before !== undefined) process.env.HF_TOKEN = before;
  });
  await writeFile(path, earlier.replace('cut off her', 'see cut_off_her3!'));
  const recording = await openRecording(echo, path);
  await recording.close();
  const kept = await readFile(path, 'utf8');
  assert.match(kept, /"text":"see \[redacted\]!"/);
  assert.equal(kept.split('\n').length, earlier.split('\n').length);
});

test('a reply that was aborted is not kept', async (t) => {
  const path = await pathFor(t);
  const echo = new Echo();
  echo.finish = 'aborted';
  const recording = await openRecording(echo, path);
  assert.equal((await replyOf(recording, tasks, writing)).finish, 'aborted');
  assert.equal(await readFile(path, 'utf8'), '');
  echo.finish = 'stop';
  assert.equal((await replyOf(recording, tasks, writing)).finish, 'stop');
  await recording.close();
});
