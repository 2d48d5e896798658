// How close work comes to what the machine could do at most (Williams et al. 2009): its arithmetic takes a time at the
// multiply-add peak, its compulsory memory traffic another at full bandwidth; the longer of the two is its roofline.
import type { Precision } from '../config/compute.js';
import type { MachineLimits } from '../tensor/native/probe.js';
import { peakFor } from './shapes.js';

/** The machine's limits, at the precision that is measured. */
export interface Limits {
  peakGflops: number | null;
  bandwidthGBs: number | null;
}

export interface Work {
  /** Floating-point operations; a multiply-add is two. */
  operations: number;
  bytes: number;
}

export interface RooflineShare {
  /** What is scarce; null where the machine's limits are not known. */
  bound: 'compute' | 'memory' | null;
  /** The roofline's time over the time it took. */
  ofRoofline: number | null;
}

export function limitsAt(precision: Precision, limits: MachineLimits): Limits {
  return { peakGflops: peakFor(precision, limits), bandwidthGBs: limits.bandwidthGBs };
}

export function rooflineShare(
  { operations, bytes }: Work,
  seconds: number,
  { peakGflops, bandwidthGBs }: Limits,
): RooflineShare {
  if (peakGflops === null || bandwidthGBs === null) return { bound: null, ofRoofline: null };
  const [computing, moving] = [operations / (peakGflops * 1e9), bytes / (bandwidthGBs * 1e9)];
  return { bound: computing > moving ? 'compute' : 'memory', ofRoofline: Math.max(computing, moving) / seconds };
}
