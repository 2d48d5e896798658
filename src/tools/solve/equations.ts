// From the text of equations to polynomials: what is an unknown, what is asked for, what is divided by.
import { evaluate, resolved } from '../calculate/calculate.js';
import { type Expression, type Names, parseExpression, quoted } from '../calculate/expression.js';
import { functionOf, takesOne } from '../calculate/functions.js';
import * as exact from '../calculate/rational.js';
import * as real from '../calculate/real.js';
import { plainSigns } from '../calculate/tokens.js';
import { isExact, middle, type Value } from '../calculate/value.js';
import { ToolFailure } from '../tool.js';
import {
  add,
  asNumber,
  constantOf,
  maxDegree,
  multiply,
  type Polynomial,
  type Ratio,
  raise,
  rounded,
  roundedBits,
  scale,
  subtract,
  unknownOf,
} from './polynomial.js';
import { withoutRequests } from './requests.js';

const maxLength = 2000;
const maxEquations = 50;
const maxUnknowns = 20;

export interface Equations {
  /** Names of the unknowns, sorted. */
  names: string[];
  equations: Polynomial[];
  nonzero: Polynomial[];
  exact: boolean;
  /** What has no sign of equality beside equations that do: its value is asked for. */
  asked: { text: string; ratio: Ratio }[];
  /** Unknowns whose values the text itself gives, one after the other: `a = 6; b = 2·a`. */
  known: Map<string, Value>;
}

interface Side {
  text: string;
  tree: Expression;
}

/** @throws ToolFailure that says what is wrong with the text. */
export function readEquations(text: string): Equations {
  if (text.length > maxLength)
    throw new ToolFailure(`The equations are too long: ${text.length} characters, at most ${maxLength}.`);
  const items = itemsOf(plainSigns(text));
  if (items.length === 0) throw new ToolFailure('There is no equation.');
  if (items.length > maxEquations) throw new ToolFailure(`These are too many equations: at most ${maxEquations}.`);
  const pairs: [Side, Side][] = [];
  const questions: Side[] = [];
  for (const item of items) {
    const sides = item.split(/={1,3}/).map((side) => side.trim());
    if (sides.length > 1 && /^\??$/.test(sides[sides.length - 1])) sides.pop();
    if (sides.length > 2 && /\d,\d{3}(?!\d)/.test(item))
      throw new ToolFailure('A comma in front of three digits can be read in two ways: write ; between equations.');
    const parsed = sides.map((side) => ({ text: side, tree: parseExpression(side, names) }));
    if (parsed.length === 1) questions.push(parsed[0]);
    for (let i = 1; i < parsed.length; i++) pairs.push([parsed[i - 1], parsed[i]]);
  }
  if (pairs.length === 0) {
    // A lone polynomial asks for its zeros.
    if (questions.length !== 1) throw new ToolFailure('There is no equation: nothing has an =.');
    pairs.push([questions.pop() as Side, { text: '0', tree: { kind: 'number', value: exact.zero } }]);
  }
  return new Reader(pairs, questions).read();
}

/** Pieces between ; , and line breaks. */
function itemsOf(text: string): string[] {
  const plain = withoutRequests(text).replace(/\{(?=[^}]*$)/, '');
  const items: string[] = [];
  let [depth, from] = [0, 0];
  for (let i = 0; i <= plain.length; i++) {
    const sign = plain[i];
    if ('([{'.includes(sign ?? '|')) depth++;
    if (')]}'.includes(sign ?? '|')) depth--;
    const isThousands = sign === ',' && /^\d{3}(?!\d)/.test(plain.slice(i + 1)) && /\d$/.test(plain.slice(0, i));
    if (sign === undefined || sign === ';' || sign === '\n' || (sign === ',' && depth <= 0 && !isThousands)) {
      items.push(plain.slice(from, i).trim());
      from = i + 1;
    }
  }
  return items.filter((item) => item !== '');
}

/** A name is a function where brackets follow, and an unknown elsewhere; letters are unknowns everywhere. */
const names: Names = {
  functionOf: (name) => (name.length > 1 ? functionOf(name) : undefined),
  takesOne,
  mayBeUnknown: true,
};

const piNames = new Set(['pi', 'Pi', 'PI', 'π']);

class Reader {
  readonly #pairs: [Side, Side][];
  readonly #questions: Side[];
  readonly #known = new Map<string, Value>();
  readonly #nonzero: Polynomial[] = [];
  /** Names that stand for the product of their letters: `xy` where x and y are unknowns. */
  readonly #products = new Set<string>();
  #names: string[] = [];
  #exact = true;

  constructor(pairs: [Side, Side][], questions: Side[]) {
    this.#pairs = pairs;
    this.#questions = questions;
  }

  read(): Equations {
    const all = [...this.#pairs.flat(), ...this.#questions].flatMap(({ tree }) => namesIn(tree));
    const names = new Set(all.filter((name) => !piNames.has(name)));
    for (const name of names) {
      const letters = [...name];
      if (letters.length > 1 && letters.every((letter) => names.has(letter))) this.#products.add(name);
    }
    const left = this.#takeAssignments();
    const unknown = (name: string) => !this.#known.has(name) && !this.#products.has(name);
    this.#names = [...names].filter(unknown).sort();
    if (this.#names.length > maxUnknowns) throw new ToolFailure(`These are too many unknowns: at most ${maxUnknowns}.`);
    const equations = left.map(([a, b]) => {
      const [x, y] = [this.#ratio(a.tree), this.#ratio(b.tree)];
      return subtract(multiply(x.num, y.den), multiply(y.num, x.den));
    });
    const asked = this.#questions.map(({ text, tree }) => ({ text, ratio: this.#ratio(tree) }));
    return { names: this.#names, equations, nonzero: this.#nonzero, exact: this.#exact, asked, known: this.#known };
  }

  /** Takes those out that only name a value: functions of it, such as sqrt(a), are numbers then. */
  #takeAssignments(): [Side, Side][] {
    let left = this.#pairs;
    for (;;) {
      const at = left.findIndex(([a, b]) => {
        for (const [name, value] of [
          [a.tree, b.tree],
          [b.tree, a.tree],
        ]) {
          if (name.kind !== 'name' || piNames.has(name.name) || this.#known.has(name.name)) continue;
          if (this.#products.has(name.name) || !this.#isConstant(value)) continue;
          this.#known.set(name.name, this.#value(value));
          return true;
        }
        return false;
      });
      if (at < 0) return left;
      left = left.filter((_, i) => i !== at);
    }
  }

  #isConstant(tree: Expression): boolean {
    return namesIn(tree).every((name) => piNames.has(name) || this.#known.has(name));
  }

  #value(tree: Expression): Value {
    return resolved(
      (precision) => evaluate(tree, precision, (name) => this.#known.get(name) ?? real.pi(precision)),
      roundedBits,
    );
  }

  #number(value: Value): Ratio {
    if (!isExact(value)) this.#exact = false;
    const number = isExact(value) ? value : rounded(middle(value));
    return this.#whole(constantOf(number, this.#names.length));
  }

  #whole(num: Polynomial): Ratio {
    return { num, den: constantOf(exact.one, this.#names.length) };
  }

  #ratio(tree: Expression): Ratio {
    if (this.#isConstant(tree)) return this.#number(this.#value(tree));
    switch (tree.kind) {
      case 'number':
        return this.#number(tree.value);
      case 'name':
        return this.#unknown(tree.name);
      case 'negative': {
        const { num, den } = this.#ratio(tree.of);
        return { num: scale(num, exact.whole(-1)), den };
      }
      case 'after': {
        if (tree.sign === '!') throw new ToolFailure('Solve takes no factorial of an unknown.');
        const { num, den } = this.#ratio(tree.of);
        const by = tree.sign === '%' ? exact.fraction(1n, 100n) : this.#degree();
        return { num: scale(num, by), den };
      }
      case 'call':
        throw new ToolFailure(`Solve takes no unknown inside of ${tree.name}(…).`);
      case 'binary':
        return this.#combined(tree);
      default:
        return tree satisfies never;
    }
  }

  #degree(): exact.Rational {
    const { num } = this.#number(this.#value({ kind: 'after', sign: '°', of: { kind: 'number', value: exact.one } }));
    return asNumber(num) ?? exact.zero;
  }

  #unknown(name: string): Ratio {
    if (this.#products.has(name)) {
      const letters = [...name].map((letter) => this.#ratio({ kind: 'name', name: letter }).num);
      return this.#whole(letters.reduce(multiply));
    }
    return this.#whole(unknownOf(this.#names.indexOf(name), this.#names.length));
  }

  #combined({ operator, left, right }: Expression & { kind: 'binary' }): Ratio {
    const a = this.#ratio(left);
    if (operator === '^') return this.#power(a, right);
    const b = this.#ratio(right);
    switch (operator) {
      case '+':
      case '-': {
        const combine = operator === '+' ? add : subtract;
        return { num: combine(multiply(a.num, b.den), multiply(b.num, a.den)), den: multiply(a.den, b.den) };
      }
      case '*':
        return { num: multiply(a.num, b.num), den: multiply(a.den, b.den) };
      case '/':
        return this.#divided(a, b);
      case 'mod':
        throw new ToolFailure('Solve takes no remainder of an unknown.');
      default:
        return operator satisfies never;
    }
  }

  #divided(a: Ratio, b: Ratio): Ratio {
    if (b.num.size === 0) throw new ToolFailure('Division by zero.');
    if (asNumber(b.num) === undefined) this.#nonzero.push(b.num);
    return { num: multiply(a.num, b.den), den: multiply(a.den, b.num) };
  }

  #power(base: Ratio, exponent: Expression): Ratio {
    if (!this.#isConstant(exponent)) throw new ToolFailure('Solve takes no unknown in an exponent.');
    const value = this.#value(exponent);
    if (!isExact(value) || !exact.isWhole(value)) throw new ToolFailure('Solve takes whole powers of unknowns only.');
    const to = Number(value.n);
    if (Math.abs(to) > maxDegree)
      throw new ToolFailure(`The power ${quoted(String(to))} is too high: at most ${maxDegree}.`);
    const count = this.#names.length;
    const [num, den] = [base.num, base.den].map((each) => raise(each, Math.abs(to), count));
    return to >= 0 ? { num, den } : this.#divided(this.#whole(constantOf(exact.one, count)), { num, den });
  }
}

function namesIn(tree: Expression): string[] {
  switch (tree.kind) {
    case 'number':
      return [];
    case 'name':
      return [tree.name];
    case 'binary':
      return [...namesIn(tree.left), ...namesIn(tree.right)];
    case 'call':
      return tree.given.flatMap(namesIn);
    default:
      return namesIn(tree.of);
  }
}
