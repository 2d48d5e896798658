// Which scorers of alignment a run makes itself. Apart from their schema: the list of stages asks, and the first help loads none.
import type { ScorerChoice } from './scorers.js';

/** Whether the reward model that the run itself makes is one of them. */
export function usesOwnRewardModel(scorers: readonly ScorerChoice[] = []): boolean {
  return scorers.some(
    (each) =>
      each === 'reward-model' || (typeof each === 'object' && 'scorer' in each && each.scorer === 'reward-model'),
  );
}
