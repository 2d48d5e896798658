// From logits to a token: repetition penalty → temperature → top-k → top-p → draw. Greedy is temperature 0.
import { UserError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import type { Sampling } from '../config/sampling.js';

/**
 * Draws one token id. `logits` [V] may be overwritten. Ties go to the smaller id. `seen`: what a penalty is for.
 * @throws UserError where logits that it looks at are NaN or infinite.
 */
export function sampleToken(
  logits: Float32Array,
  seen: ReadonlySet<number>,
  { temperature, topK, topP, repetitionPenalty }: Sampling,
  random: Random,
): number {
  if (repetitionPenalty !== 1) {
    for (const id of seen) {
      logits[id] = logits[id] > 0 ? logits[id] / repetitionPenalty : logits[id] * repetitionPenalty;
    }
  }
  if (temperature === 0) {
    const best = argmax(logits);
    return finite(best, logits[best]);
  }
  if (topK === 0 && topP >= 1) return drawFromAll(logits, temperature, random);
  const { ids, weights } = candidates(logits, { temperature, topK, topP });
  const mass = weights.reduce((sum, weight) => sum + weight, 0);
  let target = random.uniform() * finite(mass, mass);
  for (let i = 0; i < ids.length; i++) {
    target -= weights[i];
    if (target < 0) return ids[i];
  }
  return ids[weights.findLastIndex((weight) => weight > 0)];
}

/** log softmax(logits)[id], in nats: what the model itself holds of the token, whatever the sampling. */
export function logProbabilityOf(logits: Float32Array, id: number): number {
  const top = logits[argmax(logits)];
  let mass = 0;
  for (const logit of logits) mass += Math.exp(logit - top);
  return logits[id] - top - Math.log(mass);
}

/** The commonest case, in place: nothing is ordered and nothing allocated. */
function drawFromAll(logits: Float32Array, temperature: number, random: Random): number {
  const top = logits[argmax(logits)];
  let mass = 0;
  for (let id = 0; id < logits.length; id++) {
    logits[id] = Math.exp((logits[id] - top) / temperature);
    mass += logits[id];
  }
  let target = random.uniform() * finite(mass, mass);
  for (let id = 0; id < logits.length; id++) {
    target -= logits[id];
    if (target < 0) return id;
  }
  return argmax(logits);
}

/** `value`, where the number that it rests on is one: drawing from logits of NaN or ∞ would give some token or other. */
function finite(value: number, evidence: number): number {
  if (Number.isFinite(evidence)) return value;
  throw notFiniteOutput();
}

/** For logits or losses of NaN or infinity from weights that are numbers. */
export function notFiniteOutput(): UserError {
  return new UserError({
    what: "the model's output is not finite",
    why: 'its weights hold NaN or infinity, or have grown too large',
    next: 'Look at its training (report.html), or use an earlier checkpoint',
  });
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}

/** The tokens that may be drawn, likeliest first, and what each weighs. */
function candidates(
  logits: Float32Array,
  { temperature, topK, topP }: Pick<Sampling, 'temperature' | 'topK' | 'topP'>,
): { ids: Uint32Array; weights: Float64Array } {
  const top = logits[argmax(logits)];
  const weigh = (id: number): number => Math.exp((logits[id] - top) / temperature);
  const most = topK > 0 ? Math.min(topK, logits.length) : logits.length;
  let total = 0;
  if (topK === 0) for (let id = 0; id < logits.length; id++) total += weigh(id);
  // The nucleus is mostly small: looked for among ever more of the likeliest, instead of ordering the whole vocabulary.
  for (let count = topK > 0 ? most : Math.min(64, most); ; count = Math.min(8 * count, most)) {
    const ids = likeliest(logits, count);
    const weights = Float64Array.from(ids, weigh);
    if (topP >= 1) return { ids, weights };
    const mass = topK > 0 ? weights.reduce((sum, weight) => sum + weight, 0) : total;
    const size = nucleusSize(weights, topP * mass);
    if (size !== undefined || count === most) return { ids: ids.subarray(0, size), weights: weights.subarray(0, size) };
  }
}

/** How many of the weights, from the first on, reach `wanted`; undefined: all together do not. */
function nucleusSize(weights: Float64Array, wanted: number): number | undefined {
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
