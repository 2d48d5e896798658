// Where a training on sampled answers is, as a checkpoint keeps it.
import { z } from 'zod';
import { parsePosition } from '../../data/shuffled.js';

const count = z.int().min(0);
const stateSchema = z.object({
  sampling: count,
  /** Steps that have learnt from it, and the weights that it was drawn from, where some have. */
  used: count,
  weights: z.string().nullable(),
  /** The identity of its answers. */
  source: z.string(),
  /** Of the rewards before it. */
  scale: z.object({ count, mean: z.number(), squares: z.number() }).optional(),
  /** Tokens, as `OnlineTokens` has them. */
  ...{ read: count.default(0), alone: count.default(0) },
  /** Where its prompts begin. */
  ...{ epoch: count, index: count },
});
export type OnlineState = z.output<typeof stateSchema>;

/** `lacksRead`: it was saved before what is read was counted. @throws UserError where it is no such position. */
export function parseState(saved: unknown): OnlineState & { lacksRead: boolean } {
  const state = parsePosition(stateSchema, saved);
  return { ...state, lacksRead: (saved as Partial<OnlineState>).read === undefined };
}

/** That a training has read so far. */
export interface OnlineTokens {
  /** Of all answers that are learnt from, with their prompts: what one pass over each sampling reads. */
  read: number;
  /** Of micro-batches that only the critic learnt from. */
  alone: number;
}
