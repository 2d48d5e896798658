// How alike two texts are: ROUGE-L F1 (Lin 2004), from the longest common subsequence of their words, in units that work
// for Chinese (words.ts). On ASCII it agrees with Google's rouge_score without its stemmer.
import { wordsOf } from './words.js';

/** 2·LCS / (m + n): 0 for nothing in common, 1 for equal. Two texts without a unit are equal only as strings. */
export function rougeL(a: string, b: string): number {
  const [x, y] = [wordsOf(a), wordsOf(b)];
  if (x.length === 0 || y.length === 0) return a.trim() === b.trim() ? 1 : 0;
  const vocabulary = new Map<string, number>();
  const ids = [x, y].map((words) => encodeWords(words, vocabulary));
  const masks = new CommonSubsequence(ids[0], vocabulary.size);
  return (2 * masks.lcs(ids[1])) / (x.length + y.length);
}

/** Equal words, equal ids: `vocabulary` grows by those that are new. */
export function encodeWords(words: readonly string[], vocabulary: Map<string, number>): Int32Array {
  return Int32Array.from(words, (word) => {
    const id = vocabulary.get(word) ?? vocabulary.size;
    vocabulary.set(word, id);
    return id;
  });
}

/**
 * Longest common subsequence of one text against many, 32 units of it at a time (Hyyrö 2004):
 * O(n·⌈m/32⌉) instead of O(n·m), which is what makes ten thousand tasks against ten thousand feasible.
 */
export class CommonSubsequence {
  readonly #length: number;
  readonly #words: number;
  /** [vocabulary · words] bit j of word w: unit 32·w + j of the text is this one. */
  readonly #masks: Uint32Array;
  readonly #state: Uint32Array;

  constructor(text: Int32Array, vocabulary: number) {
    this.#length = text.length;
    this.#words = Math.ceil(text.length / 32);
    this.#masks = new Uint32Array(vocabulary * this.#words);
    this.#state = new Uint32Array(this.#words);
    text.forEach((id, i) => {
      this.#masks[id * this.#words + (i >>> 5)] |= 1 << (i & 31);
    });
  }

  lcs(other: Int32Array): number {
    return this.#words === 1 ? this.#lcsOfOneWord(other) : this.#lcsOfWords(other);
  }

  /** Most prompts fit: without the carry it is several times faster. */
  #lcsOfOneWord(other: Int32Array): number {
    const masks = this.#masks;
    let state = -1;
    for (let i = 0; i < other.length; i++) {
      const mask = masks[other[i]] | 0;
      state = (state + (state & mask)) | 0 | (state & ~mask);
    }
    return this.#zeros(state, 0);
  }

  #lcsOfWords(other: Int32Array): number {
    const words = this.#words;
    const masks = this.#masks;
    const state = this.#state.fill(0xffffffff);
    for (let i = 0; i < other.length; i++) {
      const base = other[i] * words;
      let carry = 0;
      for (let w = 0; w < words; w++) {
        const mask = masks[base + w];
        const value = state[w];
        const sum = value + ((value & mask) >>> 0) + carry;
        carry = sum > 0xffffffff ? 1 : 0;
        state[w] = sum | (value & ~mask);
      }
    }
    let zeros = 0;
    for (let w = 0; w < words; w++) zeros += this.#zeros(state[w], w);
    return zeros;
  }

  /** Units of word `w` that were matched: its zero bits, below the length of the text. */
  #zeros(state: number, w: number): number {
    const used = Math.min(32, this.#length - 32 * w);
    const kept = used === 32 ? 0xffffffff : 2 ** used - 1;
    return used - bitCount(state & kept);
  }
}

function bitCount(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
