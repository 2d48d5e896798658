// The backend that a measurement runs on, with its thread count and precision.
import { availableParallelism } from 'node:os';
import { UserError } from '../base/errors.js';
import type { BackendChoice } from '../config/pipeline.js';
import { openBackend } from '../tensor/backends.js';
import { nativeBackend } from '../tensor/native/index.js';
import type { Precision } from './shapes.js';

export interface BenchBackend {
  backend: BackendChoice;
  precision: Precision;
  /** Of the native engine; without it, all cores. */
  threads?: number;
}

/** Its name. Throws a UserError where it cannot run, or not at this precision. */
export async function openForBench({ backend, precision, threads }: BenchBackend): Promise<string> {
  const { name } = await openBackend(backend);
  const addon = name === 'native' ? nativeBackend()?.addon : undefined;
  if (precision === 'bf16' && !addon?.hasBf16()) {
    const what = addon === undefined ? `the backend ${name} computes` : 'the processor multiplies';
    throw new UserError({ what: `${what} in fp32 only`, next: 'Leave out --precision bf16' });
  }
  addon?.setThreads(threads ?? availableParallelism());
  addon?.setPrecision(precision);
  return name;
}
