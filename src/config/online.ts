// The knobs of learning from answers that the policy gives while it learns: how many at a time, and how often each is used. Every one
// is absent where nobody says otherwise, so that a method that reads none can say so.
import { z } from 'zod';
import { isAlikeSet } from './alarms.js';
import { optionalPath } from './paths.js';
import { type PolicyMethod, policyMethods } from './policy.js';

/** Methods whose training samples as it goes. */
export type OnlineMethod = PolicyMethod | 'online-dpo' | 'distill';

export function isOnline(method: string): method is OnlineMethod {
  return method === 'distill' || method === 'online-dpo' || (policyMethods as readonly string[]).includes(method);
}

/** Fields of the `align` block. */
export const onlineShape = {
  promptsPerStep: z
    .int()
    .min(1)
    .max(65536)
    .optional()
    .describe(
      'prompts of a step of methods that sample as they learn, each answered samplesPerPrompt times; default: 8',
    ),
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
    .describe(
      'how often each answer is learnt from (num_iterations and num_ppo_epochs of TRL, μ of GRPO); default: 1, ppo 4',
    ),
  resample: z
    .int()
    .min(0)
    .max(64)
    .optional()
    .describe(
      'how often prompts whose answers are all rewarded alike give way to the next prompts, at most: they teach nothing (dynamic sampling of DAPO); default: 0, as in TRL',
    ),
};

/** Of distill alone, in the `align` block. */
export const distillShape = {
  teacher: optionalPath(
    'checkpoint, run or model folder whose predictions distill learns, at every token of its own answers: one with the tokenizer of the policy',
  ),
  divergence: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'what distill makes small: 0 KL(teacher ‖ policy), 1 KL(policy ‖ teacher), between them the Jensen–Shannon divergence (TRL: beta); default: 1',
    ),
};
type WrittenOnline = z.output<z.ZodObject<typeof onlineShape>>;
type WrittenDistill = z.output<z.ZodObject<typeof distillShape>>;

/** With every number there. */
export interface OnlineConfig {
  promptsPerStep: number;
  stepsPerSampling: number;
  iterations: number;
  resample: number;
}

export function resolvedOnline(written: WrittenOnline & { method?: string }): OnlineConfig {
  const { promptsPerStep = 8, stepsPerSampling = 1, resample = 0 } = written;
  const { iterations = written.method === 'ppo' ? 4 : 1 } = written;
  return { promptsPerStep, stepsPerSampling, iterations, resample };
}

/** What a method reads of them, and of distill's. */
export function onlineKeysOf(method: string): string[] {
  const keys = isOnline(method) ? Object.keys(onlineShape) : [];
  if (method === 'distill' || method === 'ppo') keys.splice(keys.indexOf('resample'), 1);
  return method === 'distill' ? [...keys, ...Object.keys(distillShape)] : keys;
}

/** For `superRefine` of the block. */
export function checkOnline(
  written: WrittenOnline &
    WrittenDistill & {
      method: string;
      data?: unknown;
      train: { accumulation: number; batchWarmup: number };
      alarms: { alike: number };
    },
  context: z.RefinementCtx,
): void {
  const fault = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  const { method, data, train } = written;
  if (method !== 'distill') {
    for (const key of Object.keys(distillShape) as (keyof WrittenDistill)[]) {
      if (written[key] !== undefined) fault([key], `is not read by ${method}: remove it, or write null`);
    }
  } else {
    if (written.teacher === undefined) fault(['teacher'], 'distill learns from a teacher: name its folder');
    if (written.resample !== undefined) fault(['resample'], 'is not read by distill: remove it, or write null');
  }
  if (method === 'ppo' || method === 'distill') {
    const why = `is not read by ${method}, which learns from answers that are rewarded alike too: remove it, or write null`;
    if (method === 'ppo' && written.resample !== undefined) fault(['resample'], why);
    if (isAlikeSet(written.alarms)) fault(['alarms', 'alike'], why);
  }
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
      method === 'online-dpo'
        ? 'is not read by online-dpo: a pair of each of promptsPerStep prompts is a step, batchSize of them a micro-batch'
        : `is not read by ${method}: promptsPerStep × samplesPerPrompt answers are a step, batchSize of them a micro-batch`,
    );
  }
}
