// Who can share out weights: pretraining, and fine-tuning of all weights.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipelineSchema } from '../../src/config/pipeline.js';

const faultsOf = (stages: object): string[] => {
  const { error } = pipelineSchema.safeParse({ name: 'shares', ...stages });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
};

test('weights are shared out where all of them are trained, and refused elsewhere', () => {
  const train = { shard: 'weights' };
  assert.deepEqual(faultsOf({ pretrain: { train }, sft: { train } }), []);
  assert.deepEqual(faultsOf({ sft: { train: { shard: 'moments' }, lora: {} } }), []);
  const [lora, ...more] = faultsOf({ sft: { train, lora: {} } });
  assert.match(lora, /^sft\.train\.shard: only weights that are trained can be shared out/);
  assert.deepEqual(more, []);
  for (const stage of ['align', 'toolUse', 'rewardModel']) {
    assert.match(faultsOf({ [stage]: { train } }).join(), new RegExp(`^${stage}\\.train: .*shard`), stage);
  }
  assert.match(faultsOf({ pretrain: { train: { shard: 'gradients' } } }).join(), /^pretrain\.train\.shard: /);
});
