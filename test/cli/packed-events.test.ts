// What of a run's events is packed: figures, and no text that somebody wrote or a model answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutTexts } from '../../src/cli/packed-events.js';
import type { TimedEvent } from '../../src/report/metrics.js';

test('figures of a reward model are packed, and the pairs that it scored most wrongly are not', () => {
  const event = {
    ...{ type: 'reward', stage: 'rewardModel', time: 1, isGranted: false, refusals: ['why'] },
    ...{ parts: [], baselines: [], calibration: { error: 0.1, bound: 0.2, bins: [] }, lengthCorrelation: 0.5 },
    worst: [{ prompt: 'my secret', chosen: { text: 'a', score: 0 }, rejected: { text: 'b', score: 1 } }],
  } satisfies TimedEvent;
  assert.deepEqual(withoutTexts([event]), [{ ...event, worst: [] }]);
});
