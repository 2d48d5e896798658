// Runs a parsed template as Jinja does: scopes are lexical, an undefined value prints as nothing and fails where it is
// used, each pass of a loop has a scope of its own.
import { Budget, type Escaping, type Limits, limitsFor, Output, TemplateError } from './budget.js';
import { findFilter } from './filters.js';
import { globals } from './globals.js';
import { changeOf, loopValue } from './loop-value.js';
import {
  type Argument,
  type Expression,
  type Filter,
  isConstant,
  type Macro,
  nameOf,
  type Slice,
  type Statement,
} from './nodes.js';
import { attributeOf, itemOf, operate, operateOne, sliceOf } from './operators.js';
import { Scope } from './scope.js';
import { charge, iterate, pairs } from './sequences.js';
import { expectInteger } from './strings.js';
import { findTest } from './tests.js';
import {
  type Arguments,
  Callable,
  Float,
  isTrue,
  kindOf,
  Namespace,
  numberOf,
  sizeOf,
  Tuple,
  textOf,
  toValue,
  type Value,
} from './values.js';

/** What `{% generation %}` holds comes out between the two. */
export interface Marks {
  start: string;
  end: string;
}

const notEscaped: Escaping = { undo: (text) => text, redo: (text) => text };

type Flow = 'break' | 'continue' | undefined;

/** Without `limits`, what fits the size of the context. */
export type RenderOptions = Marks & { escaping?: Escaping; limits?: Limits };

/** The text of a template for a context of plain data. Throws a `TemplateError`, or a `RangeError` of a full stack. */
export function renderTemplate(
  program: readonly Statement[],
  context: Record<string, unknown>,
  { escaping = notEscaped, limits, ...marks }: RenderOptions,
): string {
  const values = Object.entries(context).map(([name, data]) => [name, toValue(data)] as const);
  const size = values.reduce((sum, [, value]) => sum + sizeOf(value), 0);
  const budget = new Budget(limits ?? limitsFor(size), escaping);
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
      case 'Text':
        output.add(statement.value);
        return undefined;
      case 'Print':
        output.add(textOf(this.#evaluate(statement.value, scope), this.#budget));
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
        this.#assign(statement.target, this.#evaluate(statement.value, scope), scope);
        return undefined;
      case 'SetBlock':
        this.#assign(statement.target, this.#filtered(statement, scope), scope);
        return undefined;
      case 'With': {
        const inner = new Scope(scope);
        const values = statement.values.map((value) => this.#evaluate(value, scope));
        for (const [i, target] of statement.targets.entries()) this.#assign(target, values[i], inner);
        return this.#run(statement.body, inner, output);
      }
      case 'Macro':
        scope.set(statement.name, this.#macro(statement, scope));
        return undefined;
      case 'CallBlock': {
        const given = this.#arguments(statement.call.args, scope);
        given.named.set('caller', this.#macro(statement.macro, scope));
        const value = this.#invoke(statement.call.callee, given, scope);
        output.add(textOf(value, this.#budget));
        return undefined;
      }
      case 'FilterBlock':
        output.add(textOf(this.#filtered(statement, scope), this.#budget));
        return undefined;
      case 'Generation':
        output.add(this.#marks.start + this.render(statement.body, new Scope(scope)) + this.#marks.end);
        return undefined;
      default:
        return statement satisfies never;
    }
  }

  /** What a block renders, passed through filters. */
  #filtered({ body, filters }: { body: readonly Statement[]; filters: readonly Filter[] }, scope: Scope): Value {
    const text = this.render(body, new Scope(scope));
    return filters.reduce<Value>((value, filter) => this.#filter(value, filter, scope), text);
  }

  #loop(statement: Extract<Statement, { type: 'For' }>, scope: Scope, output: Output): Flow {
    const { target, iterable, condition, body, otherwise } = statement;
    const scopes = Array.from(iterate(this.#evaluate(iterable, scope), this.#budget), (item) => {
      const inner = new Scope(scope);
      this.#budget.spend(4);
      this.#assign(target, item, inner);
      return { item, inner };
    });
    const passing =
      condition === undefined ? scopes : scopes.filter(({ inner }) => isTrue(this.#evaluate(condition, inner)));
    const changed = changeOf(this.#budget);
    for (const [i, { inner }] of passing.entries()) {
      this.#budget.spend(16);
      inner.set('loop', loopValue(passing.length, i, [passing[i - 1]?.item, passing[i + 1]?.item], changed));
      if (this.#run(body, inner, output) === 'break') break;
    }
    return passing.length === 0 ? this.#run(otherwise, new Scope(scope), output) : undefined;
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
  #macro({ name: macroName, parameters, body, extras }: Macro, scope: Scope): Callable {
    return new Callable((given) => {
      const inner = new Scope(scope);
      const rest = new Map(given.named);
      for (const [i, { name, otherwise }] of parameters.entries()) {
        let value = i < given.list.length ? given.list[i] : rest.get(name);
        if (i < given.list.length && rest.has(name)) throw new TemplateError(`${macroName} takes ${name} once`);
        rest.delete(name);
        if (value === undefined && otherwise !== undefined) value = this.#evaluate(otherwise, inner);
        inner.set(name, value);
      }
      if (extras.has('caller')) {
        inner.set('caller', rest.get('caller'));
        rest.delete('caller');
      }
      if (extras.has('varargs')) inner.set('varargs', Tuple.from(given.list.slice(parameters.length)));
      else if (given.list.length > parameters.length) {
        throw new TemplateError(`${macroName} takes at most ${parameters.length} arguments`);
      }
      if (extras.has('kwargs')) inner.set('kwargs', rest);
      else if (rest.size > 0)
        throw new TemplateError(`${macroName} takes no argument ${[...rest.keys()][0].slice(0, 40)}`);
      return this.render(body, inner);
    });
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
      case 'StringLiteral':
      case 'Constant':
        return node.value;
      case 'FloatLiteral':
        return new Float(node.value);
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
        return this.#invoke(node.callee, this.#arguments(node.args, scope), scope);
      case 'UnaryExpression':
        return operateOne(node.operator, this.#evaluate(node.argument, scope));
      case 'BinaryExpression':
        return this.#binary(node, scope);
      case 'Comparison':
        return this.#comparison(node, scope);
      case 'FilterExpression':
        return this.#filter(this.#evaluate(node.operand, scope), node.filter, scope);
      case 'TestExpression': {
        const operand = this.#evaluate(node.operand, scope);
        const { list, named } = this.#arguments(node.args, scope);
        if (named.size > 0) throw new TemplateError(`the test ${node.test.slice(0, 40)} takes no arguments by name`);
        charge(operand, this.#budget);
        return findTest(node.test)(operand, list, this.#budget) !== node.negate;
      }
      case 'SelectExpression':
        return isTrue(this.#evaluate(node.test, scope)) ? this.#evaluate(node.lhs, scope) : undefined;
      case 'Ternary':
        return this.#evaluate(isTrue(this.#evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
      default:
        return node satisfies never;
    }
  }

  #list({ type, value }: Extract<Expression, { type: 'ArrayLiteral' | 'TupleLiteral' }>, scope: Scope): Value {
    const items = value.map((item) => this.#evaluate(item, scope));
    return type === 'TupleLiteral' ? Tuple.from(items) : items;
  }

  #mapping(entries: readonly [Expression, Expression][], scope: Scope): Value {
    this.#budget.items(entries.length);
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
      if (node.type === 'KeywordArgumentExpression') given.named.set(node.key, this.#evaluate(node.value, scope));
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

  #invoke(node: Expression, given: Arguments, scope: Scope): Value {
    const callee = this.#evaluate(node, scope);
    if (callee instanceof Callable) return callee.call(given);
    const name =
      node.type === 'Identifier' ? node.value : node.type === 'MemberExpression' ? nameOf(node.property) : '';
    throw new TemplateError(`${name === '' ? '' : `${name.slice(0, 40)}(): `}${kindOf(callee)} cannot be called`);
  }

  #filter(operand: Value, { name, args }: Filter, scope: Scope): Value {
    const given = this.#arguments(args, scope);
    charge(operand, this.#budget);
    return findFilter(name)(operand, given, this.#budget);
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
    const { operator } = node;
    if (operator === 'and' || operator === 'or') {
      return isTrue(left) === (operator === 'or') ? left : this.#evaluate(node.right, scope);
    }
    const right = this.#evaluate(node.right, scope);
    const isFolded = operator === '**' && (numberOf(left) ?? 0) < 0 && isConstant(node.left) && !isConstant(node.right);
    // Jinja 3.1 writes the constant -2 into Python without parentheses: (-2) ** n is -(2 ** n) there.
    if (isFolded) throw new TemplateError('a power of a negative constant is not supported');
    return operate(operator, left, right, this.#budget);
  }

  #comparison({ first, rest }: Extract<Expression, { type: 'Comparison' }>, scope: Scope): Value {
    let left = this.#evaluate(first, scope);
    for (const { operator, value } of rest) {
      const right = this.#evaluate(value, scope);
      if (!isTrue(operate(operator, left, right, this.#budget))) return false;
      left = right;
    }
    return true;
  }
}
