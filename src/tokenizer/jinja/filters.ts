// Jinja's filters and tests: those that chat templates use. Others are refused by name.
import { type Budget, TemplateError } from './budget.js';
import {
  capitalize,
  changeCase,
  characters,
  expectInteger,
  expectText,
  join,
  lengthOf,
  type Method,
  methods,
  splitLines,
} from './strings.js';
import {
  type Arguments,
  areEqual,
  bind,
  Callable,
  isList,
  isMapping,
  isTrue,
  jsonOf,
  kindOf,
  type List,
  Namespace,
  numberOf,
  Tuple,
  textOf,
  type Value,
} from './values.js';

type Filter = (value: Value, given: Arguments, budget: Budget) => Value;
type Test = (value: Value, other: Value, budget: Budget) => boolean;

/** What looking at a value costs, however often: filters and methods look at theirs a few times. */
export function charge(value: Value, budget: Budget): void {
  budget.spend(typeof value === 'string' ? 1 + value.length / 4 : 1);
}

/** Numbers by size, texts by their letters in any case or not. */
function compareValues(a: Value, b: Value, anyCase = false): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (typeof a !== 'string' || typeof b !== 'string') {
    throw new TemplateError(`${kindOf(a)} and ${kindOf(b)} have no order`);
  }
  const [s, t] = anyCase ? [a.toLowerCase(), b.toLowerCase()] : [a, b];
  return s < t ? -1 : s > t ? 1 : 0;
}

/** What a loop goes through: the items of a list, the keys of a mapping, the characters of a text, of undefined nothing. */
export function iterate(value: Value, budget: Budget): List {
  if (isList(value)) return value;
  if (value === undefined) return [];
  if (typeof value === 'string') return characters(value, budget);
  if (!isMapping(value)) throw new TemplateError(`${kindOf(value)} cannot be looped over`);
  budget.items(value.size);
  return [...value.keys()];
}

/** The same in a list of its own. */
function listOf(value: Value, budget: Budget): Value[] {
  const items = iterate(value, budget);
  budget.items(items.length);
  return [...items];
}

export function pairs(value: Value, budget: Budget): List {
  if (value === undefined) return [];
  if (!isMapping(value)) throw new TemplateError(`${kindOf(value)} has no items`);
  budget.items(3 * value.size);
  return [...value].map(([key, item]) => Tuple.of(key, item));
}

/** `a.b.0` of an item; undefined where it has none. */
function attribute(item: Value, path: Value): Value {
  let value = item;
  for (const part of String(typeof path === 'number' ? path : expectText(path)).split('.')) {
    if (isMapping(value)) value = value.get(part);
    else if (value instanceof Namespace) value = value.attributes.get(part);
    else value = isList(value) && /^\d+$/.test(part) ? value[Number(part)] : undefined;
  }
  return value;
}

function sort(items: List, by: Value, reverse: Value, anyCase: boolean, budget: Budget): List {
  const keys = items.map((item) => (by === undefined || by === null ? item : attribute(item, by)));
  for (const key of keys)
    budget.spend((1 + (typeof key === 'string' ? key.length : 0)) * (1 + Math.log2(items.length)));
  budget.items(items.length);
  const order = keys
    .map((_, i) => i)
    .sort((a, b) => compareValues(keys[a], keys[b], anyCase) * (isTrue(reverse) ? -1 : 1));
  return order.map((i) => items[i]);
}

function toNumber(value: Value, given: Arguments): Value {
  const fallback = bind(given, ['default'])[0] ?? 0;
  if (typeof value === 'string' && value.trim() === '') return fallback;
  const number = typeof value === 'string' ? Number(value) : numberOf(value);
  return number === undefined || Number.isNaN(number) ? fallback : number;
}

function toJson(value: Value, given: Arguments, budget: Budget): string {
  const [ascii, indent, separators, sorted] = bind(given, ['ensure_ascii', 'indent', 'separators', 'sort_keys']);
  const spaces = indent === undefined || indent === null ? undefined : expectInteger(indent);
  if (spaces !== undefined && (spaces < 0 || spaces > 100))
    throw new TemplateError('tojson indents by 0 to 100 spaces');
  const [item, key] = isList(separators) ? separators.map(expectText) : [spaces === undefined ? ', ' : ',', ': '];
  return jsonOf(value, { indent: spaces, item, key, ascii: isTrue(ascii), sorted: isTrue(sorted) }, budget);
}

function indentLines(value: Value, given: Arguments, budget: Budget): string {
  const [width, first, blank] = bind(given, ['width', 'first', 'blank']);
  const text = textOf(value, budget);
  const by = typeof width === 'string' ? width : expectInteger(width ?? 4);
  const lines = splitLines(`${text}\n`, budget);
  const length = typeof by === 'string' ? by.length : Math.max(0, by);
  budget.text(text.length + lines.length * (length + 1));
  const space = typeof by === 'string' ? by : ' '.repeat(length);
  const indents = (line: string, i: number) => (i === 0 ? isTrue(first) : isTrue(blank) || line !== '');
  return lines.map((line, i) => (indents(line, i) ? space + line : line)).join('\n');
}

/** `select` and its kin: which items pass a test, of themselves or of an attribute. */
function choose(ofAttribute: boolean, keeps: boolean): Filter {
  return (value, { list, named }, budget) => {
    bind({ list: [], named }, []);
    const [by, rest] = ofAttribute ? [list[0], list.slice(1)] : [undefined, list];
    const test = rest.length === 0 ? isTrue : findTest(expectText(rest[0]));
    return listOf(value, budget).filter((item) => {
      const subject = ofAttribute ? attribute(item, by) : item;
      charge(subject, budget);
      return test(subject, rest[1], budget) === keeps;
    });
  };
}

function map(value: Value, { list, named }: Arguments, budget: Budget): Value {
  const items = listOf(value, budget);
  const [by, otherwise] = ['attribute', 'default'].map((name) => named.get(name));
  if (by !== undefined) return items.map((item) => attribute(item, by) ?? otherwise);
  const filter = findFilter(expectText(list[0]));
  return items.map((item) => {
    charge(item, budget);
    return filter(item, { list: list.slice(1), named }, budget);
  });
}

function unique(value: Value, given: Arguments, budget: Budget): Value {
  bind(given, []);
  const kept: Value[] = [];
  for (const item of iterate(value, budget)) {
    budget.spend(1 + kept.length);
    if (!kept.some((other) => areEqual(item, other, budget))) kept.push(item);
  }
  budget.items(kept.length);
  return kept;
}

function extreme(sign: 1 | -1): Filter {
  return (value, given, budget) => {
    bind(given, []);
    const items = iterate(value, budget);
    for (const item of items) charge(item, budget);
    return items.length === 0 ? undefined : items.reduce((a, b) => (compareValues(b, a, true) * sign > 0 ? b : a));
  };
}

const counted: Filter = (value, given, budget) => {
  bind(given, []);
  if (typeof value === 'string') return lengthOf(value, budget);
  if (isList(value)) return value.length;
  if (isMapping(value)) return value.size;
  if (value === undefined) return 0;
  throw new TemplateError(`${kindOf(value)} has no length`);
};

/** A method of texts as a filter of any value. */
const ofText = (method: Method): Filter => {
  return (value, given, budget) => method(textOf(value, budget), given, budget);
};

const otherwise: Filter = (value, given) => {
  const [fallback = '', boolean] = bind(given, ['default_value', 'boolean']);
  return value === undefined || (isTrue(boolean) && !isTrue(value)) ? fallback : value;
};

const filters: Readonly<Record<string, Filter>> = {
  default: otherwise,
  d: otherwise,
  length: counted,
  count: counted,
  upper: ofText(methods.upper),
  lower: ofText(methods.lower),
  capitalize: ofText(methods.capitalize),
  title: ofText(changeCase((text) => text.replace(/[^-\s({[<]+/g, capitalize))),
  trim: ofText(methods.strip),
  string: (value, _, budget) => textOf(value, budget),
  safe: (value) => value,
  tojson: toJson,
  indent: indentLines,
  replace: ofText(methods.replace),
  join: (value, given, budget) => {
    const [separator = '', by] = bind(given, ['d', 'attribute']);
    const texts = iterate(value, budget).map((item) => textOf(by === undefined ? item : attribute(item, by), budget));
    return join(texts, textOf(separator, budget), budget);
  },
  list: (value, _, budget) => listOf(value, budget),
  first: (value, _, budget) => (typeof value === 'string' ? [...value.slice(0, 2)][0] : iterate(value, budget)[0]),
  last: (value, _, budget) => iterate(value, budget).at(-1),
  reverse: (value, _, budget) => {
    const items = listOf(value, budget).reverse();
    return typeof value === 'string' ? items.join('') : items;
  },
  sort: (value, given, budget) => {
    const [reverse, caseSensitive, by] = bind(given, ['reverse', 'case_sensitive', 'attribute']);
    return sort(iterate(value, budget), by, reverse, !isTrue(caseSensitive), budget);
  },
  dictsort: (value, given, budget) => {
    const [caseSensitive, by, reverse] = bind(given, ['case_sensitive', 'by', 'reverse']);
    return sort(pairs(value, budget), by === 'value' ? 1 : 0, reverse, !isTrue(caseSensitive), budget);
  },
  items: (value, _, budget) => pairs(value, budget),
  unique,
  map,
  select: choose(false, true),
  reject: choose(false, false),
  selectattr: choose(true, true),
  rejectattr: choose(true, false),
  max: extreme(1),
  min: extreme(-1),
  sum: (value, given, budget) => {
    const [by, start = 0] = bind(given, ['attribute', 'start']);
    const items = iterate(value, budget);
    budget.spend(items.length);
    return items.reduce<number>(
      (sum, item) => sum + (numberOf(by === undefined ? item : attribute(item, by)) ?? Number.NaN),
      numberOf(start) ?? 0,
    );
  },
  abs: (value) => Math.abs(numberOf(value) ?? Number.NaN),
  int: (value, given) => {
    const number = toNumber(value, given);
    return typeof number === 'number' ? Math.trunc(number) : number;
  },
  float: toNumber,
};

export function findFilter(name: string): Filter {
  if (Object.hasOwn(filters, name)) return filters[name];
  throw new TemplateError(`the filter ${name.slice(0, 40)} is not supported`);
}

/** The operators that compare; most are tests too. */
export const comparisons = {
  '==': areEqual,
  '!=': (a, b, budget) => !areEqual(a, b, budget),
  '>': (a, b) => compareValues(a, b) > 0,
  '>=': (a, b) => compareValues(a, b) >= 0,
  '<': (a, b) => compareValues(a, b) < 0,
  '<=': (a, b) => compareValues(a, b) <= 0,
  in: (item, all, budget) => contains(all, item, budget),
  'not in': (item, all, budget) => !contains(all, item, budget),
} satisfies Readonly<Record<string, Test>>;

const isNumber = (value: Value): value is number => typeof value === 'number';

const tests: Readonly<Record<string, Test>> = {
  defined: (value) => value !== undefined,
  undefined: (value) => value === undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  string: (value) => typeof value === 'string',
  number: (value) => isNumber(value) || typeof value === 'boolean',
  integer: (value) => isNumber(value) && Number.isInteger(value),
  float: (value) => isNumber(value) && !Number.isInteger(value),
  mapping: isMapping,
  sequence: (value) => isList(value) || isMapping(value) || typeof value === 'string',
  iterable: (value) => isList(value) || isMapping(value) || typeof value === 'string' || value === undefined,
  callable: (value) => value instanceof Callable,
  odd: (value) => Math.abs(expectInteger(value) % 2) === 1,
  even: (value) => expectInteger(value) % 2 === 0,
  lower: (value) => typeof value === 'string' && value === value.toLowerCase() && value !== value.toUpperCase(),
  upper: (value) => typeof value === 'string' && value === value.toUpperCase() && value !== value.toLowerCase(),
  equalto: comparisons['=='],
  eq: comparisons['=='],
  ne: comparisons['!='],
  gt: comparisons['>'],
  ge: comparisons['>='],
  lt: comparisons['<'],
  le: comparisons['<='],
  in: comparisons.in,
};

export function findTest(name: string): Test {
  if (Object.hasOwn(tests, name)) return tests[name];
  throw new TemplateError(`the test ${name.slice(0, 40)} is not supported`);
}

/** Python's `in`. */
function contains(all: Value, wanted: Value, budget: Budget): boolean {
  if (all === undefined) return false;
  if (typeof all === 'string') {
    budget.search(all, expectText(wanted));
    return all.includes(expectText(wanted));
  }
  if (isMapping(all)) return typeof wanted === 'string' && all.has(wanted);
  if (isList(all)) {
    budget.spend(all.length);
    return all.some((item) => areEqual(item, wanted, budget));
  }
  throw new TemplateError(`nothing is in ${kindOf(all)}`);
}
