// The knobs of learning from answers that the policy gives while it learns: how many at a time, and how often each is used. Every one
// is absent where nobody says otherwise, so that a method that reads none can say so.
import { z } from 'zod';
import { type PolicyMethod, policyMethods } from './policy.js';

/** Whether the training of a method samples as it goes. */
export function isOnline(method: string): method is PolicyMethod {
  return (policyMethods as readonly string[]).includes(method);
}

/** Fields of the `align` block. */
export const onlineShape = {
  promptsPerStep: z
    .int()
    .min(1)
    .max(65536)
    .optional()
    .describe('prompts of a step of grpo and rloo, each answered samplesPerPrompt times; default: 8'),
  stepsPerSampling: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      'steps that the answers of one sampling are divided over (steps_per_generation of TRL); more sample at once and are further from the policy that answered; default: 1',
    ),
  iterations: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('how often each answer is learnt from (num_iterations of TRL, μ of GRPO); default: 1'),
  resample: z
    .int()
    .min(0)
    .max(64)
    .optional()
    .describe(
      'how often prompts whose answers are all rewarded alike give way to the next prompts, at most: they teach nothing (dynamic sampling of DAPO); default: 0, as in TRL',
    ),
};
type WrittenOnline = z.output<z.ZodObject<typeof onlineShape>>;

/** With every number there. */
export interface OnlineConfig {
  promptsPerStep: number;
  stepsPerSampling: number;
  iterations: number;
  resample: number;
}

export function resolvedOnline(written: WrittenOnline): OnlineConfig {
  const { promptsPerStep = 8, stepsPerSampling = 1, iterations = 1, resample = 0 } = written;
  return { promptsPerStep, stepsPerSampling, iterations, resample };
}

/** For `superRefine` of the block. */
export function checkOnline(
  written: WrittenOnline & { method: string; data?: unknown; train: { accumulation: number; batchWarmup: number } },
  context: z.RefinementCtx,
): void {
  const fault = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  const { method, data, train } = written;
  if (!isOnline(method)) {
    for (const key of Object.keys(onlineShape) as (keyof WrittenOnline)[]) {
      if (written[key] !== undefined) fault([key], `is not read by ${method}: remove it, or write null`);
    }
    return;
  }
  if (data !== undefined) {
    fault(
      ['data'],
      `${method} learns from its own answers, as they are scored: give tasks with checks (prompts), or choose dpo`,
    );
  }
  if (train.accumulation > 1 || train.batchWarmup > 0) {
    const key = train.accumulation > 1 ? 'accumulation' : 'batchWarmup';
    fault(
      ['train', key],
      `is not read by ${method}: promptsPerStep × samplesPerPrompt answers are a step, batchSize of them a micro-batch`,
    );
  }
}
