// Each filter beside chance: what it kept, as many drawn at random from what it was shown, and as many drawn with the lengths of
// what it kept. Much of what filters are praised for is length alone (arXiv 2410.09335); where the three are alike, the filter
// removed faults but did not choose.
import { Random } from '../../../base/random.js';
import { wordsOf } from '../../../base/words.js';
import type { RejectedTask } from './rejected.js';

interface JudgedTask {
  kind: string;
  language: string;
  turns: readonly string[];
  answer?: string;
  /** The rule that dropped it. */
  rule?: string;
}

/** A row that no rule dropped. */
export interface JudgedRow {
  kind: string;
  language: string;
  turns: readonly string[];
  solution: { answer: string };
}

export interface SelectionFigures {
  /** Words or Han characters, on average. */
  questionWords: number;
  /** Absent where a filter looks at questions, before they are answered. */
  answerWords?: number;
  /** Different pairs of neighbouring words as a share of all: how little the rows say the same in the same words. */
  distinctPairs: number;
  /** Families in a language, as many as would be if all were equally large: e to the power of their entropy. */
  families: number;
}

export const selections = ['kept', 'random', 'length-matched'] as const;

export interface RuleComparison {
  rule: string;
  /** What the rule was shown, less what others beside it dropped. */
  candidates: number;
  dropped: number;
  /** Rows in each selection below. */
  rows: number;
  selections: Record<(typeof selections)[number], SelectionFigures>;
}

/** Rows of a rule that are looked at, at most: a random part of more. */
const maxRows = 2000;
/** Lengths within a quarter of each other are one. */
const lengthStep = Math.log(1.25);

/** Compares each rule that dropped something, in the order in which they act. */
export function compareWithChance(
  accepted: readonly JudgedRow[],
  rejected: readonly RejectedTask[],
  seed: number,
): RuleComparison[] {
  const tasks: JudgedTask[] = [
    ...accepted.map(({ kind, language, turns, solution: { answer } }) => ({ kind, language, turns, answer })),
    ...rejected.flatMap(({ turns, ...row }) => (turns === undefined ? [] : [{ ...row, turns }])),
  ];
  const rules = [...new Set(tasks.flatMap(({ rule }) => rule ?? []))].sort((a, b) => phaseOf(a) - phaseOf(b));
  return rules.map((rule) => compare(rule, tasks, Random.stream(seed, `self-instruct/baselines/${rule}`)));
}

/** Rules on questions come first, then what is new, then rules on answers. */
function phaseOf(rule: string | undefined): number {
  if (rule === undefined) return 3;
  return rule.startsWith('prompt') ? 0 : rule === 'not new' ? 1 : 2;
}

function compare(rule: string, tasks: readonly JudgedTask[], random: Random): RuleComparison {
  const phase = phaseOf(rule);
  const shown = tasks.filter((task) => task.rule === rule || phaseOf(task.rule) > phase);
  const dropped = shown.filter((task) => task.rule === rule).length;
  const candidates = random.shuffle([...shown]).slice(0, maxRows);
  const kept = candidates.filter((task) => task.rule !== rule);
  const withAnswers = phase === 2;
  const sets = { kept, random: random.shuffle([...candidates]).slice(0, kept.length) };
  const matched = { ...sets, 'length-matched': matchLengths(candidates, kept, withAnswers, random) };
  const figures = selections.map((name) => [name, figuresOf(matched[name], withAnswers)]);
  return { rule, candidates: shown.length, dropped, rows: kept.length, selections: Object.fromEntries(figures) };
}

/** As many as `kept` of each length, drawn from `candidates`, which hold them. */
function matchLengths(
  candidates: readonly JudgedTask[],
  kept: readonly JudgedTask[],
  withAnswers: boolean,
  random: Random,
): JudgedTask[] {
  const lengthOf = ({ turns, answer }: JudgedTask): number =>
    Math.round(Math.log(1 + wordsOf(withAnswers ? (answer ?? '') : turns.join(' ')).length) / lengthStep);
  const wanted = new Map<number, number>();
  for (const task of kept) wanted.set(lengthOf(task), (wanted.get(lengthOf(task)) ?? 0) + 1);
  return random.shuffle([...candidates]).filter((task) => {
    const left = wanted.get(lengthOf(task)) ?? 0;
    wanted.set(lengthOf(task), left - 1);
    return left > 0;
  });
}

function figuresOf(tasks: readonly JudgedTask[], withAnswers: boolean): SelectionFigures {
  const pairs = new Set<string>();
  const families = new Map<string, number>();
  const total = { question: 0, answer: 0, pairs: 0 };
  for (const { kind, language, turns, answer = '' } of tasks) {
    const bucket = `${kind}/${language}`;
    families.set(bucket, (families.get(bucket) ?? 0) + 1);
    const question = wordsOf(turns.join(' '));
    const said = withAnswers ? wordsOf(answer) : [];
    total.question += question.length;
    total.answer += said.length;
    for (const words of [question, said])
      for (let i = 1; i < words.length; i++) {
        pairs.add(`${words[i - 1]} ${words[i]}`);
        total.pairs++;
      }
  }
  const count = Math.max(1, tasks.length);
  const shares = [...families.values()].map((size) => size / count);
  return {
    questionWords: total.question / count,
    ...(withAnswers && { answerWords: total.answer / count }),
    distinctPairs: pairs.size / Math.max(1, total.pairs),
    families: Math.exp(-shares.reduce((sum, share) => sum + share * Math.log(share), 0)),
  };
}
