// The knobs of who scores sampled answers: programs that check them, reward models, judges, or a mixture.
import { z } from 'zod';
import { judgeSchema } from './judge.js';
import { path } from './paths.js';

/** `rules`: checks and form together; `constraints`, `tools`: of these, how many constraints hold and how tools were called. */
export const scorerNames = ['rules', 'constraints', 'tools', 'reward-model'] as const;
export type ScorerName = (typeof scorerNames)[number];

const name = z.enum(scorerNames);
const weight = z.number().gt(0).max(1000).default(1).describe('how much it counts beside the others');

export const scorersSchema = z
  .array(
    z.union([
      name,
      z.strictObject({ scorer: name, weight }),
      z.strictObject({
        rewardModel: path('reward model: a checkpoint, a model folder, or a run that made one'),
        weight,
      }),
      z.strictObject({ judge: judgeSchema, weight }),
    ]),
  )
  .min(1)
  .max(16);
export type ScorerChoice = z.output<typeof scorersSchema>[number];
