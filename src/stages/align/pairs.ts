// From scored answers to preference pairs, kept as the tokens that the policy itself drew.
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { AlignConfig } from '../../config/align.js';
import { readRows } from '../../data/rows.js';
import type { ScoredAnswer } from '../../evaluation/scorer.js';
import type { Model } from '../../model/model.js';
import { readResult } from '../../tensor/host.js';
import { type PreferencePair, pairBatch, type ReferencedSequence } from '../../train/objectives/preference.js';
import { sequenceLogProbabilities } from '../../train/objectives/sequence-log-probabilities.js';

const sideSchema = z.object({
  /** The answer's tokens, its end token included where it came. */
  tokens: z.array(z.int().min(0)),
  text: z.string(),
  reward: z.number(),
  /** log π_ref of the answer, summed over its tokens. */
  reference: z.number(),
});
const pairSchema = z.object({
  id: z.string(),
  prompt: z.array(z.int().min(0)),
  chosen: sideSchema,
  rejected: sideSchema,
});

export type Pair = z.output<typeof pairSchema>;
type Side = Pair['chosen'];

type PairOptions = Pick<AlignConfig, 'minMargin' | 'pairsPerPrompt'> & { endToken: number };

/** `answers` of one task: best against worst, second best against second worst, while the gap is wide enough. */
export function makePairs(
  answers: readonly ScoredAnswer[],
  { minMargin, pairsPerPrompt, endToken }: PairOptions,
): Pair[] {
  const distinct = [...new Map(answers.map((answer) => [`${answer.tokens.join()}|${answer.ended}`, answer])).values()]
    // An answer without a token has no log-probability to speak of unless it ended.
    .filter(({ tokens, ended }) => tokens.length > 0 || ended);
  const ranked = distinct.sort((a, b) => b.reward - a.reward);
  const pairs: Pair[] = [];
  for (let i = 0; i < ranked.length - 1 - i && pairs.length < pairsPerPrompt; i++) {
    const [best, worst] = [ranked[i], ranked[ranked.length - 1 - i]];
    if (best.reward - worst.reward < minMargin) break;
    pairs.push({
      id: `${best.task.id}#${i}`,
      prompt: best.promptTokens,
      chosen: side(best, endToken),
      rejected: side(worst, endToken),
    });
  }
  return pairs;
}

/** Fills in log π_ref of both sides under `model`: the policy as it is before the round's training. */
export async function scoreReferences(model: Model, pairs: readonly Pair[], batchSize: number): Promise<void> {
  for (let begin = 0; begin < pairs.length; begin += batchSize) {
    const group = pairs.slice(begin, begin + batchSize);
    const batch = pairBatch(group.map(preferencePair), model.config.pad_token_id);
    const values = await readResult(() => sequenceLogProbabilities(model, batch).logProbabilities);
    await setImmediate();
    group.forEach((pair, i) => {
      pair.chosen.reference = values[i];
      pair.rejected.reference = values[group.length + i];
    });
  }
}

/** The pair as the objective takes it. */
export function preferencePair({ id, prompt, chosen, rejected }: Pair): PreferencePair {
  const sequence = ({ tokens, reference }: Side): ReferencedSequence => ({
    id,
    tokens: [...prompt, ...tokens],
    loss: [...prompt.map(() => 0), ...tokens.map(() => 1)],
    reference,
  });
  return { chosen: sequence(chosen), rejected: sequence(rejected) };
}

/** A file whose digest was compared: it is as `toJsonl` wrote it. */
export async function readPairs(path: string): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for await (const { value } of readRows(path)) pairs.push(pairSchema.parse(value));
  return pairs;
}

function side(answer: ScoredAnswer, endToken: number): Side {
  const tokens = answer.ended ? [...answer.tokens, endToken] : answer.tokens;
  return { tokens, text: answer.text, reward: answer.reward, reference: 0 };
}
