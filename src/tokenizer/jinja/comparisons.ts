// Order, equality and membership as Python has them.
import { type Budget, TemplateError } from './budget.js';
import { expectText } from './strings.js';
import { areEqual, isList, isMapping, kindOf, numberOf, Range, Tuple, type Value } from './values.js';

type Comparison = (a: Value, b: Value, budget: Budget) => boolean;

/** Numbers by size, texts by their letters in any case or not, lists item by item. */
export function compareValues(a: Value, b: Value, anyCase = false): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (isList(a) && isList(b) && a.constructor === b.constructor && !(a instanceof Range)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = compareValues(a[i], b[i]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (typeof a !== 'string' || typeof b !== 'string') {
    throw new TemplateError(`${kindOf(a)} and ${kindOf(b)} have no order`);
  }
  const [s, t] = anyCase ? [a.toLowerCase(), b.toLowerCase()] : [a, b];
  return s === t ? 0 : compareCharacters(s, t);
}

/** By code points, not by their UTF-16 units. */
function compareCharacters(s: string, t: string): number {
  let at = 0;
  while (at < s.length && s[at] === t[at]) at++;
  if (at > 0 && (s.charCodeAt(at) & 0xfc00) === 0xdc00) at--;
  return (s.codePointAt(at) ?? -1) - (t.codePointAt(at) ?? -1);
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
} satisfies Readonly<Record<string, Comparison>>;

/** Python's `in`. */
function contains(all: Value, wanted: Value, budget: Budget): boolean {
  if (all === undefined) return false;
  if (typeof all === 'string') {
    budget.search(all, expectText(wanted));
    return all.includes(expectText(wanted));
  }
  if (isMapping(all)) {
    const isHashable = !isMapping(wanted) && (!isList(wanted) || wanted instanceof Tuple || wanted instanceof Range);
    if (!isHashable) throw new TemplateError(`${kindOf(wanted)} is no key`);
    return typeof wanted === 'string' && all.has(wanted);
  }
  if (isList(all)) {
    budget.spend(all.length);
    return all.some((item) => areEqual(item, wanted, budget));
  }
  throw new TemplateError(`nothing is in ${kindOf(all)}`);
}
