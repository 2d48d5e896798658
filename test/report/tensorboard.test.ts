// What TensorBoard is given of a run: a folder a stage, no step twice, and what a full disk takes is said.
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import type { Event } from '../../src/report/event.js';
import { readEvent, recordsIn } from '../../src/report/event-file.js';
import { createReporter } from '../../src/report/reporter.js';
import { tensorBoardSink } from '../../src/report/tensorboard.js';

const stdout = new PassThrough().resume();
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tensorboard-'));
});
after(() => rm(folder, { recursive: true, force: true }));

let time = 1_700_000_000_000;
function openSink(name: string, warn: (text: string, isIncomplete: boolean) => void = (text) => assert.fail(text)) {
  return tensorBoardSink({ folder: join(folder, name), now: () => (time += 100), history: () => [], warn });
}

const stage = (state: 'started' | 'resumed' | 'finished' | 'taken back', name = 'sft'): Event => ({
  type: 'stage',
  stage: name,
  state,
});
const step = (number: number, round?: number): Event => ({
  ...{ type: 'step', stage: round === undefined ? 'sft' : 'align', step: number, steps: 9, loss: 1, learningRate: 1 },
  ...{ gradientNorm: 1, tokens: 1, tokensPerSecond: 1, metrics: { reward: 2 }, ...(round !== undefined && { round }) },
});
const evaluation = (at: number, name = 'sft'): Event => ({
  ...{ type: 'evaluation', stage: name, step: at, metrics: { heldOutLoss: 1 } },
});

/** Of all files of a folder in the order of their names, as TensorBoard reads them: step and tags, `start` where it begins anew. */
async function saidIn(name: string): Promise<string[]> {
  const files = (await readdir(join(folder, name))).filter((file) => file.includes('tfevents')).sort();
  const said: string[] = [];
  for (const file of files) {
    said.push(`file`);
    for (const record of recordsIn(await readFile(join(folder, name, file)))) {
      const { step: at, isStart, tags } = readEvent(record);
      if (isStart) said.push(`start ${at}`);
      else if (tags.length > 0) said.push(`${at} ${tags[0].split('/')[0]}`);
    }
  }
  return said;
}

test('each record is on the disk when its event was emitted; a resumed run continues in a new file', async () => {
  const first = openSink('run');
  for (const event of [stage('started'), step(1), step(2), evaluation(2)]) first.emit(event);
  assert.deepEqual(await saidIn('run/sft'), ['file', '1 training', '2 training', '2 evaluation']);
  first.emit(step(3)); // then it is killed within a record
  const [file] = await readdir(join(folder, 'run/sft'));
  await appendFile(join(folder, 'run/sft', file), 'torn');
  time -= 3_600_000; // and the clock is set back
  const second = openSink('run');
  for (const event of [stage('resumed'), evaluation(2), step(3), step(4), evaluation(4)]) second.emit(event);
  second.close();
  assert.deepEqual(await saidIn('run/sft'), [
    ...['file', '1 training', '2 training', '2 evaluation', '3 training'],
    ...['file', 'start 3', '3 training', '4 training', '4 evaluation'],
  ]);
  const third = openSink('run'); // what was undone is read as undone
  for (const event of [stage('resumed'), step(5), evaluation(4), evaluation(3)]) third.emit(event);
  assert.deepEqual((await saidIn('run/sft')).slice(-3), ['file', '5 training', '3 evaluation']);
});

test('a stage that was not logged, and is skipped or resumed, is drawn from its metrics, each step at its time', async () => {
  const run = join(folder, 'late');
  const open = (log?: 'tensorboard') => {
    const reporter = createReporter({
      runDirectory: run,
      log,
      mode: 'quiet',
      ...{ stdout, stderr: stdout, now: () => (time += 100) },
    });
    return { emit: (...events: Event[]) => events.forEach(reporter.emit), close: reporter.close };
  };
  const began = time;
  const first = open();
  first.emit(stage('started'), step(1), step(2), step(3), stage('resumed'), step(3), evaluation(3), stage('finished'));
  first.emit(stage('started', 'align'), step(1, 1), step(2, 1));
  await first.close();
  time += 3_600_000;
  for (const _ of ['once', 'and never twice']) {
    const late = open('tensorboard');
    late.emit({ type: 'stage', stage: 'sft', state: 'skipped' });
    await late.close();
    assert.deepEqual(await saidIn('late/tensorboard/sft'), [
      ...['file', '1 training', '2 training', '3 training', '3 evaluation'],
    ]);
  }
  const resumed = open('tensorboard');
  resumed.emit(stage('resumed', 'align'), step(2, 1), step(3, 1));
  await resumed.close();
  assert.deepEqual(await saidIn('late/tensorboard/align/round-01'), [
    ...['file', '1 training', '2 training', 'start 2', '2 training', '3 training'],
  ]);
  const [file] = await readdir(join(run, 'tensorboard/sft'));
  const [, seconds] = /tfevents\.(\d+)/.exec(file) ?? [];
  assert.ok(Math.abs(Number(seconds) - began / 1000) < 60, `${file} of ${began / 1000}`);
});

test('steps that a training undoes are undone there; a stage that starts afresh leaves the earlier try beside it', async () => {
  const sink = openSink('undone');
  for (const event of [stage('started'), step(1), step(2), step(3), step(2), step(3)]) sink.emit(event);
  assert.deepEqual((await saidIn('undone/sft')).slice(1), [
    ...['1 training', '2 training', '3 training', 'start 2', '2 training', '3 training'],
  ]);
  for (const event of [stage('started'), step(1), stage('started'), step(1)]) sink.emit(event);
  assert.deepEqual((await readdir(join(folder, 'undone'))).sort(), ['sft', 'sft.replaced-1', 'sft.replaced-2']);
  assert.deepEqual(await saidIn('undone/sft'), ['file', '1 training']);
});

test('a try that is taken back gives its place to the one before', async () => {
  const first = openSink('back');
  for (const event of [stage('started'), step(1), step(2)]) first.emit(event);
  first.close();
  const before = await saidIn('back/sft');
  const second = openSink('back');
  for (const event of [stage('started'), step(1), stage('taken back')]) second.emit(event);
  second.close();
  assert.deepEqual(await saidIn('back/sft'), before);
  assert.deepEqual(await readdir(join(folder, 'back')), ['sft']);
});

test('rounds have folders of their own, and no name leaves the folder', async () => {
  const sink = openSink('rounds');
  for (const event of [step(1, 1), step(2, 1), evaluation(1, 'align'), step(1, 2), evaluation(2, 'align')])
    sink.emit(event);
  sink.emit(evaluation(1, '../../eval base'));
  sink.emit({ type: 'sample', stage: 'align', step: 2, prompt: 'a\n# b', completion: '<b>\nx' });
  assert.deepEqual((await readdir(join(folder, 'rounds'))).sort(), ['-eval-base', 'align']);
  assert.deepEqual(await saidIn('rounds/align/round-01'), ['file', '1 training', '2 training']);
  assert.deepEqual(await saidIn('rounds/align/round-02'), ['file', '1 training']);
  assert.deepEqual(await saidIn('rounds/align'), ['file', '1 evaluation', '2 evaluation', '2 samples']);
  const [file] = (await readdir(join(folder, 'rounds/align'))).filter((name) => name.startsWith('events'));
  assert.match((await readFile(join(folder, 'rounds/align', file))).toString(), / {4}<b>\n {4}x/); // as it is, no markup
});

test('where nothing can be written it is said once, tried again, and at the end if it never could be', async () => {
  await writeFile(join(folder, 'wall'), '');
  const said: [string, boolean][] = [];
  const sink = openSink('wall/run', (text, isIncomplete) => said.push([text, isIncomplete]));
  for (const event of [step(1), step(2)]) sink.emit(event);
  assert.equal(said.length, 1);
  assert.match(said[0][0], /cannot write .*tfevents.* \(ENOTDIR\): its records are kept/);
  sink.close();
  assert.match(said[1][0], /lacks 3 records/);
  assert.equal(said[1][1], true);

  await rm(join(folder, 'wall'));
  await mkdir(join(folder, 'again'));
  await writeFile(join(folder, 'again/sft'), '');
  const later = openSink('again', (text, isIncomplete) => said.push([text, isIncomplete]));
  later.emit(step(1));
  await rm(join(folder, 'again/sft'));
  later.emit(step(2));
  later.close();
  assert.deepEqual(await saidIn('again/sft'), ['file', '1 training', '2 training']);
  assert.equal(said.length, 3);
});

test('samples whose prompts are equal in their tags are all kept, and not said again by a process that resumed', async () => {
  const samples: Event[] = ['a', 'b'].map((completion) => ({
    ...{ type: 'sample', stage: 'sft', step: 10, prompt: 'Why?', completion },
  }));
  for (const state of ['started', 'resumed'] as const) {
    const sink = openSink('samples');
    for (const event of [stage(state), ...samples]) sink.emit(event);
    sink.close();
  }
  const tags: string[] = [];
  for (const name of await readdir(join(folder, 'samples/sft')))
    for (const record of recordsIn(await readFile(join(folder, 'samples/sft', name))))
      tags.push(...readEvent(record).tags);
  assert.deepEqual(tags, ['samples/Why?', 'samples/Why? (2)']);
});

test('what a stage that starts afresh could not write is counted as lost', async () => {
  await writeFile(join(folder, 'lost'), '');
  const said: string[] = [];
  const sink = openSink('lost/run', (text) => said.push(text));
  for (const event of [step(1), stage('started'), step(1)]) sink.emit(event);
  sink.close();
  assert.match(said[1], /lacks 4 records/);
});
