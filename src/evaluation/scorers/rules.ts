// The scorer that needs no judge: each part of a reward is one property of an answer that a program can check.
// Alignment learns from it and evaluation reports it, so both see the same numbers.
import { digestOf } from '../../base/files.js';
import { languageShare, wordsOf } from '../../base/words.js';
import type { Conversation, Language } from '../../data/types.js';
import type { RanCall } from '../../tools/tool.js';
import { answerCredit, isRefusal, maxLength } from '../checks.js';
import { languageAsked } from '../constraints.js';
import { wantedCalls } from '../reference.js';
import type { Scorer } from '../scorer.js';
import type { Answer } from '../tasks.js';

export const rules = {
  name: 'rules',
  score: (answers: readonly Answer[], _signal?: AbortSignal) =>
    Promise.resolve(answers.map((answer) => scoreAnswer(answer).reward)),
} satisfies Scorer;

/** One thing alone: the share of constraints that hold, or how tools were called; of other answers it has nothing to say. */
export function rulePart(name: 'constraints' | 'tools'): Scorer {
  const partOf = (answer: Answer): number | undefined => {
    if (name === 'tools') return answer.calls && scoreAnswer(answer).parts.calls;
    return answer.task.check?.type === 'constraints' ? answerCredit(answer) : undefined;
  };
  return {
    name,
    parts: (answers) => Promise.resolve([{ name, weight: 1, rewards: answers.map(partOf) }]),
    score: (answers) => Promise.resolve(answers.map(partOf)),
  };
}

/** Each part is 0 to 1. `correct` is absent where the task has no check. */
export interface RewardParts {
  /** The check passes; between 0 and 1 where a goal was reached in part. */
  correct?: number;
  /** The end-of-turn token was emitted before the length limit. */
  ended: number;
  /** The answer is in the language it should be in. */
  language: number;
  /** 1 for no repetition, 0 for nothing else. */
  repetition: number;
  /** Declines what it should, and nothing else. */
  refusal: number;
  /** Where tools ran: its calls have results, and are no more than are needed. */
  calls?: number;
}

/**
 * A right answer outweighs all form together. The weights are scaled to sum to 1 over the parts that there are;
 * an answer without any letter or digit earns nothing, so silence is never the best answer.
 */
export const rewardWeights = {
  correct: 0.6,
  ended: 0.15,
  language: 0.1,
  repetition: 0.1,
  refusal: 0.05,
  calls: 0.1,
} as const;

export function scoreAnswer(answer: Pick<Answer, 'task' | 'text' | 'ended' | 'calls'>): {
  reward: number;
  parts: RewardParts;
} {
  const { task, ended } = answer;
  const text = answer.text.slice(0, maxLength);
  const said = wordsOf(text).length > 0;
  const correct = answerCredit(answer);
  const parts: RewardParts = {
    ...(correct === undefined ? {} : { correct }),
    ended: Number(ended),
    language: said ? languageScore(task, text) : 0,
    repetition: said ? repetitionScore(text) : 0,
    refusal: refusalScore(task, text, correct === 1),
    ...(answer.calls && { calls: callScore(task, answer.calls) }),
  };
  if (!said && correct !== 1) return { reward: 0, parts: { ...parts, refusal: 0 } };
  let sum = 0;
  let weights = 0;
  for (const [name, weight] of Object.entries(rewardWeights)) {
    const value = parts[name as keyof RewardParts];
    if (value === undefined) continue;
    sum += weight * value;
    weights += weight;
  }
  return { reward: sum / weights, parts };
}

/** A right answer is never a wrong refusal: "sorry" translates 抱歉. */
function refusalScore(task: Conversation, answer: string, correct: boolean): number {
  if (task.check?.type === 'refusal') return Number(correct);
  return Number(correct || !isRefusal(answer, 'other'));
}

/**
 * The share of its calls that have a proper result, times the share that are needed: as many as the reference makes, or where
 * none is known, those that differ.
 */
function callScore(task: Conversation, calls: readonly RanCall[]): number {
  if (calls.length === 0) return 1;
  const answered = calls.filter(({ result }) => result.fault === undefined).length;
  const different = new Set(calls.map(({ call, written }) => digestOf(call ?? written))).size;
  const needed = wantedCalls(task)?.length ?? different;
  return (answered / calls.length) * Math.min(1, needed / calls.length);
}

/** 1 where at least half of the answer is in the language expected, falling to 0. */
function languageScore(task: Conversation, answer: string): number {
  const expected = expectedLanguage(task);
  return expected === 'other' ? 1 : Math.min(1, 2 * languageShare(answer, expected));
}

/** The prompt's language, unless every right answer is in another one (a translation, a line of a poem). */
function expectedLanguage(task: Conversation): Language {
  const check = task.check;
  if (check?.type === 'constraints') return languageAsked(check.all) ?? task.language ?? 'other';
  if (check?.type !== 'equals' && check?.type !== 'contains') return task.language ?? 'other';
  const answers = (check.type === 'equals' ? [check.answer] : check.any).filter((answer) => /\p{L}/u.test(answer));
  if (answers.length === 0) return task.language ?? 'other';
  if (answers.every((answer) => languageShare(answer, 'zh') > 0.5)) return 'zh';
  if (answers.every((answer) => languageShare(answer, 'en') > 0.5)) return 'en';
  return task.language ?? 'other';
}

const ngram = 4;
/** A longer run of one character is babble, whatever the character. */
const maxRun = 8;

/** The share of 4-grams that are new; 0 after a run of one character or of one word. */
export function repetitionScore(answer: string): number {
  const text = answer.slice(0, maxLength);
  if (new RegExp(`(\\S)\\1{${maxRun}}`, 'u').test(text)) return 0;
  const words = wordsOf(text);
  let run = 1;
  for (let i = 1; i < words.length; i++) {
    run = words[i] === words[i - 1] ? run + 1 : 1;
    if (run > 4) return 0;
  }
  const grams = words.length - ngram + 1;
  if (grams <= 1) return 1;
  const distinct = new Set<string>();
  for (let i = 0; i < grams; i++) distinct.add(words.slice(i, i + ngram).join(' '));
  return distinct.size / grams;
}
