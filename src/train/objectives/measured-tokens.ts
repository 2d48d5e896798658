// What a model says of each token that was sampled, measured before anything is learnt from it: by micro-batch, as the steps will read
// them. Steps may share an answer (one that stands in for a pair may be in a pair elsewhere), and it has its tokens once.
import { setImmediate } from 'node:timers/promises';
import type { TokenBatch } from '../../data/types.js';
import { readResult } from '../../tensor/host.js';
import type { Tensor1D } from '../../tensor/tf.js';
import { type BatchOptions, countedOwners, type PlacedAnswer, packedAnswers } from './sampled-batches.js';

/** By step, by micro-batch. */
export type Answers = readonly (readonly (readonly PlacedAnswer[])[])[];

/** By row, of all answers of the sampling: `of` its counted tokens; nothing of an answer that nothing is learnt from. */
export async function measuredTokens(
  answers: Answers,
  options: Pick<BatchOptions, 'online' | 'samplesPerPrompt' | 'padId'>,
  of: (batch: TokenBatch) => Tensor1D,
): Promise<number[][]> {
  const { online, samplesPerPrompt } = options;
  const rows = online.promptsPerStep * online.stepsPerSampling * samplesPerPrompt;
  const measured = Array.from({ length: rows }, (): number[] => []);
  for (const own of answers.flat()) {
    const batch = packedAnswers(own, options);
    const values = await readResult(() => of(batch));
    for (const { row } of own) measured[row] = [];
    for (const [token, owner] of countedOwners(batch).entries()) {
      if (owner >= 0) measured[own[owner].row].push(values[token]);
    }
    await setImmediate(); // signals arrive between turns of the event loop
  }
  return measured;
}
