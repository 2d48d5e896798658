// What a judge shows of itself on pairs whose better answer is known: how often it is right, whether the order of the answers or their
// length decides for it, and how often it says nothing.
import type { Language } from '../../data/types.js';
import type { Message } from '../../tokenizer/message.js';
import type { Outcome } from '../scorers/judge.js';
import type { ScoredPair } from './pairs.js';

/** A pair whose better answer is known. */
export interface GoldPair {
  /** Pairs of one prompt share it, and are one piece of evidence. */
  group: string;
  messages: Message[];
  language: Language;
  chosen: string;
  rejected: string;
}

/** a is the chosen answer. */
export interface JudgedPair extends GoldPair {
  outcome: Outcome;
}

export interface JudgeFigures {
  /** Those with a verdict: 1 for the chosen answer, and 1 for both where neither is better. */
  scored: ScoredPair[];
  /** Share of pairs with a verdict in either order that changed with it. */
  swayed: number;
  /** Share of verdicts for one of the two that are for the first shown: half of them, where the order means nothing. */
  first: number;
  /** Share of pairs without a verdict. */
  silent: number;
}

export function judgeFigures(pairs: readonly JudgedPair[]): JudgeFigures {
  const told = pairs.filter(({ outcome }) => outcome.better !== undefined);
  const decided = pairs.flatMap(({ outcome }) =>
    outcome.verdicts.filter((each) => each === 'first' || each === 'second'),
  );
  const isSwayed = ({ outcome: { better, verdicts } }: JudgedPair): boolean =>
    better === 'tie' && verdicts.some((verdict) => verdict !== 'tie');
  return {
    scored: told.map(({ group, messages, language, chosen, rejected, outcome: { better } }) => {
      const side = (text: string, score: number) => ({ text, tokens: [...text].length, score });
      return {
        ...{ group, language, prompt: messages.findLast(({ role }) => role === 'user')?.content ?? '' },
        chosen: side(chosen, Number(better !== 'b')),
        rejected: side(rejected, Number(better !== 'a')),
      };
    }),
    swayed: shareOf(told, isSwayed),
    first: decided.length === 0 ? 0.5 : shareOf(decided, (each) => each === 'first'),
    silent: shareOf(pairs, ({ outcome }) => outcome.better === undefined),
  };
}

function shareOf<Each>(all: readonly Each[], isSo: (each: Each) => boolean): number {
  return all.length === 0 ? 0 : all.filter(isSo).length / all.length;
}
