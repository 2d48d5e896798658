// Is a task new? ROUGE-L F1 between prompts, in units that work for Chinese (see base/words.ts).
// Where operands make the task (12×3+9), equal operands are a duplicate and others are new: docs/decisions/001.
import { NearestText } from '../../base/nearest-text.js';
import { wordsOf } from '../../base/words.js';
import type { TaskKind } from '../../config/pipeline.js';
import { taskKey } from './task-key.js';

interface Judgement {
  isNew: boolean;
  /** Highest ROUGE-L to what is known; 1 for a duplicate of a key. undefined for a new task that has a key. */
  similarity?: number;
  /** The known prompt that is nearest, where wording decides. */
  nearest?: string;
}

/** What is known so far: seeds and accepted tasks. */
export class NoveltyFilter {
  readonly #maxSimilarity: number;
  readonly #index = new NearestText();
  /** By their number in the index. */
  readonly #texts: string[] = [];
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
    if (wordsOf(prompt).length === 0) return { isNew: false, similarity: 1 };
    const found = this.#index.nearest(prompt);
    const similarity = found?.similarity ?? 0;
    const nearest = found && this.#texts[found.index];
    return { isNew: similarity <= this.#maxSimilarity, similarity, ...(nearest !== undefined && { nearest }) };
  }

  add(kind: TaskKind, turns: readonly string[]): void {
    const prompt = turns.join('\n');
    this.#prompts.add(prompt);
    const key = taskKey(kind, turns);
    if (key !== undefined) {
      this.#keys.add(`${kind} ${key}`);
      return;
    }
    this.#index.add(prompt);
    this.#texts.push(prompt);
  }
}
