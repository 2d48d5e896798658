// What a person sees: a bar on a terminal, lines in a log, JSON where it was asked for, little where it was not.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { displayWidth } from '../../src/base/format.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { readMetrics } from '../../src/report/metrics.js';
import { createReporter, type ReporterOptions } from '../../src/report/reporter.js';
import { demoEvents } from './fixtures/demo.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reporter-'));
});
after(() => rm(folder, { recursive: true, force: true }));

interface Shown {
  out: string;
  err: string;
}

/** Emits `events`, `secondsEach` apart, to streams that remember. */
async function show(
  events: Iterable<Event>,
  options: Partial<ReporterOptions> & { isTTY?: boolean; columns?: number; secondsEach?: number } = {},
): Promise<Shown> {
  const stdout = Object.assign(new PassThrough({ highWaterMark: 1 << 20 }), { columns: options.columns });
  const stderr = Object.assign(new PassThrough({ highWaterMark: 1 << 20 }), {
    isTTY: options.isTTY ?? false,
    columns: options.columns ?? 100,
  });
  let time = 1e12;
  const { secondsEach = 1, ...rest } = options;
  const reporter = createReporter({ mode: 'terminal', stdout, stderr, now: () => time, ...rest });
  for (const event of events) {
    reporter.emit(event);
    time += secondsEach * 1000;
  }
  await reporter.close();
  return { out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

function* steps(count: number): Generator<Event> {
  yield { type: 'stage', stage: 'sft', state: 'started' };
  for (let step = 1; step <= count; step++) yield stepEvent(step, count);
  yield { type: 'checkpoint', stage: 'sft', step: count, path: 'runs/x/sft/step-000100', digest: 'ab' };
  yield { type: 'stage', stage: 'sft', state: 'finished', detail: 'sft/step-000100' };
}

function stepEvent(step: number, steps: number): Event {
  const rates = { learningRate: 0.001, gradientNorm: 1, tokens: 512, tokensPerSecond: 2048 };
  return { type: 'step', stage: 'sft', step, steps, loss: 3 - step / steps, ...rates };
}

test('the reporter of a stage names it, in the order that metrics.jsonl has, unless the event has a name of its own', () => {
  const lines: string[] = [];
  const reporter = stageReporter({ emit: (event) => lines.push(JSON.stringify(event)) }, 'eval');
  reporter.note('info', 'a', { backend: 'wasm' });
  reporter.emit({ type: 'sample', stage: 'eval base', step: 1, prompt: 'p', completion: 'c' });
  assert.deepEqual(lines, [
    '{"type":"note","stage":"eval","level":"info","text":"a","backend":"wasm"}',
    '{"type":"sample","stage":"eval base","step":1,"prompt":"p","completion":"c"}',
  ]);
});

test('in a log: a line every ten seconds or tenth, with loss, speed and the time that is left', async () => {
  const { err, out } = await show(steps(100), { secondsEach: 3 });
  const lines = err.trimEnd().split('\n');
  assert.equal(lines[0], 'sft          started');
  const bars = lines.filter((line) => line.includes('tokens/s'));
  assert.ok(bars.length >= 20 && bars.length <= 35, `${bars.length} lines for 300 seconds`);
  assert.match(bars[0], /^sft {10}step 5\/100 {2}loss 2\.950 {2}2\.05k tokens\/s {2}ETA 4m45s$/);
  assert.match(bars.at(-1) ?? '', /step 100\/100 .* ETA 0\.0s$/);
  assert.equal(lines.at(-1), 'sft          finished in 5m06s, loss 2.020 (last 5 steps) → sft/step-000100');
  assert.ok(!err.includes('\x1b'), 'no escape codes in a log');
  assert.equal(out, '');
});

test('text from elsewhere has a line of its own: the bar goes before it, and begins anew after it', async (t) => {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  const reporter = createReporter({ mode: 'terminal', stdout: new PassThrough(), stderr, now: () => 0 });
  t.after(() => reporter.close());
  reporter.emit({ type: 'stage', stage: 'sft', state: 'started' });
  reporter.emit(stepEvent(1, 50));
  assert.ok(String(stderr.read()).includes('1/50'));
  reporter.clear();
  assert.ok(String(stderr.read()).includes('\x1b[2K'), 'the line of the bar is cleared');
  reporter.emit(stepEvent(2, 50));
  assert.ok(String(stderr.read()).includes('2/50'));
});

test('which fast backend computes is for the report; a slow one, and what is wrong with it, is said', async () => {
  const note = (text: string, level: 'info' | 'warning', backend?: string): Event => ({
    ...{ type: 'note', stage: 'run', level, text },
    ...(backend !== undefined && { backend }),
  });
  const { err } = await show([
    note('backend native (avx2, 2 threads)', 'info', 'native'),
    note('backend wasm (native: not built)', 'info', 'wasm'),
    note('99 threads on 2 cores', 'warning'),
  ]);
  assert.ok(!err.includes('avx2'), err);
  assert.match(err, /backend wasm \(native: not built\)\n/);
  assert.match(err, /warning: 99 threads on 2 cores\n/);
});

test('a short stage in a log does not flood it; a long one is reported more rarely', async () => {
  const count = async (n: number, secondsEach: number) =>
    (await show(steps(n), { secondsEach })).err.split('\n').filter((line) => line.includes('tokens/s')).length;
  assert.equal(await count(1000, 0.001), 1);
  const day = await count(8640, 10);
  assert.ok(day > 20 && day < 200, `${day} lines in a day`);
});

test('on a terminal: a bar that is redrawn in place and gone when text follows', async () => {
  const { err } = await show(steps(50), { isTTY: true });
  assert.ok(err.includes('\x1b[1G'), 'the cursor returns to the start of the line');
  const text = stripVTControlCharacters(err);
  assert.match(text, /sft {10}step [█░]{25} 1\/50 {2}loss 2\.980 {2}2\.05k tokens\/s {2}ETA \?/);
  assert.match(text, /finished in 52\.?\d*s, loss 2\.000/);
  const beforeFinish = err.slice(0, err.lastIndexOf('finished'));
  assert.ok(beforeFinish.lastIndexOf('\x1b[2K') > beforeFinish.lastIndexOf('█'), 'the bar is cleared first');
  assert.ok(!err.includes('\x1b[?25l'), 'the cursor is never hidden: a kill would leave it so');
});

test('bytes of unknown size are shown without a bar', async () => {
  const bytes = (done: number): Event => ({ type: 'progress', stage: 'data', label: 'fetch', done, unit: 'bytes' });
  const { err } = await show([bytes(0), bytes(5 << 20), bytes(9 << 20)], { secondsEach: 11 });
  assert.deepEqual(err.trimEnd().split('\n'), ['data         fetch 5.0 MiB', 'data         fetch 9.0 MiB']);
});

test('a run of stages says which of them it is at and how long all of it takes, within 80 columns', async () => {
  const plan: Event = {
    type: 'plan',
    stage: 'run',
    stages: [
      { name: 'sft', seconds: 300 },
      { name: 'align', seconds: 60 },
    ],
  };
  const { err } = await show([plan, ...steps(100)], { secondsEach: 3 });
  assert.match(err, /^sft {10}started, stage 1 of 2, about 6m00s to go\n/);
  assert.match(err, /step 5\/100 {2}loss 2\.950 {2}2\.05k tokens\/s {2}ETA 4m45s, run 5m4\ds\n/);
  const unknown: Event = { type: 'plan', stage: 'run', stages: [{ name: 'sft', seconds: 300 }, { name: 'eval' }] };
  assert.match(
    (await show([unknown, ...steps(1)])).err,
    /started, stage 1 of 2, at least 5m00s to go \(not known: eval\)\n/,
  );
  const bar = stripVTControlCharacters(
    (await show([plan, ...steps(50)], { isTTY: true, columns: 80, secondsEach: 3 })).err,
  );
  const shown = bar.split(/(?=sft {10})/).map((line) => line.trimEnd());
  assert.ok(shown.includes('sft          step ░░░░░░░░ 1/50  loss 2.980  2.05k tokens/s  ETA ?, run 5m57s'), bar);
  const long = shown.filter((line) => line.length > 80);
  assert.deepEqual(long, []);
});

test('the eval table goes to stdout, with the best marked', async () => {
  const narrow = (await show(demoEvents())).out.split('\n');
  assert.deepEqual(
    narrow.filter((line) => displayWidth(line) > 80),
    [],
    'a file or a pipe is as wide as any terminal',
  );
  assert.match(narrow.join('\n'), /correct +1\.2% +65\.3% +70\.1% \* +↑\n +\[0\.0, 6\.2\]/);
  const { out, err } = await show(demoEvents(), { columns: 200 });
  assert.match(out, /^metric +base +sft +align/);
  assert.match(out, /bitsPerByte\.zh +2\.620 \* +2\.690 +2\.700 +↓\n/);
  assert.match(out, /correct\.arithmetic +2\.0% +71\.5% \* +71\.5% \* +↑\n/);
  assert.match(out, /correct +1\.2% \[0\.0, 6\.2\] +65\.3% \[59\.3, 70\.3\] +70\.1% \[64\.1, 75\.1\] \*/);
  assert.match(out, /gain +sft − base +align − sft\n/);
  assert.match(out, /correct +\+64\.1 points \[\+59\.0, \+69\.0\] better +\+4\.8 points \[\+1\.0, \+9\.0\] better/);
  assert.match(out, /bitsPerByte +\+0\.071 \[\+0\.040, \+0\.100\] worse +\+0\.009 \[−0\.004, \+0\.020\] within noise/);
  assert.match(
    out,
    /align against sft, on the same held-out tasks and texts: better beyond noise in correct \(\+4\.8 points \[\+1\.0, \+9\.0\]\) and reward \(\+0\.161 \[\+0\.120, \+0\.200\]\); within noise: bitsPerByte/,
  );
  assert.match(err, /cc-cedict: 118,000 documents, 8\.7 MiB, licence CC BY-SA 4\.0/);
  assert.match(
    err,
    /pretrain +held-out at step 400: bitsPerByte\.en 2\.322, bitsPerByte\.zh 2\.627, bitsPerByte 2\.440/,
  );
  assert.match(err, /sample: “12×3\+9=\?” → “12×3=36 ⏎ 36\+9=45”/);
});

test('text from outside cannot steer the terminal', async () => {
  const evil = 'a\x1b[2Jb\x07\u202ec';
  const { err } = await show([
    { type: 'sample', stage: 'sft', step: 1, prompt: evil, completion: `${'长'.repeat(100)}` },
    { type: 'note', stage: 'data', level: 'warning', text: evil },
    { type: 'licence', stage: 'data', source: evil, licence: evil, documents: 1, bytes: 1 },
  ]);
  for (const character of '\x1b\x07\u202e') assert.ok(!err.includes(character));
  assert.match(err, new RegExp(`→ “${'长'.repeat(30)}…”`));
});

test('--json: every event on a line of stdout, nothing else anywhere', async () => {
  const events = [...steps(3)];
  const { out, err } = await show(events, { mode: 'json' });
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    events,
  );
  assert.equal(err, '');
});

test('--quiet: warnings and results only', async () => {
  const { out, err } = await show(demoEvents(), { mode: 'quiet', isTTY: true });
  assert.match(out, /^metric/);
  assert.deepEqual(stripVTControlCharacters(err).trimEnd().split('\n'), [
    'data         warning: dropped 412 documents of chinese-poetry: exact duplicates',
  ]);
});

test('metrics.jsonl holds every event with its time; a run that cannot write it goes on and says so once', async () => {
  const runDirectory = join(folder, 'run');
  await show(steps(10), { runDirectory });
  const { events } = await readMetrics(join(runDirectory, 'metrics.jsonl'));
  assert.equal(events.length, 13);
  assert.deepEqual([events[0].time, events[12].time], [1e9, 1e9 + 12]);
  const blocked = join(folder, 'blocked');
  await mkdir(join(blocked, 'metrics.jsonl'), { recursive: true });
  const incomplete: string[] = [];
  const { err } = await show(steps(10), { runDirectory: blocked, onIncomplete: (path) => incomplete.push(path) });
  assert.equal(err.match(/warning: cannot write/g)?.length, 1);
  assert.match(err, /finished in[\s\S]*warning: .*metrics\.jsonl lacks 14 lines of this run/);
  assert.deepEqual(incomplete, [join(blocked, 'metrics.jsonl')]);
  const heard: Event[] = [];
  const token = 'hf_of-a-person-1234567890';
  const before = process.env.HF_TOKEN;
  process.env.HF_TOKEN = token;
  const said: Event = { type: 'note', stage: 'sft', level: 'info', text: `the key ${token}` };
  await show([said], { runDirectory: blocked, onEvent: (event) => heard.push(event) });
  if (before === undefined) delete process.env.HF_TOKEN;
  else process.env.HF_TOKEN = before;
  assert.ok(!JSON.stringify(heard).includes(token), 'a program hears a key');
  assert.ok(
    heard.some((event) => event.type === 'note' && event.incomplete !== undefined),
    JSON.stringify(heard),
  );
});

test('a reader that goes away does not end the run', async () => {
  const gone = (): Writable =>
    new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
  const runDirectory = join(folder, 'gone');
  const reporter = createReporter({ runDirectory, mode: 'json', stdout: gone(), stderr: gone() });
  for (const event of steps(5)) {
    reporter.emit(event);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await reporter.close();
  await reporter.close();
  assert.equal((await readFile(join(runDirectory, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n').length, 8);
});
