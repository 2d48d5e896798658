// Jinja's grammar, with the precedence and the messages' causes of Jinja 3.1's own parser. Statements that load other
// templates, and those that no chat template needs, are refused by name.
import { LimitError, TemplateError } from './budget.js';
import { ExpressionParser } from './expressions.js';
import { tokenize } from './lexer.js';
import type { Expression, Macro, MacroExtra, Parameter, Statement } from './nodes.js';

/** Throws a `TemplateError` where the source does not parse. */
export function parseTemplate(source: string): Statement[] {
  return new Parser(tokenize(source)).template();
}

const extras: readonly string[] = ['varargs', 'kwargs', 'caller'] satisfies MacroExtra[];

class Parser extends ExpressionParser {
  #depth = 0;
  #loops = 0;
  /** Of the macros that are being read: the names used in each. */
  readonly #macros: Set<string>[] = [];

  template(): Statement[] {
    const statements = this.#statements([]);
    if (this.token.type !== 'eof') throw this.unexpected();
    return statements;
  }

  protected override onName(name: string): void {
    for (const used of this.#macros) used.add(name);
  }

  /** Up to a block that begins with one of these words, which stays to be read; to the end of the template without any. */
  #statements(ends: readonly string[]): Statement[] {
    if (++this.#depth > 200) throw new LimitError('it has blocks more than 200 deep');
    const statements: Statement[] = [];
    for (;;) {
      const { type, value } = this.token;
      if (type === 'eof') {
        if (ends.length > 0) throw new TemplateError(`a block has no ${ends.at(-1)}`);
        break;
      }
      this.next();
      if (type === 'text') statements.push({ type: 'Text', value });
      else if (value === 'print') {
        statements.push({ type: 'Print', value: this.tuple() });
        this.expectEnd('print');
      } else {
        const word = this.name();
        if (ends.includes(word)) {
          this.#word = word;
          break;
        }
        statements.push(this.#statement(word));
        this.expectEnd('block');
      }
    }
    this.#depth--;
    return statements;
  }

  /** The word that ended the last statements. */
  #word = '';

  /** A body, and the word that ended it. */
  #body(...ends: string[]): Statement[] {
    this.accept(':');
    this.expectEnd('block');
    return this.#statements(ends);
  }

  #statement(word: string): Statement {
    switch (word) {
      case 'if':
        return this.#if();
      case 'for':
        return this.#for();
      case 'set':
        return this.#set();
      case 'with':
        return this.#with();
      case 'macro':
        return this.#macro(this.name(), 'endmacro');
      case 'call':
        return this.#callBlock();
      case 'filter': {
        const filters = this.filters();
        return { type: 'FilterBlock', filters, body: this.#body('endfilter') };
      }
      case 'generation':
        return { type: 'Generation', body: this.#body('endgeneration') };
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw new TemplateError(`${word} outside of a loop`);
        return { type: word === 'break' ? 'Break' : 'Continue' };
      default:
        throw new TemplateError(`the statement ${word.slice(0, 40)} is not supported here`);
    }
  }

  #if(): Statement {
    const test = this.tuple({ withCondition: false });
    const body = this.#body('elif', 'else', 'endif');
    if (this.#word === 'elif') return { type: 'If', test, body, alternate: [this.#if()] };
    return { type: 'If', test, body, alternate: this.#word === 'else' ? this.#body('endif') : [] };
  }

  #for(): Statement {
    const target = this.#target(['in']);
    if (!this.acceptWord('in')) throw this.unexpected();
    const iterable = this.tuple({ withCondition: false, ends: ['recursive'] });
    const condition = this.acceptWord('if') ? this.expression() : undefined;
    if (this.acceptWord('recursive')) throw new TemplateError('recursive loops are not supported');
    this.#loops++;
    const body = this.#body('endfor', 'else');
    this.#loops--;
    const otherwise = this.#word === 'else' ? this.#body('endfor') : [];
    return { type: 'For', target, iterable, ...(condition && { condition }), body, otherwise };
  }

  #set(): Statement {
    const target = this.#target([], true);
    if (this.accept('=')) return { type: 'Set', target, value: this.tuple() };
    const filters = this.accept('|') ? this.filters() : [];
    return { type: 'SetBlock', target, filters, body: this.#body('endset') };
  }

  #with(): Statement {
    const targets: Expression[] = [];
    const values: Expression[] = [];
    while (this.token.type !== 'end') {
      if (targets.length > 0) this.expect(',');
      targets.push(this.#target([]));
      this.expect('=');
      values.push(this.expression());
    }
    return { type: 'With', targets, values, body: this.#body('endwith') };
  }

  #macro(name: string, end: string, parameters: Parameter[] = this.#signature()): Macro {
    const used = new Set<string>();
    this.#macros.push(used);
    const body = this.#outsideLoops(() => this.#body(end));
    this.#macros.pop();
    const asked = new Set([...used].filter((each) => extras.includes(each))) as Set<MacroExtra>;
    return { type: 'Macro', name, parameters, body, extras: asked };
  }

  #callBlock(): Statement {
    const parameters = this.token.value === '(' ? this.#signature() : [];
    const call = this.expression();
    if (call.type !== 'CallExpression') throw new TemplateError('a call block calls nothing');
    return { type: 'CallBlock', call, macro: this.#macro('caller', 'endcall', parameters) };
  }

  #outsideLoops<T>(work: () => T): T {
    const loops = this.#loops;
    this.#loops = 0;
    const result = work();
    this.#loops = loops;
    return result;
  }

  #signature(): Parameter[] {
    const parameters: Parameter[] = [];
    this.expect('(');
    while (!this.accept(')')) {
      if (parameters.length > 0) this.expect(',');
      const name = this.name();
      if (this.accept('=')) parameters.push({ name, otherwise: this.expression() });
      else if (parameters.some(({ otherwise }) => otherwise !== undefined)) {
        throw new TemplateError('a parameter without a default follows one with a default');
      } else parameters.push({ name });
    }
    return parameters;
  }

  /** What a value is assigned to: a name, an attribute of a namespace, or a tuple of names. */
  #target(ends: readonly string[], withNamespace = false): Expression {
    const target = this.tuple({ simple: true, ends });
    if (withNamespace && target.type === 'Identifier' && this.accept('.')) {
      return {
        type: 'MemberExpression',
        object: target,
        property: { type: 'Identifier', value: this.name() },
        computed: false,
      };
    }
    this.#checkTarget(target);
    return target;
  }

  #checkTarget(target: Expression): void {
    if (target.type === 'TupleLiteral') for (const part of target.value) this.#checkTarget(part);
    else if (target.type !== 'Identifier') throw new TemplateError('this cannot be assigned to');
  }
}
