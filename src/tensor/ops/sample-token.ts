// How one token is drawn from its logits: repetition penalty → temperature → top-k → top-p → min-p → draw, as in
// transformers. The reference for native/kernels/sample-rows.cc, which draws the same tokens from the same logits: every
// operation rounds to fp32 by itself, and what a token weighs is a whole number, so that sums are exact in any order.
import type { Sampling } from '../../config/sampling.js';

export interface TokenDraw {
  sampling: Sampling;
  /** In [0, 1): which of the tokens it is. Greedy ignores it. */
  uniform: number;
  /** Ids that a repetition penalty is for. */
  seen: ReadonlySet<number>;
}

/** For logits that no token can be drawn from: the largest is not finite, or one of them is NaN. */
export const notFinite = -1;

const { fround } = Math;
/** Less likely than e^−23 of the likeliest: less than half of 2^−32, of which weights are multiples. */
const floor = -23;
const unit = 2 ** 32;
/** 1.5 · 2^23: adding it rounds to a whole number. */
const shifter = 12582912;
const log2e = fround(Math.LOG2E);
/** ln 2 in two parts, of which a multiple of the first is exact. */
const [ln2High, ln2Low] = [fround(0.693359375), fround(-2.1219444e-4)];
/** e^r − 1 − r over r², as in Cephes' expf. */
const [c0, c1, c2] = [fround(1.98756915e-4), fround(1.3981999507e-3), fround(8.3334519073e-3)];
const [c3, c4, c5] = [fround(4.1665795894e-2), fround(1.6666665459e-1), fround(5.0000001201e-1)];
const powers = Float64Array.from({ length: 40 }, (_, i) => 2 ** (i - 4)); // of n + 32, n from −34 to 0

/** 2^32 · e^z as a whole number, for z ≤ 0: 2^32 for 0. */
export function weightOf(z: number): number {
  if (z < floor) return 0;
  const n = fround(fround(z * log2e) + shifter) - shifter;
  const r = fround(fround(z - fround(n * ln2High)) - fround(n * ln2Low));
  let p = fround(fround(r * c0) + c1);
  p = fround(fround(p * r) + c2);
  p = fround(fround(p * r) + c3);
  p = fround(fround(p * r) + c4);
  p = fround(fround(p * r) + c5);
  p = fround(fround(fround(fround(p * r) * r) + r) + 1);
  const weight = p * powers[n + 36];
  return weight >= 8388608 ? weight : fround(fround(weight + 8388608) - 8388608);
}

/** What z is multiplied by: 1 / temperature in fp32. */
export function inverseOf(temperature: number): number {
  return Math.min(fround(1 / temperature), 3.4028234663852886e38);
}

/** Draws one token id, or `notFinite`. `logits` [V] are overwritten. Of equals, the smaller id comes first. */
export function drawToken(logits: Float32Array, { sampling, uniform, seen }: TokenDraw): number {
  const { temperature, topK, topP, minP, repetitionPenalty } = sampling;
  if (repetitionPenalty !== 1) {
    for (const id of seen) {
      logits[id] = logits[id] > 0 ? logits[id] / repetitionPenalty : logits[id] * repetitionPenalty;
    }
  }
  const best = argmax(logits);
  if (!Number.isFinite(logits[best])) return notFinite;
  if (temperature === 0) return best;
  for (const logit of logits) if (Number.isNaN(logit)) return notFinite;
  const weigh = weigher(logits[best], inverseOf(temperature));
  const least = fround(minP) * unit;
  const isCut = topK > 0 || topP < 1;
  const ids = isCut ? candidates(logits, weigh, { topK, topP }).sort() : undefined; // in order of the ids
  const weights = ids === undefined ? logits : new Float32Array(ids.length);
  for (let i = 0; i < weights.length; i++) {
    const weight = weigh(logits[ids?.[i] ?? i]);
    weights[i] = weight < least ? 0 : weight; // exact in fp32
  }
  const at = pick(weights, uniform);
  return ids?.[at] ?? at;
}

function weigher(top: number, inverse: number): (logit: number) => number {
  return (logit) => weightOf(fround(fround(logit - top) * inverse));
}

/** The place of the one that `uniform` falls to. */
function pick(weights: Float32Array, uniform: number): number {
  let mass = 0;
  for (const weight of weights) mass += weight;
  const target = uniform * mass;
  let last = 0;
  let reached = 0;
  for (let i = 0; i < weights.length && reached <= target; i++) {
    if (weights[i] === 0) continue;
    reached += weights[i];
    last = i;
  }
  return last;
}

export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}

/** The tokens that top-k and top-p leave. */
function candidates(
  logits: Float32Array,
  weigh: (logit: number) => number,
  { topK, topP }: Pick<Sampling, 'topK' | 'topP'>,
): Uint32Array {
  const most = topK > 0 ? Math.min(topK, logits.length) : logits.length;
  let total = 0;
  if (topK === 0) for (let id = 0; id < logits.length; id++) total += weigh(logits[id]);
  // The nucleus is mostly small: looked for among ever more of the likeliest, instead of ordering the whole vocabulary.
  for (let count = topK > 0 ? most : Math.min(64, most); ; count = Math.min(8 * count, most)) {
    const ids = likeliest(logits, count);
    if (topP >= 1) return ids;
    const weights = Float32Array.from(ids, (id) => weigh(logits[id]));
    const mass = topK > 0 ? weights.reduce((sum, weight) => sum + weight, 0) : total;
    const size = nucleusSize(weights, topP * mass);
    if (size !== undefined || count === most) return ids.subarray(0, size);
  }
}

/** How many of the weights, from the first on, reach `wanted`; undefined: all together do not. */
function nucleusSize(weights: Float32Array, wanted: number): number | undefined {
  let mass = 0;
  for (let i = 0; i < weights.length; i++) {
    mass += weights[i];
    if (mass >= wanted) return i + 1;
  }
  return undefined;
}

/** The `count` likeliest ids, likeliest first: one pass with a heap whose root is the least likely of those kept. */
function likeliest(logits: Float32Array, count: number): Uint32Array {
  const heap = Uint32Array.from({ length: count }, (_, id) => id);
  const isBefore = (a: number, b: number): boolean => logits[a] > logits[b] || (logits[a] === logits[b] && a < b);
  const sink = (at: number): void => {
    for (const id = heap[at]; ; ) {
      let child = 2 * at + 1;
      if (child + 1 < count && isBefore(heap[child], heap[child + 1])) child++;
      if (child >= count || !isBefore(id, heap[child])) {
        heap[at] = id;
        return;
      }
      heap[at] = heap[child];
      at = child;
    }
  };
  for (let at = (count >> 1) - 1; at >= 0; at--) sink(at);
  let least = logits[heap[0]];
  for (let id = count; id < logits.length; id++) {
    if (logits[id] <= least) continue; // of equals, the smaller id is there already
    heap[0] = id;
    sink(0);
    least = logits[heap[0]];
  }
  return heap.sort((a, b) => logits[b] - logits[a] || a - b);
}
