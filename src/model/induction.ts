// Initial values under which a model copies from its first step. What stood before is followed by what followed it then: two
// heads that work together see to that (induction heads, Olsson et al. 2022), and from normal values a small model needs most
// of a million tokens to find them. Here they are there at the start, rough and free to change, as other structures that
// training ends in have been begun with (mimetic initialisation, Trockman and Kolter 2023).
import type { ParameterSpec } from '../architecture/parameters.js';
import { rotationOf } from '../architecture/rope.js';
import { Random } from '../base/random.js';
import type { ModelConfig } from '../config/model.js';

// Tried on models of 2 to 4 million parameters (docs/lab-book.md, "copying from the first step").
/**
 * Embeddings are so many times as large, at most: a token has to be heard beside what the layers add to it. Where they are the
 * output projection too, a token says itself the louder the wider the model is, so wider ones have less.
 */
const embeddingScale = 5;
const widthOfScale = 160;
/** What the layers add is so small at first. */
const residualScale = 0.1;
/** All embeddings have a direction in common, so long as a share of the rest: what says where reads it, what says which does not. */
const commonShare = 0.7;
/** Gain of what the two kinds of heads write, where the embeddings are as long as those of that width. */
const gain = { previous: 0.2, copied: 0.4 };
/** The values at random stay beside the structure, so small. */
const noise = 0.3;
/** The fastest rotary frequencies say where the token before stands; the others say which token stands there. */
const fastFrequencies = 6;
/** The norms of queries and keys begin so large where it counts: scores are sharper by the square of it. */
const sharpness = { previous: 1.4, same: 1.3 };
/** Heads of each kind, where a layer has so many keys. */
const headsOfAKind = 2;

/** Shared by the rows of one model: the same for one seed and shape. */
export class InductionHeads {
  readonly #config: ModelConfig;
  readonly #heads: number;
  /** Pairs of a head's numbers that turn fast; half of them at most, for the others have their work, too. */
  readonly #fast: number;
  /** Of the embeddings. */
  readonly #scale: number;
  /** Length 1. */
  readonly #common: Float64Array;
  /** By head: what it reads of a token, and where the token after holds that; both without the common direction. */
  readonly #read: Float64Array[][];
  readonly #held: Float64Array[][];

  constructor(config: ModelConfig, seed: number) {
    this.#config = config;
    this.#heads = Math.min(headsOfAKind, config.num_key_value_heads);
    const { hidden_size: d, head_dim: size } = config;
    this.#fast = Math.min(fastFrequencies, Math.max(1, Math.floor(size / 4)));
    this.#scale = embeddingScale * Math.min(1, widthOfScale / d);
    const random = Random.stream(seed, 'induction-heads');
    const [common] = orthonormal([], 1, d, random);
    const directions = (): Float64Array[][] => {
      const taken = [common];
      return Array.from({ length: this.#heads }, () => {
        // Narrow models have no room for all heads apart from each other.
        const own = orthonormal(taken.length + size <= d ? taken : [common], Math.min(size, d - 1), d, random);
        taken.push(...own);
        return own;
      });
    };
    this.#common = common;
    this.#read = directions();
    this.#held = directions();
  }

  /** Changes the values of a fresh model's parameter, which are those of the parameter table until then. */
  apply({ name, part, layer, init }: ParameterSpec, values: Float32Array): void {
    if (part === 'embedding' || part === 'head') {
      const std = 'std' in init ? init.std : 0;
      for (let i = 0; i < values.length; i++) values[i] *= this.#scale;
      this.#addCommon(values, std * this.#scale);
    }
    const projection = name.split('.').at(-2);
    if (projection === 'o_proj' || projection === 'down_proj') {
      for (let i = 0; i < values.length; i++) values[i] *= residualScale;
    }
    if (part !== 'attention' || projection === undefined || layer === undefined) return;
    if (layer === 0) this.#toPrevious(projection, values);
    if (layer === 1) this.#toSame(projection, values);
  }

  #addCommon(values: Float32Array, std: number): void {
    const { hidden_size: d } = this.#config;
    const length = std * Math.sqrt(d) * commonShare;
    for (let i = 0; i < values.length; i++) values[i] += length * this.#common[i % d];
  }

  /** Of the first layer: each token finds the one before it by position alone, and writes down which it is. */
  #toPrevious(projection: string, values: Float32Array): void {
    const { head_dim: size } = this.#config;
    const { frequencies } = rotationOf(this.#config);
    const fast = this.#fast;
    const length = Math.sqrt(1 / fast);
    for (let head = 0; head < this.#heads; head++) {
      for (let i = 0; i < size; i++) {
        const pair = i % (size / 2);
        const isFast = pair < fast;
        // A query is a key turned back by one place, so the two agree best where the key stands one place before.
        const [along, across] = [Math.cos(frequencies[pair]), -Math.sin(frequencies[pair])];
        const turned = i < size / 2 ? along : across;
        if (projection === 'q_proj')
          this.#setRow(values, this.#query(head, i), this.#common, isFast ? length * turned : 0);
        if (projection === 'k_proj')
          this.#setRow(values, head * size + i, this.#common, isFast && i < size / 2 ? length : 0);
        if (projection === 'v_proj') this.#replaceRow(values, head * size + i, this.#read[head][i]);
        if (projection === 'o_proj')
          this.#replaceColumn(values, this.#query(head, i), this.#held[head][i], this.#gain(gain.previous));
      }
    }
    if (projection === 'q_norm' || projection === 'k_norm') {
      for (let i = 0; i < size; i++) if (i % (size / 2) < fast) values[i] *= sharpness.previous;
    }
  }

  /** Of the second: each token finds those that came after its like, and says them. */
  #toSame(projection: string, values: Float32Array): void {
    const { head_dim: size } = this.#config;
    const isSlow = (i: number): boolean => i % (size / 2) >= this.#fast;
    for (let head = 0; head < this.#heads; head++) {
      for (let i = 0; i < size; i++) {
        const [read, held] = [this.#read[head][i], this.#held[head][i]];
        if (projection === 'q_proj') this.#setRow(values, this.#query(head, i), read, isSlow(i) ? 1 : 0);
        if (projection === 'k_proj') this.#setRow(values, head * size + i, held, isSlow(i) ? 1 : 0);
        if (projection === 'v_proj') this.#replaceRow(values, head * size + i, read);
        if (projection === 'o_proj') this.#replaceColumn(values, this.#query(head, i), read, this.#gain(gain.copied));
      }
    }
    if (projection === 'q_norm' || projection === 'k_norm') {
      for (let i = 0; i < size; i++) if (isSlow(i)) values[i] *= sharpness.same;
    }
  }

  /** In proportion to the length of an embedding, beside which it is heard. */
  #gain(usual: number): number {
    return usual * (this.#scale / embeddingScale) * Math.sqrt(this.#config.hidden_size / widthOfScale);
  }

  /** Row of a query in `q_proj`, and its column in `o_proj`: of the first of the queries that share the keys of `head`. */
  #query(head: number, i: number): number {
    const { head_dim: size, num_attention_heads: queries, num_key_value_heads: keys } = this.#config;
    return head * (queries / keys) * size + i;
  }

  /** A row of [out, d]: the direction, and what is there by chance. */
  #setRow(values: Float32Array, row: number, direction: Float64Array | undefined, length: number): void {
    const { hidden_size: d } = this.#config;
    for (let j = 0; j < d; j++) values[row * d + j] = values[row * d + j] * noise + length * (direction?.[j] ?? 0);
  }

  /** A narrow model has fewer directions than a head has numbers: the rest stays as it is. */
  #replaceRow(values: Float32Array, row: number, direction: Float64Array | undefined): void {
    if (direction !== undefined) values.set(direction, row * this.#config.hidden_size);
  }

  #replaceColumn(values: Float32Array, column: number, direction: Float64Array | undefined, length: number): void {
    if (direction === undefined) return;
    const columns = this.#config.num_attention_heads * this.#config.head_dim;
    for (let j = 0; j < direction.length; j++) values[j * columns + column] = length * direction[j];
  }
}

/** `count` directions of length 1, at right angles to each other and to `others` (Gram–Schmidt, twice for rounding). */
function orthonormal(others: readonly Float64Array[], count: number, d: number, random: Random): Float64Array[] {
  const found: Float64Array[] = [];
  while (found.length < count) {
    const direction = Float64Array.from({ length: d }, () => random.normal());
    for (let pass = 0; pass < 2; pass++) {
      for (const other of [...others, ...found]) {
        const along = dot(direction, other);
        for (let j = 0; j < d; j++) direction[j] -= along * other[j];
      }
    }
    const length = Math.sqrt(dot(direction, direction));
    found.push(direction.map((x) => x / length));
  }
  return found;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}
