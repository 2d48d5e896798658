// The ledger of a paid endpoint: every request stands in it before it is sent, what becomes of it is counted once, and a
// budget is never exceeded.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { replyOf } from '../../src/inference/chat-model.js';
import { OpenAiEndpoint } from '../../src/inference/endpoint.js';
import { Pace, secondsOf } from '../../src/inference/endpoint-pace.js';
import { Recording } from '../../src/inference/recording.js';
import { BudgetSpent, RequestLedger } from '../../src/inference/request-ledger.js';
import { smallDisk } from '../small-disk.js';
import { sendJson, startChatServer } from './chat-server.js';

async function pathFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ledger-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'ledger.jsonl');
}

const reply = { text: 'Hi.', finish: 'stop' };
const usage = { input: 40, output: 10 };
const terms = { role: 'teacher', chosenBy: 'a', block: 'selfInstruct', otherwise: 'use none' };

test('what left and had no end when the process did is lost, and counted in full; what was answered, or never left, is not', async (t) => {
  const path = await pathFor(t);
  const first = await RequestLedger.open(path);
  const atMost = { input: 100, output: 50 };
  const [answered, refused, onItsWay, unsent] = await Promise.all([1, 2, 3, 4, 5, 6].map(() => first.begin(atMost)));
  for (const request of [answered, refused, onItsWay]) await first.leave(request);
  await first.answer('0:a', { ...reply, usage, request: answered }, 1.25);
  await first.refuse(refused, 429);
  await first.fail(unsent, 'ECONNREFUSED');
  const lines = (await readFile(path, 'utf8')).split('\n');
  const lastSent = lines.findLastIndex((line) => line.includes('"sent"'));
  const isKnown = lines[lastSent].includes('"boot"');
  assert.equal(isKnown, process.platform === 'linux');
  // Written before the machine started anew: what the disk lacks may have left.
  lines[lastSent] = lines[lastSent].replace(/"boot":"[^"]+"/, '"boot":"another"');
  await writeFile(path, `${lines.join('\n')}{"request":"r","sent":"20`);
  const again = await RequestLedger.open(path, { prices: { input: 1, output: 2 } });
  const [lost, never] = isKnown ? [2, 2] : [3, 1];
  const tokens = { input: 40 + 100 * lost, output: 10 + 50 * lost };
  const expected = { sent: 6, answered: 2, lost, unsent: never, waiting: 0, tokens };
  assert.deepEqual(again.totals(), { ...expected, usd: (tokens.input + 2 * tokens.output) / 1e6 });
  assert.deepEqual([...again.replies], [['0:a', reply]]);
  assert.deepEqual(again.costOfReply('0:a'), { tokens: usage, isReported: true, seconds: 1.25 });
  await again.forget(['0:a', '0:b']);
  await again.close();
  const third = await RequestLedger.open(path);
  assert.deepEqual(third.totals(), { ...expected, usd: undefined }, 'lost once, and paid for though forgotten');
  assert.equal(third.replies.size, 0);
  assert.equal((await readFile(path, 'utf8')).split('"lost"').length, 1 + lost);
});

test('a budget: what is under way counts in full, others wait for it, and what does not fit is not sent', async (t) => {
  const path = await pathFor(t);
  const ledger = await RequestLedger.open(path, { budget: { tokens: 500 }, block: 'selfInstruct' });
  const atMost = { input: 100, output: 50 };
  const begun: string[] = [];
  const asking = Array.from({ length: 12 }, async () => begun.push(await ledger.begin(atMost)));
  const ends = Promise.allSettled(asking);
  await Promise.all(asking.slice(0, 3));
  assert.equal(begun.length, 3, 'a fourth might take more than is left');
  for (let i = 0; i < begun.length; i++) {
    await ledger.answer(`${i}:a`, { ...reply, usage, request: begun[i] });
    const { tokens, waiting } = ledger.totals();
    assert.ok(tokens.input + tokens.output + waiting * 150 <= 500);
    await new Promise(setImmediate);
  }
  const refused = (await ends).flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []));
  assert.equal(begun.length, 8);
  assert.ok(refused.length === 4 && refused[0] instanceof BudgetSpent);
  assert.match(
    refused[0].message,
    /selfInstruct\.budgetTokens: the budget of 500 tokens is spent\. 400 went, .*may take 150\. Raise it with --budget-tokens/,
  );
  const paid = await RequestLedger.open(path, { budget: { usd: 0.0011 }, prices: { input: 1, output: 10 } });
  assert.match(
    String(await paid.begin({ input: 1, output: 1 }).catch(String)),
    /budget of \$0\.0011 is spent\. \$0\.0011 went/,
  );
  await assert.rejects(paid.begin({ input: 1 }), /takes no limit of tokens/);
});

test('a budget that has no room for the first request is told apart from one that is spent, with the least that is enough', async (t) => {
  const atMost = { input: 911, output: 200 };
  const prices = { input: 0.15, output: 0.6 };
  for (const [budget, words] of [
    [
      { tokens: 500 },
      /500 tokens is too small for the first request\. It may take 1,111 tokens: 911 tokens for the question, 200/,
    ],
    [{ usd: 0.0001 }, /\$0\.00010 is too small for the first request\. It may take \$0\.00026: 911 tokens/],
  ] as const) {
    const [poor, path] = [await RequestLedger.open(await pathFor(t), { budget, prices }), await pathFor(t)];
    const error = await poor.begin(atMost).catch((e: unknown) => e);
    assert.ok(error instanceof BudgetSpent);
    assert.match(error.message, words);
    const [, flag, least] = /--budget-(tokens|usd) ([\d.]+\d)/.exec(error.message) ?? [];
    const rich = await RequestLedger.open(path, { budget: { [flag]: Number(least) }, prices });
    assert.ok(await rich.begin(atMost), least);
  }
});

test('a request that cannot be noted is not sent', async (t) => {
  const disk = await smallDisk(t, '4k');
  if (disk === undefined) return;
  const ledger = await RequestLedger.open(join(disk, 'ledger.jsonl'));
  const server = await startChatServer((_, response) => sendJson(response, { choices: [] }));
  t.after(() => server.close());
  await appendFile(join(disk, 'ledger.jsonl'), `${'x'.repeat(4070)}\n`);
  const endpoint = new OpenAiEndpoint({
    ...{ terms, model: 'm', timeoutSeconds: 5, retries: 3, environment: {}, ledger },
    baseUrl: server.url,
  });
  await assert.rejects(replyOf(endpoint, [{ role: 'user', content: 'a' }], { maxNewTokens: 8 }), /disk is full/);
  assert.equal(server.requests.length, 0);
  await ledger.close();
});

test('an endpoint notes each request before it sends it, by the name under which the other side saw it', async (t) => {
  const path = await pathFor(t);
  const ledger = await RequestLedger.open(path);
  const seen: string[] = [];
  const server = await startChatServer(({ headers }, response, count) => {
    const id = String(headers['x-client-request-id']);
    seen.push(id);
    const noted = new RegExp(`\\{"request":"${id}","sent":"2[^]*\\{"request":"${id}","leaving":true\\}`);
    assert.match(readFileSync(path, 'utf8'), noted);
    if (count === 1) return sendJson(response, {}, 429, { 'retry-after-ms': '5' });
    if (count === 2) return void response.destroy();
    const message = { role: 'assistant', content: 'Yes.' };
    return sendJson(response, { choices: [{ message }], usage: { prompt_tokens: 7, completion_tokens: 2 } });
  });
  t.after(() => server.close());
  const endpoint = new OpenAiEndpoint({
    ...{ terms, model: 'm', timeoutSeconds: 5, retries: 3, environment: {}, ledger, concurrency: 2 },
    baseUrl: server.url,
  });
  const recording = new Recording(endpoint, ledger);
  const asked = { maxNewTokens: 8 };
  assert.deepEqual(await replyOf(recording, [{ role: 'user', content: 'a' }], asked), { text: 'Yes.', finish: 'stop' });
  const { sent, answered, lost, tokens } = ledger.totals();
  assert.deepEqual({ sent, answered, lost, seen: new Set(seen).size }, { sent: 3, answered: 2, lost: 1, seen: 3 });
  assert.ok(tokens.output === 2 + 8 && tokens.input > 7 + 30, 'the lost one may have cost what it could');
  await ledger.close();
  await server.close();
  const gone = new OpenAiEndpoint({
    ...{ terms, model: 'm', timeoutSeconds: 5, retries: 0, environment: {}, ledger: await RequestLedger.open(path) },
    baseUrl: server.url,
  });
  await assert.rejects(replyOf(gone, [{ role: 'user', content: 'b' }], asked), /could not be reached/);
  const { unsent } = (await RequestLedger.open(path)).totals();
  assert.equal(unsent, 1, 'nobody saw it');
});

test('the pace: as many at a time as are allowed, half of them after a refusal, none while it asks to wait', async () => {
  const pace = new Pace(4);
  let busy = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++busy);
    await new Promise(setImmediate);
    busy--;
  };
  await Promise.all(Array.from({ length: 20 }, () => pace.use(work)));
  assert.equal(most, 4);
  pace.observe(429, new Headers());
  assert.equal(pace.allowed, 2);
  for (let i = 0; i < 6; i++) pace.observe(200, new Headers());
  assert.equal(pace.allowed, 4, 'regained');
  pace.observe(
    200,
    new Headers({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '3',
      'x-ratelimit-reset-requests': '57s',
    }),
  );
  assert.equal(pace.allowed, 3, 'no more than it says that it will take');
  const exhausted: Record<string, string>[] = [
    { 'x-ratelimit-limit-tokens': '6000', 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '3m0s' },
    { 'ratelimit-remaining': '0', 'ratelimit-reset': '0.03' },
    { ratelimit: '"default";r=0;t=1' },
    {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:01Z',
      date: 'Thu, 01 Jan 2026 00:00:00 GMT',
    },
  ];
  for (const [i, headers] of exhausted.entries()) {
    const waiting = new Pace(4);
    waiting.observe(200, new Headers(headers));
    const stop = new AbortController();
    const started = performance.now();
    if (i > 1) setTimeout(() => stop.abort(), 20);
    await waiting.use(work, stop.signal);
    assert.ok(performance.now() - started >= 19, 'waits until one is taken again, or until it is stopped');
  }
  assert.deepEqual(
    ['12', '1.5s', '6m0s', '20ms', '1h2m3s', 'soon'].map((text) => secondsOf(text)),
    [12, 1.5, 360, 0.02, 3723, undefined],
  );
});
