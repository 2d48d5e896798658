// What is wrong with an answer only beside others: it contradicts one to the same question, says nearly what another says, or
// holds a piece of a task that the model will be measured by.
import { wordsOf } from '../../../base/words.js';
import { stringsIn, TaskGrams } from '../../../data/filters/decontaminate.js';
import { NearDuplicates } from '../../../data/filters/near-duplicates.js';
import { readRows } from '../../../data/rows.js';
import { checkAnswer } from '../../../evaluation/checks.js';
import type { ProposedTask, Solution } from '../teacher.js';

/** As the filter of corpora has it: 13 words or Han characters in a row, of tasks that have 8 at least. */
const gramUnits = { n: 13, fewest: 8 };
/** Shorter answers are alike by nature: "Even.", "Paris." */
const minNearDuplicateWords = 12;
const nearDuplicates = { threshold: 0.8, shingle: 3, mebibytes: 32 };

export interface AnswerFault {
  rule: string;
  /** What it is near to, or has in common. */
  why?: string;
}

/** Two solutions of the same question that cannot both be right. */
export function contradict(task: ProposedTask, a: Solution, b: Solution): boolean {
  const [wordsA, wordsB] = [wordsOf(a.answer), wordsOf(b.answer)];
  if (wordsA.join(' ') === wordsB.join(' ')) return false;
  const passes = ({ check }: Solution, { answer }: Solution): boolean | undefined =>
    check && checkAnswer(check, answer, task.language);
  const verdicts = [passes(a, b), passes(b, a)].filter((verdict) => verdict !== undefined);
  // Of what no program can check, only facts contradict each other: two greetings or two stories are both fine.
  if (verdicts.length === 0) return Math.max(wordsA.length, wordsB.length) <= maxFactWords;
  return verdicts.includes(false);
}
const maxFactWords = 6;

export class AnswerFilter {
  readonly #grams: TaskGrams;
  readonly #near = new NearDuplicates(nearDuplicates);

  private constructor(grams: TaskGrams) {
    this.#grams = grams;
  }

  /** @param sets files of tasks that are kept for evaluation, as the pipeline names them. */
  static async open(sets: readonly string[]): Promise<AnswerFilter> {
    const grams = new TaskGrams(gramUnits.n, gramUnits.fewest);
    for (const path of sets)
      for await (const { value } of readRows(path)) for (const text of stringsIn(value)) grams.add(text);
    return new AnswerFilter(grams);
  }

  /** An answer without a fault is remembered. */
  faultOf({ turns }: ProposedTask, { answer, check }: Solution): AnswerFault | undefined {
    for (const text of [...turns, answer]) {
      const found = this.#grams.find(text);
      if (found !== undefined) return { rule: 'holds a task of the evaluation', why: found.slice(0, 100) };
    }
    if (check !== undefined || wordsOf(answer).length < minNearDuplicateWords) return undefined;
    const similarity = this.#near.seen(answer);
    if (similarity === undefined) return undefined;
    return { rule: 'answer nearly said before', why: `${similarity.toFixed(2)} alike` };
  }
}
