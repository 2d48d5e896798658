// `Calculate`: the value of an expression, exact where it can be, else to sixteen digits that are all right.
import { nearest } from '../../base/errors.js';
import type { Tool } from '../../tokenizer/message.js';
import { type Executor, ToolFailure, type ToolLimits } from '../tool.js';
import { type Expression, parseExpression, quoted } from './expression.js';
import { callFunction, factorial, functionNames, functionOf, takesOne } from './functions.js';
import { isResolved, printed } from './print.js';
import * as exact from './rational.js';
import * as real from './real.js';
import { arithmetic, type Value } from './value.js';

/** Bits that results are computed with; the next where one does not settle sixteen digits. */
const precisions = [160, 480, 1440] as const;

/**
 * @param text `(1500/20)*1.5`, `2^0.5`, `sin(30°)`, `20% of 50`, `7!/(4!*3!)`: numbers, operators, functions.
 * @returns all digits of a whole number of at most 200, else at most sixteen significant ones.
 * @throws ToolFailure why there is no value, in words for the model.
 */
export function calculate(text: string): string {
  if (/(?<![\d.])\d{4}-\d{1,2}-\d{1,2}(?![\d.])/.test(text)) throw new ToolFailure('A date is no number here.');
  const tree = parseExpression(withoutFrame(text), { functionOf, takesOne, mayBeUnknown: false, check: checkConstant });
  return printed(resolved((precision) => evaluate(tree, precision)));
}

/** `compute` at the first precision, of those from `least` bits, that settles its digits, or what the last one says. */
export function resolved(compute: (precision: number) => Value, least = 0): Value {
  for (const precision of precisions.filter((each) => each >= least)) {
    try {
      const value = compute(precision);
      if (isResolved(value) || precision === precisions.at(-1)) return value;
    } catch (error) {
      if (!(error instanceof real.Undecided)) throw error;
    }
  }
  throw new ToolFailure(
    'This has no value, or one that cannot be decided: something in it is 0 or a whole number to 400 digits.',
  );
}

/** `8*4+3=?` asks for the value of `8*4+3`; `math.sqrt` is Python's name of sqrt. */
function withoutFrame(text: string): string {
  return text.replace(/\s*[=＝]\s*[?？]?\s*$/, '').replace(/\bmath\./g, '');
}

const constants: Record<string, (precision: number) => Value> = {
  pi: real.pi,
  π: real.pi,
  tau: (precision) => arithmetic.multiply(exact.whole(2), real.pi(precision), precision),
  // 30 deg = 30°
  deg: (precision) => real.divide(real.pi(precision), real.fromRational(exact.whole(180), precision), precision),
  度: (precision) => constants.deg(precision),
  e: (precision) => real.exponential({ m: 1n, e: 0, r: 0n }, precision),
};

function constant(name: string, precision: number): Value {
  return constants[name.toLowerCase()](precision);
}

/** @throws ToolFailure where a name is none of the calculator's. */
function checkConstant(name: string): void {
  const lower = name.toLowerCase();
  if (Object.hasOwn(constants, lower)) return;
  const near = name.length > 2 ? nearest(lower, functionNames) : undefined;
  const instead = near === undefined ? ' Only numbers and functions can be calculated.' : ` Did you mean ${near}(…)?`;
  throw new ToolFailure(`${quoted(name)} is not a number.${instead}`);
}

/** @throws ToolFailure, real.Undecided */
export function evaluate(tree: Expression, precision: number, unknown = constant): Value {
  const within = (part: Expression) => evaluate(part, precision, unknown);
  switch (tree.kind) {
    case 'number':
      return tree.value;
    case 'name':
      return unknown(tree.name, precision);
    case 'negative':
      return arithmetic.subtract(exact.zero, within(tree.of), precision);
    case 'call':
      return callFunction(tree.name, tree.given.map(within), precision);
    case 'after':
      return after(tree.sign, within(tree.of), precision);
    case 'binary': {
      const { operator, left, right } = tree;
      const compute = {
        '+': arithmetic.add,
        '-': arithmetic.subtract,
        '*': arithmetic.multiply,
        '/': arithmetic.divide,
        '^': arithmetic.power,
        mod: arithmetic.modulo,
      }[operator];
      return compute(within(left), within(right), precision);
    }
    default:
      return tree satisfies never;
  }
}

function after(sign: '!' | '%' | '°', value: Value, precision: number): Value {
  if (sign === '!') return factorial(value);
  if (sign === '%') return arithmetic.divide(value, exact.whole(100), precision);
  return arithmetic.divide(arithmetic.multiply(value, real.pi(precision), precision), exact.whole(180), precision);
}

export function openCalculate({ tool, limits }: { tool: Tool; limits: ToolLimits }): Executor {
  return { tool, limits, run: ({ expression }) => calculate(textOf(expression, 'expression')) };
}

/** @throws ToolFailure where an argument is not text. */
export function textOf(given: unknown, name: string): string {
  if (typeof given !== 'string') throw new ToolFailure(`${name} has to be a text.`);
  return given;
}
