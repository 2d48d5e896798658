// A reward model as a scorer of sampled answers: its own scores, which have no unit, are what it gives as a part; mixed.ts scales
// them among the answers to a prompt.
import { type OpenedRewardModel, scoreSequences } from '../../inference/rewards.js';
import type { Scorer } from '../scorer.js';
import type { Answer } from '../tasks.js';

/** @param endToken Ends an answer: scored where it came. */
export function rewardModelScorer({ model, checkpoint }: OpenedRewardModel, endToken: number): Scorer {
  const name = `reward model ${checkpoint.digest.slice(0, 12)}`;
  const context = model.config.max_position_embeddings;
  const rewards = async (answers: readonly Answer[], signal?: AbortSignal): Promise<(number | undefined)[]> => {
    const sequences = answers.map(({ promptTokens, tokens, ended }) => [
      ...promptTokens,
      ...tokens,
      ...(ended ? [endToken] : []),
    ]);
    // What does not fit has no score: cut, it would be another answer's.
    const fitting = sequences.flatMap((sequence, i) => (sequence.length <= context && sequence.length > 0 ? [i] : []));
    const scores = await scoreSequences(
      model,
      fitting.map((i) => sequences[i]),
      { signal },
    );
    const found: (number | undefined)[] = new Array(answers.length).fill(undefined);
    fitting.forEach((i, at) => {
      found[i] = scores[at];
    });
    return found;
  };
  return {
    name,
    parts: async (answers, signal) => [{ name, weight: 1, rewards: await rewards(answers, signal) }],
    score: async (answers, signal) =>
      (await rewards(answers, signal)).map((reward) =>
        reward === undefined ? undefined : 1 / (1 + Math.exp(-reward)),
      ),
  };
}
