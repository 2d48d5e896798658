// What the names of metrics mean, in plain words, which way is better, and how their values are written: one list for
// the terminal and the report.
import type { Estimate, Interval } from '../base/statistics.js';

interface Meaning {
  words: string;
  better: 'lower' | 'higher';
  percent?: boolean;
}

/** By the part of the name before its first dot. */
const meanings: Record<string, Meaning> = {
  bitsPerByte: {
    words: 'bits that the model needs to write down one byte of text it has never seen; a random guess needs 8',
    better: 'lower',
  },
  correct: {
    words:
      'share of held-out tasks whose likeliest answer is right, checked by rule; turn 2 and later: the tasks of turn 1 after exchanges of other tasks',
    better: 'higher',
    percent: true,
  },
  formula: {
    words: 'share of formulas never seen in training, nor any with the same two numbers, whose result is exactly right',
    better: 'higher',
    percent: true,
  },
  reward: {
    words:
      'mean reward of answers sampled for tasks with a check: above all whether they are right, and a little their form',
    better: 'higher',
  },
  form: {
    words:
      'how sampled answers to tasks without a check look: they end, keep to the language, do not repeat themselves; nothing of whether they are right',
    better: 'higher',
  },
  ended: {
    words: 'share of answers that end by themselves instead of running into the limit',
    better: 'higher',
    percent: true,
  },
  variety: { words: 'share of the word sequences of an answer that are new in it', better: 'higher', percent: true },
  ownLanguage: {
    words: 'share of the answers in the language that the question asks for',
    better: 'higher',
    percent: true,
  },
  preference: {
    words:
      'how probable what people chose of held-out answers has become, by how far the likelihoods have moved since alignment began; 0.5: not at all',
    better: 'higher',
  },
  winRate: {
    words: 'share of held-out pairs whose chosen answer has gained on the rejected one since alignment began',
    better: 'higher',
    percent: true,
  },
  memory: {
    words: 'share of conversations in which a fact of turn 1 is in the answer of turn 4',
    better: 'higher',
    percent: true,
  },
  callPrecision: {
    words: 'of the calls to tools, the share where the reference calls the same tool',
    better: 'higher',
    percent: true,
  },
  callRecall: {
    words: 'of the calls of the reference, the share where the model calls the same tool',
    better: 'higher',
    percent: true,
  },
  rightTool: {
    words: 'of the calls that were made where one is right, the share to the right tool',
    better: 'higher',
    percent: true,
  },
  rightArguments: {
    words:
      'of the calls to the right tool, the share with the right arguments, or with others that give the same result (Calculate, Solve, Query)',
    better: 'higher',
    percent: true,
  },
  equalArguments: {
    words: 'of the calls to the right tool, the share whose arguments are those of the reference',
    better: 'higher',
    percent: true,
  },
  toolAnswer: {
    words: 'share of right final answers, of questions where a call is right',
    better: 'higher',
    percent: true,
  },
  abstention: {
    words: 'share of answers that call nothing, of questions where no call is right',
    better: 'higher',
    percent: true,
  },
  directAnswer: {
    words: 'share of answers that call nothing and are right, of questions where no call is right',
    better: 'higher',
    percent: true,
  },
  parsedCalls: { words: 'share of the calls that can be read', better: 'higher', percent: true },
  answeredCalls: { words: 'share of the calls that a tool answered', better: 'higher', percent: true },
  retriedCalls: {
    words: 'share of the calls that went wrong and were then corrected or repeated',
    better: 'lower',
    percent: true,
  },
  loss: { words: 'mean surprise per held-out token, in nats', better: 'lower' },
  heldOutLoss: { words: 'mean surprise per held-out token, in nats', better: 'lower' },
  heldOutBitsPerByte: {
    words: 'bits per byte of less held-out text than the table is measured on: to watch a training by',
    better: 'lower',
  },
  heldOutFormula: {
    words: 'share of right results of fewer held-out formulas than the table is measured on: to watch a training by',
    better: 'higher',
    percent: true,
  },
  heldOutReward: { words: 'mean score of the policy that was kept, on held-out prompts', better: 'higher' },
  sampledReward: { words: 'mean score of the answers sampled for training', better: 'higher' },
  perplexity: { words: 'how many tokens the model hesitates between, on average', better: 'lower' },
  pairAccuracy: {
    words: 'share of held-out pairs whose chosen answer the reward model scores higher; a random guess has half',
    better: 'higher',
    percent: true,
  },
  pairLoss: {
    words: 'mean surprise of the reward model at which answer of a held-out pair is the chosen one, in nats',
    better: 'lower',
  },
  judgeAccuracy: {
    words: 'share of pairs whose better answer is known that the judge gets right, ties half; a random guess has half',
    better: 'higher',
    percent: true,
  },
  judgeOrderDependent: {
    words: 'share of these pairs on which the verdict of the judge changes with the order of the answers',
    better: 'lower',
    percent: true,
  },
  calibrationError: {
    words: 'how far the probabilities of a reward model are from how often it is right',
    better: 'lower',
  },
  accuracy: {
    words: 'share of multiple choices where the right one is the likeliest',
    better: 'higher',
    percent: true,
  },
  accuracyNormalized: {
    words: 'the same with log-probabilities divided by characters, so that short choices have no advantage',
    better: 'higher',
    percent: true,
  },
  exact: { words: 'share of answers that are the right one', better: 'higher', percent: true },
  number: { words: 'share of answers whose last number is the right one', better: 'higher', percent: true },
  contains: { words: 'share of answers that contain a right one', better: 'higher', percent: true },
  regex: { words: 'share of answers that match the regular expression', better: 'higher', percent: true },
  refusal: { words: 'share of answers that decline', better: 'higher', percent: true },
  overRefusal: { words: 'share of harmless questions that are declined', better: 'lower', percent: true },
  unequalRefusal: {
    words: 'share of pairs, alike but for one word, of which one is declined and the other is not',
    better: 'lower',
    percent: true,
  },
  unequalScore: {
    words: 'share of pairs, alike but for one word, of which one is answered rightly and the other is not',
    better: 'lower',
    percent: true,
  },
  memorisedText: {
    words: 'share of passages of the training text that the model continues word for word',
    better: 'lower',
    percent: true,
  },
  memorisedHeldOut: {
    words: 'the same of text that it was not trained on: what can be guessed without having seen it',
    better: 'lower',
    percent: true,
  },
  recalledPersonal: {
    words: 'share of personal data of the raw sources that the model writes given the text before it',
    better: 'lower',
    percent: true,
  },
  rankedPersonal: {
    words:
      'share of made-up data of the same form that the model holds less likely than the real one: 50 % = it does not know it',
    better: 'lower',
    percent: true,
  },
  calls: {
    words: 'share of answers that call what the reference calls, with the right arguments, and nothing more',
    better: 'higher',
    percent: true,
  },
  constraints: { words: 'share of the constraints on form that answers fulfil', better: 'higher', percent: true },
  world: { words: 'how much of the goals in the small world is reached', better: 'higher', percent: true },
  rougeL: {
    words: 'words in common with the reference answer, in their order (ROUGE-L F1, a Chinese character a word)',
    better: 'higher',
    percent: true,
  },
  chrF: { words: 'characters in common with the reference answer (chrF2)', better: 'higher', percent: true },
  referenceLogProbability: {
    words: 'log-probability of the reference answer for each token, in nats',
    better: 'higher',
  },
  referenceBitsPerByte: {
    words: 'bits that the model needs to write down a byte of the reference answer',
    better: 'lower',
  },
};

/** `exactInSteps`: the same as `exact`, of answers after steps. */
const suffixes: Readonly<Record<string, string>> = {
  InSteps: 'after steps that the model writes first',
  WithTools: 'with tools that it may call',
  WithoutTools: 'asked without tools',
};

export function meaningOf(metric: string): Meaning | undefined {
  const head = metric.split('.')[0];
  if (Object.hasOwn(meanings, head)) return meanings[head];
  const suffix = Object.keys(suffixes).find((each) => head.endsWith(each));
  const own = suffix === undefined ? undefined : meaningOf(head.slice(0, -suffix.length));
  return own && { ...own, words: `${own.words}, ${suffixes[suffix ?? '']}` };
}

/** A value as its metric is read: 83.3 % of exact matches, 2.314 bits. */
export function formatMetric(metric: string, value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (meaningOf(metric)?.percent) return `${(value * 100).toFixed(1)}%`;
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(2);
  return Number.isInteger(value) && size >= 10 ? String(value) : value.toFixed(size < 100 ? 3 : 1);
}

/** "[39.1, 52.4]" behind 45.8 %; empty where there is none. A share stays between 0 and 100 %. */
export function formatInterval(metric: string, interval: Interval | undefined): string {
  if (interval === undefined || !Number.isFinite(interval.low) || !Number.isFinite(interval.high)) return '';
  const isShare = meaningOf(metric)?.percent === true;
  const end = (value: number): string =>
    isShare ? (100 * Math.min(1, Math.max(0, value))).toFixed(1) : formatMetric(metric, value);
  return `[${end(interval.low)}, ${end(interval.high)}]`;
}

/** "+4.2 points" of a share, at most 100, "+0.018" of anything else, and the interval in the same unit. */
export function formatDifference(metric: string, { mean, low, high }: Estimate): { text: string; interval: string } {
  const isShare = meaningOf(metric)?.percent === true;
  const signed = (value: number): string => {
    const size = isShare ? Math.min(100, 100 * Math.abs(value)).toFixed(1) : Math.abs(value).toFixed(3);
    return Number(size) === 0 ? size : (value < 0 ? '−' : '+') + size;
  };
  const interval = Number.isFinite(low) && Number.isFinite(high) ? `[${signed(low)}, ${signed(high)}]` : '';
  return { text: signed(mean) + (isShare ? ' points' : ''), interval };
}

export type GainVerdict = 'better' | 'worse' | 'within noise';

/** What a difference says: nothing, where its 95 % interval holds both signs. */
export function verdictOf(metric: string, { low, high }: Interval): GainVerdict {
  if (!(low > 0 || high < 0)) return 'within noise';
  return low > 0 === (meaningOf(metric)?.better !== 'lower') ? 'better' : 'worse';
}
