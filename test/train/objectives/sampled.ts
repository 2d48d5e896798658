// Answers as if they had been sampled: what the losses of sampled answers and of distillation are tried on, through a model.
import { z } from 'zod';
import {
  checkPolicy,
  type PolicyConfig,
  type PolicyMethod,
  policyShape,
  resolvedPolicy,
} from '../../../src/config/policy.js';
import { packSequences } from '../../../src/data/sequences.js';
import type { TokenBatch } from '../../../src/data/types.js';
import type { Model } from '../../../src/model/model.js';
import { tensor1d } from '../../../src/tensor/tf.js';
import type { LossContext } from '../../../src/train/objective.js';
import { distillationLoss } from '../../../src/train/objectives/distillation.js';
import { policyLoss, policyWeight, recordFigures } from '../../../src/train/objectives/policy-losses.js';
import { tokenLogProbabilities } from '../../../src/train/objectives/sequence-log-probabilities.js';
import { countingSequences, padId } from '../tiny.js';

export type PolicyKnobs = z.input<z.ZodObject<typeof policyShape>>;

/** The knobs as a block of a pipeline says them, and every number that follows. */
export function policyOf(knobs: PolicyKnobs = {}, method: PolicyMethod = 'grpo'): PolicyConfig {
  const block = z.strictObject({ ...policyShape, method: z.string() }).superRefine(checkPolicy);
  return resolvedPolicy(block.parse({ ...knobs, method }), method);
}

/** Answers of 2 to 5 tokens to prompts of 4 to 6. */
const answers = countingSequences(8, 9).map(({ id, tokens }, row) => {
  const [prompt, length] = [4 + (row % 3), 2 + (row % 4)];
  const own = Array.from(tokens).slice(0, prompt + length);
  return { id, tokens: own, loss: own.map((_, token) => Number(token >= prompt)) };
});

export interface SampledBatch extends TokenBatch {
  advantages: number[];
  /** How likely each counted token was, as a tiny model may have held it. */
  old: Float32Array;
}

export function sampledBatch(begin: number, end: number, policy: PolicyConfig): SampledBatch {
  const rows = answers.slice(begin, end);
  const batch = packSequences(rows, { padId });
  const counted = [...batch.targets].filter((_, i) => batch.weights[i] > 0);
  return {
    ...batch,
    weight: policyWeight(policy, { tokens: counted.length, rows: rows.length, maxNewTokens: 6 }),
    advantages: rows.map((_, i) => ((begin + i) % 2 === 0 ? 1 : -0.75) * (1 + begin + i)),
    // By the token alone, so that every cut of the rows has the same.
    old: Float32Array.from(counted, (token) => -3.4 - (token % 5) / 10),
  };
}

const unseen = { next: () => Promise.reject(new Error('not asked')), state: () => null, restore: () => undefined };

export function sampledObjective(policy: PolicyConfig) {
  return {
    ...unseen,
    next: () => Promise.resolve(sampledBatch(0, answers.length, policy)),
    loss: (model: Model, batch: SampledBatch, { record, ...pass }: LossContext) => {
      const entropyGradient = policy.entropyWeight > 0;
      const own = tokenLogProbabilities(model, batch, { ...pass, entropyGradient });
      const { advantages, old, weight } = batch;
      const values = { ...own, advantages, weight, old: tensor1d(old), reference: tensor1d(old) };
      const { total, figures } = policyLoss(values, policy);
      recordFigures(record, figures);
      return total;
    },
  };
}

export function distillationObjective(teacher: Model, beta: number) {
  return {
    ...unseen,
    next: () => Promise.resolve(packSequences(answers, { padId })),
    loss: (model: Model, batch: TokenBatch, context: LossContext) =>
      distillationLoss(model, teacher, batch, { beta, temperature: 0.8 }, context),
  };
}
