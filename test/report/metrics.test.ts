// metrics.jsonl survives kills, resumes and full disks; what is read back is what really counts.
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openMetrics, readMetrics, settleEvents, stageSeconds, type TimedEvent } from '../../src/report/metrics.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metrics-'));
});
after(() => rm(folder, { recursive: true, force: true }));

let clock = 1000;
const stage = (name: string, state: 'started' | 'finished' | 'skipped' | 'resumed' | 'taken back'): TimedEvent => ({
  type: 'stage',
  stage: name,
  state,
  time: clock++,
});
const step = (name: string, number: number, loss = number): TimedEvent => ({
  type: 'step',
  stage: name,
  step: number,
  steps: 9,
  loss,
  learningRate: 0.001,
  gradientNorm: 1,
  tokens: 10,
  tokensPerSecond: 100,
  time: clock++,
});
const evaluation = (name: string, at: number, reward: number): TimedEvent => ({
  type: 'evaluation',
  stage: name,
  step: at,
  metrics: { reward },
  time: clock++,
});
const never = (reason: string): never => assert.fail(reason);
const losses = (events: readonly TimedEvent[], name = 'sft'): number[] =>
  events.flatMap((event) => (event.type === 'step' && event.stage === name ? [event.loss] : []));

test('events come back as they were; progress is not kept; a NaN loss stays a NaN', async () => {
  const path = join(folder, 'new/run/metrics.jsonl');
  const writer = openMetrics(path, never);
  const written = [stage('sft', 'started'), step('sft', 1, Number.NaN), evaluation('sft', 1, 0.5)];
  for (const event of written) writer.write(event);
  writer.write({ type: 'progress', stage: 'sft', label: 'x', done: 1, unit: 'rows', time: clock++ });
  writer.close();
  const { events, broken } = await readMetrics(path);
  assert.deepEqual(events, written);
  assert.equal(broken, 0);
  assert.deepEqual(await readMetrics(join(folder, 'absent')), { events: [], broken: 0 });
});

test('steps reach the disk within a second, and rare events at once, without close', async () => {
  const path = join(folder, 'flush.jsonl');
  const writer = openMetrics(path, never);
  writer.write(stage('sft', 'started'));
  assert.equal((await readMetrics(path)).events.length, 1);
  writer.write({ ...step('sft', 1), time: clock - 1 });
  writer.write({ ...step('sft', 2), time: clock - 1 });
  await sleep(1200);
  assert.equal((await readMetrics(path)).events.length, 3);
  writer.close();
});

test('a torn last line costs itself only, and the next process begins a line of its own', async () => {
  const path = join(folder, 'torn.jsonl');
  await writeFile(path, `${JSON.stringify(step('sft', 1))}\n{"type":"sample","prompt":"床前明`);
  await appendFile(path, Buffer.from([0xe6, 0x9c])); // half of 月
  assert.deepEqual(losses((await readMetrics(path)).events), [1]);
  const writer = openMetrics(path, never);
  writer.write(step('sft', 2));
  writer.close();
  const { events, broken } = await readMetrics(path);
  assert.deepEqual(losses(events), [1, 2]);
  assert.equal(broken, 1);
});

test('foreign lines are counted, not believed', async () => {
  const path = join(folder, 'foreign.jsonl');
  const bad = ['[]', '{"type":"step","stage":"x","step":"1"}', '{"type":"future","stage":"x","time":1}', 'null'];
  await writeFile(path, `${bad.join('\n')}\n\n${JSON.stringify(step('sft', 3))}\n`);
  const { events, broken } = await readMetrics(path);
  assert.equal(broken, 4);
  assert.deepEqual(losses(events), [3]);
});

test('a file that cannot be written warns once, does not throw, and says in the end what it lacks', async () => {
  const path = join(folder, 'directory.jsonl');
  await mkdir(path);
  const warnings: [string, boolean][] = [];
  const writer = openMetrics(path, (...warning) => warnings.push(warning));
  for (let i = 0; i < 3; i++) writer.write(stage('sft', 'started'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0][0], /cannot write .*directory\.jsonl \(EISDIR\): its lines are kept in memory/);
  writer.close();
  assert.deepEqual(
    warnings.map(([, isIncomplete]) => isIncomplete),
    [false, true],
  );
  assert.match(warnings[1][0], /directory\.jsonl lacks 3 lines of this run \(EISDIR\)/);
});

test('what could not be written for a while is written later, each line once', async () => {
  const path = join(folder, 'for-a-while.jsonl');
  const started = stage('pretrain', 'started');
  await writeFile(path, `${JSON.stringify(started)}\n`);
  const before = await readFile(path, 'utf8');
  const warnings: string[] = [];
  const writer = openMetrics(path, (reason) => warnings.push(reason));
  await rename(path, `${path}.aside`);
  await mkdir(path);
  for (let i = 1; i <= 3; i++) writer.write(step('pretrain', i));
  await rmdir(path);
  await rename(`${path}.aside`, path);
  writer.write(step('pretrain', 4));
  writer.close();
  assert.equal(warnings.length, 1);
  assert.ok((await readFile(path, 'utf8')).startsWith(before));
  const { events, broken } = await readMetrics(path);
  assert.equal(broken, 0);
  assert.deepEqual(losses(events, 'pretrain'), [1, 2, 3, 4]);
});

test('events keep the order they came in, whatever the clock of a later process says', () => {
  const first = [stage('data', 'started'), stage('data', 'finished'), stage('sft', 'started'), step('sft', 1)];
  const behind = [stage('sft', 'resumed'), step('sft', 2)].map((event) => ({ ...event, time: event.time - 900 }));
  const settled = settleEvents([...first, ...behind]);
  assert.deepEqual(settled, [...first, ...behind]);
  assert.equal(stageSeconds(settled).get('sft'), 2);
});

test('a stage that starts afresh forgets its earlier try, and only its own', () => {
  const events = [
    ...[stage('pretrain', 'started'), step('pretrain', 1, 10), stage('pretrain', 'finished')],
    ...[stage('sft', 'started'), step('sft', 1, 5), step('sft', 2, 4)],
    ...[stage('pretrain', 'skipped'), stage('sft', 'started'), step('sft', 1, 3)],
  ];
  const settled = settleEvents(events);
  assert.deepEqual(losses(settled), [3]);
  assert.deepEqual(losses(settled, 'pretrain'), [10]);
});

test('a try that was taken back never was: what was there before counts again', () => {
  const note = (text: string): TimedEvent => ({ type: 'note', stage: 'sft', level: 'info', text, time: clock++ });
  const whole = [stage('sft', 'started'), note('rows'), step('sft', 1, 5), step('sft', 2, 4), stage('sft', 'finished')];
  const refused = [stage('sft', 'started'), note('rows'), note('others'), stage('sft', 'taken back')];
  assert.deepEqual(settleEvents([...whole, ...refused, ...refused]), whole);
  assert.deepEqual(stageSeconds([...whole, ...refused]), stageSeconds(whole));
  assert.deepEqual(settleEvents(refused), [], 'of a first try nothing is left');
  assert.equal(stageSeconds(refused).size, 0);
  const again = [stage('sft', 'started'), step('sft', 1, 3)];
  assert.deepEqual(settleEvents([...whole, ...refused, ...again]), again);
  const once = settleEvents([...whole, ...refused, note('rows')]);
  assert.equal(once.filter(({ type }) => type === 'note').length, 1, 'a fact is kept once, as ever');
});

test('a resumed stage forgets the steps that it did again, with what was said at them', () => {
  const events = [
    ...[stage('sft', 'started'), step('sft', 1, 10), step('sft', 2, 20), evaluation('sft', 2, 0.2)],
    ...[step('sft', 3, 30), evaluation('sft', 3, 0.3), step('sft', 4, 40)],
    ...[stage('sft', 'resumed'), stage('sft', 'resumed'), step('sft', 3, 31), evaluation('sft', 3, 0.31)],
  ];
  const settled = settleEvents(events);
  assert.deepEqual(losses(settled), [10, 20, 31]);
  assert.deepEqual(
    settled.flatMap((event) => (event.type === 'evaluation' ? [event.metrics.reward] : [])),
    [0.2, 0.31],
  );
});

test('resuming in a later round leaves the rounds before, which count their steps from 1 too', () => {
  const round = (number: number, values: number[], from = 1) =>
    values.map((loss, i): TimedEvent => ({ ...step('align', from + i, loss), round: number }) as TimedEvent);
  const start = [stage('align', 'started'), ...round(1, [1, 2, 3]), evaluation('align', 1, 0.5), ...round(2, [4, 5])];
  const settled = settleEvents([...start, stage('align', 'resumed'), ...round(2, [6, 7, 8])]);
  assert.deepEqual(losses(settled, 'align'), [1, 2, 3, 6, 7, 8]);
  assert.equal(settled.filter(({ type }) => type === 'evaluation').length, 1);
  const later = settleEvents([...start, stage('align', 'resumed'), ...round(2, [50, 60], 2)]);
  assert.deepEqual(losses(later, 'align'), [1, 2, 3, 4, 50, 60]);
  const between = settleEvents([...start.slice(0, 5), stage('align', 'resumed'), ...round(2, [70])]);
  assert.deepEqual(losses(between, 'align'), [1, 2, 3, 70], 'killed between rounds');
  const damaged = settleEvents([...start, stage('align', 'resumed'), ...round(1, [20, 30], 2), ...round(2, [40])]);
  assert.deepEqual(losses(damaged, 'align'), [1, 20, 30, 40], 'the first round is damaged: both are done again');
});

test('a checkpoint is told after later steps: going on from an earlier one forgets both', () => {
  const saved = (at: number): TimedEvent => ({
    ...{ type: 'checkpoint', stage: 'sft', path: `step-${at}`, digest: 'd', time: clock++ },
    step: at,
  });
  const events = [
    ...[stage('sft', 'started'), step('sft', 1), step('sft', 2), step('sft', 3), step('sft', 4), saved(2)],
    ...[step('sft', 5), step('sft', 6), saved(4), stage('sft', 'resumed'), step('sft', 3, 33), step('sft', 4, 44)],
  ];
  const settled = settleEvents(events);
  assert.deepEqual(losses(settled), [1, 2, 33, 44]);
  assert.deepEqual(
    settled.flatMap((event) => (event.type === 'checkpoint' ? [event.step] : [])),
    [2],
  );
});

test('facts that are said again replace themselves', () => {
  const note: TimedEvent = { type: 'note', stage: 'data', level: 'info', text: 'kept 5', time: 1 };
  const licence = (documents: number, time: number): TimedEvent => ({
    ...{ type: 'licence', stage: 'data', source: 'a', licence: 'MIT', bytes: 1 },
    documents,
    time,
  });
  const settled = settleEvents([note, licence(1, 2), { ...note, time: 3 }, licence(2, 4)]);
  assert.deepEqual(settled, [{ ...note, time: 3 }, licence(2, 4)]);
});

test('time counts while a process worked, not while none did', () => {
  const at = (event: TimedEvent, time: number): TimedEvent => ({ ...event, time });
  const seconds = stageSeconds([
    at(stage('sft', 'started'), 0),
    at(step('sft', 1), 10),
    at(stage('sft', 'resumed'), 100_000),
    at(step('sft', 2), 100_005),
    at(stage('sft', 'finished'), 100_007),
    at(stage('sft', 'skipped'), 200_000),
    at(stage('eval', 'started'), 200_001),
    at(stage('eval', 'started'), 200_100),
    at(stage('eval', 'finished'), 200_103),
  ]);
  assert.deepEqual(Object.fromEntries(seconds), { sft: 17, eval: 3 });
});

test('a line separator inside a text does not end the line', async () => {
  const path = join(folder, 'separator.jsonl');
  const sample: TimedEvent = {
    type: 'sample',
    stage: 'sft',
    step: 1,
    prompt: 'a\u2028b',
    completion: '\u0085',
    time: 1,
  };
  const writer = openMetrics(path, never);
  writer.write(sample);
  writer.close();
  assert.deepEqual((await readMetrics(path)).events, [sample]);
  assert.equal((await readFile(path, 'utf8')).split('\n').length, 2);
});
