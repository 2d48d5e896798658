// From logits to a token: repetition penalty → temperature → top-k → top-p → draw. Greedy is temperature 0.
import type { Random } from '../base/random.js';

export interface SamplingOptions {
  /** 0 = greedy. */
  temperature: number;
  /** Keep the k likeliest; 0 = all. */
  topK: number;
  /** Keep the fewest tokens whose probability reaches p (nucleus sampling, Holtzman et al. 2020); 1 = all. */
  topP: number;
  /** Divides positive and multiplies negative logits of tokens already seen (CTRL, Keskar et al. 2019); 1 = off. */
  repetitionPenalty: number;
}

export const greedy: SamplingOptions = { temperature: 0, topK: 0, topP: 1, repetitionPenalty: 1 };

/** The model's own distribution, at a temperature: nothing cut off. */
export function samplingAt(temperature: number): SamplingOptions {
  return { ...greedy, temperature };
}

/** Draws one token id. `logits` [V] is overwritten. Ties go to the smaller id. */
export function sampleToken(
  logits: Float32Array,
  seen: Iterable<number>,
  options: SamplingOptions,
  random: Random,
): number {
  const { temperature, topK, topP, repetitionPenalty } = options;
  if (repetitionPenalty !== 1) {
    for (const id of new Set(seen)) {
      logits[id] = logits[id] > 0 ? logits[id] / repetitionPenalty : logits[id] * repetitionPenalty;
    }
  }
  if (temperature === 0) return argmax(logits);
  if (topK === 0 && topP >= 1) return drawFromAll(logits, temperature, random);
  let candidates = likeliestFirst(logits);
  if (topK > 0) candidates = candidates.subarray(0, topK);
  const probabilities = softmax(logits, candidates, temperature);
  const count = topP < 1 ? nucleusSize(probabilities, topP) : candidates.length;
  let mass = 0;
  for (let i = 0; i < count; i++) mass += probabilities[i];
  let target = random.uniform() * mass;
  for (let i = 0; i < count; i++) {
    target -= probabilities[i];
    if (target < 0) return candidates[i];
  }
  return candidates[count - 1];
}

/** The commonest case, in place: nothing is sorted and nothing allocated. */
function drawFromAll(logits: Float32Array, temperature: number, random: Random): number {
  const top = logits[argmax(logits)];
  let mass = 0;
  for (let id = 0; id < logits.length; id++) {
    logits[id] = Math.exp((logits[id] - top) / temperature);
    mass += logits[id];
  }
  let target = random.uniform() * mass;
  for (let id = 0; id < logits.length; id++) {
    target -= logits[id];
    if (target < 0) return id;
  }
  return argmax(logits);
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}

function likeliestFirst(logits: Float32Array): Uint32Array {
  return Uint32Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
}

/** Probabilities of the candidates among themselves. */
function softmax(logits: Float32Array, candidates: Uint32Array, temperature: number): Float64Array {
  let top = Number.NEGATIVE_INFINITY;
  for (const id of candidates) if (logits[id] > top) top = logits[id];
  const weights = new Float64Array(candidates.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    weights[i] = Math.exp((logits[candidates[i]] - top) / temperature);
    total += weights[i];
  }
  for (let i = 0; i < weights.length; i++) weights[i] /= total;
  return weights;
}

function nucleusSize(probabilities: Float64Array, topP: number): number {
  let mass = 0;
  for (let i = 0; i < probabilities.length; i++) {
    mass += probabilities[i];
    if (mass >= topP) return i + 1;
  }
  return probabilities.length;
}
