// Is a task new? ROUGE-L F1 between prompts, in units that work for Chinese (see base/words.ts).
// Where operands make the task (12×3+9), equal operands are a duplicate and others are new: docs/decisions/001.
import { CommonSubsequence, encodeWords } from '../../base/rouge.js';
import { wordsOf } from '../../base/words.js';
import type { TaskKind } from '../../config/pipeline.js';
import { taskKey } from './task-key.js';

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
    else this.#texts.push(encodeWords(wordsOf(prompt), this.#vocabulary));
  }

  /** To the known text that is nearest. */
  #similarity(prompt: string): number {
    const ids = encodeWords(wordsOf(prompt), this.#vocabulary);
    if (ids.length === 0) return 1;
    const matcher = new CommonSubsequence(ids, this.#vocabulary.size);
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
