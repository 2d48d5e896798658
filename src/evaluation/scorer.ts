// Who scores: an answer is what a model wrote, a reward is what a scorer makes of it. The same answers can be given to any
// scorer, and alignment and evaluation ask whichever they are handed.
import type { Answer } from './tasks.js';

/** What one of several scorers says, in its own unit. */
export interface ScorerPart {
  name: string;
  weight: number;
  /** In the order of the answers; undefined where it has nothing to say of one. */
  rewards: readonly (number | undefined)[];
}

export interface Scorer {
  /** Two that score otherwise have different ones. */
  readonly name: string;
  /** What `score` mixes, before anything is scaled. Absent: `score` says all. */
  parts?(answers: readonly Answer[], signal?: AbortSignal): Promise<readonly ScorerPart[]>;
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
