// Runs over HTTP: what real run folders hold, bounded and by name alone, and what comes to them while a page watches.
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { lockDirectory } from '../../src/pipeline/lock.js';
import { writeRecord } from '../../src/pipeline/record.js';
import { curvesOf } from '../../src/report/charts.js';
import { openMetrics, settleEvents, stageSeconds, type TimedEvent } from '../../src/report/metrics.js';
import { bounds, type RunDetail, type RunList } from '../../src/serve/contract.js';
import { Curve } from '../../src/serve/curve.js';
import { RunDetails } from '../../src/serve/run-detail.js';
import { RunFiles } from '../../src/serve/run-files.js';
import { RunFold } from '../../src/serve/run-fold.js';
import { RunReads } from '../../src/serve/run-reads.js';
import { runRoutes } from '../../src/serve/run-routes.js';
import { demoEvents } from '../report/fixtures/demo.js';
import { mounted } from './mounted.js';
import { listening, readEvents } from './sse-client.js';

const open = new AbortController().signal;
let folder = '';
let runs = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mossctl-run-routes-'));
  runs = join(folder, 'runs');
  await mkdir(runs);
});
after(() => rm(folder, { recursive: true }));

const step = (number: number, more: Partial<TimedEvent & { type: 'step' }> = {}): TimedEvent => ({
  ...{ type: 'step', stage: 'sft', step: number, steps: 100, loss: 4 - number / 100, learningRate: 0.001 },
  ...{ gradientNorm: 1, tokens: 10, tokensPerSecond: 100, time: 1000 + number, ...more },
});
const state = (stage: string, is: 'started' | 'finished' | 'resumed' | 'taken back', time = 1000): TimedEvent => ({
  ...{ type: 'stage', stage, state: is, time },
});

const measured = { type: 'evaluation', stage: 'sft', time: 1000 } as const;
const sampled = { type: 'sample', stage: 'sft', prompt: 'hi?', time: 1000 } as const;

async function writeRun(name: string, events: readonly TimedEvent[]): Promise<string> {
  const path = join(runs, name, 'metrics.jsonl');
  await mkdir(join(runs, name), { recursive: true });
  const metrics = openMetrics(path, (reason) => assert.fail(reason));
  for (const event of events) metrics.write(event);
  metrics.close();
  return path;
}

const get = async (path: string) => {
  const response = await mounted(runRoutes(runs, open)).request(`/api/runs${path}`);
  return { status: response.status, body: (await response.json()) as unknown };
};
const detailOf = async (name: string) => (await get(`/${encodeURIComponent(name)}`)).body as RunDetail;

test('runs are listed with their state, those of several seeds by themselves; what is no run is not', async () => {
  const record = { inputDigest: 'a', overrides: [], files: {} };
  await writeRun('done', [state('sft', 'started'), state('sft', 'finished')]);
  await writeRecord(join(runs, 'done'), 'data', { stage: 'data', state: 'finished', ...record });
  await writeRecord(join(runs, 'done'), 'sft', { stage: 'sft', state: 'finished', ...record });
  await writeRun('seeds/seed-7', [state('sft', 'started')]);
  await writeRecord(join(runs, 'seeds/seed-7'), 'sft', { stage: 'sft', state: 'started', ...record });
  await mkdir(join(runs, 'empty'));
  await writeFile(join(runs, 'file'), '');
  const lock = await lockDirectory(join(runs, 'done'));
  const listed = async () => ((await get('')).body as RunList).runs;
  const held = await listed();
  await lock.release();
  const all = await listed();
  assert.deepEqual(all.map(({ name }) => name).sort(), ['done', 'seeds/seed-7']);
  const of = (name: string, list = all) => list.find((one) => one.name === name);
  assert.deepEqual([of('done')?.state, of('done', held)?.state], ['done', 'running']);
  assert.deepEqual(of('done')?.stages, ['data', 'sft']);
  assert.deepEqual([of('seeds/seed-7')?.state, of('seeds/seed-7')?.stage], ['stopped', 'sft']);
  assert.equal((await detailOf('seeds/seed-7')).stages[0].state, 'stopped');
});

test('more runs than are listed are counted; pages that ask at once share one look', async () => {
  const many = join(folder, 'many');
  for (let i = 0; i < bounds.runs + 3; i++) {
    await mkdir(join(many, `run-${i}`), { recursive: true });
    await writeFile(join(many, `run-${i}`, 'metrics.jsonl'), '');
  }
  const files = new RunFiles(many);
  const [one, other] = [files.list(), files.list()];
  assert.equal(one, other);
  const { runs: listed, more } = await one;
  assert.deepEqual([listed.length, more], [bounds.runs, 3]);
});

test('a name never leaves the folder of runs', async () => {
  await mkdir(join(folder, 'secret'));
  await writeFile(join(folder, 'secret/metrics.jsonl'), '');
  await symlink(join(folder, 'secret'), join(runs, 'link'));
  await mkdir(join(runs, '.hidden'));
  await writeFile(join(runs, '.hidden/metrics.jsonl'), '');
  for (const name of ['../', '../secret', 'link', '.hidden', 'done/../../secret', '/etc', 'empty', 'x'.repeat(999)]) {
    for (const path of [`/${encodeURIComponent(name)}`, `/${encodeURIComponent(name)}/events`]) {
      assert.equal((await get(path)).status, 404, path);
    }
  }
});

test('of a round that was refused the page shows what the policy says, of one that was promoted what the candidate says', () => {
  const fold = new RunFold();
  const candidate = {
    type: 'sample',
    stage: 'align',
    prompt: 'hi?',
    time: 1000,
    before: { completion: 'old' },
  } as const;
  const gate = { type: 'gate' as const, stage: 'align', metric: 'reward', points: [], time: 1001 };
  fold.take({ ...candidate, step: 1, completion: 'first' });
  fold.take({ ...gate, round: 1, alpha: 1 });
  fold.take({ ...candidate, step: 2, completion: 'second' });
  const said = () => fold.samples.samples.map(({ answer }) => answer);
  assert.deepEqual(said(), ['first', 'second'], 'nothing is decided yet');
  fold.take({ ...gate, round: 2, alpha: 0 });
  assert.deepEqual(said(), ['first', 'old']);
});

test('curves, samples, results and times are those of the settled events', async () => {
  const restart = [state('sft', 'started'), step(1), step(2, { loss: 9 }), state('sft', 'resumed', 1010)];
  const events = [...restart, step(2), step(3, { loss: Number.NaN })];
  const path = await writeRun('small', [
    ...events,
    { type: 'evaluation', stage: 'sft', step: 3, metrics: { heldOutLoss: 2, loss: 1 }, time: 1004 },
    { type: 'sample', stage: 'sft', step: 3, prompt: 'hi?', completion: '<b>hello</b>', time: 1004 },
    state('sft', 'finished', 1020),
    {
      ...{ type: 'table', stage: 'eval', time: 1021 },
      columns: [{ label: 'sft', checkpoint: 'x', metrics: { a: 1, b: 2 }, intervals: { a: { low: 0.5, high: 1.5 } } }],
    },
  ]);
  await appendFile(path, '{"type":"st');
  const detail = await detailOf('small');
  assert.deepEqual([detail.state, detail.broken], ['done', 1]);
  const points = (metric: string) => detail.series.find((one) => one.metric === metric)?.points;
  assert.deepEqual(points('loss'), [
    [1, 3.99],
    [2, 3.98],
    [3, null],
  ]);
  assert.deepEqual(points('heldOutLoss'), [[3, 2]]);
  assert.deepEqual(points('held-out loss'), [[3, 1]]);
  assert.deepEqual(detail.samples, [{ stage: 'sft', step: 3, prompt: 'hi?', answer: '<b>hello</b>' }]);
  assert.deepEqual(detail.results, [
    { checkpoint: 'sft', metric: 'a', value: 1, low: 0.5, high: 1.5 },
    { checkpoint: 'sft', metric: 'b', value: 2 },
  ]);
  assert.deepEqual(detail.stages, [{ name: 'sft', state: 'finished', seconds: 12 }]);
  assert.deepEqual([detail.eta, detail.machine], [undefined, undefined]);
});

test('of a run that is under way there is its time left and what its process uses', async () => {
  const now = performance.timeOrigin + performance.now();
  const at = (number: number): TimedEvent => step(number, { time: now / 1000 - 100 + number });
  await writeRun('live', [state('sft', 'started', now / 1000 - 100), ...[0, 1, 2, 50].map(at)]);
  const lock = await lockDirectory(join(runs, 'live'));
  const { eta, machine, state: is, stages } = await detailOf('live');
  await lock.release();
  assert.deepEqual([is, stages[0].state], ['running', 'running']);
  assert.ok(eta !== undefined && eta >= 0 && eta <= 50, `eta ${eta}`);
  if (process.platform !== 'linux') return;
  const { rss } = process.memoryUsage();
  assert.ok(machine !== undefined && Math.abs(machine.rss - rss) < rss / 2, `${machine?.rss} and ${rss}`);
  assert.ok(machine.cpu >= 0 && machine.cpu < 64, `${machine.cpu}`);
});

test('a long curve is thinned to its extremes, as finely at its beginning as at its end, and says so', () => {
  const curve = new Curve();
  for (let x = 0; x < 100_000; x++) curve.add(x, x === 50_000 ? 99 : x === 5003 ? -99 : Math.sin(x));
  const { points, thinned } = curve.series;
  assert.ok(thinned && points.length <= bounds.points && points.length > bounds.points / 4, `${points.length}`);
  assert.deepEqual(
    points.filter(([, y]) => Math.abs(y ?? 0) === 99),
    [
      [5003, -99],
      [50_000, 99],
    ],
  );
  const xs = points.map(([x]) => x);
  assert.deepEqual(
    xs,
    [...xs].sort((a, b) => a - b),
  );
  const firstHalf = xs.filter((x) => x < 50_000).length / xs.length;
  assert.ok(firstHalf > 0.45 && firstHalf < 0.55, `${firstHalf}`);
  const short = new Curve();
  for (let x = 0; x < bounds.points; x++) short.add(x, x);
  assert.deepEqual(short.series, { points: Array.from({ length: bounds.points }, (_, x) => [x, x]) });
});

test('what was stopped, resumed and started afresh counts as in the report, wherever that happened', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = Random.stream(seed, 'runs');
    const events: TimedEvent[] = [state('sft', 'started')];
    let done = 0;
    for (let at = 0; at < 120; at++) {
      const draw = random.uniform();
      if (draw < 0.01) events.push(state('sft', 'started'), state('sft', 'taken back'));
      else if (draw < 0.03) [done] = [0, events.push(state('sft', 'started'))];
      else if (draw < 0.08) {
        events.push(state('sft', 'resumed'));
        done = Math.max(0, done - random.integer(0, 5)); // to the last checkpoint
      } else {
        events.push(step(++done, { loss: random.uniform() }));
        if (draw > 0.8) events.push({ ...measured, step: done, metrics: { heldOutLoss: random.uniform() } });
        if (draw > 0.9) events.push({ ...sampled, step: done, completion: String(at) });
      }
    }
    const fold = new RunFold();
    for (const event of events) fold.take(event);
    const settled = settleEvents(events);
    const { steps, evaluations } = curvesOf(settled);
    const points = (metric: string) => fold.series.series.find((one) => one.metric === metric)?.points ?? [];
    assert.deepEqual(
      points('loss'),
      steps.map(([x, { loss }]) => [x, loss]),
    );
    assert.deepEqual(
      points('heldOutLoss'),
      evaluations.map(([x, { heldOutLoss }]) => [x, heldOutLoss]),
    );
    assert.deepEqual(
      fold.samples.samples.map(({ answer }) => answer),
      settled.flatMap((event) => (event.type === 'sample' ? [event.completion] : [])),
    );
    assert.equal(fold.stages(false)[0].seconds, stageSeconds(events).get('sft'));
  }
});

test('rounds follow one another, also where one was stopped within', () => {
  const rounds = [1, 2, 3].flatMap((round) => [1, 2, 3, 4].map((each) => step(each, { round, stage: 'align' })));
  const fold = new RunFold();
  const again = step(2, { round: 2, stage: 'align', loss: 7 });
  const events = [...rounds.slice(0, 7), state('align', 'resumed'), again, ...rounds.slice(6)];
  for (const event of [state('align', 'started'), ...events]) fold.take(event);
  const { points } = fold.series.series[0];
  assert.deepEqual(
    points.map(([x]) => x),
    Array.from({ length: 12 }, (_, i) => i + 1),
  );
  assert.deepEqual(points[5], [6, 7]);
});

test('a run is read from where it was, a page that leaves loses nothing, and a file that begins anew is read anew', async () => {
  const path = await writeRun('long', [state('sft', 'started'), step(1)]);
  const details = new RunDetails();
  const read = (signal = open) => details.read(join(runs, 'long'), 'long', { now: 0, signal });
  const losses = async () => (await read()).series.find(({ metric }) => metric === 'loss')?.points.map(([x]) => x);
  const first = await read();
  const torn = JSON.stringify(step(2));
  await appendFile(path, torn.slice(0, 20));
  assert.deepEqual([(await read()).offset, (await read()).broken], [first.offset, 1]);
  await appendFile(path, `${torn.slice(20)}\nno event\n`);
  await assert.rejects(read(AbortSignal.abort()), /abort/i);
  assert.deepEqual([await losses(), (await read()).broken], [[1, 2], 1]);
  await appendFile(path, `${'x'.repeat((8 << 20) + 9)}\n${JSON.stringify(step(3))}\n`);
  assert.deepEqual([await losses(), (await read()).broken], [[1, 2, 3], 2]);
  assert.equal((await read()).offset, (await stat(path)).size);
  await writeFile(path, `${JSON.stringify(step(9))}\n`);
  assert.deepEqual([await losses(), (await read()).broken], [[9], undefined]);
});

test('every event that a report is made of fits', async () => {
  let time = 1000;
  await writeRun(
    'demo',
    [...demoEvents()].map((event) => ({ ...event, time: time++ }) as TimedEvent),
  );
  const { series, results, samples } = await detailOf('demo');
  assert.ok(series.length > 5 && results.length > 3 && samples.length > 0);
  assert.ok(series.every(({ points }) => points.length > 0 && points.length <= bounds.points));
});

test('a page that watches gets what comes, from where it was; its end ends the watching', async () => {
  const path = await writeRun('watched', [state('sft', 'started'), step(1)]);
  const { offset } = await detailOf('watched');
  const { url, close } = await listening(mounted(runRoutes(runs, open)));
  const line = (event: TimedEvent): string => `${JSON.stringify(event)}\n`;
  const watch = `${url}/api/runs/watched/events`;
  try {
    const first = readEvents(`${watch}?from=${offset}`);
    const coming = first.next();
    const [torn, rest] = [line(step(2)).slice(0, 30), line(step(2)).slice(30)];
    await appendFile(path, torn);
    await appendFile(path, `${rest}{"no": "event"}\n${line(step(3, { loss: Number.NaN }))}`);
    const second = (await coming).value;
    assert.deepEqual([second?.data.type, second?.data.step, second?.data.loss], ['step', 2, 3.98]);
    const third = (await first.next()).value;
    assert.deepEqual([third?.data.step, third?.data.loss], [3, null]);
    await first.return(undefined);
    const again = readEvents(watch, { headers: { 'last-event-id': second?.id ?? '' } });
    assert.deepEqual((await again.next()).value?.data.step, 3);
    await again.return(undefined);
    // A page that went away leaves its place to another, however often that happens.
    for (let i = 0; i < 70; i++) {
      const page = readEvents(`${watch}?from=0`);
      assert.equal((await page.next()).value?.data.type, 'stage');
      await page.return(undefined);
    }
    assert.equal((await fetch(`${watch}?from=-1`)).status, 400);
  } finally {
    await close();
  }
});

test('HEAD watches nothing; pages that are too many are told when to come again, and none watches a server that stops', async () => {
  await writeRun('asked', [state('sft', 'started'), step(1)]);
  const closing = new AbortController();
  const app = mounted(runRoutes(runs, closing.signal));
  const watch = '/api/runs/asked/events?from=0';
  for (let i = 0; i < 70; i++) assert.equal((await app.request(watch, { method: 'HEAD' })).status, 200);
  const pages = await Promise.all(Array.from({ length: 70 }, async () => app.request(watch)));
  const refused = pages.filter(({ status }) => status === 429);
  assert.deepEqual([refused.length, refused[0].headers.get('retry-after')], [6, '10']);
  const watched = pages.filter(({ status }) => status === 200).map((page) => page.text());
  closing.abort();
  for (const text of await Promise.all(watched)) assert.match(text, /^id: \d+$|"step":1/m);
  assert.equal((await app.request(watch)).status, 503);
});

test('who asks for the same run shares one reading, which ends with the last of them; of other runs few are read at once', async () => {
  const reads = new RunReads<string>();
  const begun: AbortSignal[] = [];
  const work = (signal: AbortSignal): Promise<string> => {
    begun.push(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const pages = [0, 1, 2].map(() => new AbortController());
  const asked = ['a', 'a', 'b'].map((name, i) => reads.read(name, pages[i].signal, work).catch(() => 'gone'));
  assert.equal(begun.length, 2);
  await assert.rejects(reads.read('c', open, work), /other runs are being read/);
  pages[0].abort();
  await asked[0];
  assert.equal(begun[0].aborted, false);
  for (const page of pages) page.abort();
  await Promise.all(asked);
  assert.deepEqual(
    begun.map(({ aborted }) => aborted),
    [true, true],
  );
  assert.equal(await reads.read('c', open, async () => 'read'), 'read');
});
