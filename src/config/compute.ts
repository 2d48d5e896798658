// What computes, and how: keys that a pipeline has, and commands that run none.
import { z } from 'zod';

export const backendNames = ['auto', 'tensorflow', 'native', 'wasm', 'cpu'] as const;
export const precisions = ['fp32', 'bf16'] as const;
/** How a model's matrices may be stored while it answers and is measured. */
export const quantizations = ['q8_0'] as const;
export type Quantization = (typeof quantizations)[number];

export const computeSchema = z.strictObject({
  backend: z.enum(backendNames).default('auto').describe('compute backend'),
  threads: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('threads of the native engine or of TensorFlow; default: all cores'),
  precision: z
    .enum(precisions)
    .default('fp32')
    .describe(
      'bf16 (native engine only): matrix products of operands rounded to bf16; sums, weights and moments stay fp32',
    ),
});

type Compute = z.output<typeof computeSchema>;
/** The default is all cores, fp32. */
export type ComputeChoice = Pick<Compute, 'backend'> & ComputeSettings;
export type ComputeSettings = Partial<Omit<Compute, 'backend'>>;
export type BackendChoice = Compute['backend'];

/** Whether nothing need be said of it once it is opened: that another one computes is said at once, with where, and the reason. */
export function isUsualBackend(name: string): boolean {
  return name === 'native';
}
export type Precision = Compute['precision'];
