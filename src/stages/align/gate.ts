// Whether a round's candidate takes the policy's place, and which model that is then.
import { z } from 'zod';
import { jsonNumber } from '../../base/schema.js';
import type { Unit } from '../../base/statistics.js';
import type { Checkpoint } from '../../checkpoint/directory.js';
import type { AlignConfig } from '../../config/align.js';
import type { Job } from '../stage.js';
import { decide } from './promotion.js';

const interval = z.object({ low: jsonNumber, high: jsonNumber });

/** Stored in `round.json`. */
export const gateResultSchema = z.object({
  promoted: z.boolean(),
  /** Share of the way from the policy (0) to the candidate (1) of what is promoted; 0: the policy stays. */
  alpha: z.number(),
  /** The model that the next round starts from: a step folder, relative to the stage's folder where it is below it. */
  path: z.string(),
  digest: z.string(),
  /** In words, with the figures. */
  text: z.string(),
  /** What was measured on the way, from the policy on. */
  curve: z.array(
    z.object({
      alpha: z.number(),
      metrics: z.record(z.string(), jsonNumber),
      intervals: z.record(z.string(), interval),
      /** Of the budgets. */
      isWithin: z.boolean(),
      why: z.string().optional(),
    }),
  ),
  /** Held-out rewards, unit by unit, of the model that the next round starts from. */
  rewards: z.array(z.object({ id: z.string(), value: jsonNumber, weight: jsonNumber })).readonly(),
});
export type GateResult = z.output<typeof gateResultSchema>;

export interface GateInput {
  job: Job<AlignConfig>;
  round: number;
  /** The round's folder: what has been measured may be kept here, so that an interrupted gate resumes. */
  directory: string;
  policy: Checkpoint;
  candidate: Checkpoint;
  /** Held-out rewards of the policy. */
  before: readonly Unit[];
  /** The same of another model. */
  measure(model: Checkpoint): Promise<readonly Unit[]>;
}

export async function decideRound({ job, policy, candidate, before, measure }: GateInput): Promise<GateResult> {
  const after = await measure(candidate);
  const { promoted, difference, text, ...means } = decide(before, after, job.config.tolerance);
  const { path, digest } = promoted ? candidate : policy;
  return {
    ...{ promoted, alpha: promoted ? 1 : 0, path, digest, text, rewards: promoted ? after : before },
    curve: [
      { alpha: 0, metrics: { reward: means.before }, intervals: {}, isWithin: true },
      {
        alpha: 1,
        metrics: { reward: means.after, rewardGain: difference.mean },
        intervals: { rewardGain: difference },
        isWithin: true,
      },
    ],
  };
}
