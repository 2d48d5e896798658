// What looks at every step may end a training: after saving, in words, and at the same step whether or not it was stopped.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import type { Metrics } from '../../src/report/event.js';
import type { TrainingResult } from '../../src/train/trainer.js';
import type { Watch } from '../../src/train/watch.js';
import { trainConfig } from './tiny.js';
import { trainingWorld } from './world.js';

/** Minds the seventh step that it has seen, and every one after it. */
class SevenSteps implements Watch {
  state = 0;
  see({ loss }: Metrics) {
    assert.ok(Number.isFinite(loss));
    this.state++;
    return this.state < 7 ? undefined : { what: 'seven are enough', next: 'Stop' };
  }
}

describe('a watched training', () => {
  const { attempt } = trainingWorld();
  const own = () => ({
    watch: new SevenSteps(),
    config: trainConfig({ checkpointEvery: 10, evaluateEvery: 7 }),
    evaluated: ['heldOutLoss'],
    evaluate: () => Promise.resolve({ heldOutLoss: 1 }),
  });

  test('ends after saving, says why, and goes on from there when nothing minds any more', async () => {
    const { outcome, steps } = await attempt('ends', own());
    assert.ok(outcome instanceof UserError && outcome.exitCode === 1, String(outcome));
    assert.match(outcome.message, /pretrain, step 7 of 10 \(saved as .*step-000007\): seven are enough\. Stop\./);
    assert.equal(steps.length, 7);
    const again = await attempt('ends', own());
    assert.match(String(again.outcome), /step 8 of 10/, 'the watch remembers what it has seen');
    const rest = await attempt('ends', { ...own(), watch: undefined });
    const { path, digest, metrics } = rest.outcome as TrainingResult;
    assert.deepEqual([basename(path), rest.steps.length, metrics.heldOutLoss], ['step-000010', 2, 1]);
    const unwatched = await attempt('unwatched', { ...own(), watch: undefined });
    assert.equal((unwatched.outcome as TrainingResult).digest, digest);
  });

  test('ends at the same step after it was stopped on the way', async () => {
    assert.ok((await attempt('stopped', own(), 3)).outcome instanceof Interrupted);
    assert.match(String((await attempt('stopped', own())).outcome), /step 7 of 10/);
  });
});
