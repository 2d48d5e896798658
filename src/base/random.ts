// Seeded randomness whose whole state is four integers, so that a checkpoint can hold it.
// Every use has a stream of its own (`Random.stream(seed, 'sampling')`): adding one use never shifts another.

export type RandomState = [number, number, number, number];

/** xoshiro128** (Blackman & Vigna 2018), seeded through splitmix32. */
export class Random {
  #state: Uint32Array;

  constructor(state: RandomState) {
    this.#state = Uint32Array.from(state);
  }

  /** An independent stream for each (seed, name). */
  static stream(seed: number, name: string): Random {
    let hash = (seed ^ 0x9e3779b9) >>> 0;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
    const words = Array.from({ length: 4 }, () => {
      hash = (hash + 0x9e3779b9) >>> 0;
      let z = hash;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    });
    return new Random(words as RandomState);
  }

  get state(): RandomState {
    return [...this.#state] as RandomState;
  }

  /** A 32-bit unsigned integer. */
  uint32(): number {
    const s = this.#state;
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotateLeft(s[3], 11);
    return result;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** A uniform integer in [low, high). */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low));
  }

  /** Standard normal (Box–Muller, one of the pair). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  choose<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length)];
  }

  /** Fisher–Yates, in place; returns its argument. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(0, i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}

/** Two numbers of 32 bits. */
export type HashKey = readonly [number, number];

/** The key of a purpose: another for each (seed, name). */
export function hashKey(seed: number, name: string): HashKey {
  const random = Random.stream(seed, name);
  return [random.uint32(), random.uint32()];
}

/** 32 bits that follow from key and place alone: randomness that needs no order, in any of which it can be drawn again. */
export function hashAt(place: number, [a, b]: HashKey): number {
  return mixed(mixed(Math.imul(place, 0x9e3779b9) + a) ^ b) >>> 0;
}

/** A bijection of 32 bits (Wellons 2018, "lowbias32"). */
function mixed(bits: number): number {
  let z = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

function rotateLeft(x: number, k: number): number {
  return ((x << k) | (x >>> (32 - k))) >>> 0;
}
