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
  #length = 0;
  #words = 0;
  /** [vocabulary] the row of masks that a unit has; 0: it is not in the text. */
  #rows = new Int32Array(256);
  /** [rows · words] bit j of word w: unit 32·w + j of the text is this one. Row 0 is empty. */
  #masks = new Int32Array(256);
  #state = new Uint32Array(1);
  #text: Int32Array = new Int32Array(0);

  constructor(text?: Int32Array, vocabulary?: number) {
    if (text !== undefined) this.read(text, vocabulary ?? 0);
  }

  /** Takes another text, in the memory of the one before. Negative units are in no other text. */
  read(text: Int32Array, vocabulary: number): this {
    for (const id of this.#text) if (id >= 0) this.#rows[id] = 0;
    if (this.#rows.length < vocabulary) this.#rows = new Int32Array(2 * vocabulary);
    this.#text = text;
    this.#length = text.length;
    this.#words = Math.ceil(text.length / 32);
    const size = (text.length + 1) * this.#words;
    if (this.#masks.length < size) this.#masks = new Int32Array(2 * size);
    else this.#masks.fill(0, 0, size);
    if (this.#state.length !== this.#words) this.#state = new Uint32Array(this.#words);
    let rows = 0;
    for (let i = 0; i < text.length; i++) {
      const id = text[i];
      if (id < 0) continue;
      this.#rows[id] ||= ++rows;
      this.#masks[this.#rows[id] * this.#words + (i >>> 5)] |= 1 << (i & 31);
    }
    return this;
  }

  /** With the units from `start` to before `end` of `other`, all of them ids below the vocabulary's size. */
  lcs(other: Int32Array, start = 0, end = other.length): number {
    return this.#words === 1 ? this.#lcsOfOneWord(other, start, end) : this.#lcsOfWords(other, start, end);
  }

  /** Most prompts fit: without the carry it is several times faster. */
  #lcsOfOneWord(other: Int32Array, start: number, end: number): number {
    const masks = this.#masks;
    const rows = this.#rows;
    let state = -1;
    for (let i = start; i < end; i++) {
      const mask = masks[rows[other[i]]];
      state = (state + (state & mask)) | 0 | (state & ~mask);
    }
    return this.#zeros(state, 0);
  }

  #lcsOfWords(other: Int32Array, start: number, end: number): number {
    const words = this.#words;
    const masks = this.#masks;
    const state = this.#state.fill(0xffffffff);
    for (let i = start; i < end; i++) {
      const row = this.#rows[other[i]];
      if (row === 0) continue;
      const base = row * words;
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
