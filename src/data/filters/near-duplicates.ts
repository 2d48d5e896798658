// Near-duplicates: MinHash of word shingles (Han characters are words, so Chinese gets character shingles), by one
// permutation split into bins (Li, Owen & Zhang 2012) with empty bins filled from others (Shrivastava 2017), and
// locality-sensitive hashing over bands of bins. A candidate is then judged by its whole signature.
import { z } from 'zod';
import { formatCount } from '../../base/format.js';
import { defineFilter } from './filter.js';
import { finish, mix, Units } from './units.js';

const bins = 128;
const empty = 0xffffffff;

/** For each bin, all bins in an order of its own: where an empty one looks for a value, the same in every text. */
const order = new Uint8Array(bins * bins);
for (let bin = 0; bin < bins; bin++) {
  const own = order.subarray(bin * bins, (bin + 1) * bins).map((_, other) => other);
  order.set(
    own.sort((a, b) => finish((bin << 7) | a) - finish((bin << 7) | b)),
    bin * bins,
  );
}

/** The largest bands that still find 19 of 20 pairs at the threshold: the fewer, the fewer chance candidates. */
export function bandsFor(threshold: number): { bands: number; rows: number } {
  for (let rows = 16; rows > 1; rows--) {
    const bands = Math.floor(bins / rows);
    if (1 - (1 - threshold ** rows) ** bands >= 0.95) return { bands, rows };
  }
  return { bands: bins, rows: 1 };
}

const optionsSchema = z.strictObject({
  threshold: z.number().min(0.3).max(1).default(0.8).describe('Jaccard similarity from which on two texts are one'),
  shingle: z.int().min(1).max(50).default(5).describe('words in a shingle; characters in Chinese'),
  mebibytes: z.int().min(1).max(16_384).default(256).describe('memory; older texts are forgotten when it is full'),
});
type NearDuplicateOptions = z.output<typeof optionsSchema>;

/** The texts seen so far. Bytes for each: 128 for the signature and 8 for each band. */
export class NearDuplicates {
  readonly capacity: number;
  readonly bytesPerDocument: number;
  readonly #options: NearDuplicateOptions;
  readonly #bands: number;
  readonly #rows: number;
  /** One byte of each bin's minimum; 0 where the bin is empty. Text i lies at i modulo the capacity. */
  readonly #signatures: Uint8Array;
  /** For each band, buckets of 4 text numbers (+1), the oldest overwritten. */
  readonly #buckets: Uint32Array;
  readonly #bucketMask: number;
  readonly #minima = new Uint32Array(bins);
  readonly #filled = new Uint32Array(bins);
  readonly #own = new Uint8Array(bins);
  readonly #keys: Uint32Array;
  readonly #units: Units;
  #size = 0;

  constructor(options: NearDuplicateOptions, units = new Units()) {
    this.#options = options;
    this.#units = units;
    const { bands, rows } = bandsFor(options.threshold);
    this.#bands = bands;
    this.#rows = rows;
    this.#keys = new Uint32Array(bands);
    this.bytesPerDocument = bins + 8 * bands;
    // Powers of two: buckets of 4 for half as many texts each, so that a band is half full.
    const fitting = Math.max(1024, Math.floor((options.mebibytes * 2 ** 20) / this.bytesPerDocument));
    this.capacity = 2 ** Math.floor(Math.log2(fitting));
    this.#bucketMask = this.capacity / 2 - 1;
    this.#signatures = new Uint8Array(this.capacity * bins);
    this.#buckets = new Uint32Array(this.capacity * 2 * bands);
  }

  /** Texts seen that are compared with no longer. */
  get forgotten(): number {
    return Math.max(0, this.#size - this.capacity);
  }

  /** The similarity to a text seen before, if it is one at the threshold; else the text is remembered. */
  seen(text: string): number | undefined {
    const { length } = this.#units.read(text);
    if (length === 0) return undefined;
    this.#sign();
    this.#densify();
    this.#setKeys();
    const found = this.#search(this.#keys);
    if (found === undefined) this.#remember(this.#keys);
    return found;
  }

  #sign(): void {
    const grams = this.#units.grams(Math.min(this.#options.shingle, this.#units.length));
    this.#minima.fill(empty);
    for (let at = 0; at < grams.length; at++) {
      const hash = grams[at];
      const bin = hash & (bins - 1);
      const rank = hash >>> 7;
      if (rank < this.#minima[bin]) this.#minima[bin] = rank;
    }
    for (let bin = 0; bin < bins; bin++) {
      this.#own[bin] = this.#minima[bin] === empty ? 0 : 1 + (finish(this.#minima[bin]) % 255);
    }
  }

  /** An empty bin takes the value of another, tried in an order that is the bin's own and the same in every text. */
  #densify(): void {
    for (let bin = 0; bin < bins; bin++) {
      let from = bin;
      for (let attempt = 0; this.#minima[from] === empty; attempt++) {
        from = order[bin * bins + (attempt & (bins - 1))];
      }
      this.#filled[bin] = from === bin ? this.#minima[bin] : finish(this.#minima[from]);
    }
  }

  #setKeys(): void {
    for (let band = 0; band < this.#bands; band++) {
      let hash = band;
      for (let row = 0; row < this.#rows; row++) hash = mix(hash, this.#filled[band * this.#rows + row]);
      this.#keys[band] = finish(hash);
    }
  }

  #bucket(band: number, key: number): number {
    return (band * (this.#bucketMask + 1) + (key & this.#bucketMask)) * 4;
  }

  #search(keys: Uint32Array): number | undefined {
    for (let band = 0; band < this.#bands; band++) {
      const bucket = this.#bucket(band, keys[band]);
      for (let i = bucket; i < bucket + 4; i++) {
        const number = this.#buckets[i] - 1;
        if (number < 0 || number < this.#size - this.capacity) continue;
        const similarity = this.#similarity(number);
        if (similarity >= this.#options.threshold) return similarity;
      }
    }
    return undefined;
  }

  /** Equal bins among those that are filled in one of the two at least, less what chance makes equal (1 in 255). */
  #similarity(number: number): number {
    const offset = (number % this.capacity) * bins;
    let equal = 0;
    let either = 0;
    for (let bin = 0; bin < bins; bin++) {
      const other = this.#signatures[offset + bin];
      const own = this.#own[bin];
      if (own === 0 && other === 0) continue;
      either++;
      if (own === other) equal++;
    }
    return (equal / either - 1 / 255) / (1 - 1 / 255);
  }

  #remember(keys: Uint32Array): void {
    const number = this.#size++;
    this.#signatures.set(this.#own, (number % this.capacity) * bins);
    for (let band = 0; band < this.#bands; band++) {
      const bucket = this.#bucket(band, keys[band]);
      this.#buckets.copyWithin(bucket + 1, bucket, bucket + 3);
      for (let i = bucket + 3; i > bucket; i--) this.#buckets[i] = this.#buckets[i - 1];
      this.#buckets[bucket] = number + 1;
    }
  }
}

export const nearDuplicates = defineFilter({
  about: 'drops texts that share most of their shingles with an earlier one: MinHash and LSH, in bounded memory',
  schema: optionsSchema,
  scope: 'corpus',
  make: (options, { units, notes }) => {
    const index = new NearDuplicates(options, units);
    notes.push(() =>
      index.forgotten === 0
        ? undefined
        : `nearDuplicates: ${formatCount(index.forgotten)} older texts were forgotten when its ${options.mebibytes} MiB were full; later texts were not compared with them`,
    );
    return ({ text }) => {
      const similarity = index.seen(text);
      return similarity === undefined ? undefined : { drop: `${similarity.toFixed(2)} alike` };
    };
  },
});
