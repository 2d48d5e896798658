// Several scorers as one. Each is scaled to 0 … 1 among the answers to one prompt before they are added, for a reward model has no
// unit of its own and another scorer's is not the same; where all answers score alike, a scorer has nothing to say.
import { mixedRewards } from '../../train/objectives/advantages.js';
import { rankCorrelation } from '../rewards/pairs.js';
import type { Scorer, ScorerPart } from '../scorer.js';
import type { Answer } from '../tasks.js';

export interface WeightedScorer {
  scorer: Scorer;
  weight: number;
}

/** How alike two scorers order the answers to a prompt: their mean rank correlation over prompts. */
export interface Agreement {
  between: readonly [string, string];
  correlation: number;
  prompts: number;
}

/** @param hear Hears of how the scorers agree, each time answers are scored by more than one. */
export function mixedScorer(
  scorers: readonly WeightedScorer[],
  hear: (agreements: readonly Agreement[]) => void = () => undefined,
): Scorer {
  const parts = async (answers: readonly Answer[], signal?: AbortSignal): Promise<ScorerPart[]> => {
    // To their ends: what a judge was paid for is kept.
    const ends = await Promise.allSettled(
      scorers.map(async ({ scorer, weight }) => ({
        ...{ name: scorer.name, weight },
        rewards: (await scorer.parts?.(answers, signal))?.[0].rewards ?? (await scorer.score(answers, signal)),
      })),
    );
    const own = ends.map((end) => {
      if (end.status === 'rejected') throw end.reason;
      return end.value;
    });
    if (own.length > 1) hear(agreementsOf(own, groupsOf(answers)));
    return own;
  };
  return {
    name: scorers.map(({ scorer, weight }) => (weight === 1 ? scorer.name : `${weight} × ${scorer.name}`)).join(' + '),
    ...(scorers.some(({ scorer }) => scorer.isScaleless) && { isScaleless: true }),
    ...(scorers.every(({ scorer }) => scorer.isRelative) && { isRelative: true }),
    sources: scorers.map(({ scorer: { name }, weight }) => ({ name, weight })),
    parts,
    async score(answers, signal) {
      const own = await parts(answers, signal);
      return mixParts(own, groupsOf(answers));
    },
  };
}

/** Answers to one task stand next to each other: where each begins and ends. */
export function groupsOf(answers: readonly Pick<Answer, 'task'>[]): [number, number][] {
  const groups: [number, number][] = [];
  answers.forEach(({ task }, i) => {
    if (i > 0 && answers[i - 1].task === task) groups[groups.length - 1][1] = i + 1;
    else groups.push([i, i + 1]);
  });
  return groups;
}

/** What the answers are worth to all scorers together, group by group. */
export function mixParts(
  parts: readonly ScorerPart[],
  groups: readonly (readonly [number, number])[],
): (number | undefined)[] {
  const weights = parts.map(({ weight }) => weight);
  return groups.flatMap(([from, to]) =>
    mixedRewards(
      parts.map(({ rewards }) => rewards.slice(from, to)),
      weights,
    ),
  );
}

function agreementsOf(parts: readonly ScorerPart[], groups: readonly (readonly [number, number])[]): Agreement[] {
  return parts.flatMap((a, i) =>
    parts.slice(i + 1).flatMap((b): Agreement[] => {
      const correlations = groups.flatMap(([from, to]) => {
        const both = Array.from({ length: to - from }, (_, k) => [a.rewards[from + k], b.rewards[from + k]]).filter(
          (pair): pair is [number, number] => pair.every((reward) => reward !== undefined),
        );
        const sides = [0, 1].map((side) => both.map((pair) => pair[side]));
        const isTold = sides.every((values) => new Set(values).size > 1);
        return isTold ? [rankCorrelation(sides[0], sides[1])] : [];
      });
      if (correlations.length === 0) return [];
      const mean = correlations.reduce((sum, each) => sum + each, 0) / correlations.length;
      return [{ between: [a.name, b.name], correlation: mean, prompts: correlations.length }];
    }),
  );
}
