// Expressions, from the loosest binding to the tightest: `if`, or, and, not, comparisons (a chain of them holds where each
// does), + and -, ~, then * / // %, then **, signs, and last what follows a value: subscripts, calls, filters and tests.
import { LimitError, TemplateError } from './budget.js';
import type { Token } from './lexer.js';
import type { Argument, Expression, Filter, Slice } from './nodes.js';

const comparisons: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const constants: Readonly<Record<string, boolean | null>> = {
  ...{ true: true, True: true, false: false, False: false, none: null, None: null },
};

interface TupleOptions {
  /** Default true: `a if b` may stand in it. */
  withCondition?: boolean;
  /** Names only, as targets of an assignment. */
  simple?: boolean;
  /** Words that end it. */
  ends?: readonly string[];
  /** Between parentheses it may be empty. */
  inParentheses?: boolean;
}

export class ExpressionParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  protected get token(): Token {
    return this.#tokens[this.#at];
  }

  protected next(): Token {
    return this.#tokens[this.#at++];
  }

  protected unexpected(): TemplateError {
    const { type, value } = this.token;
    return new TemplateError(`unexpected ${type === 'eof' ? 'end' : `${type} ${JSON.stringify(value)}`.slice(0, 60)}`);
  }

  protected accept(operator: string): boolean {
    if (!this.#isOperator(operator)) return false;
    this.#at++;
    return true;
  }

  protected expect(operator: string): void {
    if (!this.accept(operator)) throw this.unexpected();
  }

  protected acceptWord(word: string): boolean {
    if (!this.#isWord(word)) return false;
    this.#at++;
    return true;
  }

  protected expectEnd(kind: 'print' | 'block'): void {
    if (this.token.type !== 'end' || this.token.value !== kind) throw this.unexpected();
    this.#at++;
  }

  protected name(): string {
    if (this.token.type !== 'name') throw this.unexpected();
    return this.next().value as string;
  }

  /** A name that an expression reads. */
  protected onName(_name: string): void {}

  protected expression(): Expression {
    return this.#deeper(() => {
      let value = this.#or();
      while (this.acceptWord('if')) {
        const condition = this.#or();
        value = this.acceptWord('else')
          ? { type: 'Ternary', condition, trueExpr: value, falseExpr: this.expression() }
          : { type: 'SelectExpression', lhs: value, test: condition };
      }
      return value;
    });
  }

  /** An expression, or several between commas. */
  protected tuple(options: TupleOptions = {}): Expression {
    const { withCondition = true, simple = false, ends = [], inParentheses = false } = options;
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.expect(',');
      if (this.#endsTuple(ends)) break;
      items.push(simple ? this.#primary() : withCondition ? this.expression() : this.#or());
      if (!this.#isOperator(',')) break;
      isTuple = true;
    }
    if (isTuple || (items.length === 0 && inParentheses)) return { type: 'TupleLiteral', value: items };
    if (items.length === 0) throw this.unexpected();
    return items[0];
  }

  /** `name(arguments) | name …`, from the first name on. */
  protected filters(): Filter[] {
    const filters: Filter[] = [];
    do filters.push(this.#filter());
    while (this.accept('|'));
    return filters;
  }

  #filter(): Filter {
    return { name: this.#dottedName(), args: this.#isOperator('(') ? this.#arguments() : [] };
  }

  #isOperator(operator: string): boolean {
    return this.token.type === 'operator' && this.token.value === operator;
  }

  #isWord(word: string): boolean {
    return this.token.type === 'name' && this.token.value === word;
  }

  #endsTuple(ends: readonly string[]): boolean {
    return this.token.type === 'end' || this.#isOperator(')') || ends.some((word) => this.#isWord(word));
  }

  #or(): Expression {
    return this.#chain(['or'], () => this.#chain(['and'], () => this.#not()));
  }

  #not(): Expression {
    if (!this.acceptWord('not')) return this.#comparison();
    return { type: 'UnaryExpression', operator: 'not', argument: this.#deeper(() => this.#not()) };
  }

  #deeper<T>(work: () => T): T {
    if (++this.#depth > 200) throw new LimitError('it has expressions more than 200 deep');
    const result = work();
    this.#depth--;
    return result;
  }

  #comparison(): Expression {
    const first = this.#sum();
    const rest: { operator: string; value: Expression }[] = [];
    for (;;) {
      const { type, value } = this.token;
      if (type === 'operator' && comparisons.includes(value)) this.next();
      else if (this.#isWord('not') && this.#tokens[this.#at + 1].value === 'in') this.#at += 2;
      else if (!this.acceptWord('in')) break;
      rest.push({ operator: value === 'not' ? 'not in' : (value as string), value: this.#sum() });
    }
    if (rest.length === 0) return first;
    if (rest.length > 1) return { type: 'Comparison', first, rest };
    return { type: 'BinaryExpression', operator: rest[0].operator, left: first, right: rest[0].value };
  }

  #sum(): Expression {
    const power = (): Expression => this.#chain(['**'], () => this.#unary());
    const product = (): Expression => this.#chain(['*', '/', '//', '%'], power);
    return this.#chain(['+', '-'], () => this.#chain(['~'], product));
  }

  /** Operands between these operators, from left to right. */
  #chain(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    while ((this.token.type === 'operator' || this.token.type === 'name') && operators.includes(this.token.value)) {
      const operator = this.next().value as string;
      left = { type: 'BinaryExpression', operator, left, right: operand() };
    }
    return left;
  }

  #unary(withFilters = true): Expression {
    const sign = ['-', '+'].find((each) => this.accept(each));
    const value: Expression =
      sign === undefined
        ? this.#primary()
        : { type: 'UnaryExpression', operator: sign, argument: this.#deeper(() => this.#unary(false)) };
    const whole = this.#subscripts(value);
    return withFilters ? this.#filtersAndTests(whole) : whole;
  }

  #primary(): Expression {
    const token = this.next();
    switch (token.type) {
      case 'name':
        if (Object.hasOwn(constants, token.value)) return { type: 'Constant', value: constants[token.value] };
        this.onName(token.value);
        return { type: 'Identifier', value: token.value };
      case 'string': {
        let { value } = token;
        while (this.token.type === 'string') value += this.next().value;
        return { type: 'StringLiteral', value };
      }
      case 'integer':
        if (!Number.isSafeInteger(token.value)) throw new TemplateError('it has a number of more than 53 bits');
        return { type: 'IntegerLiteral', value: token.value };
      case 'float':
        return { type: 'FloatLiteral', value: token.value };
      default:
        if (token.value === '(') return this.#parenthesized();
        if (token.value === '[') return { type: 'ArrayLiteral', value: this.#list(']', () => this.expression()) };
        if (token.value === '{') return { type: 'ObjectLiteral', value: this.#list('}', () => this.#entry()) };
        this.#at--;
        throw this.unexpected();
    }
  }

  #parenthesized(): Expression {
    const value = this.#deeper(() => this.tuple({ inParentheses: true }));
    this.expect(')');
    return value;
  }

  #entry(): [Expression, Expression] {
    const key = this.expression();
    this.expect(':');
    return [key, this.expression()];
  }

  #list<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    while (!this.accept(end)) {
      if (items.length > 0) this.expect(',');
      if (this.accept(end)) break;
      items.push(item());
    }
    return items;
  }

  #subscripts(value: Expression): Expression {
    let object = value;
    for (;;) {
      if (this.accept('.')) object = this.#attribute(object);
      else if (this.accept('[')) {
        object = { type: 'MemberExpression', object, property: this.#subscript(), computed: true };
        this.expect(']');
      } else if (this.#isOperator('(')) object = this.#call(object);
      else return object;
    }
  }

  #attribute(object: Expression): Expression {
    const token = this.next();
    if (token.type === 'name') {
      const property = { type: 'Identifier', value: token.value } as const;
      return { type: 'MemberExpression', object, property, computed: false };
    }
    this.#at--;
    if (token.type !== 'integer') throw this.unexpected();
    return { type: 'MemberExpression', object, property: this.#primary(), computed: true };
  }

  #subscript(): Expression | Slice {
    const start = this.#isOperator(':') ? undefined : this.expression();
    if (this.#isOperator(',')) throw new TemplateError('a subscript of several values is not supported');
    if (!this.accept(':')) return start ?? { type: 'Constant', value: null };
    const stop = this.#isOperator(':') || this.#isOperator(']') ? undefined : this.expression();
    const step = this.accept(':') && !this.#isOperator(']') ? this.expression() : undefined;
    return { type: 'SliceExpression', ...(start && { start }), ...(stop && { stop }), ...(step && { step }) };
  }

  #call(callee: Expression): Expression {
    return { type: 'CallExpression', callee, args: this.#arguments() };
  }

  #arguments(): Argument[] {
    this.expect('(');
    return this.#deeper(() => this.#list(')', () => this.#argument()));
  }

  #argument(): Argument {
    if (this.accept('**')) return { type: 'KeywordSpreadExpression', argument: this.expression() };
    if (this.accept('*')) return { type: 'SpreadExpression', argument: this.expression() };
    const following = this.#tokens[this.#at + 1];
    if (this.token.type !== 'name' || following.type !== 'operator' || following.value !== '=')
      return this.expression();
    const key = this.name();
    this.expect('=');
    return { type: 'KeywordArgumentExpression', key, value: this.expression() };
  }

  #filtersAndTests(value: Expression): Expression {
    let operand = value;
    for (;;) {
      if (this.accept('|')) {
        operand = { type: 'FilterExpression', operand, filter: this.#filter() };
      } else if (this.acceptWord('is')) operand = this.#test(operand);
      else if (this.#isOperator('(')) operand = this.#call(operand);
      else return operand;
    }
  }

  #test(operand: Expression): Expression {
    const negate = this.acceptWord('not');
    const test = this.#dottedName();
    const { type, value } = this.token;
    const isWord = type === 'name' && !['else', 'or', 'and'].includes(value);
    let args: Argument[] = [];
    if (type === 'operator' && value === '(') args = this.#arguments();
    else if (['string', 'integer', 'float'].includes(type) || isWord || (type === 'operator' && '[{'.includes(value))) {
      if (value === 'is') throw new TemplateError('tests cannot be chained with is');
      args = [this.#subscripts(this.#primary())];
    }
    return { type: 'TestExpression', operand, negate, test, args };
  }

  #dottedName(): string {
    let name = this.name();
    while (this.accept('.')) name += `.${this.name()}`;
    return name;
  }
}
