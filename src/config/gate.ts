// The knobs of the gate: which points between the old and the new weights are tried, and what a promotion may cost.
import { z } from 'zod';
import { optionalPath } from './paths.js';

const budget = (max: number, initial: number, what: string) =>
  z.number().min(0).max(max).default(initial).describe(what);

/** What may be lost since alignment began, however many rounds there are. */
export const budgetsSchema = z.strictObject({
  bitsPerByte: budget(8, 0.1, 'bits per byte that held-out text of each language may cost more'),
  correct: budget(1, 0.05, 'share of right answers that each family of tasks may lose').meta({
    formerly: 'exactMatch',
  }),
  reward: budget(1, 0.05, 'reward that the questions of each language may lose'),
  preference: budget(1, 0.02, 'what people prefer may become so much less probable, where tasks decide'),
});
export type BudgetsConfig = z.output<typeof budgetsSchema>;

export const gateSchema = z.strictObject({
  metric: z
    .enum(['reward', 'preference'])
    .optional()
    .describe(
      'what has to become better: the reward of held-out tasks (default, where there are some), or what people prefer; the other one has its budget',
    ),
  alphas: z
    .array(z.number().min(0).max(1))
    .min(1)
    .max(21)
    .refine((alphas) => alphas.some((alpha) => alpha > 0), 'one of them has to be above 0: 0 is the policy as it is')
    .default([0, 0.25, 0.5, 0.75, 1])
    .describe('shares of the way from the old weights to the new ones that are measured; [1]: the new ones alone'),
  budgets: budgetsSchema.prefault({}).describe('what a promotion may cost, counted from where alignment began'),
  textTokens: z
    .int()
    .min(0)
    .max(100_000_000)
    .default(4000)
    .describe('tokens of held-out text of each language that forgetting is measured on; 0: none'),
  text: optionalPath(
    "tokenised text, such as runs/mine/tokens/corpus, whose held-out part is taken; default: this run's, where it has a corpus",
  ),
});
export type GateConfig = z.output<typeof gateSchema>;
