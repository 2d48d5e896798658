// The weights of a conversation's tokens as they are stored: most are 0 or 1 over long stretches, so of each stretch of equal
// ones its length and the bits of its float32 are kept.
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

export function runsOf(weights: ArrayLike<number>): number[] {
  const runs: number[] = [];
  let start = 0;
  for (let i = 1; i <= weights.length; i++) {
    if (i < weights.length && weights[i] === weights[start]) continue;
    float[0] = weights[start];
    runs.push(i - start, bits[0]);
    start = i;
  }
  return runs;
}

/** The `length` weights that `runsOf` was given; undefined where these are no such runs. */
export function weightsOf(runs: ArrayLike<number>, length: number): Float32Array | undefined {
  const weights = new Float32Array(length);
  let end = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    bits[0] = runs[i + 1];
    const start = end;
    end += runs[i];
    if (!(float[0] >= 0) || !Number.isFinite(float[0]) || end > length) return undefined;
    weights.fill(float[0], start, end);
  }
  return end === length ? weights : undefined;
}
