// From what a model answered to figures: one unit of evidence for each question, by kind of score and by family.
import { rougeL } from '../../base/rouge.js';
import type { Unit } from '../../base/statistics.js';
import type { Comparison } from '../../report/event.js';
import { answerCredit, checkAnswer, isRefusal, lastNumber, maxLength } from '../checks.js';
import { bestChrF } from '../chrf.js';
import { compare, type Measurements } from '../measurements.js';
import { callsAreRight } from '../tool-use.js';
import type { Candidate, GeneratedAnswer, Responses, WeighedAnswers } from './ask.js';
import { isJudgedWithoutTools, type Mode, type Question, type ScoreName } from './question.js';
import { matches } from './regex.js';

/** Once so many patterns took too long, no other is tried: a file of nothing else would take hours. */
const maxLate = 20;

/** Metric name → what it is of one answer, 0 to 1. */
export type AnswerScores = Partial<Record<string, number>>;

export interface ScoredResponses {
  measurements: Measurements;
  /** In the order of the responses. */
  generated: AnswerScores[];
  weighed: AnswerScores[];
  /** Questions whose regular expression took too long on an answer, or was not tried then: that counts as no match. */
  late: Question[];
}

export function scoreResponses({ generated, weighed }: Omit<Responses, 'toolFaults'>): ScoredResponses {
  const tally = new QuestionTally();
  const late: Question[] = [];
  const ofGenerated = generated.map((answer) => {
    const { question, mode, isChat, ended } = answer;
    const scores: AnswerScores = {};
    for (const score of question.scores) {
      if (score === 'choice' || score === 'likelihood') continue;
      const isByText = isJudgedWithoutTools(score);
      if (!isByText && mode !== 'tools') continue;
      const value = answer.isTooLong ? 0 : scoreOf(score, answer, late);
      scores[isByText ? score + modeSuffixes[mode] : score] = value;
    }
    for (const [metric, value] of Object.entries(scores)) tally.add(metric, question, value ?? 0, 1);
    if (isChat && !answer.isTooLong) tally.add('ended', { ...question, kind: '', tags: [] }, Number(ended), 1);
    return scores;
  });
  const ofWeighed = weighed.map((answer) => scoreCandidates(answer, tally));
  return { measurements: tally.finish(), generated: ofGenerated, weighed: ofWeighed, late };
}

/** Of the names of scores. */
const modeSuffixes: Readonly<Record<Mode, string>> = { direct: '', steps: 'InSteps', tools: 'WithTools' };

/** Whether an answer is right by its scores; undefined where they do not say. */
export function isRightBy(scores: AnswerScores): boolean | undefined {
  const entries = Object.entries(scores);
  const verdicts = entries.filter(
    ([metric]) => !/^(rougeL|chrF|reference|accuracyNormalized|overRefusal)/.test(metric),
  );
  const declined = entries.filter(([metric]) => metric.startsWith('overRefusal'));
  if (verdicts.length === 0 && declined.length === 0) return undefined;
  const isDeclined = declined.some(([, value]) => value === 1);
  return !isDeclined && (verdicts.length === 0 || verdicts.some(([, value]) => value === 1));
}

function scoreOf(
  score: ScoreName,
  { question, answer, calls = [], wanted = [] }: GeneratedAnswer,
  late: Question[],
): number {
  const { answers, language, pattern, row } = question;
  const said = answer.slice(0, maxLength);
  switch (score) {
    case 'exact':
      return Number(answers.some((wanted) => checkAnswer({ type: 'equals', answer: wanted }, said, language)));
    case 'number':
      return Number(answers.some((wanted) => lastNumber(said) === lastNumber(wanted)));
    case 'contains':
      return Number(checkAnswer({ type: 'contains', any: [...answers] }, said, language));
    case 'refusal':
      return Number(checkAnswer({ type: 'refusal' }, said, language));
    case 'overRefusal':
      return Number(isRefusal(said, 'other'));
    case 'regex': {
      const isTried = pattern !== undefined && late.length < maxLate;
      const found = isTried ? matches(pattern, said) : 'late';
      if (found === 'late') late.push(question);
      return Number(found === true);
    }
    case 'rougeL':
      return Math.max(...answers.map((wanted) => rougeL(said, wanted.slice(0, maxLength))));
    case 'chrF':
      return bestChrF(
        said,
        answers.map((wanted) => wanted.slice(0, maxLength)),
      );
    case 'calls':
      return Number(callsAreRight(wanted, calls));
    case 'constraints':
    case 'world':
      return answerCredit({ task: { ...row, language }, text: said, calls }) ?? 0;
    case 'choice':
    case 'likelihood':
      return 0;
    default:
      return score satisfies never;
  }
}

/** `accuracy` by the sum of log-probabilities, `accuracyNormalized` by that for each character, as lm-evaluation-harness has them. */
function scoreCandidates({ question, candidates }: WeighedAnswers, tally: QuestionTally): AnswerScores {
  const scores: AnswerScores = {};
  if (question.scores.includes('choice')) {
    const lengthOf = ({ text }: Candidate): number => [...(question.gap?.replace('___', text) ?? text)].length;
    const likeliest = best(candidates.map(({ logProbability }) => logProbability));
    const normalized = best(candidates.map((each) => each.logProbability / Math.max(1, lengthOf(each))));
    scores.accuracy = Number(likeliest === question.right);
    scores.accuracyNormalized = Number(normalized === question.right);
    for (const [metric, value] of Object.entries(scores)) tally.add(metric, question, value ?? 0, 1);
  }
  if (!question.scores.includes('likelihood')) return scores;
  const references = candidates.filter(({ text }) => question.answers.includes(text));
  const reference = references[best(references.map(({ logProbability }) => logProbability))];
  if (reference === undefined) return scores;
  const { logProbability, tokens, text } = reference;
  const bytes = Buffer.byteLength(text);
  scores.referenceLogProbability = logProbability / tokens;
  scores.referenceBitsPerByte = -logProbability / (Math.LN2 * bytes);
  tally.add('referenceLogProbability', question, logProbability, tokens);
  tally.add('referenceBitsPerByte', question, -logProbability / Math.LN2, bytes);
  return scores;
}

/** The first of the greatest. */
function best(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

/** `metric` over all questions, `metric.<kind>` of each family and tag; only the family where it is the one, without tags. */
class QuestionTally {
  readonly #metrics = new Map<string, { kinds: Map<string, Unit[]>; tags: Map<string, Unit[]> }>();

  add(metric: string, { id, group, kind, tags: own = [] }: Question, value: number, weight: number): void {
    const { kinds, tags } = this.#metrics.get(metric) ?? { kinds: new Map<string, Unit[]>(), tags: new Map() };
    this.#metrics.set(metric, { kinds, tags });
    const unit = { id: group ?? id, value, weight };
    push(kinds, kind, unit);
    for (const tag of own) push(tags, tag, unit);
  }

  finish(): Measurements {
    const measurements: Measurements = new Map();
    for (const [metric, { kinds, tags }] of this.#metrics) {
      if (kinds.size + tags.size > 1) measurements.set(metric, merged([...kinds.values()].flat()));
      // A tag that has the name of a kind is that row.
      for (const [part, units] of [...tags, ...kinds]) {
        measurements.set(part === '' ? metric : `${metric}.${part}`, merged(units));
      }
    }
    return measurements;
  }
}

function push(parts: Map<string, Unit[]>, part: string, unit: Unit): void {
  const units = parts.get(part) ?? [];
  parts.set(part, units);
  units.push(unit);
}

/** What asks the same is one unit. */
function merged(units: readonly Unit[]): Unit[] {
  const byId = new Map<string, Unit>();
  for (const { id, value, weight } of units) {
    const known = byId.get(id) ?? { id, value: 0, weight: 0 };
    byId.set(id, { id, value: known.value + value, weight: known.weight + weight });
  }
  return [...byId.values()];
}

/**
 * What of each model's measurements can stand beside that of the others: a mean over tokens cannot where theirs are not the same,
 * for shorter tokens are likelier.
 * @param tokenizers of each what tells it from another.
 */
export function comparableMeasurements(
  all: readonly Measurements[],
  tokenizers: readonly string[],
): { measurements: Measurements[]; note?: string } {
  const isByToken = (metric: string): boolean => metric.split('.')[0] === 'referenceLogProbability';
  const isMeasured = all.some((measurements) => [...measurements.keys()].some(isByToken));
  if (!isMeasured || new Set(tokenizers).size < 2) return { measurements: [...all] };
  return {
    measurements: all.map((each) => new Map([...each].filter(([metric]) => !isByToken(metric)))),
    note: 'referenceLogProbability is a mean over tokens, and these checkpoints have different ones: referenceBitsPerByte compares them',
  };
}

/**
 * What steps, and what tools, are worth on the same questions: `number` → `numberInSteps`, `number` → `numberWithTools`,
 * `toolAnswerWithoutTools` → `toolAnswer`; none where one side was not measured.
 */
export function modeComparisons(label: string, measurements: Measurements): Comparison[] {
  return [
    comparisonOf(label, 'in steps', measurements, (metric) => [metric, renamed(metric, 'InSteps')]),
    comparisonOf(label, 'with tools', measurements, (metric) => {
      const without = renamed(metric, 'WithoutTools');
      return measurements.has(without) ? [without, metric] : [metric, renamed(metric, 'WithTools')];
    }),
  ].filter((comparison) => comparison !== undefined);
}

function comparisonOf(
  label: string,
  how: string,
  measurements: Measurements,
  sidesOf: (metric: string) => [string, string],
): Comparison | undefined {
  const pairs = [...measurements.keys()].flatMap((metric) => {
    const [before, after] = sidesOf(metric).map((side) => measurements.get(side));
    return before === undefined || after === undefined ? [] : [[metric, before, after] as const];
  });
  if (pairs.length === 0) return undefined;
  const [from, to] = ([1, 2] as const).map((side) => ({
    label: side === 1 ? label : `${label} ${how}`,
    measurements: new Map(pairs.map((pair) => [pair[0], pair[side]])),
  }));
  return compare(from, to);
}

function renamed(metric: string, suffix: string): string {
  const [head, ...kind] = metric.split('.');
  return [head + suffix, ...kind].join('.');
}
