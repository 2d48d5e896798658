// The OpenAI-compatible teacher against a real server: good answers, refusals, overload, garbage, silence, hang-ups.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Interrupted, UserError } from '../../../src/base/errors.js';
import { responsesName } from '../../../src/base/layout.js';
import type { SelfInstructConfig } from '../../../src/config/pipeline.js';
import type { Reply } from '../../../src/inference/chat-model.js';
import { RequestLedger } from '../../../src/inference/request-ledger.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { parseTasks } from '../../../src/stages/self-instruct/openai-teacher.js';
import { selfInstructStage } from '../../../src/stages/self-instruct/stage.js';
import type { Job, StageOutput } from '../../../src/stages/stage.js';
import {
  type Behaviour,
  type ChatServer,
  goodTeacher,
  sendJson,
  sendText,
  startChatServer,
} from '../../inference/chat-server.js';

async function startFor(t: TestContext, behaviour: Behaviour): Promise<ChatServer> {
  const endpoint = await startChatServer(behaviour);
  t.after(() => endpoint.close());
  return endpoint;
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mossctl-teacher-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'self-instruct');
}

interface Run {
  url: string;
  directory: string;
  config?: Partial<SelfInstructConfig>;
  signal?: AbortSignal;
  events?: Event[];
}

function jobOf({ url, directory, config = {}, signal, events = [] }: Run): Job<SelfInstructConfig> {
  return {
    config: {
      seeds: 'data-specs/seeds.jsonl',
      teacher: 'openai',
      answers: 'short',
      model: 'tiny',
      baseUrl: url,
      timeoutSeconds: 5,
      retries: 2,
      concurrency: 8,
      kinds: ['arithmetic'],
      count: 40,
      heldOut: 10,
      prompts: 0,
      maxSimilarity: 0.7,
      turns: { share: 0, most: 6 },
      ...config,
    },
    inputs: {},
    directory,
    seed: 1,
    compute: { backend: 'auto' },
    signal,
    reporter: stageReporter({ emit: (event) => events.push(event) }, 'selfInstruct'),
  };
}

/** What its next run would not have to ask for. */
async function repliesIn(directory: string): Promise<ReadonlyMap<string, Reply>> {
  const ledger = await RequestLedger.open(join(directory, '..', responsesName));
  await ledger.close();
  return ledger.replies;
}

const run = (options: Run): Promise<StageOutput> => selfInstructStage.run(jobOf(options));

function faultOf(error: unknown): string {
  assert.ok(error instanceof UserError, `a UserError, not ${String(error)}`);
  return error.message;
}

test('answers well: expands, checks every answer, names its provenance', async (t) => {
  const endpoint = await startFor(t, goodTeacher);
  const directory = await temporaryDirectory(t);
  const output = await run({ url: endpoint.url, directory });
  assert.equal(output.metrics.train, 40);
  assert.equal(output.metrics.heldOut, 10);
  const rows = (await readFile(join(directory, 'train.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const made = rows.filter((row) => row.provenance.teacher === 'openai:tiny');
  assert.equal(made.length, 32);
  for (const { messages, check } of made) {
    const [a, b] = messages[0].content.match(/\d+/g).map(Number);
    assert.deepEqual(check, { type: 'number', answer: a + b });
  }
  assert.equal(endpoint.requests[0].model, 'tiny');
  assert.match(endpoint.requests[0].messages[1].content, /numbered 5 to 12/);
});

test('401 and 403: told at once what to set, without another try', async (t) => {
  for (const status of [401, 403]) {
    const endpoint = await startFor(t, (_, response) => sendJson(response, { error: { message: 'bad key' } }, status));
    const directory = await temporaryDirectory(t);
    const error = await run({ url: endpoint.url, directory }).catch((e: unknown) => e);
    assert.match(faultOf(error), new RegExp(`refused the key \\(HTTP ${status}\\).*OPENAI_API_KEY`));
    assert.equal(endpoint.requests.length, 1);
  }
});

test('429 with retry-after, then an answer: waits as long as it says', async (t) => {
  const endpoint = await startFor(t, (request, response, count) =>
    count === 1
      ? sendJson(response, { error: {} }, 429, { 'retry-after': '1' })
      : goodTeacher(request, response, count),
  );
  const events: Event[] = [];
  const started = performance.now();
  const output = await run({ url: endpoint.url, directory: await temporaryDirectory(t), events });
  assert.equal(output.metrics.train, 40);
  assert.ok(performance.now() - started >= 950);
  assert.ok(events.some((event) => event.type === 'note' && /HTTP 429; trying again in 1(\.1)? s/.test(event.text)));
});

test('429 that asks for hours: told, not waited for', async (t) => {
  const endpoint = await startFor(t, (_, response) => sendJson(response, {}, 429, { 'retry-after': '99999' }));
  const error = await run({ url: endpoint.url, directory: await temporaryDirectory(t) }).catch((e: unknown) => e);
  assert.match(faultOf(error), /HTTP 429/);
  assert.equal(endpoint.requests.length, 1);
});

test('500 for ever: tried again `retries` times; what was made is kept for the next run', async (t) => {
  const directory = await temporaryDirectory(t);
  const endpoint = await startFor(t, (request, response, count) =>
    count <= 5 ? goodTeacher(request, response, count) : sendJson(response, { error: { message: 'boom' } }, 500),
  );
  const error = await run({ url: endpoint.url, directory, config: { retries: 1 } }).catch((e: unknown) => e);
  assert.match(faultOf(error), /answered HTTP 500 \(2 tries\).*kept/s);
  assert.equal((await repliesIn(directory)).size, 5);
});

test('a dropped connection is tried again', async (t) => {
  const endpoint = await startFor(t, (request, response, count) =>
    count === 1 ? void response.destroy() : goodTeacher(request, response, count),
  );
  assert.equal((await run({ url: endpoint.url, directory: await temporaryDirectory(t) })).metrics.heldOut, 10);
});

test('nobody listens: told after the retries', async (t) => {
  const endpoint = await startChatServer(goodTeacher);
  await endpoint.close();
  const directory = await temporaryDirectory(t);
  const error = await run({ url: endpoint.url, directory, config: { retries: 1 } }).catch((e: unknown) => e);
  assert.match(faultOf(error), /could not be reached.*ECONNREFUSED/s);
});

const silent: Record<string, Behaviour> = {
  'never answers': () => undefined,
  'sends headers and no body': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"choices":');
  },
};
for (const [name, behaviour] of Object.entries(silent))
  test(`${name}: a timeout that says what to change`, async (t) => {
    const endpoint = await startFor(t, behaviour);
    const config = { timeoutSeconds: 0.2, retries: 1 };
    const error = await run({ url: endpoint.url, directory: await temporaryDirectory(t), config }).catch(
      (e: unknown) => e,
    );
    assert.match(faultOf(error), /did not answer in time \(2 tries\).*timeoutSeconds/s);
    assert.equal(endpoint.requests.length, 2);
  });

test('Ctrl-C while it never answers: interrupted before it times out', async (t) => {
  const controller = new AbortController();
  const { url } = await startFor(t, () => controller.abort());
  const directory = await temporaryDirectory(t);
  const { signal } = controller;
  // Without the abort the run would end in a UserError.
  await assert.rejects(run({ url, directory, signal, config: { timeoutSeconds: 10, retries: 0 } }), Interrupted);
});

test('Ctrl-C while it waits to try again: interrupted before the wait ends', { timeout: 60_000 }, async (t) => {
  const endpoint = await startFor(t, (_, response) => response.writeHead(429, { 'retry-after': '100' }).end());
  const controller = new AbortController();
  const job = jobOf({ url: endpoint.url, directory: await temporaryDirectory(t), signal: controller.signal });
  // The note comes first, the wait begins in the same turn.
  const emit = (event: Event): void => {
    if (event.type === 'note' && event.level === 'warning') setImmediate(() => controller.abort());
  };
  await assert.rejects(
    selfInstructStage.run({ ...job, reporter: stageReporter({ emit }, 'selfInstruct') }),
    Interrupted,
  );
  assert.equal(endpoint.requests.length, 1);
});

const garbage: Record<string, Behaviour> = {
  'prose without a list': (_, response) => sendText(response, 'I am sorry, I cannot do that.'),
  'another shape': (_, response) => sendJson(response, { hello: ['world'] }),
  'null content': (_, response) => sendJson(response, { choices: [{ message: { content: null } }] }),
  'an empty list': (_, response) => sendJson(response, { choices: [] }),
  html: (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>login</html>'),
  'broken json': (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices": ['),
  'five megabytes': (_, response) => sendText(response, 'x'.repeat(5 << 20)),
  'control characters': (_, response) => sendText(response, '\u0000\u0007\u202e'.repeat(50)),
};
for (const [name, behaviour] of Object.entries(garbage))
  test(`garbage (${name}): it ends after ten and those of their round, and none is kept`, async (t) => {
    const endpoint = await startFor(t, behaviour);
    const directory = await temporaryDirectory(t);
    const error = await run({ url: endpoint.url, directory, config: { timeoutSeconds: 60, concurrency: 2 } }).catch(
      (e: unknown) => e,
    );
    const count = endpoint.requests.length;
    assert.ok(count >= 10 && count < 10 + 8);
    assert.match(
      faultOf(error),
      new RegExp(`families got nothing usable from the teacher in ${count} of ${count} replies`),
    );
    assert.equal((await repliesIn(directory)).size, 0);
  });

test('the words that ended it: the last answer in the endpoint’s own, with what to do', async (t) => {
  const rows: [Behaviour, RegExp][] = [
    [garbage.html, /it sent a web page: login\. Check selfInstruct\.model and OPENAI_BASE_URL/],
    [garbage['prose without a list'], /it held no numbered tasks: I am sorry.*A larger model/s],
    [
      (_, response) => sendText(response, '<think>1. plan', 'length'),
      /its thought did not end within the limit\. Turn.*selfInstruct\.request/s,
    ],
  ];
  for (const [behaviour, words] of rows) {
    const { url } = await startFor(t, behaviour);
    const error = await run({ url, directory: await temporaryDirectory(t) }).catch((e: unknown) => e);
    assert.match(faultOf(error), words);
  }
});

test('kinds of one’s own: their tasks follow the seeds, in every file and count; thoughts are no tasks', async (t) => {
  const topics = ['parking', 'keys', 'dogs', 'trams', 'soup', 'rain', 'bread', 'lamps', 'tea', 'chess', 'wool', 'snow'];
  const { url, requests } = await startFor(t, ({ messages }, response) => {
    const user = messages.at(-1)?.content ?? '';
    const [, from] = /numbered (\d+) to/.exec(user) ?? [];
    if (user.includes('Simplified Chinese')) return sendText(response, 'I only write English.');
    if (from === undefined) return sendText(response, '<think>1. It asks me.</think>Please ask at the desk.');
    const tasks = topics.map(
      (topic, i) => `${Number(from) + i}. ${topic} ${/“faq”/.test(user) ? 'where and when?' : 'by whom was it made?'}`,
    );
    return sendText(
      response,
      `<think>\n1. Say something of parking and keys at length.\n</think>\n${tasks.join('\n')}`,
    );
  });
  const directory = await temporaryDirectory(t);
  await mkdir(directory, { recursive: true });
  const seeds = join(directory, 'seeds.jsonl');
  const output = `Yes, ${'by the back door and '.repeat(10)}then left.`;
  const seed = { language: 'en', instruction: 'Can I bring my bicycle along?', output };
  const kinds = ['faq', 'constructor'];
  await writeFile(seeds, kinds.map((kind) => JSON.stringify({ ...seed, id: kind, kind })).join('\n'));
  const events: Event[] = [];
  await run({
    url,
    directory,
    events,
    config: { seeds, kinds, count: 10, heldOut: 4, prompts: 2, maxSimilarity: 0.95 },
  });
  assert.match(requests[0].messages[1].content, /All are of one kind: “faq”, as the examples show\./);
  const answering = requests.find(({ messages }) => /Answer:$/.test(messages[1].content));
  assert.match(answering?.messages[0].content ?? '', /at most 53 words/, 'as long as the longest of the seeds');
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  assert.ok(notes.some((text) => /^kind faq is your own: .*no rule checks their answers$/.test(text)));
  const [unasked] = notes.flatMap((text, i) => (/of faq, constructor, so none of the 2 prompts/.test(text) ? [i] : []));
  assert.ok(unasked < notes.findIndex((text) => /answers from http/.test(text)), 'said before it begins');
  assert.ok(!notes.some((text) => /kept apart for align/.test(text)));
  const { train, heldOut } = JSON.parse(await readFile(join(directory, 'report.json'), 'utf8'));
  assert.deepEqual(Object.keys(train.byKind), ['constructor', 'faq']);
  assert.equal(heldOut.byKind.faq.en + heldOut.byKind.constructor.en, 4);
  const rows = await readFile(join(directory, 'train.jsonl'), 'utf8');
  assert.doesNotMatch(rows, /think|Say something|It asks me/);
  assert.match(rows, /"content":"Please ask at the desk\."/);
  assert.match(await readFile(join(directory, '..', responsesName), 'utf8'), /It asks me/);
});

test('some garbage is counted and passed over', async (t) => {
  const endpoint = await startFor(t, (request, response, count) =>
    count % 3 === 0 ? sendText(response, '\u0000') : goodTeacher(request, response, count),
  );
  const directory = await temporaryDirectory(t);
  const output = await run({ url: endpoint.url, directory });
  assert.equal(output.metrics.train, 40);
  const report = JSON.parse(await readFile(join(directory, 'report.json'), 'utf8'));
  assert.ok(report.dropped['no answer in what the teacher said'].count > 0);
});

test('killed and run again: replays what was answered, asks only for the rest, same files', async (t) => {
  const whole = await temporaryDirectory(t);
  const reference = await startFor(t, goodTeacher);
  const expected = await run({ url: reference.url, directory: whole });

  const directory = await temporaryDirectory(t);
  const controller = new AbortController();
  const endpoint = await startFor(t, (request, response, count) => {
    if (count === 20) controller.abort();
    goodTeacher(request, response, count);
  });
  await assert.rejects(run({ url: endpoint.url, directory, signal: controller.signal }), Interrupted);
  const record = join(directory, '..', responsesName);
  const kept = await readFile(record, 'utf8');
  // The kill came in the middle of a line.
  await writeFile(record, `${kept}{"key":"1:ab`);
  const before = endpoint.requests.length;
  const resumed = await run({ url: endpoint.url, directory });
  assert.equal(resumed.digest, expected.digest);
  const lines = kept.split('\n').filter((line) => line.includes('"completion"')).length;
  assert.ok(lines >= 12, `${lines} kept`);
  assert.equal(endpoint.requests.length - before, reference.requests.length - lines);

  const again = endpoint.requests.length;
  assert.equal((await run({ url: endpoint.url, directory })).digest, expected.digest);
  assert.equal(endpoint.requests.length, again, 'a third run asks nothing');
  for (const file of ['train.jsonl', 'heldout.jsonl', 'report.json'])
    assert.equal(await readFile(join(directory, file), 'utf8'), await readFile(join(whole, file), 'utf8'));
});

test('a budget that is too small for all: what it sufficed for is made, and the rest is named', async (t) => {
  const { url, requests } = await startFor(t, goodTeacher);
  const directory = await temporaryDirectory(t);
  const events: Event[] = [];
  const output = await run({ url, directory, events, config: { budgetTokens: 20_000 } });
  const { train, heldOut } = output.metrics as { train: number; heldOut: number };
  assert.ok(train > 8 && train + heldOut < 50 && heldOut > 0, `${train} + ${heldOut}`);
  const warnings = events.flatMap((event) => (event.type === 'note' && event.level === 'warning' ? [event.text] : []));
  const stopped =
    /made \d+ of 42 tasks: selfInstruct\.budgetTokens: the budget of 20,000 tokens is spent.*--budget-tokens/;
  assert.ok(
    warnings.some((text) => stopped.test(text)),
    warnings.join('\n'),
  );
  const before = requests.length;
  const whole = await run({ url, directory, config: { budgetTokens: 1_000_000 } });
  assert.equal(whole.metrics.train, 40, 'with a larger one it resumes');
  assert.ok(before > 10 && requests.length > before);
});

test('numbered lists, as models write them', () => {
  const request = {
    index: 0,
    method: 'families',
    kind: 'chat',
    language: 'en',
    wanted: 8,
    examples: [],
    isHeldOut: false,
  } as const;
  const turns = (text: string, finish = 'stop'): string[] =>
    parseTasks({ text, finish }, request).map((task) => task.turns[0]);
  assert.deepEqual(turns('9. One?\n10. Two?'), ['One?', 'Two?']);
  assert.deepEqual(turns('Sure!\n\n9) One\n   more\n\n**10.** Two'), ['One more', 'Two']);
  assert.deepEqual(turns('9、你好\n10．再见\n任务11：走吧'), ['你好', '再见', '走吧']);
  assert.deepEqual(turns('9. One\n10. Tw', 'length'), ['One']);
  assert.deepEqual(turns('9. a\u0000b\u202e'), ['ab']);
  assert.deepEqual(turns('nothing here'), []);
  assert.equal(turns(Array.from({ length: 500 }, (_, i) => `${i}. t${i}`).join('\n')).length, 32);
});
