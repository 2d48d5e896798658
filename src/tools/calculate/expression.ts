// From the text of an expression to a tree, by recursive descent within fixed bounds: nothing in it is ever run as code.
// Reads what people type, Chinese and full-width signs included, and refuses what could be meant in two ways.
import { ToolFailure } from '../tool.js';
import { printed } from './print.js';
import { fraction, multiply, one, type Rational, same, whole } from './rational.js';
import { plainSigns, type Token, tokens } from './tokens.js';

export type BinaryOperator = '+' | '-' | '*' | '/' | '^' | 'mod';

export type Expression =
  | { kind: 'number'; value: Rational }
  | { kind: 'name'; name: string }
  | { kind: 'negative'; of: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: 'after'; sign: '!' | '%' | '°'; of: Expression }
  | { kind: 'call'; name: string; given: Expression[] };

/** Longest text in characters, and deepest nesting of brackets and signs. */
export const maxLength = 2000;
const maxDepth = 100;

export interface Names {
  /** The name of the function that is meant, if it is one. */
  functionOf(name: string): string | undefined;
  /** Whether a function takes one number: a comma in its brackets separates thousands. */
  takesOne(name: string): boolean;
  /** Whether other names stand for unknowns; where none does, `3 x 4` is a product. */
  mayBeUnknown: boolean;
  /** @throws ToolFailure at a name that stands for nothing here. */
  check?(name: string): void;
}

/** @throws ToolFailure that says what is wrong with the text. */
export function parseExpression(text: string, names: Names): Expression {
  if (text.length > maxLength)
    throw new ToolFailure(`The expression is too long: ${text.length} characters, at most ${maxLength}.`);
  const parser = new Parser(tokens(plainSigns(text)), names);
  return parser.whole();
}

/** 3.5万 is 35,000: a number's last sign, as powers of ten. */
const multiples: Record<string, number> = { 百: 2, 千: 3, 万: 4, 亿: 8, 万亿: 12 };

const closing: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

class Parser {
  readonly #tokens: readonly Token[];
  readonly #names: Names;
  #at = 0;
  #depth = 0;
  /** The innermost bracket is that of a function of several numbers: commas separate them. */
  #inCall = false;

  constructor(list: readonly Token[], names: Names) {
    this.#tokens = list;
    this.#names = names;
  }

  whole(): Expression {
    if (this.#tokens.length === 0) throw new ToolFailure('The expression is empty.');
    const tree = this.#sum();
    const rest = this.#peek();
    if (rest !== undefined) throw new ToolFailure(`Unexpected ${quoted(rest.text)} after ${this.#before()}.`);
    return tree;
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  #is(...texts: string[]): boolean {
    const token = this.#peek();
    return token?.kind === 'sign' && texts.includes(token.text);
  }

  #take(): Token {
    return this.#tokens[this.#at++];
  }

  /** What has been read so far, its last few signs. */
  #before(): string {
    const read = this.#tokens.slice(Math.max(0, this.#at - 6), this.#at).map(({ text }) => text);
    return read.length === 0 ? 'the beginning' : quoted(read.join(''));
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > maxDepth)
      throw new ToolFailure(`The expression is nested too deeply: at most ${maxDepth} levels.`);
    const result = read();
    this.#depth--;
    return result;
  }

  #sum(): Expression {
    let left = this.#product();
    while (this.#is('+', '-')) {
      const operator = this.#take().text as '+' | '-';
      const right = this.#product();
      if (this.#tokens[this.#at - 1].text === '%') refuseAmbiguousShare(operator, left, right);
      left = { kind: 'binary', operator, left, right };
    }
    return left;
  }

  #product(): Expression {
    let left = this.#signed();
    let divided: string | undefined;
    for (;;) {
      if (this.#is('*', '/') || this.#isModulo()) {
        const { text } = this.#take();
        const operator = text === '%' || text === 'mod' ? 'mod' : (text as '*' | '/');
        left = { kind: 'binary', operator, left, right: this.#signed() };
        divided = operator === '*' ? undefined : text;
        continue;
      }
      if (this.#isTimes()) {
        this.#take();
        left = { kind: 'binary', operator: '*', left, right: this.#signed() };
        divided = undefined;
        continue;
      }
      const next = this.#peek();
      if (next === undefined || !opensOperand(next)) return left;
      if (next.kind === 'number')
        throw new ToolFailure(`There is no operator between ${this.#before()} and ${quoted(next.text)}.`);
      if (divided !== undefined)
        throw new ToolFailure(
          `${this.#before()} before ${quoted(next.text)} can be read in two ways: write * or brackets after ${quoted(divided)}.`,
        );
      left = { kind: 'binary', operator: '*', left, right: this.#power() };
    }
  }

  /** `17 % 5` and `17 mod 5`, but not `50%`. */
  #isModulo(): boolean {
    const token = this.#peek();
    const next = this.#peek(1);
    if (next === undefined || !opensOperand(next) || this.#isTimes(1)) return false;
    return (token?.kind === 'name' && token.text.toLowerCase() === 'mod' && !isOpening(next)) || this.#is('%');
  }

  /** `3 x 4`; and the `of` of `20% of 50`. */
  #isTimes(ahead = 0): boolean {
    const token = this.#peek(ahead);
    const next = this.#peek(ahead + 1);
    if (token?.kind !== 'name' || next === undefined || !opensOperand(next)) return false;
    return (!this.#names.mayBeUnknown && token.text.toLowerCase() === 'x') || token.text.toLowerCase() === 'of';
  }

  #signed(): Expression {
    if (!this.#is('-', '+')) return this.#power();
    const { text } = this.#take();
    const of = this.#deeper(() => this.#signed());
    return text === '-' ? { kind: 'negative', of } : of;
  }

  #power(): Expression {
    const left = this.#withSignsAfter();
    if (!this.#is('^')) return left;
    this.#take();
    return { kind: 'binary', operator: '^', left, right: this.#deeper(() => this.#signed()) };
  }

  #withSignsAfter(): Expression {
    let of = this.#operand();
    for (;;) {
      const token = this.#peek();
      if (token?.kind === 'name' && of.kind === 'number' && Object.hasOwn(multiples, token.text)) {
        this.#take();
        of = { kind: 'number', value: multiply(of.value, whole(10n ** BigInt(multiples[token.text]))) };
        continue;
      }
      if (token?.kind === 'superscript') {
        this.#take();
        const right: Expression = { kind: 'number', value: whole(BigInt(token.text)) };
        of = { kind: 'binary', operator: '^', left: of, right };
      } else if (this.#is('!', '°') || (this.#is('%') && !this.#isModulo())) {
        of = { kind: 'after', sign: this.#take().text as '!' | '%' | '°', of };
      } else return of;
    }
  }

  #operand(): Expression {
    const token = this.#peek();
    if (token === undefined) throw new ToolFailure(`Something is missing after ${this.#before()}.`);
    if (token.kind === 'number') return this.#number();
    if (token.kind === 'name') return this.#named();
    if (this.#is('√', '∛')) {
      const name = this.#take().text === '√' ? 'sqrt' : 'cbrt';
      return { kind: 'call', name, given: [this.#deeper(() => this.#operand())] };
    }
    if (isOpening(token)) return this.#bracket(false)[0];
    throw new ToolFailure(`A number is missing between ${this.#before()} and ${quoted(token.text)}.`);
  }

  /** A function with what it is given, a constant or an unknown. */
  #named(): Expression {
    const { text } = this.#take();
    const name = this.#names.functionOf(text);
    const { mayBeUnknown } = this.#names;
    if (mayBeUnknown && name === undefined && text.length > 2 && /^[a-z]+$/i.test(text) && this.#is('('))
      throw new ToolFailure(`There is no function ${quoted(text)} here.`);
    if (name === undefined || (mayBeUnknown && !this.#is('('))) {
      this.#names.check?.(text);
      return { kind: 'name', name: text };
    }
    if (!this.#is('(')) throw new ToolFailure(`${text} needs brackets: ${text}(…).`);
    return { kind: 'call', name, given: this.#bracket(true, !this.#names.takesOne(name)) };
  }

  #bracket(ofCall: boolean, separates = false): Expression[] {
    const { text } = this.#take();
    const outer = this.#inCall;
    this.#inCall = separates;
    const given = this.#deeper(() => {
      const list: Expression[] = [];
      if (ofCall && this.#is(')')) return list;
      list.push(this.#sum());
      while (ofCall && this.#is(',')) {
        this.#take();
        list.push(this.#sum());
      }
      return list;
    });
    this.#inCall = outer;
    const close = this.#peek();
    if (close === undefined) throw new ToolFailure(`A ${closing[text]} is missing at the end.`);
    if (close.text !== closing[text])
      throw new ToolFailure(`Unexpected ${quoted(close.text)} after ${this.#before()}: ${closing[text]} is missing.`);
    this.#take();
    return given;
  }

  /** A number; outside of a function's brackets its thousands may be separated: 1,234,567. */
  #number(): Expression {
    let { text } = this.#take();
    if (!this.#inCall && this.#is(',')) {
      while (this.#is(',')) {
        const part = this.#peek(1);
        const fits = /^\d{1,3}(,\d{3})*$/.test(text) && part?.kind === 'number' && /^\d{3}(\.\d*)?$/.test(part.text);
        if (!fits) throw new ToolFailure(`Unexpected "," after ${this.#before()}.`);
        this.#take();
        text += `,${this.#take().text}`;
      }
    }
    return { kind: 'number', value: decimal(text.replaceAll(/[,_]/g, '')) };
  }
}

/** Whether a number is written as a share of something: `5%`, `1+5%`, `(100%-30%)*2%`. */
function isShare(tree: Expression): boolean {
  if (tree.kind === 'after') return tree.sign === '%';
  if (tree.kind === 'negative') return isShare(tree.of);
  if (tree.kind === 'number') return same(tree.value, one);
  return tree.kind === 'binary' && '+-*'.includes(tree.operator) && isShare(tree.left) && isShare(tree.right);
}

/** 100 + 10% is 110 on a pocket calculator and 100.1 in a table: whoever wrote it has to say which. */
function refuseAmbiguousShare(operator: '+' | '-', left: Expression, right: Expression): void {
  if (right.kind !== 'after' || right.of.kind !== 'number' || isShare(left)) return;
  const share = printed(right.of.value);
  throw new ToolFailure(
    `A number ${operator} ${share}% can be read in two ways: write *(1${operator}${share}%) or ${operator}(${share}%).`,
  );
}

/** Whether a token can begin an operand that is not signed. */
function opensOperand(token: Token): boolean {
  return token.kind === 'number' || token.kind === 'name' || isOpening(token) || '√∛'.includes(token.text);
}

function isOpening(token: Token): boolean {
  return token.kind === 'sign' && closing[token.text] !== undefined;
}

export const quoted = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

const maxDecimalExponent = 10_000;

/** The exact value of `12.5e3`. */
function decimal(text: string): Rational {
  const [, digits, places = '', exponent = '0'] = /^(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const tens = Number(exponent) - places.length;
  if (Math.abs(tens) > maxDecimalExponent)
    throw new ToolFailure(`${quoted(text)} is too ${tens > 0 ? 'large' : 'small'}: at most 10,000 digits.`);
  const unscaled = BigInt(`${digits}${places}`);
  return tens >= 0 ? whole(unscaled * 10n ** BigInt(tens)) : fraction(unscaled, 10n ** BigInt(-tens));
}
