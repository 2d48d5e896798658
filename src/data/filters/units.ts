// Units of a text that mean the same in both languages: a Han character (or kana) is one, a run of letters and digits
// is one, everything else separates. A rule that counts units treats Chinese and English as equals.
// Not `wordsOf` of base/words.ts, which changes the text first: positions count here, and digests of corpora depend on it.
import { codePointAt, han, kana, kindOf, wordPart } from './characters.js';

/** Of the polynomial that the hash of an n-gram is: odd, so that no unit of it is lost. */
const base = 0x2c9277b5;

/** The units of one text; the arrays are reused by the next call. Filters share one, and a text is read once for all. */
export class Units {
  /** 32-bit hash of each unit, ASCII letters in lower case. */
  hashes = new Uint32Array(1 << 12);
  /** Where each unit starts, and the code unit after its end. */
  starts = new Uint32Array(1 << 12);
  ends = new Uint32Array(1 << 12);
  length = 0;
  /** Units that are single characters: Han and kana. */
  singles = 0;
  #text = '';
  #grams = new Uint32Array(1 << 12);

  read(text: string): this {
    if (text === this.#text) return this;
    this.#text = text;
    this.length = 0;
    this.singles = 0;
    for (let i = 0; i < text.length; ) {
      let code = codePointAt(text, i);
      let kind = kindOf(code);
      const start = i;
      let hash = 0x811c9dc5;
      if ((kind & (han | kana)) !== 0) {
        hash = mix(hash, code);
        i += code > 0xffff ? 2 : 1;
        this.singles++;
      } else if ((kind & wordPart) === 0) {
        i += code > 0xffff ? 2 : 1;
        continue;
      } else {
        while ((kind & (wordPart | han | kana)) === wordPart) {
          hash = mix(hash, code >= 65 && code <= 90 ? code + 32 : code);
          i += code > 0xffff ? 2 : 1;
          if (i >= text.length) break;
          code = codePointAt(text, i);
          kind = kindOf(code);
        }
      }
      this.#push(finish(hash), start, i);
    }
    return this;
  }

  /** Hashes of all n-grams in order, `length` − n + 1 of them, in an array that the next call reuses. */
  grams(n: number): Uint32Array {
    const { hashes, length } = this;
    if (this.#grams.length < length) this.#grams = new Uint32Array(hashes.length);
    const grams = this.#grams;
    let outgoing = 1;
    for (let i = 0; i < n; i++) outgoing = Math.imul(outgoing, base);
    let hash = 0;
    for (let i = 0; i < length; i++) {
      hash = Math.imul(hash, base) + hashes[i];
      if (i >= n) hash -= Math.imul(hashes[i - n], outgoing);
      hash |= 0;
      if (i >= n - 1) grams[i - n + 1] = finish(hash);
    }
    return grams.subarray(0, Math.max(0, length - n + 1));
  }

  #push(hash: number, start: number, end: number): void {
    if (this.length === this.hashes.length) this.#grow();
    this.hashes[this.length] = hash;
    this.starts[this.length] = start;
    this.ends[this.length++] = end;
  }

  #grow(): void {
    const larger = (array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
      const copy = new Uint32Array(array.length * 2);
      copy.set(array);
      return copy;
    };
    this.hashes = larger(this.hashes);
    this.starts = larger(this.starts);
    this.ends = larger(this.ends);
  }
}

/** One step of FNV-1a, over a 16-bit unit. */
export function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193);
}

/** The last rounds of MurmurHash3: every bit of the input moves every bit of the output. */
export function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
