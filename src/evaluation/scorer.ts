// Who scores: an answer is what a model wrote, a reward is what a scorer makes of it. The same answers can be given to any
// scorer, and alignment and evaluation ask whichever they are handed.
import type { Answer } from './tasks.js';

export interface Scorer {
  readonly name: string;
  /** One reward for each answer, in their order: 0 to 1 (the scale of `align.minMargin`), higher is better. */
  score(answers: readonly Answer[], signal?: AbortSignal): Promise<readonly number[]>;
}

export interface ScoredAnswer extends Answer {
  reward: number;
}

export async function scoreAnswers(
  scorer: Scorer,
  answers: readonly Answer[],
  signal?: AbortSignal,
): Promise<ScoredAnswer[]> {
  const rewards = await scorer.score(answers, signal);
  return answers.map((answer, i) => ({ ...answer, reward: rewards[i] }));
}
