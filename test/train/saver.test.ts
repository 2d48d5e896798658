// Saving beside training: what is saved is what was there at its step, a failure is told and tried again, and nothing is
// left running.
import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import type { HostTensor } from '../../src/base/host-tensor.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { listCheckpoints, stepDirectory } from '../../src/checkpoint/history.js';
import { readManifest } from '../../src/checkpoint/manifest.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import type { Model } from '../../src/model/model.js';
import type { Event } from '../../src/report/event.js';
import type { TrainingResult } from '../../src/train/trainer.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';
import { modelTensors } from '../model-tensors.js';
import { abortedWhen } from '../signals.js';
import { countingObjective, trainConfig } from './tiny.js';
import { trainingWorld } from './world.js';

describe('saving beside training', () => {
  const { pathOf, attempt } = trainingWorld();

  async function run(name: string, own: Parameters<typeof attempt>[1] = {}) {
    const config = trainConfig({ checkpointEvery: 2, evaluateEvery: 2 });
    const folders = { directory: pathOf(name, 'pretrain'), runDirectory: pathOf(name) };
    const { notes, ...rest } = await attempt(name, { config, steps: 6, ...folders, ...own });
    return { ...rest, warnings: notes.filter(({ level }) => level === 'warning') };
  }

  /** What happened, without what the clock decides. */
  const story = (events: readonly Event[]) =>
    events.map((event) => (event.type === 'step' ? { ...event, tokensPerSecond: 0 } : event));

  test('each checkpoint holds the weights of its own step, though training has gone on', async () => {
    const config = trainConfig({ checkpointEvery: 1, evaluateEvery: 1, keep: 'last=10', learningRate: 0.1 });
    const seen = new Map<number, HostTensor[]>();
    const evaluate = async (model: Model, step: number) => {
      seen.set(step, modelTensors(model));
      return {};
    };
    const { directory } = await run('snapshots', { config, evaluate });
    assert.equal(seen.size, 6);
    for (const [step, tensors] of seen) {
      const { weights } = await openCheckpoint(stepDirectory(directory, step));
      for (const { name, data } of tensors) assert.deepEqual(weights.get(name)?.data, data, `${name} at step ${step}`);
    }
  });

  test('equal trainings tell the same events in the same order', async () => {
    const first = await run('twice');
    await rm(pathOf('twice'), { recursive: true });
    const second = await run('twice');
    assert.deepEqual(story(second.events), story(first.events));
    const order = first.events.map((event) => (event.type === 'checkpoint' ? `saved ${event.step}` : event.type));
    assert.deepEqual(order, ['step', 'step', 'step', 'step', 'saved 2', 'step', 'step', 'saved 4', 'saved 6']);
  });

  test('no thread is left, whether it ended, was stopped or failed', async () => {
    const threads = () => process.getActiveResourcesInfo().filter((name) => /worker|messageport/i.test(name)).length;
    const idle = threads();
    await run('ended');
    assert.equal(threads(), idle);
    let asked = 0;
    const signal = abortedWhen(() => ++asked > 2);
    assert.ok((await run('stopped', { signal })).outcome instanceof Interrupted);
    assert.equal(threads(), idle);
    const good = countingObjective();
    let read = 0;
    const next = async () => {
      if (++read < 4) return good.next();
      assert.ok(threads() > idle, 'a thread can be seen while there is one');
      throw new Error('broken');
    };
    const { outcome, directory } = await run('failed', { objective: { ...good, next } });
    assert.equal((outcome as Error).message, 'broken');
    assert.deepEqual(await readdir(directory), ['step-000002'], 'the save in flight was waited for');
    assert.equal(threads(), idle);
  });

  /** Puts a checkpoint of another stage in the way of the one of `step`, two steps before: it must not be overwritten. */
  const inTheWay = (name: string, step: number) => async (_model: Model, now: number) => {
    const content = checkpointContent(step);
    content.manifest.stage = 'sft';
    if (now === step - 2) await saveCheckpoint(stepDirectory(pathOf(name, 'pretrain'), step), content);
    return {};
  };

  test('a save that fails is told with path, reason and advice; training goes on, and the next save point tries again', async () => {
    const config = trainConfig({ checkpointEvery: 2, evaluateEvery: 2, keep: 'last=9' });
    const plain = await run('plain', { config });
    const { outcome, warnings, events, directory } = await run('blocked', { evaluate: inTheWay('blocked', 4), config });
    assert.equal(warnings.length, 1);
    assert.equal(warnings[0].unsaved, stepDirectory(directory, 4));
    assert.match(
      warnings[0].text,
      /blocked.pretrain.step-000004: this checkpoint could not be saved: .*of another stage\. Look at the disk and the folder\. It is tried again at the next save point; the run fails in the end\.$/,
    );
    const saved = events.flatMap((event) => (event.type === 'checkpoint' ? [event.step] : []));
    assert.deepEqual(saved, [2, 6]);
    assert.equal(events.filter(({ type }) => type === 'step').length, 6);
    assert.equal((outcome as TrainingResult).digest, (plain.outcome as TrainingResult).digest);
    assert.equal((await openCheckpoint(stepDirectory(directory, 4))).manifest.stage, 'sft');
  });

  test('where the last checkpoint cannot be saved either, the training fails with exit code 1', async () => {
    const { outcome, warnings } = await run('never', { evaluate: inTheWay('never', 6) });
    assert.ok(outcome instanceof UserError);
    assert.equal(outcome.exitCode, 1);
    assert.match(
      outcome.message,
      /step-000006: the last checkpoint could not be saved.*last whole one is .*step-000004/,
    );
    assert.equal(warnings.length, 2, 'step 6 was tried once more');
  });

  test('a step is saved before it is measured; what fails then is a warning, and training continues to the same weights', async () => {
    const config = trainConfig({ checkpointEvery: 2, evaluateEvery: 1, sampleEvery: 3, keep: 'last=2' });
    const evaluate = async (_model: Model, step: number) => ({ figure: step });
    const plain = await run('measured', { config, evaluate, sample: async () => undefined });
    const before: unknown[] = [];
    const { outcome, notes, steps, directory } = await attempt('broken', {
      ...{ config, steps: 6, directory: pathOf('broken', 'pretrain'), runDirectory: pathOf('broken') },
      evaluate: async (model, step) => {
        const saved = await readManifest(stepDirectory(pathOf('broken', 'pretrain'), step)).catch(() => undefined);
        before.push([step, saved?.manifest.unmeasured]);
        if (step === 4) throw new UserError({ what: 'id 300 is no token', next: 'Ask again' });
        return evaluate(model, step);
      },
      sample: async () => {
        throw new RangeError('no sample');
      },
    });
    assert.deepEqual(before, [
      [1, undefined],
      [2, true],
      [3, undefined],
      [4, true],
      [5, undefined],
      [6, true],
    ]);
    assert.equal(steps.length, 6);
    assert.equal((outcome as TrainingResult).digest, (plain.outcome as TrainingResult).digest);
    assert.deepEqual(
      notes.map(({ level, text, unmeasured }) => [level, text, unmeasured]),
      [
        ['sampling of step 3', 'RangeError: no sample', 'pretrain, step 3'],
        ['evaluation of step 4', 'id 300 is no token. Ask again.', 'pretrain, step 4'],
        ['sampling of step 6', 'RangeError: no sample', 'pretrain, step 6'],
      ].map(([what, why, where]) => [
        'warning',
        `the ${what} failed, and training continues without it: ${why}`,
        where,
      ]),
    );
    for (const { path } of await listCheckpoints(directory)) {
      assert.equal((await openCheckpoint(path)).manifest.unmeasured, undefined, path);
    }
  });

  test('killed between saving and measuring, it measures what it resumes from: the bits of a run that was not', async () => {
    const evaluate = async (_model: Model, step: number) => ({ figure: step });
    for (const steps of [4, 6]) {
      const name = `unmeasured-${steps}`;
      const config = trainConfig({ checkpointEvery: 2, evaluateEvery: 4, keep: 'last=9' });
      const whole = await run(`${name}-whole`, { config, evaluate, steps });
      // As SIGKILL would leave it: what runs after the save never ends.
      const killed = new Interrupted('killed');
      const evaluated: number[] = [];
      const first = await run(name, {
        ...{ config, steps },
        evaluate: async (_model, step) => {
          if (step === 4) throw killed;
          return { figure: step };
        },
      });
      assert.equal(first.outcome, killed);
      const there = await readManifest(stepDirectory(first.directory, 4));
      assert.equal(there.manifest.unmeasured, true);
      assert.equal(there.manifest.metrics.figure, undefined);
      const second = await run(name, {
        ...{ config, steps },
        evaluate: async (model, step) => {
          evaluated.push(step);
          return evaluate(model, step);
        },
      });
      assert.deepEqual(evaluated, steps === 4 ? [4] : [4, 6]);
      for (const { path, step } of await listCheckpoints(second.directory)) {
        const { digest } = await openCheckpoint(stepDirectory(whole.directory, step));
        assert.equal((await openCheckpoint(path)).digest, digest, `step ${step}`);
      }
      assert.equal((second.outcome as TrainingResult).digest, (whole.outcome as TrainingResult).digest);
    }
  });

  test('keep: the best by a metric stays; a metric that the stage does not report is refused', async () => {
    const values = [3, 1, 2, 4, 5, 6];
    const evaluate = async (_model: Model, step: number) => ({
      'heldOutBitsPerByte.zh': values[step - 1],
      heldOutBitsPerByte: 9 - step,
    });
    const config = (keep: string) => trainConfig({ checkpointEvery: 1, evaluateEvery: 1, keep });
    const { directory } = await run('best', { config: config('last=1,best=bits_per_byte.zh'), evaluate });
    assert.deepEqual((await readdir(directory)).sort(), ['step-000002', 'step-000006']);
    const late = { ...config('best=reward'), evaluateEvery: 3, checkpointEvery: 4 };
    const { outcome, directory: unknown } = await run('unknown', { config: late, evaluate });
    assert.ok(outcome instanceof UserError);
    assert.deepEqual(await readdir(unknown), ['step-000003'], 'the steps so far are not lost for it');
    assert.match(
      outcome.message,
      /train\.keep: there is no metric reward here.* reports loss, heldOutBitsPerByte\.zh, heldOutBitsPerByte/,
    );
    const { outcome: unmeasured } = await run('unmeasured', { config: config('best=bitsPerByte') });
    assert.match((unmeasured as Error).message, /Pretrain reports loss\./);
  });
});
