// What a reward model is worth, on pairs that no training saw: figures for the terminal and metrics.jsonl, a section of the report,
// and the licence.
import { sha256 } from '../../base/files.js';
import { shorten } from '../../base/format.js';
import { ratio } from '../../base/statistics.js';
import type { RewardModelConfig } from '../../config/reward-model.js';
import { isPair as isPairJudgement } from '../../data/preferences/types.js';
import type { Conversation } from '../../data/types.js';
import { lengthBaseline, nGramBaseline } from '../../evaluation/rewards/baselines.js';
import type { BestOfN } from '../../evaluation/rewards/best-of-n.js';
import { calibrationOf } from '../../evaluation/rewards/calibration.js';
import {
  accuracyUnits,
  gapOf,
  goldAgreement,
  lengthCorrelation,
  partsOf,
  type ScoredPair,
  worstPairs,
} from '../../evaluation/rewards/pairs.js';
import { scoreAnswer } from '../../evaluation/scorers/rules.js';
import { scoreSequences } from '../../inference/rewards.js';
import type { Model } from '../../model/model.js';
import type { Metrics, RewardReport } from '../../report/event.js';
import type { FittedRow, GivenPair } from '../align/given.js';
import type { Job } from '../stage.js';
import { interval, type Licence, licenceFor, percent } from './licence.js';

/** A pair as tokens, with what a report says of it. */
export interface JudgedRow extends GivenPair {
  margin?: number;
  language?: string;
  /** What was asked last. */
  asked: string;
  /** What a right answer has, where that can be checked. */
  task?: Conversation;
}

/** The pairs of these rows; answers with a label are counted by the reader. */
export function judgedRows(rows: readonly FittedRow[]): JudgedRow[] {
  return rows.flatMap(({ row, preference }): JudgedRow[] => {
    if (!('chosen' in row) || !isPairJudgement(preference.judgement)) return [];
    const { id, prompt: messages, check, margin, language } = preference;
    return [
      {
        ...row,
        asked: messages.findLast(({ role }) => role === 'user')?.content ?? '',
        ...(margin !== undefined && { margin }),
        ...(language !== undefined && { language }),
        ...(check !== undefined && { task: { id, messages, check, ...(language && { language }) } }),
      },
    ];
  });
}

const sequencesOf = (rows: readonly JudgedRow[]): number[][] =>
  rows.flatMap(({ prompt, chosen, rejected }) => [chosen, rejected].map(({ tokens }) => [...prompt, ...tokens]));

/** Scores of both answers of each pair. */
export async function scorePairs(
  model: Model,
  rows: readonly JudgedRow[],
  { signal, reporter }: Pick<Job<unknown>, 'signal' | 'reporter'>,
): Promise<ScoredPair[]> {
  const scores = await scoreSequences(model, sequencesOf(rows), {
    signal,
    onProgress: (done, total) =>
      reporter.emit({ type: 'progress', label: 'held-out pairs', done, total, unit: 'answers' }),
  });
  return rows.map(({ prompt, chosen, rejected, margin, language, asked, task }, i) => {
    const side = ({ text, tokens }: JudgedRow['chosen'], score: number) => ({
      ...{ text, tokens: tokens.length, score },
      ...(task !== undefined && { gold: scoreAnswer({ task, text, ended: true }).reward }),
    });
    return {
      ...{ group: prompt.join(), prompt: asked },
      ...{ chosen: side(chosen, scores[2 * i]), rejected: side(rejected, scores[2 * i + 1]) },
      ...(margin !== undefined && { margin }),
      ...(language !== undefined && { language }),
    };
  });
}

/** Pairs that a model in training is measured by, at most. */
const measuredPairs = 200;

/** `pairAccuracy` and `pairLoss` of a model in training. */
export async function measurePairs(
  model: Model,
  rows: readonly JudgedRow[],
  signal?: AbortSignal,
): Promise<{ pairAccuracy: number; pairLoss: number }> {
  // By hash: files are often sorted, by source or by language.
  const order = new Map(rows.map((row) => [row, sha256(`${row.id} ${row.prompt.join()}`)]));
  const measured = [...rows]
    .sort((a, b) => ((order.get(a) ?? '') < (order.get(b) ?? '') ? -1 : 1))
    .slice(0, measuredPairs);
  const scores = await scoreSequences(model, sequencesOf(measured), { signal });
  const gaps = measured.map((_, i) => scores[2 * i] - scores[2 * i + 1]);
  const mean = (of: (gap: number) => number): number => gaps.reduce((sum, gap) => sum + of(gap), 0) / gaps.length;
  return {
    pairAccuracy: mean((gap) => (gap === 0 ? 0.5 : Number(gap > 0))),
    pairLoss: mean(surprise),
  };
}

/** −log σ(gap). */
const surprise = (gap: number): number => Math.max(0, -gap) + Math.log1p(Math.exp(-Math.abs(gap)));

const maxWorst = 10;
const maxCharacters = 1000;

/** Says and reports what the evidence comes to. */
export async function reportOn(
  { config, reporter, seed, signal }: Pick<Job<RewardModelConfig>, 'config' | 'reporter' | 'seed' | 'signal'>,
  {
    digest,
    pairs,
    learnt,
    bestOfN,
  }: { digest: string; pairs: readonly ScoredPair[]; learnt: readonly JudgedRow[]; bestOfN?: BestOfN },
): Promise<{ licence: Licence; metrics: Metrics }> {
  const texts = learnt.map(({ chosen, rejected }) => ({ chosen: chosen.text, rejected: rejected.text }));
  const licence = licenceFor({
    ...{ model: digest, pairs, bestOfN, calibration: config.licence.calibration },
    baselines: [lengthBaseline(texts), await nGramBaseline(texts, { seed, signal })],
  });
  const { isGranted, refusals, baselines } = licence;
  const { error, bins } = calibrationOf(pairs);
  const gold = goldAgreement(pairs);
  const report = {
    ...{ isGranted, refusals, baselines, bestOfN },
    parts: partsOf(pairs),
    calibration: { error, bound: licence.calibration.bound, bins },
    lengthCorrelation: lengthCorrelation(pairs),
    ...(gold !== undefined && { gold }),
    worst: worstPairs(pairs, maxWorst).map(({ prompt, chosen, rejected }) => ({
      prompt: shorten(prompt, maxCharacters),
      chosen: { text: shorten(chosen.text, maxCharacters), score: chosen.score },
      rejected: { text: shorten(rejected.text, maxCharacters), score: rejected.score },
    })),
  } satisfies RewardReport;
  reporter.emit({ type: 'reward', ...report });
  for (const line of linesOf(report)) reporter.note('info', line);
  if (isGranted) reporter.note('info', 'licence: granted; it may steer alignment');
  else reporter.note('warning', `licence: refused, for ${refusals.join('; ')}`);
  const byLanguage = report.parts.filter(({ name }) => pairs.some(({ language }) => language === name));
  const metrics: Metrics = {
    pairAccuracy: ratio(accuracyUnits(pairs)),
    ...Object.fromEntries(byLanguage.map(({ name, accuracy }) => [`pairAccuracy.${name}`, accuracy.mean])),
    pairLoss: pairs.reduce((sum, pair) => sum + surprise(gapOf(pair)), 0) / pairs.length,
    calibrationError: error,
  };
  return { licence, metrics };
}

/** The rows of the terminal. */
function linesOf({
  parts,
  baselines,
  calibration,
  lengthCorrelation: byLength,
  gold,
  bestOfN,
}: RewardReport & Required<Pick<RewardReport, 'calibration'>>): string[] {
  const shown = parts.map(({ name, pairs, accuracy }) => {
    const range = Number.isFinite(accuracy.low) ? `, ${percent(accuracy.low)} to ${percent(accuracy.high)}` : '';
    return `${name} ${percent(accuracy.mean)} (${pairs}${range})`;
  });
  const beaten = baselines.map(({ name, accuracy, gain }) => `${name} ${percent(accuracy.mean)} (${interval(gain)})`);
  return [
    `right in held-out pairs: ${shown.join(', ')}`,
    `scorers that understand nothing are right in: ${beaten.join(', ')}`,
    `calibration error ${calibration.error.toFixed(3)} of ${calibration.bound} allowed; scores follow length by ${byLength.toFixed(2)} (1: the longer answer always scores higher, −1: the shorter)`,
    ...(gold === undefined
      ? []
      : [`it agrees with checks in ${percent(gold.accuracy.mean)} of ${gold.pairs} pairs that they tell apart`]),
    ...(bestOfN === undefined ? [] : [bestOfNLine(bestOfN)]),
  ];
}

function bestOfNLine({ points, gain, turnsAt, prompts }: BestOfN): string {
  const turn =
    turnsAt === undefined
      ? `no turning point before a KL of ${points[points.length - 1].kl.toFixed(2)} nats`
      : `it is predicted to turn at a KL of ${turnsAt.toFixed(2)} nats`;
  return `the best of ${points.length} answers is worth ${interval(gain)} more than any, by the checks of ${prompts} prompts; ${turn}`;
}
