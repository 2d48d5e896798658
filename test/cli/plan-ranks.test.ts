// What `plan --ranks` says of several processes on this machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelShape } from '../../src/architecture/config.js';
import { rankMemory } from '../../src/architecture/rank-plan.js';
import { ranksText } from '../../src/cli/plan-ranks.js';
import { modelSchema } from '../../src/config/model.js';

test('all on this machine fit, fit where layers are computed again, or do not', () => {
  const config = modelShape(modelSchema.parse({ size: '10m' }), 32_000);
  const shape = { rows: 16, columns: 512 };
  const memory = rankMemory(config, shape, { ranks: 2 });
  const textOf = (bytes: number, shard: 'moments' | 'weights', own = memory): string => {
    const plan = { count: 2, shard, memory: own, flopsPerStep: 1e12, wireBytesPerStep: 1e8, secondsPerStep: null };
    return ranksText(plan, { optimizer: 'adamw', columns: 512, bytes });
  };
  const said = (bytes: number): string | undefined =>
    /on this machine take .*: (.*)/.exec(textOf(bytes, 'moments'))?.[1];
  const [plain, recomputed] = [memory.peak, memory.recomputedPeak].map((peak) => 2 * peak + memory.saved);
  assert.ok(recomputed < plain);
  assert.deepEqual([plain, plain - 1, recomputed, recomputed - 1].map(said), [
    'fits',
    ...new Array<string>(2).fill('fits with pretrain.train.recompute=true'),
    'does not fit',
  ]);
  // Layers in shares are computed again in any case.
  const shared = textOf(1, 'weights', rankMemory(config, shape, { ranks: 2, shard: 'weights' }));
  assert.match(shared, /: does not fit$/m);
  assert.match(shared, /^weights: its share, a layer, and what is in none +\S+ \S+$/m);
  assert.match(shared, /^weights of the others that it gathers to evaluate /m);
  assert.doesNotMatch(shared, /plain/);
});
