// What a round learns from, as tokens: pairs of a better and a worse answer, or single answers that were called good or bad.
// They come from people (given.ts), or from answers that the policy itself drew and a scorer scored.
import { z } from 'zod';
import type { AlignConfig } from '../../config/align.js';
import { readRows } from '../../data/rows.js';
import type { TokenSequence } from '../../data/types.js';
import type { ScoredAnswer } from '../../evaluation/scorer.js';
import type { Answer } from '../../evaluation/tasks.js';
import type { PreferencePair, ReferencedSequence } from '../../train/objectives/preference.js';

const tokens = z.array(z.int().min(0));
const sideSchema = z.object({
  /** The answer's tokens, its end token included where it came. */
  tokens,
  /** 1 where the assistant said the token, 0 where a tool or the template did. Absent: 1 everywhere. */
  loss: z.array(z.number()).optional(),
  text: z.string(),
  /** Of a sampled answer. */
  reward: z.number().optional(),
});
export type Side = z.output<typeof sideSchema>;

const rowSchema = z.object({
  id: z.string(),
  prompt: tokens,
  /** How much it counts in the loss. Absent: 1. */
  weight: z.number().optional(),
  /** The file, data set or store that it was read from; absent: it was sampled. */
  source: z.string().optional(),
  /** The id of its record in a feedback store. */
  feedback: z.string().optional(),
});
const pairSchema = rowSchema.extend({ chosen: sideSchema, rejected: sideSchema });
const labelledSchema = rowSchema.extend({ answer: sideSchema, isGood: z.boolean() });

export type Pair = z.output<typeof pairSchema>;
export type Labelled = z.output<typeof labelledSchema>;
export type RoundRow = Pair | Labelled;

export const isPair = (row: RoundRow): row is Pair => 'chosen' in row;

/** The answers of a row, the better one first. */
export const answersOf = (row: RoundRow): Side[] => (isPair(row) ? [row.chosen, row.rejected] : [row.answer]);

type PairOptions = Pick<AlignConfig, 'minMargin' | 'pairsPerPrompt'> & { endToken: number };

/** `answers` of one task: best against worst, second best against second worst, while the gap is wide enough. */
export function makePairs(
  answers: readonly ScoredAnswer[],
  { minMargin, pairsPerPrompt, endToken }: PairOptions,
): Pair[] {
  const ranked = rankedAnswers(answers);
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

/** The best of the answers to one task, where they are not all alike: what rejection sampling keeps. */
export function bestAnswer(
  answers: readonly ScoredAnswer[],
  { minMargin, endToken }: Omit<PairOptions, 'pairsPerPrompt'>,
): Labelled[] {
  const ranked = rankedAnswers(answers);
  const [best] = ranked;
  const worst = ranked.at(-1);
  if (worst === undefined || best.reward - worst.reward < minMargin) return [];
  const { task, promptTokens } = best;
  return [{ id: task.id, prompt: promptTokens, answer: side(best, endToken), isGood: true }];
}

/** The two sides of a pair, as answers of their own. */
export function labelsOf({ chosen, rejected, ...row }: Pair): Labelled[] {
  return [
    { ...row, id: `${row.id}#chosen`, answer: chosen, isGood: true },
    { ...row, id: `${row.id}#rejected`, answer: rejected, isGood: false },
  ];
}

type RankedAnswer = ScoredAnswer & { reward: number };

/** Those with a reward, each once, the best first. An answer without a token has no log-probability to speak of unless it ended. */
function rankedAnswers(answers: readonly ScoredAnswer[]): RankedAnswer[] {
  const distinct = new Map(answers.map((answer) => [`${answer.tokens.join()}|${answer.ended}`, answer]));
  const said = [...distinct.values()].filter((answer): answer is RankedAnswer => {
    return answer.reward !== undefined && (answer.tokens.length > 0 || answer.ended);
  });
  return said.sort((a, b) => b.reward - a.reward);
}

/** The record of a feedback store that a row came from, or the prompt that it was sampled for; none where it is of no store. */
export function recordOf({ id, source, feedback }: Pick<RoundRow, 'id' | 'source' | 'feedback'>): string[] {
  if (feedback !== undefined) return [feedback];
  const asked = source === undefined ? /^feedback:([0-9a-f]{16})(?:#|$)/.exec(id) : null;
  return asked === null ? [] : [asked[1]];
}

/** An answer after its prompt, with loss on what the assistant says in it. */
export function sequenceOf(
  { id, prompt }: Pick<RoundRow, 'id' | 'prompt'>,
  { tokens: said, loss }: Pick<Side, 'tokens' | 'loss'>,
): TokenSequence {
  return { id, tokens: [...prompt, ...said], loss: [...prompt.map(() => 0), ...(loss ?? said.map(() => 1))] };
}

/** log π_ref of an answer after its prompt, summed over its tokens. */
export type ReferenceOf = (sequence: TokenSequence) => number;

/** The pair as the objective takes it. */
export function preferencePair(pair: Pair, referenceOf: ReferenceOf): PreferencePair {
  const referenced = (answer: Side): ReferencedSequence => {
    const sequence = sequenceOf(pair, answer);
    return { ...sequence, reference: referenceOf(sequence) };
  };
  return { chosen: referenced(pair.chosen), rejected: referenced(pair.rejected) };
}

/** A file whose digest was compared: it is as `toJsonl` wrote it. */
export async function readRoundRows(path: string): Promise<RoundRow[]> {
  const rows: RoundRow[] = [];
  for await (const { value } of readRows(path)) rows.push(z.union([pairSchema, labelledSchema]).parse(value));
  return rows;
}

function side(answer: RankedAnswer, endToken: number): Side {
  const { text, reward } = answer;
  return { ...endedAnswer(answer, endToken), text, reward };
}

/** The tokens of an answer with those that end it; of one with tools, what of them the model said. */
export function endedAnswer(
  { tokens, loss, ended }: Pick<Answer, 'tokens' | 'loss' | 'ended'>,
  endToken: number,
): Pick<Side, 'tokens' | 'loss'> {
  if (!ended) return { tokens, ...(loss !== undefined && { loss }) };
  return { tokens: [...tokens, endToken], ...(loss !== undefined && { loss: [...loss, 1] }) };
}
