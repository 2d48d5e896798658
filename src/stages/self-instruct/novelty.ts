// Is a task new? ROUGE-L F1 between prompts, in units that work for Chinese (see base/words.ts).
// Where operands make the task (12×3+9), equal operands are a duplicate and others are new: docs/decisions/001.
import { wordsOf } from '../../base/words.js';
import type { TaskKind } from '../../config/pipeline.js';
import { taskKey } from './task-key.js';

/** 2·LCS / (m + n): 0 for nothing in common, 1 for equal. Two texts without a unit are equal only as strings. */
export function rougeL(a: string, b: string): number {
  const [x, y] = [wordsOf(a), wordsOf(b)];
  if (x.length === 0 || y.length === 0) return a.trim() === b.trim() ? 1 : 0;
  const vocabulary = new Map<string, number>();
  const ids = [x, y].map((words) => encode(words, vocabulary));
  const masks = new Matcher(ids[0], vocabulary.size);
  return (2 * masks.lcs(ids[1])) / (x.length + y.length);
}

function encode(words: readonly string[], vocabulary: Map<string, number>): Int32Array {
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
class Matcher {
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

interface Judgement {
  isNew: boolean;
  /** Highest ROUGE-L to what is known; 1 for a duplicate of a key. undefined for a new task that has a key. */
  similarity?: number;
}

/** What is known so far: seeds and accepted tasks. */
export class NoveltyFilter {
  readonly #maxSimilarity: number;
  readonly #vocabulary = new Map<string, number>();
  readonly #texts: Int32Array[] = [];
  readonly #keys = new Set<string>();
  readonly #prompts = new Set<string>();

  constructor(maxSimilarity: number) {
    this.#maxSimilarity = maxSimilarity;
  }

  /** `turns` are the user's and assistant's turns up to and including the question. */
  judge(kind: TaskKind, turns: readonly string[]): Judgement {
    const prompt = turns.join('\n');
    if (this.#prompts.has(prompt)) return { isNew: false, similarity: 1 };
    const key = taskKey(kind, turns);
    if (key !== undefined) return this.#keys.has(`${kind} ${key}`) ? { isNew: false, similarity: 1 } : { isNew: true };
    const similarity = this.#similarity(prompt);
    return { isNew: similarity <= this.#maxSimilarity, similarity };
  }

  add(kind: TaskKind, turns: readonly string[]): void {
    const prompt = turns.join('\n');
    this.#prompts.add(prompt);
    const key = taskKey(kind, turns);
    if (key !== undefined) this.#keys.add(`${kind} ${key}`);
    else this.#texts.push(encode(wordsOf(prompt), this.#vocabulary));
  }

  /** To the known text that is nearest. */
  #similarity(prompt: string): number {
    const ids = encode(wordsOf(prompt), this.#vocabulary);
    if (ids.length === 0) return 1;
    const matcher = new Matcher(ids, this.#vocabulary.size);
    let similarity = 0;
    for (const known of this.#texts) {
      const total = ids.length + known.length;
      // The shorter text bounds the LCS: most pairs need no more than this.
      if (2 * Math.min(ids.length, known.length) <= similarity * total) continue;
      similarity = Math.max(similarity, (2 * matcher.lcs(known)) / total);
    }
    return similarity;
  }
}
