// A training that no longer gets better ends, with its best checkpoint as the result, whether or not it was stopped on the way.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { Interrupted } from '../../src/base/errors.js';
import { EarlyStopping } from '../../src/train/stopping.js';
import type { TrainingResult } from '../../src/train/trainer.js';
import { trainConfig } from './tiny.js';
import { trainingWorld } from './world.js';

describe('early stopping', () => {
  const { attempt } = trainingWorld();
  /** By step: the best is that of step 4, and two evaluations after it are no better. */
  const losses: Record<number, number> = { 2: 3, 4: 2, 6: 2.5, 8: 2, 10: 1 };
  const own = () => ({
    steps: 20,
    config: trainConfig({ evaluateEvery: 2, checkpointEvery: 3, keep: 'last=1', patience: 2 }),
    evaluated: ['heldOutLoss', 'ended'],
    evaluate: (_: unknown, step: number) => Promise.resolve({ heldOutLoss: losses[step] ?? 9, ended: 0 }),
  });

  test('it ends after so many evaluations that are no better, and the best checkpoint is kept and returned', async () => {
    const { outcome, steps, notes, directory } = await attempt('ends', own());
    const { path, digest, metrics } = outcome as TrainingResult;
    assert.equal(steps.length, 8);
    assert.deepEqual([basename(path), metrics.heldOutLoss], ['step-000004', 2]);
    const text =
      'no better heldOutLoss in 2 evaluations: it ends at step 8 of 20. The best heldOutLoss is 2.000, of step 4: that is the result';
    assert.ok(
      notes.some((note) => note.text === text),
      notes.map((note) => note.text).join('\n'),
    );
    assert.deepEqual((await readdir(directory)).filter((name) => name.startsWith('step-')).sort(), [
      'step-000004',
      'step-000008',
    ]);
    for (const stopAt of [4]) {
      const name = `stopped ${stopAt}`;
      assert.ok((await attempt(name, own(), stopAt)).outcome instanceof Interrupted);
      const rest = await attempt(name, own());
      assert.deepEqual([rest.steps.length, (rest.outcome as TrainingResult).digest], [8 - stopAt, digest], name);
    }
    assert.equal(
      ((await attempt('ends', own())).outcome as TrainingResult).digest,
      digest,
      'it is over when it is run again',
    );
  });

  test('after other data, named with --override, the best is looked for afresh', async () => {
    assert.ok((await attempt('other data', own(), 4)).outcome instanceof Interrupted);
    const evaluate = (_: unknown, step: number) => Promise.resolve({ heldOutLoss: step === 6 ? 5 : 6, ended: 0 });
    const overrides = [{ key: 'data', from: 'a', to: 'b' }];
    const { outcome, steps } = await attempt('other data', { ...own(), evaluate, overrides });
    assert.deepEqual([basename((outcome as TrainingResult).path), steps.length], ['step-000006', 6]);
  });

  test('of a metric of which more is better, the best is the highest; an evaluation that failed does not count', () => {
    const stopping = new EarlyStopping(3, 'correct');
    for (const [step, value] of Object.entries(losses)) stopping.see(Number(step), { correct: -value });
    assert.deepEqual([stopping.state.best, stopping.isOver], [{ step: 10, value: -1 }, false]);
    for (const step of [12, 14]) stopping.see(step, { correct: -1 });
    stopping.see(16, { ended: 1 });
    assert.equal(stopping.isOver, false);
    stopping.see(18, { correct: -1 });
    assert.equal(stopping.isOver, true);
  });

  test('a metric that nobody measures is refused before the first step', async () => {
    const config = trainConfig({ evaluateEvery: 2, patience: 1, bestBy: 'bits_per_byte' });
    const refused = await attempt('unknown', { ...own(), config });
    assert.equal(refused.steps.length, 0);
    assert.match(
      String(refused.outcome),
      /train\.bestBy: heldOutBitsPerByte cannot say when to stop\. Pretrain reports heldOutLoss, ended\./,
    );
    const silent = await attempt('silent', { ...own(), evaluate: undefined });
    assert.match(
      String(silent.outcome),
      /train\.patience: no metric can say when to stop\. Nothing is measured while it trains/,
    );
    const never = await attempt('never', { ...own(), config: trainConfig({ evaluateEvery: 0, patience: 1 }) });
    assert.match(String(never.outcome), /evaluateEvery is 0/);
  });
});
