// A round from the page: a real process that aligns a real model on a real store, decided by the gate, taken back, stopped, crashed.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hasProcess } from '../../src/base/process.js';
import { identifyCheckpoint } from '../../src/checkpoint/directory.js';
import { readManifest } from '../../src/checkpoint/manifest.js';
import { appendFeedback } from '../../src/feedback/store.js';
import { lockDirectory } from '../../src/pipeline/lock.js';
import type { RoundList } from '../../src/serve/contract.js';
import { type RoundHost, roundRoutes } from '../../src/serve/round-routes.js';
import { entry } from '../e2e/cli.js';
import { asked, judgement } from '../feedback/judgements.js';
import { childrenOf } from './children.js';
import { mounted } from './mounted.js';
import { listening, readEvents } from './sse-client.js';

const published = fileURLToPath(new URL('../interop/fixtures/qwen3', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mossctl-round-routes-'));
after(() => rm(folder, { recursive: true }));

const file = join(folder, 'feedback.jsonl');
const pairs = Array.from({ length: 24 }, (_, i) =>
  judgement(i, 'first', [`${i} yes`, `${i} no`], { prompt: asked(`${i}?`) }),
);
await appendFeedback(file, pairs);

const { digest: parent } = await identifyCheckpoint(published);
const quick = ['align.train.learningRate=0.003', 'align.gate.alphas=[1]', 'align.replay.weight=0'];
let hosts = 0;
async function served(more: Partial<RoundHost> = {}) {
  const runs = join(folder, `runs-${++hosts}`);
  const offered: [string, string][] = [];
  const { app, restore, close } = roundRoutes({
    ...{ runs, file, seed: 42, program: entry },
    flags: ['--threads', '1', ...quick.flatMap((set) => ['--set', set])],
    checkpointOf: (id) => (id === 'base' ? published : undefined),
    offer: async (id, checkpoint) => {
      offered.push([id, checkpoint]);
      return id;
    },
    withdraw: async () => 'base',
    digests: () => [parent],
    ...more,
  });
  const faults = await restore();
  const server = await listening(mounted(app));
  const post = async (path: string, body: unknown = {}) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/api/rounds${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };
  const events = (id: string) => readEvents(`${server.url}/api/rounds/${id}`);
  const lastOf = async (id: string) => {
    let last: Record<string, unknown> = {};
    for await (const { data } of events(id)) last = data;
    return last;
  };
  const list = async () => ((await (await fetch(`${server.url}/api/rounds`)).json()) as RoundList).rounds;
  return { runs, faults, offered, post, list, events, lastOf, stop: close, close: () => close().then(server.close) };
}

test('a round is promoted with the figures of the gate, one at a time, and taken back', async () => {
  const { runs, offered, post, list, events, lastOf, close } = await served();
  const { status, body } = await post('', { model: 'base' });
  assert.deepEqual([status, body.id], [200, 'feedback-1']);
  assert.equal((await post('', { model: 'base' })).status, 409);
  assert.equal((await post('/feedback-1/undo')).status, 409);
  const said = [];
  for await (const { data } of events('feedback-1')) said.push(data);
  const end = said.at(-1) ?? assert.fail();
  assert.ok(said.slice(0, -1).every(({ type }) => type === 'progress'));
  assert.ok(
    said.some(({ text }) => /held out to decide/.test(String(text))),
    JSON.stringify(said),
  );
  assert.deepEqual([end.type, end.promoted, end.model], ['end', true, 'feedback-1'], JSON.stringify(end));
  assert.match(String(end.why), /promoted/);
  const { manifest } = await readManifest(String(end.checkpoint));
  assert.equal(manifest.stage, 'align');
  assert.deepEqual(offered, [['feedback-1', end.checkpoint]]);
  const figures = (list: unknown) => new Map((list as { metric: string }[]).map((one) => [one.metric, one]));
  const gain = figures(end.gains).get('winRate') as unknown as { value: number; low: number; high: number };
  assert.ok(gain.value > 0 && gain.low <= gain.value && gain.value <= gain.high, JSON.stringify(gain));
  assert.ok(figures(end.before).has('winRate') && figures(end.after).has('winRate'));
  assert.deepEqual(await lastOf('feedback-1'), end); // a page that opens late
  assert.deepEqual(
    (await list()).map(({ id, state, end: said }) => [id, state, said]),
    [['feedback-1', 'promoted', end]],
  );
  await close();
  const { model: _, ...known } = end;
  // A server of other models leaves it alone.
  const other = await served({ runs, digests: () => ['of another'] });
  assert.deepEqual([other.offered, await other.lastOf('feedback-1')], [[], known]);
  const refused = await other.post('/feedback-1/undo');
  assert.deepEqual([refused.status, /not served here/.test(refused.body.what)], [409, true]);
  await other.close();
  // One that starts later, however the first ended, serves it, says the same of it and can take it back: once and for all.
  const later = await served({ runs });
  assert.deepEqual(later.offered, [['feedback-1', end.checkpoint]]);
  assert.deepEqual(await later.lastOf('feedback-1'), end);
  const taken = { default: 'base', checkpoint: end.checkpoint };
  for (const _ of ['once', 'again']) assert.deepEqual((await later.post('/feedback-1/undo')).body, taken);
  assert.ok(existsSync(String(end.checkpoint)));
  await later.close();
  const last = await served({ runs });
  assert.deepEqual([last.offered, await last.lastOf('feedback-1')], [[], known]);
  const [{ state, began }] = await last.list();
  assert.equal(state, 'undone');
  assert.ok(Math.abs(Date.parse(began) - Date.now()) < 3_600_000, began);
  await last.close();
});

test('a round of another process that works still is neither followed nor taken for one that ended', async () => {
  const { runs, list, post, close } = await served();
  await mkdir(join(runs, 'feedback-7'), { recursive: true });
  const lock = await lockDirectory(join(runs, 'feedback-7'));
  assert.deepEqual(
    (await list()).map(({ id, state }) => [id, state]),
    [['feedback-7', 'running']],
  );
  assert.match((await post('/feedback-7/undo')).body.what, /running still/);
  await lock.release();
  const [{ state, end }] = await list();
  assert.deepEqual([state, end?.promoted], ['stopped', false]);
  await close();
});

test('a file with the name of a round is none, and a round that cannot be read keeps neither the server nor the others', async () => {
  const runs = join(folder, 'untidy');
  await mkdir(join(runs, 'feedback-2'), { recursive: true });
  await mkdir(join(runs, 'feedback-3'));
  for (const name of ['feedback-1', 'feedback-2/align']) await writeFile(join(runs, name), '');
  const { faults, list, post, close } = await served({ runs });
  assert.equal(faults.length, 1);
  assert.match(faults[0], /^feedback-2, a round of an earlier server, cannot be read: .*leads through a file/);
  const rounds = await list();
  assert.deepEqual(
    rounds.map(({ id, state }) => [id, state]),
    [
      ['feedback-3', 'stopped'],
      ['feedback-2', 'stopped'],
    ],
  );
  assert.match(rounds[1].end?.why ?? '', /cannot be read/);
  assert.equal((await post('/feedback-1/undo')).status, 404);
  await close();
});

test('what cannot begin is refused before anything is made', async () => {
  const few = join(folder, 'few.jsonl');
  await appendFeedback(few, pairs.slice(0, 3));
  const { runs, post, close } = await served({ file: few });
  const refused = await post('', { model: 'base' });
  assert.equal(refused.status, 409);
  assert.match(refused.body.what, /held out/);
  assert.equal((await post('', { model: 'other' })).status, 404);
  for (const id of ['feedback-1', 'feedback-0', '..%2Fx', 'seed'])
    assert.equal((await post(`/${id}/undo`)).status, 404, id);
  assert.ok(!existsSync(runs));
  await close();
});

test('a crash is an end in words; so is a round that is stopped with the server, whose process is gone', async () => {
  const wrong = await served({ flags: ['--set', 'align.train.learningRate=-1'] });
  const { id } = (await wrong.post('', { model: 'base' })).body;
  const failed = await wrong.lastOf(id);
  assert.deepEqual([failed.type, failed.promoted], ['end', false]);
  assert.match(String(failed.why), /learningRate/);
  assert.equal((await wrong.post('', { model: 'base' })).body.id, 'feedback-2'); // another may begin
  await wrong.close();

  const slow = await served({ flags: ['--threads', '1', '--set', 'align.train.epochs=1000'] });
  const before = new Set(await childrenOf('self'));
  await slow.post('', { model: 'base' });
  const [child] = (await childrenOf('self')).filter((pid) => !before.has(pid));
  const stream = slow.events('feedback-1');
  for await (const { data } of stream) if (data.label === 'step') break;
  const late = slow.lastOf('feedback-1');
  await slow.stop();
  assert.match(String((await late).why), /stopped before its end/);
  await slow.close();
  if (child !== undefined) assert.ok(!hasProcess(child));
  const again = await served({ runs: slow.runs });
  const end = await again.lastOf('feedback-1');
  assert.deepEqual(
    (await again.list()).map(({ state }) => state),
    ['stopped'],
  );
  // One that is about to begin is ended too, and none begins after it.
  const asking = again.post('', { model: 'base' });
  while (!existsSync(join(slow.runs, 'feedback-2'))) await nextTurn();
  await again.stop();
  const { id: last } = (await asking).body;
  assert.match(String((await again.lastOf(last)).why), /stopped before its end/);
  assert.equal((await again.post('', { model: 'base' })).status, 503);
  assert.deepEqual([end.type, end.promoted], ['end', false]);
  assert.match(String(end.why), /did not come to its end/);
  await again.close();
});
