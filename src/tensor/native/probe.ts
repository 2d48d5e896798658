// What this machine can do at most, measured by the addon: the limits that benchmarks put their numbers against.
import { UserError } from '../../base/errors.js';
import { type Addon, defaultThreads, loadAddon } from './addon.js';

export interface MachineLimits {
  /** Multiply-adds in registers, all threads together; null where not measured. bf16: pairs summed in fp32. */
  fp32PeakGflops: number | null;
  bf16PeakGflops: number | null;
  /** Reading memory that no cache holds, all threads together. */
  bandwidthGBs: number | null;
  /** The instruction set and thread count behind them; null where not measured. */
  isa: string | null;
  threads: number | null;
  /** Why nothing was measured. */
  missing?: string;
}

/** Takes about two seconds and, for a moment, 256 MiB. Without the native engine every limit is null. */
export function probeMachine(threads = defaultThreads()): MachineLimits {
  let addon: Addon;
  try {
    addon = loadAddon();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const missing = error.message;
    return { fp32PeakGflops: null, bf16PeakGflops: null, bandwidthGBs: null, isa: null, threads: null, missing };
  }
  const before = addon.threads();
  addon.setThreads(threads);
  try {
    return {
      fp32PeakGflops: positive(addon.probeFma('fp32', threads)),
      bf16PeakGflops: addon.hasBf16() ? positive(addon.probeFma('bf16', threads)) : null,
      bandwidthGBs: positive(addon.probeBandwidth(threads)),
      isa: addon.isa(),
      threads,
    };
  } finally {
    addon.setThreads(before);
  }
}

/** The addon says 0 for what it cannot measure. */
function positive(value: number): number | null {
  return value > 0 ? value : null;
}
