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
  /** What its parts give has no scale: it only says which answer to a prompt is better. Absent: from 0 to 1. */
  readonly isScaleless?: true;
  /** It compares answers to one prompt alone: those that it finds equal are ordinary, and say nothing of how good they are. */
  readonly isRelative?: true;
  /** Of the parts, in their order, where `parts` is there and gives more than one. */
  readonly sources?: readonly Pick<ScorerPart, 'name' | 'weight'>[];
  /** What `score` mixes, before anything is scaled. Absent: `score` says all. */
  parts?(answers: readonly Answer[], signal?: AbortSignal): Promise<readonly ScorerPart[]>;
  /** One reward for each answer, in their order: 0 to 1 (the scale of `align.minMargin`), higher is better; undefined: it has none. */
  score(answers: readonly Answer[], signal?: AbortSignal): Promise<readonly (number | undefined)[]>;
}

/** Of each of `sourcesOf`: what it gives each answer, in its own unit; undefined where it has nothing to say of one. */
export async function rewardsByScorer(
  scorer: Scorer,
  answers: readonly Answer[],
  signal?: AbortSignal,
): Promise<(readonly (number | undefined)[])[]> {
  const parts = await scorer.parts?.(answers, signal);
  return parts === undefined ? [await scorer.score(answers, signal)] : parts.map(({ rewards }) => rewards);
}

/** Whose rewards a scorer mixes: its own, where it mixes none. */
export function sourcesOf({ name, sources }: Scorer): readonly Pick<ScorerPart, 'name' | 'weight'>[] {
  return sources ?? [{ name, weight: 1 }];
}

export interface ScoredAnswer extends Answer {
  /** Undefined: it could not be scored. */
  reward: number | undefined;
}

export async function scoreAnswers(
  scorer: Scorer,
  answers: readonly Answer[],
  signal?: AbortSignal,
): Promise<ScoredAnswer[]> {
  const rewards = await scorer.score(answers, signal);
  return answers.map((answer, i) => ({ ...answer, reward: rewards[i] }));
}
