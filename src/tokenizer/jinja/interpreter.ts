// Runs a parsed template as Jinja does: scopes are lexical, an undefined value prints as nothing and fails where it is
// used, each pass of a loop has a scope of its own.
import { Budget, type Escaping, Output, TemplateError } from './budget.js';
import { charge, findFilter, findTest, iterate, pairs } from './filters.js';
import { globals } from './globals.js';
import type { Argument, Call, Expression, Identifier, Parameter, Slice, Statement } from './nodes.js';
import { attributeOf, itemOf, operate, operateOne, sliceOf } from './operators.js';
import { expectInteger } from './strings.js';
import {
  type Arguments,
  Callable,
  isTrue,
  kindOf,
  Namespace,
  sizeOf,
  Tuple,
  textOf,
  toValue,
  type Value,
} from './values.js';

/** `{% generation %}` is parsed as a call of this name; its body comes out between the two marks. */
export const generationCall = 'mossctl_generation';

export interface Marks {
  start: string;
  end: string;
}

const notEscaped: Escaping = { undo: (text) => text, redo: (text) => text };

class Scope {
  readonly #values = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  get(name: string): Value {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.#outer) {
      if (scope.#values.has(name)) return scope.#values.get(name);
    }
    return undefined;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

type Flow = 'break' | 'continue' | undefined;

/** The text of a template for a context of plain data. Throws a `TemplateError`, or a `RangeError` of a full stack. */
export function renderTemplate(
  program: readonly Statement[],
  context: Record<string, unknown>,
  { escaping = notEscaped, ...marks }: Marks & { escaping?: Escaping },
): string {
  const values = Object.entries(context).map(([name, data]) => [name, toValue(data)] as const);
  const budget = new Budget(
    values.reduce((sum, [, value]) => sum + sizeOf(value), 0),
    escaping,
  );
  const scope = new Scope();
  for (const [name, value] of [...globals(budget), ...values]) scope.set(name, value);
  return new Interpreter(budget, marks).render(program, scope);
}

class Interpreter {
  readonly #budget: Budget;
  readonly #marks: Marks;

  constructor(budget: Budget, marks: Marks) {
    this.#budget = budget;
    this.#marks = marks;
  }

  render(statements: readonly Statement[], scope: Scope): string {
    const output = new Output(this.#budget);
    this.#run(statements, scope, output);
    return output.text;
  }

  #run(statements: readonly Statement[], scope: Scope, output: Output): Flow {
    this.#budget.enter();
    for (const statement of statements) {
      this.#budget.spend(1);
      const flow = this.#execute(statement, scope, output);
      if (flow !== undefined) {
        this.#budget.leave();
        return flow;
      }
    }
    this.#budget.leave();
    return undefined;
  }

  #execute(statement: Statement, scope: Scope, output: Output): Flow {
    switch (statement.type) {
      case 'Comment':
        return undefined;
      case 'Break':
        return 'break';
      case 'Continue':
        return 'continue';
      case 'If': {
        const chosen = isTrue(this.#evaluate(statement.test, scope)) ? statement.body : statement.alternate;
        return this.#run(chosen, scope, output);
      }
      case 'For':
        return this.#loop(statement, scope, output);
      case 'Set':
        this.#set(statement, scope);
        return undefined;
      case 'Macro':
        scope.set(statement.name.value, this.#macro(statement.args, statement.body, scope));
        return undefined;
      case 'CallStatement':
        output.add(this.#callBlock(statement, scope));
        return undefined;
      case 'FilterStatement': {
        const body = this.render(statement.body, new Scope(scope));
        output.add(textOf(this.#filter(body, statement.filter, scope), this.#budget));
        return undefined;
      }
      default:
        output.add(textOf(this.#evaluate(statement, scope), this.#budget));
        return undefined;
    }
  }

  #loop(statement: Extract<Statement, { type: 'For' }>, scope: Scope, output: Output): Flow {
    const { loopvar, iterable, body, defaultBlock } = statement;
    const [source, condition] = iterable.type === 'SelectExpression' ? [iterable.lhs, iterable.test] : [iterable];
    const scopes = iterate(this.#evaluate(source, scope), this.#budget).map((item) => {
      const inner = new Scope(scope);
      this.#budget.spend(4);
      this.#assign(loopvar, item, inner);
      return { item, inner };
    });
    const passing =
      condition === undefined ? scopes : scopes.filter(({ inner }) => isTrue(this.#evaluate(condition, inner)));
    for (const [i, { inner }] of passing.entries()) {
      this.#budget.spend(16);
      inner.set('loop', loopValue(passing.length, i, passing[i - 1]?.item, passing[i + 1]?.item));
      if (this.#run(body, inner, output) === 'break') break;
    }
    return passing.length === 0 ? this.#run(defaultBlock, new Scope(scope), output) : undefined;
  }

  #set({ assignee, value, body }: Extract<Statement, { type: 'Set' }>, scope: Scope): void {
    this.#assign(assignee, value === null ? this.render(body, new Scope(scope)) : this.#evaluate(value, scope), scope);
  }

  #assign(target: Expression, value: Value, scope: Scope): void {
    if (target.type === 'Identifier') scope.set(target.value, value);
    else if (target.type === 'TupleLiteral') {
      const items = iterate(value, this.#budget);
      if (items.length !== target.value.length) {
        throw new TemplateError(`${items.length} values cannot be unpacked into ${target.value.length}`);
      }
      for (const [i, part] of target.value.entries()) this.#assign(part, items[i], scope);
    } else if (target.type === 'MemberExpression' && !target.computed && target.property.type === 'Identifier') {
      const object = this.#evaluate(target.object, scope);
      if (!(object instanceof Namespace)) throw new TemplateError('only attributes of a namespace can be set');
      object.attributes.set(target.property.value, value);
    } else throw new TemplateError('this cannot be assigned to');
  }

  /** A macro sees where it was written, not where it is called. */
  #macro(parameters: readonly Parameter[], body: readonly Statement[], scope: Scope): Callable {
    return new Callable((given) => {
      const inner = new Scope(scope);
      const rest = new Map(given.named);
      for (const [i, parameter] of parameters.entries()) {
        const name = parameter.type === 'Identifier' ? parameter.value : parameter.key.value;
        const otherwise = parameter.type === 'Identifier' ? undefined : parameter.value;
        let value = i < given.list.length ? given.list[i] : rest.get(name);
        rest.delete(name);
        if (value === undefined && otherwise !== undefined) value = this.#evaluate(otherwise, inner);
        inner.set(name, value);
      }
      inner.set('caller', rest.get('caller'));
      rest.delete('caller');
      inner.set('varargs', Tuple.from(given.list.slice(parameters.length)));
      inner.set('kwargs', rest);
      return this.render(body, inner);
    });
  }

  #callBlock({ call, callerArgs, body }: Extract<Statement, { type: 'CallStatement' }>, scope: Scope): string {
    if (call.callee.type === 'Identifier' && call.callee.value === generationCall) {
      return this.#marks.start + this.render(body, new Scope(scope)) + this.#marks.end;
    }
    const given = this.#arguments(call.args, scope);
    given.named.set('caller', this.#macro(callerArgs ?? [], body, scope));
    return textOf(this.#invoke(this.#evaluate(call.callee, scope), given), this.#budget);
  }

  #evaluate(node: Expression, scope: Scope): Value {
    this.#budget.enter();
    const value = this.#value(node, scope);
    this.#budget.leave();
    return value;
  }

  #value(node: Expression, scope: Scope): Value {
    switch (node.type) {
      case 'IntegerLiteral':
      case 'FloatLiteral':
      case 'StringLiteral':
        return node.value;
      case 'ArrayLiteral':
      case 'TupleLiteral':
        this.#budget.items(node.value.length);
        return this.#list(node, scope);
      case 'ObjectLiteral':
        return this.#mapping(node.value, scope);
      case 'Identifier':
        return scope.get(node.value);
      case 'MemberExpression':
        return this.#member(node, scope);
      case 'CallExpression':
        return this.#invoke(this.#evaluate(node.callee, scope), this.#arguments(node.args, scope));
      case 'UnaryExpression':
        return operateOne(node.operator.value, this.#evaluate(node.argument, scope));
      case 'BinaryExpression':
        return this.#binary(node, scope);
      case 'FilterExpression':
        return this.#filter(this.#evaluate(node.operand, scope), node.filter, scope);
      case 'TestExpression': {
        const operand = this.#evaluate(node.operand, scope);
        charge(operand, this.#budget);
        return findTest(node.test.value)(operand, undefined, this.#budget) !== node.negate;
      }
      case 'SelectExpression':
        return isTrue(this.#evaluate(node.test, scope)) ? this.#evaluate(node.lhs, scope) : undefined;
      case 'Ternary':
        return this.#evaluate(isTrue(this.#evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
      default:
        throw new TemplateError(`${(node as { type: string }).type} is not supported`);
    }
  }

  #list({ type, value }: Extract<Expression, { type: 'ArrayLiteral' | 'TupleLiteral' }>, scope: Scope): Value {
    const items = value.map((item) => this.#evaluate(item, scope));
    return type === 'TupleLiteral' ? Tuple.from(items) : items;
  }

  #mapping(entries: ReadonlyMap<Expression, Expression>, scope: Scope): Value {
    this.#budget.items(entries.size);
    const mapping = new Map<string, Value>();
    for (const [key, value] of entries) {
      const name = this.#evaluate(key, scope);
      if (typeof name !== 'string') throw new TemplateError(`${kindOf(name)} as a key is not supported`);
      mapping.set(name, this.#evaluate(value, scope));
    }
    return mapping;
  }

  #arguments(nodes: readonly Argument[], scope: Scope): Arguments {
    const given: Arguments = { list: [], named: new Map() };
    for (const node of nodes) {
      if (node.type === 'KeywordArgumentExpression') given.named.set(node.key.value, this.#evaluate(node.value, scope));
      else if (node.type === 'SpreadExpression') {
        const items = iterate(this.#evaluate(node.argument, scope), this.#budget);
        this.#budget.items(items.length);
        given.list = [...given.list, ...items];
      } else if (node.type === 'KeywordSpreadExpression') {
        for (const pair of pairs(this.#evaluate(node.argument, scope), this.#budget)) {
          const [name, value] = pair as [string, Value];
          given.named.set(name, value);
        }
      } else given.list.push(this.#evaluate(node, scope));
    }
    for (const value of given.list) charge(value, this.#budget);
    for (const value of given.named.values()) charge(value, this.#budget);
    return given;
  }

  #invoke(callee: Value, given: Arguments): Value {
    if (!(callee instanceof Callable)) throw new TemplateError(`${kindOf(callee)} cannot be called`);
    return callee.call(given);
  }

  #filter(operand: Value, node: Identifier | Call, scope: Scope): Value {
    const name = node.type === 'Identifier' ? node : node.callee;
    if (name.type !== 'Identifier') throw new TemplateError('a filter without a name');
    const given = this.#arguments(node.type === 'Identifier' ? [] : node.args, scope);
    charge(operand, this.#budget);
    return findFilter(name.value)(operand, given, this.#budget);
  }

  #member(node: Extract<Expression, { type: 'MemberExpression' }>, scope: Scope): Value {
    const object = this.#evaluate(node.object, scope);
    const { property, computed } = node;
    if (property.type === 'SliceExpression') return this.#slice(object, property, scope);
    if (!computed && property.type === 'Identifier') return attributeOf(object, property.value, this.#budget);
    return itemOf(object, this.#evaluate(property, scope), this.#budget);
  }

  #slice(object: Value, { start, stop, step }: Slice, scope: Scope): Value {
    const bounds = [start, stop, step].map((part) => {
      const value = part === undefined ? undefined : this.#evaluate(part, scope);
      return value === undefined || value === null ? undefined : expectInteger(value);
    });
    return sliceOf(object, bounds, this.#budget);
  }

  #binary(node: Extract<Expression, { type: 'BinaryExpression' }>, scope: Scope): Value {
    const left = this.#evaluate(node.left, scope);
    const operator = node.operator.value;
    if (operator === 'and' || operator === 'or') {
      return isTrue(left) === (operator === 'or') ? left : this.#evaluate(node.right, scope);
    }
    return operate(operator, left, this.#evaluate(node.right, scope), this.#budget);
  }
}

function loopValue(length: number, i: number, previous: Value, next: Value): Value {
  return new Map<string, Value>([
    ['index', i + 1],
    ['index0', i],
    ['revindex', length - i],
    ['revindex0', length - i - 1],
    ['first', i === 0],
    ['last', i === length - 1],
    ['length', length],
    ['previtem', previous],
    ['nextitem', next],
    ['cycle', new Callable(({ list }) => list[i % list.length])],
  ]);
}
