// Whether an answer has the form that was asked for: one decision for each constraint, in time that grows with its length alone.
import { languageShare, wordsOf } from '../base/words.js';
import type { Constraint } from '../data/constraints.js';

/** The share of the constraints that an answer fulfils; an answer without a word fulfils none. */
export function constraintShare(constraints: readonly Constraint[], answer: string): number {
  if (wordsOf(answer).length === 0) return 0;
  return constraints.filter((constraint) => fulfils(constraint, answer)).length / constraints.length;
}

/** The language that an answer should be in, where a constraint says it. */
export function languageAsked(constraints: readonly Constraint[]): 'zh' | 'en' | undefined {
  const kinds = constraints.map(({ kind }) => kind);
  return kinds.includes('in-chinese') ? 'zh' : kinds.includes('in-english') ? 'en' : undefined;
}

export function fulfils(constraint: Constraint, answer: string): boolean {
  const text = answer.trim();
  switch (constraint.kind) {
    case 'words-at-least':
      return wordsOf(text).length >= constraint.n;
    case 'words-at-most':
      return wordsOf(text).length <= constraint.n;
    case 'words-exactly':
      return wordsOf(text).length === constraint.n;
    case 'sentences':
      return sentencesOf(text).length === constraint.n;
    case 'lines':
      return linesOf(text).length === constraint.n;
    case 'paragraphs':
      return withWords(text.split(/\n[^\S\n]*\n/)).length === constraint.n;
    case 'parts':
      return isParted(text, constraint.n);
    case 'bullets':
      return linesOf(text).filter((line) => /^[-*•]\s*\S/.test(line)).length === constraint.n;
    case 'numbered':
      return numbersOf(text).join(' ') === Array.from({ length: constraint.n }, (_, i) => i + 1).join(' ');
    case 'begins-with':
      return plain(text).startsWith(plain(constraint.text));
    case 'ends-with':
      return plain(text).endsWith(plain(constraint.text));
    case 'contains':
      return timesIn(text, constraint.text) > 0;
    case 'avoids':
      return timesIn(text, constraint.text) === 0;
    case 'contains-times':
      return timesIn(text, constraint.text) >= constraint.n;
    case 'lines-begin-with':
      return linesOf(text).every((line) => plain(line).startsWith(plain(constraint.text)));
    case 'upper-case':
      return /\p{Lu}/u.test(text) && !/\p{Ll}/u.test(text);
    case 'lower-case':
      return /\p{Ll}/u.test(text) && !/\p{Lu}/u.test(text);
    case 'no-commas':
      return !/[,，]/.test(text);
    case 'no-punctuation':
      return !/\p{P}/u.test(text);
    case 'no-digits':
      return !/\p{Nd}/u.test(text);
    case 'has-digits':
      return /\p{Nd}/u.test(text);
    case 'no-repetition':
      return new Set(wordsOf(text)).size === wordsOf(text).length;
    case 'json':
      return jsonOf(text) !== undefined;
    case 'json-keys':
      return hasKeys(jsonOf(text), constraint.any);
    case 'in-chinese':
      return languageShare(text, 'zh') >= mostly;
    case 'in-english':
      return languageShare(text, 'en') >= mostly;
    case 'in-quotes':
      return /^(?:"[\s\S]+"|“[\s\S]+”|「[\s\S]+」)$/.test(text);
    case 'title':
      return /《[^《》\n]+》|<<[^<>\n]+>>/.test(text);
    case 'postscript':
      return linesOf(text).some((line) => /^(?:P\.? ?S\b|附言)/i.test(line));
    case 'one-of':
      return constraint.any.some((each) => plain(each) === plain(text).replace(/[.。]$/, ''));
    default:
      return constraint satisfies never;
  }
}

/** A foreign name now and then is no other language. */
const mostly = 0.8;

/** Compared without regard to width, case and runs of blanks. */
const plain = (text: string): string => text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();

const withWords = (pieces: readonly string[]): string[] => pieces.filter((piece) => wordsOf(piece).length > 0);

/** Those with something on them, trimmed. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** A full stop ends a sentence where a blank follows, so that 3.5 is one number; a Chinese one ends it anywhere. */
const sentencesOf = (text: string): string[] => withWords(text.split(/(?<=[.!?]["')”’]?)\s+|(?<=[。！？])|\n+/));

function isParted(text: string, count: number): boolean {
  const parts = text.split(/^[^\S\n]*\*\*\*[^\S\n]*$/m);
  return parts.length === count && withWords(parts).length === count;
}

/** The numbers that lines begin with: 1. 2) 3、 */
function numbersOf(text: string): number[] {
  return linesOf(text).flatMap((line) => {
    const [, number] = /^(\d{1,6})[.)、．]\s*\S/.exec(line) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
}

/** How often some words stand in a text, as whole words ("cat" is not in "concatenate"); Chinese ones anywhere. */
function timesIn(text: string, wanted: string): number {
  const words = wordsOf(wanted);
  // Marks have no words: they are looked for as they are.
  if (words.length === 0) return text.split(wanted).length - 1;
  const [all, one] = [` ${wordsOf(text).join(' ')} `, ` ${words.join(' ')} `];
  let times = 0;
  for (let at = all.indexOf(one); at >= 0; at = all.indexOf(one, at + one.length - 1)) times++;
  return times;
}

/** An object or a list; a fence around it is allowed. */
function jsonOf(text: string): object | undefined {
  const [, inside = text] = /^```(?:json)?\s*\n([\s\S]*)\n```$/.exec(text) ?? [];
  try {
    const value: unknown = JSON.parse(inside);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function hasKeys(value: object | undefined, keys: readonly string[]): boolean {
  return value !== undefined && !Array.isArray(value) && keys.every((key) => Object.hasOwn(value, key));
}
