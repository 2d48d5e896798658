// A rule: what becomes of an input by one small operation that can be stated in a sentence ("swap the first and the last word"). No two
// rules of the table are one rule with another argument, so a model that follows a rule it was not taught has understood the request.
import { Random } from '../../../base/random.js';
import { variantOf } from '../../../tools/wordings.js';
import { firstOn } from '../families/family.js';
import type { NamedWordings } from '../families/wordings.js';
import type { TaskLanguage } from '../teacher.js';

/** What inputs are drawn from. */
export interface InputSource {
  language: TaskLanguage;
  random: Random;
  /** Words of that language, one to a piece. */
  words: readonly string[];
  lexicon: Lexicon;
}

/** The lists of data-specs/families/rules-lexicon.yaml, each line as its words. */
export type Lexicon = (name: string) => readonly (readonly string[])[];

/** How inputs of one shape are drawn and written. Rules of one shape can be given the same input. */
export interface InputKind<Input> {
  shape: string;
  draw(source: InputSource): Input;
  /** What stands at {a}, {b}, … of a wording. */
  operands(input: Input, language: TaskLanguage): readonly (string | number)[];
}

/** The result, and what it is read from on the way there; a result alone is read from the first operand. */
export type RuleAnswer = string | number | { steps: string; result: string | number };

export interface RuleTask {
  operands: readonly string[];
  steps: string;
  result: string;
}

export interface Rule {
  shape: string;
  /** A task; where `isHeldOut` is given, one of that side: by a hash of the operands a fifth is held out. Undefined: none was found. */
  make(source: InputSource, isHeldOut?: boolean): RuleTask | undefined;
  /** An input of this rule, and what the rule makes of an input of its shape, from this rule or another. */
  draw(source: InputSource): unknown;
  solve(input: unknown, language: TaskLanguage): string;
}

/** Rules by their names; the name is also that of their wordings. */
export type Rules = Readonly<Record<string, Rule>>;

export function rule<Input>(kind: InputKind<Input>, solve: (input: Input, language: TaskLanguage) => RuleAnswer): Rule {
  const { shape, draw, operands } = kind;
  const taskOf = (input: Input, language: TaskLanguage): RuleTask => {
    const answer = solve(input, language);
    const shown = operands(input, language).map(String);
    return typeof answer === 'object'
      ? { operands: shown, steps: answer.steps, result: String(answer.result) }
      : { operands: shown, steps: shown[0], result: String(answer) };
  };
  return {
    shape,
    draw,
    solve: (input, language) => taskOf(input as Input, language).result,
    make(source, isHeldOut) {
      const make = (): RuleTask => taskOf(draw(source), source.language);
      return isHeldOut === undefined ? make() : firstOn(isHeldOut, make, isHeldOutTask);
    },
  };
}

const isHeldOutTask = ({ operands }: RuleTask): boolean =>
  Random.stream(0, `operand ${operands.join(' | ')}`).uniform() < 0.2;

const places = ['{a}', '{b}', '{c}', '{d}'];

/** A request: the wording with the operands in their places. */
export function requestOf(wording: string, { operands }: RuleTask, random: Random): string {
  return variantOf(wording, random).replace(/\{[a-d]\}/g, (place) => operands[places.indexOf(place)] ?? place);
}

/** The two answers to questions of yes or no. */
export function yesOrNo(isSo: boolean, language: TaskLanguage): string {
  return language === 'zh' ? (isSo ? '是' : '否') : isSo ? 'Yes' : 'No';
}

/** The lists of a file, split at spaces. */
export function lexiconOf(wordings: NamedWordings, language: TaskLanguage): Lexicon {
  return (name) => (wordings[name]?.[language] ?? []).map((line) => line.split(' '));
}

/** `count` different ones, in random order. */
export function someOf<T>(items: readonly T[], count: number, random: Random): T[] {
  return random.shuffle([...items]).slice(0, count);
}

/** Draws until it fits: every input kind has many that do. */
export function drawUntil<T>(draw: () => T, fits: (drawn: T) => boolean): T {
  for (;;) {
    const drawn = draw();
    if (fits(drawn)) return drawn;
  }
}
