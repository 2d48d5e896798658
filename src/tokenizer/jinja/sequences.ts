// What loops, filters and methods go through, and what they find in an item.
import { type Budget, TemplateError } from './budget.js';
import { characters, expectText } from './strings.js';
import { isList, isMapping, kindOf, type List, Namespace, Tuple, type Value } from './values.js';

/** What looking at a value costs, however often: filters and methods look at theirs a few times. */
export function charge(value: Value, budget: Budget): void {
  budget.spend(typeof value === 'string' ? 1 + value.length / 4 : 1);
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
export function listOf(value: Value, budget: Budget): Value[] {
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

/** `a.b.0` of an item; undefined, or `otherwise`, where it has no such part. */
export function attribute(item: Value, path: Value, otherwise?: Value): Value {
  const text = typeof path === 'number' ? String(path) : expectText(path);
  if (text.includes(',')) throw new TemplateError('several attributes at once are not supported');
  let value = item;
  for (const part of text.split('.')) {
    if (value === undefined) throw new TemplateError(`an undefined value has no ${part.slice(0, 40)}`);
    if (isMapping(value)) value = value.get(part);
    else if (value instanceof Namespace) value = value.attributes.get(part);
    else value = isList(value) && /^\d+$/.test(part) ? value[Number(part)] : undefined;
    if (value === undefined) value = otherwise;
  }
  return value;
}
