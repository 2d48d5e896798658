// Every op of src/tensor/ops once more, in plain TypeScript and 64-bit floats: slow loops that follow the definition,
// read nothing of the real ones, and so can say who is right. Gradients come from central differences.

/** Row-major values. */
export type Values = Float64Array;

/** table [V, d], ids [n] → [n, d]. */
export function embedding(table: Values, ids: Values, d: number): Values {
  return Float64Array.from({ length: ids.length * d }, (_, at) => table[ids[Math.floor(at / d)] * d + (at % d)]);
}

/** x [n, i], weight [o, i], bias [o], residual [n, o] → [n, o]. */
export function linear(
  x: Values,
  weight: Values,
  [n, i, o]: [n: number, i: number, o: number],
  bias?: Values,
  residual?: Values,
): Values {
  const y = new Float64Array(n * o);
  for (let row = 0; row < n; row++) {
    for (let out = 0; out < o; out++) {
      let sum = (bias?.[out] ?? 0) + (residual?.[row * o + out] ?? 0);
      for (let k = 0; k < i; k++) sum += x[row * i + k] * weight[out * i + k];
      y[row * o + out] = sum;
    }
  }
  return y;
}

/** x [n, d], weight [d] → [n, d]. */
export function rmsNorm(x: Values, weight: Values, epsilon: number): Values {
  const d = weight.length;
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += d) {
    let squares = 0;
    for (let j = 0; j < d; j++) squares += x[row + j] ** 2;
    const rms = Math.sqrt(squares / d + epsilon);
    for (let j = 0; j < d; j++) y[row + j] = (x[row + j] / rms) * weight[j];
  }
  return y;
}

/** x [n, h, d], positions [n] → [n, h, d]: the pair (j, j + d/2) turns by position · frequency j, and is scaled. */
export function rotary(
  x: Values,
  positions: Values,
  [h, d]: [h: number, d: number],
  { frequencies, scale }: { frequencies: number[]; scale: number },
): Values {
  const y = new Float64Array(x.length);
  for (let head = 0; head < positions.length * h; head++) {
    const position = positions[Math.floor(head / h)];
    for (let j = 0; j < d / 2; j++) {
      const angle = position * frequencies[j];
      const [a, b] = [head * d + j, head * d + j + d / 2];
      y[a] = scale * (x[a] * Math.cos(angle) - x[b] * Math.sin(angle));
      y[b] = scale * (x[b] * Math.cos(angle) + x[a] * Math.sin(angle));
    }
  }
  return y;
}

export interface AttentionShape {
  batch: number;
  /** Queries per row. */
  t: number;
  /** Keys per row. */
  s: number;
  heads: number;
  groups: number;
  d: number;
}

/** q [b, t, heads, d], k and v [b, s, groups, d], ranges [b, t, 2] (inclusive) → [b, t, heads, d]. */
export function attention(q: Values, k: Values, v: Values, ranges: Values, shape: AttentionShape): Values {
  const { batch, t, s, heads, groups, d } = shape;
  const y = new Float64Array(q.length);
  for (let query = 0; query < batch * t * heads; query++) {
    const position = Math.floor(query / heads); // row · t + column
    const row = Math.floor(position / t);
    const group = Math.floor((query % heads) / (heads / groups));
    const key = (column: number): number => ((row * s + column) * groups + group) * d;
    const scores: number[] = [];
    for (let column = ranges[2 * position]; column <= ranges[2 * position + 1]; column++) {
      let score = 0;
      for (let j = 0; j < d; j++) score += q[query * d + j] * k[key(column) + j];
      scores.push(score / Math.sqrt(d));
    }
    const top = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - top));
    const total = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, index) => {
      const from = key(ranges[2 * position] + index);
      for (let j = 0; j < d; j++) y[query * d + j] += (weight / total) * v[from + j];
    });
  }
  return y;
}

/** silu(gate) · up. */
export function swiglu(gate: Values, up: Values): Values {
  return gate.map((g, at) => (g / (1 + Math.exp(-g))) * up[at]);
}

/** Elements whose hash is below rate · 2³² are 0, the rest x / (1 − rate); in whole numbers of any size. */
export function dropout(x: Values, rate: number, [a, b]: readonly [number, number]): Values {
  const word = (z: bigint): bigint => BigInt.asUintN(32, z);
  const mix = (z: bigint): bigint => {
    const y = word((z ^ (z >> 16n)) * 0x21f0aaadn);
    const w = word((y ^ (y >> 15n)) * 0x735a2d97n);
    return w ^ (w >> 15n);
  };
  const hash = (place: number): bigint => mix(mix(word(BigInt(place) * 0x9e3779b9n + BigInt(a))) ^ BigInt(b));
  return x.map((value, place) => (Number(hash(place)) < rate * 2 ** 32 ? 0 : value / (1 - rate)));
}

/** hidden [n, d], weight [V, d], targets [n] → −log softmax(hidden · weightᵀ)[target], [n]. */
export function crossEntropy(hidden: Values, weight: Values, targets: Values, d: number): Values {
  const vocabulary = weight.length / d;
  const logits = new Float64Array(vocabulary);
  return targets.map((target, row) => {
    let top = Number.NEGATIVE_INFINITY;
    for (let word = 0; word < vocabulary; word++) {
      let logit = 0;
      for (let j = 0; j < d; j++) logit += hidden[row * d + j] * weight[word * d + j];
      logits[word] = logit;
      if (logit > top) top = logit;
    }
    let total = 0;
    for (let word = 0; word < vocabulary; word++) total += Math.exp(logits[word] - top);
    return top + Math.log(total) - logits[target];
  });
}

/** sqrt(Σ x²) over all tensors. */
export function globalNorm(tensors: readonly Values[]): number {
  return Math.sqrt(tensors.reduce((total, x) => x.reduce((squares, each) => squares + each ** 2, total), 0));
}

export interface AdamwHyperparameters {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
}

/** One step of AdamW (Loshchilov & Hutter 2019, algorithm 2, as PyTorch writes it), in place; `step` from 1. */
export function adamw(p: Values, g: Values, m: Values, v: Values, step: number, h: AdamwHyperparameters): void {
  for (let i = 0; i < p.length; i++) {
    p[i] -= h.learningRate * h.weightDecay * p[i];
    m[i] = h.beta1 * m[i] + (1 - h.beta1) * g[i];
    v[i] = h.beta2 * v[i] + (1 - h.beta2) * g[i] ** 2;
    const mean = m[i] / (1 - h.beta1 ** step);
    const variance = v[i] / (1 - h.beta2 ** step);
    p[i] -= (h.learningRate * mean) / (Math.sqrt(variance) + h.epsilon);
  }
}

/** d f / d x[at] by central differences: error about 1e-9 for values near 1. */
export function slope(f: () => number, x: Values, at: number): number {
  const held = x[at];
  const h = 1e-5 * Math.max(1, Math.abs(held));
  x[at] = held + h;
  const above = f();
  x[at] = held - h;
  const below = f();
  x[at] = held;
  return (above - below) / (2 * h);
}
