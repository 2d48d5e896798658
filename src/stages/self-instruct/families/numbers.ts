// Families whose answers are computed: arithmetic with its steps, small sums, odd or even, larger or smaller.
import type { Random } from '../../../base/random.js';
import { lastNumber } from '../../../evaluation/checks.js';
import { parityHolds, sumsHold } from '../sums.js';
import type { Solution, TaskLanguage } from '../teacher.js';
import {
  type Draw,
  exactly,
  type FamilyRows,
  firstOn,
  fixed,
  operandFor,
  phrase,
  type SolvedTask,
  type Sources,
} from './family.js';
import { makerFrom, type NamedWordings } from './wordings.js';

const stories = [
  ['+', 'plus'],
  ['-', 'minus'],
  ['×', 'times'],
] as const;

function operate(a: number, operator: string, b: number): number {
  return operator === '+' ? a + b : operator === '-' ? a - b : a * b;
}

/** A part of an expression: two numbers and what comes of them. */
interface Step {
  a: number;
  operator: string;
  b: number;
}

const resultOf = ({ a, operator, b }: Step): number => operate(a, operator, b);
const written = (step: Step): string => `${step.a}${step.operator}${step.b}=${resultOf(step)}`;

/** One- and two-digit operands, 2 at least ("1 people"); a difference is never negative. */
function stepOf(operator: string, random: Random): Step {
  if (operator === '×') return { a: random.integer(2, 40), operator, b: random.integer(2, 10) };
  const [a, b] = [random.integer(2, 100), random.integer(2, 100)];
  return operator === '-' && a < b ? { a: b, operator, b: a } : { a, operator, b };
}

/** One step, or a product and then a sum or a difference. */
function stepsOf(random: Random): Step[] {
  const first = stepOf(random.choose(['+', '-', '×', '×']), random);
  if (first.operator !== '×' || random.uniform() < 0.3) return [first];
  const operator = random.choose(['+', '-']);
  const middle = resultOf(first);
  return [first, { a: middle, operator, b: random.integer(1, operator === '-' ? Math.min(99, middle) : 100) }];
}

/** Held out are sums that the corpus does not state; all others compute with none of its unseen pairs. */
function seenOrUnseen<T>({ isHeldOut }: Draw, { isUnseenPair }: Sources, make: () => T, stepsIn: (made: T) => Step[]) {
  return firstOn(isHeldOut, make, (made) => stepsIn(made).some(({ a, b }) => isUnseenPair(a, b)));
}

function makeArithmetic(draw: Draw, sources: Sources, wordings: NamedWordings): SolvedTask | undefined {
  const { language, random } = draw;
  if (random.uniform() < 0.2) {
    const [operator, name] = random.choose(stories);
    const make = (): Step => stepOf(operator, random);
    const step = seenOrUnseen(draw, sources, make, (made) => [made]);
    if (step === undefined) return undefined;
    return { turns: [phrase(wordings[name][language], draw, step.a, step.b)], solution: concluding(language, [step]) };
  }
  const steps = seenOrUnseen(
    draw,
    sources,
    () => stepsOf(random),
    (made) => made,
  );
  if (steps === undefined) return undefined;
  const [first, second] = steps;
  const expression = `${first.a}${first.operator}${first.b}${second === undefined ? '' : second.operator + second.b}`;
  return { turns: [phrase(wordings.asks[language], draw, expression)], solution: concluding(language, steps) };
}

function concluding(language: TaskLanguage, steps: readonly Step[]): Solution {
  const result = resultOf(steps[steps.length - 1]);
  const equations = steps.map(written).join(language === 'zh' ? '，' : ', ');
  return {
    answer: language === 'zh' ? `${equations}。答案是${result}。` : `${equations}. The answer is ${result}.`,
    check: { type: 'number', answer: result },
  };
}

const spoken: Record<TaskLanguage, Record<string, string>> = {
  zh: { '+': '加', '-': '减', '×': '乘' },
  en: { '+': ' plus ', '-': ' minus ', '×': ' times ' },
};

/** What children know by heart: sums and differences of numbers up to 20, the table of nines. */
function smallStep(random: Random): Step {
  const operator = random.choose(['+', '+', '-', '-', '×']);
  const limit = operator === '×' ? 10 : 21;
  const [a, b] = [random.integer(1, limit), random.integer(1, limit)];
  return operator === '-' ? { a: Math.max(a, b), operator, b: Math.min(a, b) } : { a, operator, b };
}

function makeSmallSum(draw: Draw, sources: Sources, wordings: NamedWordings): SolvedTask | undefined {
  const { language, random } = draw;
  const step = seenOrUnseen(
    draw,
    sources,
    () => smallStep(random),
    (made) => [made],
  );
  if (step === undefined) return undefined;
  const { a, operator, b } = step;
  const sign = random.uniform() < 0.4 ? spoken[language][operator] : operator;
  return {
    turns: [phrase(wordings.asks[language], draw, `${a}${sign}${b}`)],
    solution: {
      answer: written(step) + (language === 'zh' ? '。' : '.'),
      check: { type: 'number', answer: resultOf(step) },
    },
    core: [Math.min(a, b), Math.max(a, b)].join(' '),
  };
}

/** Mostly one to three digits, a few have four. */
function naturalNumber(random: Random): number {
  const limit = random.choose([10, 100, 100, 1000, 1000, 10_000]);
  return random.integer(0, limit);
}

const parityNames = { zh: ['偶数', '奇数'], en: ['Even', 'Odd'] };

function makeParity(draw: Draw, { isWorked }: Sources, { asks }: NamedWordings): SolvedTask | undefined {
  const { language } = draw;
  const n = operandFor(draw, naturalNumber, String);
  if (n === undefined) return undefined;
  const name = parityNames[language][n % 2];
  const last = n % 10;
  const worked =
    language === 'zh' ? `${n}的末位是${last}，是${name}。` : `${n} ends in ${last}: ${name.toLowerCase()}.`;
  return {
    turns: [phrase(asks[language], draw, n)],
    solution: fixed(isWorked ? worked : name + (language === 'zh' ? '。' : '.')),
  };
}

/** Of equal length as often as not, and near each other now and then: these take a look at each digit. */
function twoNumbers(random: Random): [number, number] {
  const a = naturalNumber(random);
  const length = String(a).length;
  const other = random.choose([
    naturalNumber(random),
    random.integer(length === 1 ? 0 : 10 ** (length - 1), 10 ** length),
    a + random.integer(1, 10),
  ]);
  const pair: [number, number] = [a, other === a ? a + 1 : other];
  return random.uniform() < 0.5 ? pair : [pair[1], pair[0]];
}

/** The digits, or their number, in which two numbers differ first: "4 < 5", "1 digit < 2 digits". */
function firstDifference([a, b]: readonly [number, number], language: TaskLanguage): string {
  const [left, right] = [String(a), String(b)];
  if (left.length === right.length) {
    const place = [...left].findIndex((digit, i) => digit !== right[i]);
    return `${left[place]} ${a < b ? '<' : '>'} ${right[place]}`;
  }
  const digits = ({ length }: string): string =>
    language === 'zh' ? `${length}位` : `${length} ${length === 1 ? 'digit' : 'digits'}`;
  return `${digits(left)} ${a < b ? '<' : '>'} ${digits(right)}`;
}

function makeComparison(draw: Draw, { isWorked }: Sources, wordings: NamedWordings): SolvedTask | undefined {
  const { language, random } = draw;
  const pair = operandFor(draw, twoNumbers, ([a, b]) => [Math.min(a, b), Math.max(a, b)].join(' '));
  if (pair === undefined) return undefined;
  const [a, b] = pair;
  const wanted = random.choose(['larger', 'smaller'] as const);
  const result = wanted === 'larger' ? Math.max(a, b) : Math.min(a, b);
  const verdict = language === 'zh' ? `${result}${wanted === 'larger' ? '更大' : '更小'}。` : `${result} is ${wanted}.`;
  const reason = firstDifference(pair, language);
  const worked = language === 'zh' ? `${a}和${b}，${reason}，${verdict}` : `${a} and ${b}, ${reason}: ${verdict}`;
  return {
    turns: [phrase(wordings[wanted][language], draw, a, b)],
    solution: fixed(isWorked ? worked : verdict),
  };
}

export const numberFamilies = {
  arithmetic: {
    task: 'arithmetic with small whole numbers, one or two operations, with all numbers written as digits',
    answerForm: 'Show each step as an equation, then state the result; the last number is the result.',
    key: 'numbers',
    anyLanguage: 'prompt',
    check: checkNumber,
    isRight: (question, answer) => sumsHold(question, answer, lastNumber(answer)),
    asked: askedOf,
    maker: makerFrom('arithmetic', makeArithmetic),
  },
  'small-sums': {
    task: 'one sum, difference or product of two whole numbers up to 20, written as digits',
    answerForm: 'Answer with the equation alone: "7+5=12."',
    anyLanguage: 'prompt',
    check: checkNumber,
    isRight: (question, answer) => sumsHold(question, answer, lastNumber(answer)),
    asked: askedOf,
    maker: makerFrom('arithmetic', makeSmallSum),
  },
  parity: {
    task: 'deciding whether one given whole number, written in digits, is odd or even',
    answerForm: 'Answer with exactly one word: "Odd." or "Even." (in Chinese "奇数。" or "偶数。").',
    key: 'numbers',
    check: exactly,
    isRight: parityHolds,
    asked: () => 'parity',
    maker: makerFrom('parity', makeParity),
  },
  comparison: {
    task: 'picking the larger or the smaller of two whole numbers written in digits',
    answerForm: 'Answer like "47 is larger." or "9 is smaller." (in Chinese "47更大。" or "9更小。").',
    key: 'numbers',
    // The last number alone would let "38 is larger, not 83" pass for 83.
    check: exactly,
    asked: (answer) => (/larger|更大/.test(answer) ? 'larger' : /smaller|更小/.test(answer) ? 'smaller' : undefined),
    maker: makerFrom('comparison', makeComparison),
  },
} satisfies FamilyRows;

function checkNumber(answer: string): ReturnType<NonNullable<FamilyRows['arithmetic']>['check'] & object> {
  const number = lastNumber(answer);
  return number === undefined ? undefined : { type: 'number', answer: number };
}

/** An expression says what is to be done with its numbers; "12 and 5" does not. */
function askedOf(_: string, operand: string): string | undefined {
  return /[+\-−×*÷/加减乘]|plus|minus|times/.test(operand) && !/and|or|[和与]/.test(operand) ? 'result' : undefined;
}
