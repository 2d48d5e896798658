// The knobs of LoRA: where a few small matrices are trained in the place of all the weights. Names and meanings are PEFT's.
import { z } from 'zod';

const maxRank = 4096;
const maxPatterns = 1000;

/** Module name, or a regular expression that matches its end → its own value. */
const pattern = (value: z.ZodNumber, what: string) =>
  z
    .record(z.string().min(1).max(maxPatterns), value)
    .refine((patterns) => Object.keys(patterns).length <= maxPatterns, `more than ${maxPatterns} patterns`)
    .default({})
    .describe(what);

const rank = z.int().min(1).max(maxRank);
/** Of 0 an adapter adds nothing, and would learn nothing. */
const alpha = z.number().gt(0).max(1e6);

export const loraSchema = z.strictObject({
  rank: rank
    .default(16)
    .describe('rank of the two matrices beside each target: what an adapter can learn, and its size'),
  alpha: alpha.default(32).describe('what they add is multiplied by alpha / rank'),
  rslora: z
    .boolean()
    .default(false)
    .describe('by alpha / √rank instead, so that a higher rank does not learn more slowly'),
  dropout: z
    .number()
    .min(0)
    .max(0.95)
    .default(0)
    .describe("share of an adapter's inputs that is set to zero in training"),
  targets: z
    .union([z.literal('all-linear'), z.array(z.string().min(1).max(256)).min(1).max(100_000)])
    .default('all-linear')
    .describe(
      'modules beside which adapters stand: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj; all-linear is all seven',
    ),
  rankPattern: pattern(rank, 'module, or regular expression that matches its end → a rank of its own'),
  alphaPattern: pattern(alpha, 'module, or regular expression that matches its end → an alpha of its own'),
});
export type LoraConfig = z.output<typeof loraSchema>;
