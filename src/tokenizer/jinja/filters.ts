// Jinja's filters: those that chat templates use. Others are refused by name.
import { type Budget, TemplateError } from './budget.js';
import { compareValues } from './comparisons.js';
import { absolute, round, toFloat, toInteger } from './numbers.js';
import { operate } from './operators.js';
import { attribute, charge, iterate, listOf, pairs } from './sequences.js';
import {
  capitalize,
  changeCase,
  expectInteger,
  expectText,
  join,
  lengthOf,
  type Method,
  methods,
  splitLines,
} from './strings.js';
import { findTest } from './tests.js';
import {
  type Arguments,
  areEqual,
  bind,
  isList,
  isMapping,
  isTrue,
  jsonOf,
  kindOf,
  type List,
  Tuple,
  textOf,
  type Value,
} from './values.js';

type Filter = (value: Value, given: Arguments, budget: Budget) => Value;

/** What a filter looks at: the item itself, or a part of it. */
function partOf(item: Value, by: Value): Value {
  return by === undefined || by === null ? item : attribute(item, by);
}

function sort(items: List, by: Value, reverse: Value, anyCase: boolean, budget: Budget): List {
  const keys = items.map((item) => partOf(item, by));
  for (const key of keys)
    budget.spend((1 + (typeof key === 'string' ? key.length : 0)) * (1 + Math.log2(items.length)));
  budget.items(items.length);
  const order = keys
    .map((_, i) => i)
    .sort((a, b) => compareValues(keys[a], keys[b], anyCase) * (isTrue(reverse) ? -1 : 1));
  return order.map((i) => items[i]);
}

function toJson(value: Value, given: Arguments, budget: Budget): string {
  const [ascii, indent, separators, sorted] = bind(given, ['ensure_ascii', 'indent', 'separators', 'sort_keys']);
  const width =
    typeof indent === 'string' ? indent.length : indent === undefined || indent === null ? 0 : expectInteger(indent);
  if (width < 0 || width > 100) throw new TemplateError('tojson indents by 0 to 100 spaces');
  const spaces =
    indent === undefined || indent === null ? undefined : typeof indent === 'string' ? indent : ' '.repeat(width);
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
    return (isTrue(value) ? listOf(value, budget) : []).filter((item) => {
      const subject = ofAttribute ? attribute(item, by) : item;
      charge(subject, budget);
      return test(subject, rest.slice(1), budget) === keeps;
    });
  };
}

function map(value: Value, { list, named }: Arguments, budget: Budget): Value {
  const items = isTrue(value) ? listOf(value, budget) : [];
  const [by, otherwise] = ['attribute', 'default'].map((name) => named.get(name));
  if (by !== undefined) return items.map((item) => attribute(item, by, otherwise));
  const filter = findFilter(expectText(list[0]));
  return items.map((item) => {
    charge(item, budget);
    return filter(item, { list: list.slice(1), named }, budget);
  });
}

function unique(value: Value, given: Arguments, budget: Budget): Value {
  const [caseSensitive, by] = bind(given, ['case_sensitive', 'attribute']);
  const keyOf = (item: Value): Value => {
    const key = partOf(item, by);
    return typeof key === 'string' && !isTrue(caseSensitive) ? key.toLowerCase() : key;
  };
  const kept: { item: Value; key: Value }[] = [];
  for (const item of iterate(value, budget)) {
    budget.spend(1 + kept.length);
    const key = keyOf(item);
    if (isMapping(key) || (isList(key) && !(key instanceof Tuple)))
      throw new TemplateError(`${kindOf(key)} is not unique`);
    if (!kept.some((other) => areEqual(key, other.key, budget))) kept.push({ item, key });
  }
  budget.items(kept.length);
  return kept.map(({ item }) => item);
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
  replace: (value, given, budget) => {
    const [old, by, count] = bind(given, ['old', 'new', 'count']);
    const list = [old, by].map((part) => (part === undefined ? part : textOf(part, budget)));
    return methods.replace(
      textOf(value, budget),
      { list: count === undefined ? list : [...list, count], named: new Map() },
      budget,
    );
  },
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
    if (value === undefined) throw new TemplateError('an undefined value has no items');
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
    return items.reduce<Value>((sum, item) => operate('+', sum, partOf(item, by), budget), start);
  },
  abs: absolute,
  int: toInteger,
  float: toFloat,
  round,
};

export function findFilter(name: string): Filter {
  if (Object.hasOwn(filters, name)) return filters[name];
  throw new TemplateError(`the filter ${name.slice(0, 40)} is not supported`);
}
