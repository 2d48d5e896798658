// Python's operators, attributes and subscripts on the values of a template.
import { type Budget, TemplateError } from './budget.js';
import { comparisons, pairs } from './filters.js';
import { expectText, join, stringMethod } from './strings.js';
import {
  bind,
  Callable,
  isList,
  isMapping,
  isTrue,
  kindOf,
  type List,
  type Mapping,
  Namespace,
  numberOf,
  textOf,
  type Value,
} from './values.js';

export function operateOne(operator: string, value: Value): Value {
  if (operator === 'not') return !isTrue(value);
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError(`${operator} of ${kindOf(value)}`);
  return operator === '-' ? 0 - number : number;
}

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '//': (a, b) => Math.floor(a / b),
  '%': (a, b) => a - b * Math.floor(a / b),
  '**': (a, b) => a ** b,
};

/** Both sides are evaluated; `and` and `or` are not for here. */
export function operate(operator: string, left: Value, right: Value, budget: Budget): Value {
  if (Object.hasOwn(comparisons, operator)) {
    return comparisons[operator as keyof typeof comparisons](left, right, budget);
  }
  if (operator === '~') return join([textOf(left, budget), textOf(right, budget)], '', budget);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    if (!Object.hasOwn(arithmetic, operator)) throw new TemplateError(`the operator ${operator} is not supported`);
    if (b === 0 && ['/', '//', '%'].includes(operator)) throw new TemplateError('division by zero');
    const result = arithmetic[operator](a, b);
    if (Math.abs(result) > Number.MAX_SAFE_INTEGER) throw new TemplateError('a number of more than 53 bits');
    return result;
  }
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') {
    budget.text(left.length + right.length);
    return left + right;
  }
  if (operator === '+' && isList(left) && isList(right)) {
    budget.items(left.length + right.length);
    return [...left, ...right];
  }
  if (operator === '*' && typeof left === 'string' && b !== undefined) {
    const times = Math.max(0, Math.trunc(b));
    budget.text(left.length * times);
    return left.repeat(times);
  }
  throw new TemplateError(`${operator} between ${kindOf(left)} and ${kindOf(right)} is not supported`);
}

/** `object.name`: a method first, then what the object holds under that name. */
export function attributeOf(object: Value, name: string, budget: Budget): Value {
  if (object === undefined) throw new TemplateError(`an undefined value has no ${name.slice(0, 40)}`);
  if (object instanceof Namespace) return object.attributes.get(name);
  if (isMapping(object)) return mappingMethod(object, name, budget) ?? object.get(name);
  return typeof object === 'string' ? stringMethod(object, name, budget) : undefined;
}

/** `object[key]`: what the object holds, then a method of that name. */
export function itemOf(object: Value, key: Value, budget: Budget): Value {
  if (object === undefined) throw new TemplateError('an undefined value has no items');
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
      const value = mapping.get(expectText(key));
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
