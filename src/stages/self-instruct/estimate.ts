// What the whole would take, from the few rows of a preview: each number with the range that so small a sample leaves open.
// Rows are drawn again with random weights (Rubin's Bayesian bootstrap), the share of sound answers from its posterior.
import { Random } from '../../base/random.js';
import { type ReplyCost, type TokenPrices, usdOf } from '../../inference/request-ledger.js';
import type { EstimatedRange, WholeEstimate } from '../stage.js';

/** What a preview asked and got. */
export interface PreviewSample {
  /** Of each request for tasks: how many of them were new, of those that the whole would answer. */
  fresh: readonly number[];
  /** What those requests took; more replies than requests where a thought was given more room. */
  proposals: readonly ReplyCost[];
  /** Tasks that were answered, those of them that brought rows, and the rows. */
  answered: number;
  fruitful: number;
  accepted: number;
  answers: readonly ReplyCost[];
}

export interface EstimateOptions {
  /** New rows that the whole makes. */
  rows: number;
  /** Replies that come side by side. */
  atOnce: { proposals: number; answers: number };
  prices?: TokenPrices;
}

const draws = 2000;

/** Undefined where the preview found no task to answer: nothing follows from it. */
export function estimateWhole(sample: PreviewSample, options: EstimateOptions): WholeEstimate | undefined {
  const { fresh, proposals, answered, fruitful, accepted, answers } = sample;
  if (answered === 0 || accepted === 0) return undefined;
  const random = Random.stream(0, 'self-instruct/estimate');
  const drawn = Array.from({ length: draws }, () => {
    const share = betaOf(random, fruitful, answered - fruitful);
    const answersNeeded = (options.rows * fruitful) / (share * accepted);
    const proposalsNeeded =
      answersNeeded / Math.max(weightedMean(fresh, weightsOf(random, fresh.length)), 1 / fresh.length);
    const [asked, answering] = [
      { count: (proposalsNeeded * proposals.length) / fresh.length, ...meanCost(random, proposals) },
      { count: (answersNeeded * answers.length) / answered, ...meanCost(random, answers) },
    ];
    const sum = (of: 'input' | 'output'): number => asked.count * asked[of] + answering.count * answering[of];
    const tokens = { input: sum('input'), output: sum('output') };
    return {
      requests: asked.count + answering.count,
      ...tokens,
      usd: usdOf(tokens, options.prices) ?? Number.NaN,
      seconds:
        (asked.count * asked.seconds) / options.atOnce.proposals +
        (answering.count * answering.seconds) / options.atOnce.answers,
    };
  });
  const rangeOf = (of: keyof (typeof drawn)[number]): EstimatedRange | undefined => {
    const sorted = drawn.map((each) => each[of]).sort((a, b) => a - b);
    const at = (part: number): number => sorted[Math.floor(part * (draws - 1))];
    return sorted.some(Number.isNaN) ? undefined : { estimate: at(0.5), low: at(0.05), high: at(0.95) };
  };
  const requests = rangeOf('requests');
  if (requests === undefined) return undefined;
  return {
    rows: options.rows,
    requests,
    inputTokens: rangeOf('input'),
    outputTokens: rangeOf('output'),
    usd: rangeOf('usd'),
    seconds: rangeOf('seconds'),
    isReported: [...proposals, ...answers].every(({ isReported }) => isReported),
  };
}

/** The mean cost of a reply; NaN where one is not known, 0 where there is no reply. */
function meanCost(random: Random, costs: readonly ReplyCost[]): { input: number; output: number; seconds: number } {
  const weights = weightsOf(random, costs.length);
  const mean = (of: (cost: ReplyCost) => number | undefined): number =>
    weightedMean(
      costs.map((cost) => of(cost) ?? Number.NaN),
      weights,
    );
  return {
    input: mean(({ tokens }) => tokens?.input),
    output: mean(({ tokens }) => tokens?.output),
    seconds: mean(({ seconds }) => seconds),
  };
}

function weightedMean(values: readonly number[], weights: readonly number[]): number {
  return values.reduce((sum, value, i) => sum + value * weights[i], 0);
}

/** Uniform over all weights that add up to 1. */
function weightsOf(random: Random, count: number): number[] {
  const parts = Array.from({ length: count }, () => -Math.log(1 - random.uniform()));
  const all = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / all);
}

/** A share that `yes` of `yes + no` speak for, from Jeffreys' prior: a ratio of sums of squared normals. */
function betaOf(random: Random, yes: number, no: number): number {
  const squares = (count: number): number => {
    let sum = 0;
    for (let i = 0; i < 2 * count + 1; i++) sum += random.normal() ** 2;
    return sum;
  };
  const [a, b] = [squares(yes), squares(no)];
  return a / (a + b);
}
