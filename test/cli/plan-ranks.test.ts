// What `plan --ranks` says of several processes on this machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelShape } from '../../src/architecture/config.js';
import { rankMemory } from '../../src/architecture/rank-plan.js';
import { ranksText } from '../../src/cli/plan-ranks.js';
import { modelSchema } from '../../src/config/model.js';

test('all on this machine fit, fit where layers are computed again, or do not', () => {
  const config = modelShape(modelSchema.parse({ size: '10m' }), 32_000);
  const memory = rankMemory(config, { rows: 16, columns: 512 }, { ranks: 2 });
  const said = (bytes: number): string | undefined => {
    const plan = { count: 2, memory, flopsPerStep: 1e12, wireBytesPerStep: 1e8, secondsPerStep: null };
    return /on this machine take .*: (.*)/.exec(ranksText(plan, { optimizer: 'adamw', columns: 512, bytes }))?.[1];
  };
  const [plain, recomputed] = [memory.peak, memory.recomputedPeak].map((peak) => 2 * peak + memory.saved);
  assert.ok(recomputed < plain);
  assert.deepEqual([plain, plain - 1, recomputed, recomputed - 1].map(said), [
    'fits',
    ...new Array<string>(2).fill('fits with pretrain.train.recompute=true'),
    'does not fit',
  ]);
});
