// The knobs of conversations over several turns: how many rows have more than one exchange, and how many exchanges.
import { z } from 'zod';

export const turnsSchema = z.strictObject({
  share: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('share of the rows that have several exchanges: chained tasks, follow-ups, corrections, repetitions'),
  most: z.int().min(2).max(64).default(6).describe('exchanges of a row, at most'),
  maxTokens: z
    .int()
    .min(16)
    .max(1048576)
    .optional()
    .describe(
      "tokens of a row of several exchanges, at most, as estimated from its words; default: fine-tuning's context, where it is known, or 256",
    ),
});

export type TurnsConfig = z.output<typeof turnsSchema>;
