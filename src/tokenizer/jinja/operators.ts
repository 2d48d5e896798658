// Python's operators, attributes and subscripts on the values of a template.
import { type Budget, TemplateError } from './budget.js';
import { comparisons } from './comparisons.js';
import { pairs } from './sequences.js';
import { expectText, join, stringMethod } from './strings.js';
import {
  areEqual,
  bind,
  Callable,
  Float,
  integer,
  isList,
  isMapping,
  isTrue,
  kindOf,
  type List,
  type Mapping,
  Namespace,
  numberOf,
  Range,
  Tuple,
  textOf,
  type Value,
} from './values.js';

export function operateOne(operator: string, value: Value): Value {
  if (operator === 'not') return !isTrue(value);
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError(`${operator} of ${kindOf(value)}`);
  if (value instanceof Float) return new Float(operator === '-' ? -number : number);
  return integer(operator === '-' ? 0 - number : number);
}

/** Python's `%`, of the sign of the divisor: exact, which `a - b * floor(a / b)` is not. */
function modulo(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 === b < 0 ? rest : rest + b;
}

function floorDivide(a: number, b: number): number {
  const quotient = (a - modulo(a, b)) / b;
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/**
 * A whole power, exact before it is rounded once, or a square root: the engine's own `**` is off by a last digit now and
 * then. Other powers are refused.
 */
function power(a: number, b: number): number {
  if (a === 0 && b < 0) throw new TemplateError('zero to a negative power');
  if (!Number.isFinite(a) || !Number.isFinite(b) || b === 0 || a === 0) return a ** b;
  if (b === 0.5 && a > 0) return Math.sqrt(a);
  if (!Number.isInteger(b) || Math.abs(b) > 1100) throw new TemplateError(`a power of ${b} is not supported`);
  let [mantissa, exponent] = [a, 0];
  for (; !Number.isInteger(mantissa); exponent--) mantissa *= 2;
  const whole = BigInt(mantissa) ** BigInt(Math.abs(b));
  if (b > 0) return scaled(Number(whole), exponent * b);
  // The quotient has 64 bits and more; whatever it leaves counts as a last bit.
  const digits = BigInt(whole.toString(2).length + 64);
  return scaled(Number(((1n << digits) / whole) | 1n), -Number(digits) + exponent * b);
}

/** In two steps: neither factor is beyond what a float holds. */
function scaled(number: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return number * 2 ** half * 2 ** (exponent - half);
}

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '//': floorDivide,
  '%': modulo,
  '**': power,
};

function calculate(operator: string, a: number, b: number, isFloat: boolean): Value {
  if (b === 0 && ['/', '//', '%'].includes(operator)) throw new TemplateError('division by zero');
  const result = arithmetic[operator](a, b);
  if (operator !== '**') return isFloat || operator === '/' ? new Float(result) : integer(result);
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b))
    throw new TemplateError('a power too large');
  return isFloat || b < 0 ? new Float(result) : integer(result);
}

/** Both sides are evaluated; `and` and `or` are not for here. */
export function operate(operator: string, left: Value, right: Value, budget: Budget): Value {
  if (Object.hasOwn(comparisons, operator)) {
    return comparisons[operator as keyof typeof comparisons](left, right, budget);
  }
  if (operator === '~') return join([textOf(left, budget), textOf(right, budget)], '', budget);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    return calculate(operator, a, b, left instanceof Float || right instanceof Float);
  }
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') {
    budget.text(left.length + right.length);
    return left + right;
  }
  if (operator === '+' && isList(left) && isList(right)) {
    if (left.constructor !== right.constructor || left instanceof Range) throw mismatch(operator, left, right);
    budget.items(left.length + right.length);
    return left instanceof Tuple ? Tuple.from([...left, ...right]) : [...left, ...right];
  }
  if (operator === '*') {
    const repeated = repeat(left, right, budget) ?? repeat(right, left, budget);
    if (repeated !== undefined) return repeated;
  }
  throw mismatch(operator, left, right);
}

function mismatch(operator: string, left: Value, right: Value): TemplateError {
  return new TemplateError(`${operator} between ${kindOf(left)} and ${kindOf(right)} is not supported`);
}

/** A text or a list several times over. */
function repeat(value: Value, count: Value, budget: Budget): Value {
  const times = typeof count === 'number' || typeof count === 'boolean' ? Math.max(0, Number(count)) : undefined;
  if (times === undefined || value instanceof Range) return undefined;
  if (typeof value === 'string') {
    budget.text(value.length * times);
    return value.repeat(times);
  }
  if (!isList(value)) return undefined;
  budget.items(value.length * times);
  const items = Array.from({ length: times }, () => value).flat();
  return value instanceof Tuple ? Tuple.from(items) : items;
}

/** Methods of Python that are not here: to take one for undefined would be another text, not an error. */
const unsupported = {
  text: `casefold center encode expandtabs format format_map index isidentifier isnumeric isprintable istitle ljust maketrans
    partition rfind rindex rjust rpartition swapcase translate zfill`.split(/\s+/),
  list: ['append', 'clear', 'copy', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort'],
  mapping: ['clear', 'copy', 'fromkeys', 'pop', 'popitem', 'setdefault', 'update'],
  number: ['as_integer_ratio', 'bit_count', 'bit_length', 'conjugate', 'hex', 'imag', 'is_integer', 'real', 'to_bytes'],
};

function refuseMethod(object: Value, name: string): void {
  const kind = typeof object === 'string' ? 'text' : isList(object) ? 'list' : isMapping(object) ? 'mapping' : 'number';
  const isNumber = kind !== 'number' || numberOf(object) !== undefined;
  if (isNumber && unsupported[kind].includes(name)) {
    throw new TemplateError(`the method ${name} of a ${kind} is not supported`);
  }
}

/** `object.name`: a method first, then what the object holds under that name. */
export function attributeOf(object: Value, name: string, budget: Budget): Value {
  if (object === undefined) throw new TemplateError(`an undefined value has no ${name.slice(0, 40)}`);
  if (object instanceof Namespace) return object.attributes.get(name);
  refuseMethod(object, name);
  if (isMapping(object)) return mappingMethod(object, name, budget) ?? object.get(name);
  if (object instanceof Callable && ['name', 'arguments'].includes(name)) {
    throw new TemplateError(`the attribute ${name} of a macro is not supported`);
  }
  if (typeof object === 'string') return stringMethod(object, name, budget);
  return isList(object) ? listMethod(object, name, budget) : undefined;
}

/** Those of a list that change nothing. */
function listMethod(list: List, name: string, budget: Budget): Callable | undefined {
  if (name !== 'index' && name !== 'count') return undefined;
  return new Callable((given) => {
    const [wanted] = bind(given, ['value']);
    budget.spend(list.length);
    const found = list.flatMap((item, i) => (areEqual(item, wanted, budget) ? [i] : []));
    if (name === 'count') return found.length;
    if (found.length === 0) throw new TemplateError('the value is not in the list');
    return found[0];
  });
}

/** `object[key]`: what the object holds, then a method of that name. */
export function itemOf(object: Value, written: Value, budget: Budget): Value {
  if (object === undefined) throw new TemplateError('an undefined value has no items');
  const key = typeof written === 'boolean' ? Number(written) : written;
  if (typeof key === 'number' && (isList(object) || typeof object === 'string')) {
    return isList(object) ? object.at(key) : characterAt(object, key, budget);
  }
  if (typeof key !== 'string') return undefined;
  if (isMapping(object) && object.has(key)) return object.get(key);
  return attributeOf(object, key, budget);
}

function characterAt(text: string, index: number, budget: Budget): string | undefined {
  budget.spend(1 + text.length);
  return hasPairs(text) ? [...text].at(index) : text.at(index);
}

const hasPairs = (text: string): boolean => /[\ud800-\udbff]/.test(text);

const mappingLists: Readonly<Record<string, (mapping: Mapping, budget: Budget) => List>> = {
  items: pairs,
  keys: (mapping) => [...mapping.keys()],
  values: (mapping) => [...mapping.values()],
};

function mappingMethod(mapping: Mapping, name: string, budget: Budget): Callable | undefined {
  if (name === 'get') {
    return new Callable((given) => {
      const [key, otherwise = null] = bind(given, ['key', 'default']);
      const value = typeof key === 'string' ? mapping.get(key) : undefined;
      return value === undefined ? otherwise : value;
    });
  }
  if (!Object.hasOwn(mappingLists, name)) return undefined;
  return new Callable((given) => {
    bind(given, []);
    budget.items(mapping.size);
    return mappingLists[name](mapping, budget);
  });
}

/** `object[start:stop:step]` of a list or, by characters, of a text. */
export function sliceOf(object: Value, bounds: (number | undefined)[], budget: Budget): Value {
  if (object instanceof Range) throw new TemplateError('a part of a range() is not supported; make a list of it first');
  if (object instanceof Tuple) return Tuple.from(pick(object, bounds, budget));
  if (isList(object)) return pick(object, bounds, budget);
  const text = expectText(object);
  budget.spend(1 + text.length);
  const [start, stop, step = 1] = bounds;
  if (step === 1 && !hasPairs(text)) return text.slice(start ?? 0, stop ?? text.length);
  budget.spend(8 * text.length);
  return pick([...text], bounds, budget).join('');
}

function pick<T>(items: readonly T[], bounds: (number | undefined)[], budget: Budget): T[] {
  const [start, stop, step = 1] = bounds;
  if (step === 0) throw new TemplateError('a slice with a step of zero');
  const size = items.length;
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const place = (at: number): number => Math.min(high, Math.max(low, at < 0 ? at + size : at));
  const from = start === undefined ? (step > 0 ? low : high) : place(start);
  const to = stop === undefined ? (step > 0 ? high : low) : place(stop);
  const count = Math.max(0, Math.ceil((to - from) / step));
  budget.spend(1 + count);
  return Array.from({ length: count }, (_, i) => items[from + i * step]);
}
