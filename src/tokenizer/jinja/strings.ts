// Python's string methods, and what filters share with them. Every text is counted before it is made.
import { type Budget, TemplateError } from './budget.js';
import { type Arguments, bind, Callable, isList, kindOf, type Value } from './values.js';

/** `str.isspace`: not JavaScript's \s, which has U+FEFF and lacks U+0085 and U+001C to U+001F. */
export const spaces = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const isSpace = new RegExp(`^[${spaces}]$`);
const words = new RegExp(`[^${spaces}]+`, 'g');
/** `str.splitlines`. */
const lineBreaks = '\\n\\v\\f\\r\\x1c-\\x1e\\x85\\u2028\\u2029';
const lineEnds = new RegExp(`\\r\\n|[${lineBreaks}]`);

/** Characters of a text, as Python counts them. */
export function characters(text: string, budget: Budget): string[] {
  budget.items(text.length > 100_000 ? countOf(text) : text.length);
  return Array.from(text);
}

function countOf(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) !== 0xdc00) count++;
  return count;
}

export function lengthOf(text: string, budget: Budget): number {
  budget.spend(1 + text.length);
  return countOf(text);
}

type Sides = 'both' | 'left' | 'right';

/** Without the characters that `set` holds, by default white space, at these sides. */
export function trim(text: string, sides: Sides, set?: ReadonlySet<string>): string {
  const drops = (character: string) => (set === undefined ? isSpace.test(character) : set.has(character));
  let start = 0;
  let end = text.length;
  while (sides !== 'right' && start < end && drops(text[start])) start++;
  while (sides !== 'left' && end > start && drops(text[end - 1])) end--;
  return text.slice(start, end);
}

function strip(text: string, chars: Value, sides: Sides, budget: Budget): string {
  const set = chars === undefined || chars === null ? undefined : new Set(expectText(chars));
  const kept = trim(text, sides, set);
  budget.spend(1 + text.length - kept.length);
  return kept;
}

function replace(text: string, old: string, by: string, count: Value, budget: Budget): string {
  const maxCount = expectInteger(count ?? -1);
  if (old === '') throw new TemplateError('an empty text cannot be replaced');
  budget.search(text, old);
  let found = 0;
  for (let at = text.indexOf(old); at >= 0 && found !== maxCount; at = text.indexOf(old, at + old.length)) found++;
  budget.text(text.length + found * (by.length - old.length));
  budget.spend(found);
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < found; i++) {
    const at = text.indexOf(old, from);
    parts.push(text.slice(from, at), by);
    from = at + old.length;
  }
  return parts.join('') + text.slice(from);
}

function split(text: string, given: Arguments, fromRight: boolean, budget: Budget): Value[] {
  const [separator, limit] = bind(given, ['sep', 'maxsplit']);
  const maxCuts = limit === undefined ? -1 : expectInteger(limit);
  if (separator === undefined || separator === null) return splitAtSpace(text, maxCuts, fromRight, budget);
  const by = expectText(separator);
  if (by === '') throw new TemplateError('an empty separator');
  budget.search(text, by);
  const cuts: number[] = [];
  const find = (from: number) => (fromRight ? (from < 0 ? -1 : text.lastIndexOf(by, from)) : text.indexOf(by, from));
  const after = (at: number) => (fromRight ? at - by.length : at + by.length);
  for (let at = find(fromRight ? text.length : 0); at >= 0 && cuts.length !== maxCuts; at = find(after(at))) {
    cuts.push(at);
    budget.spend(4);
  }
  if (fromRight) cuts.reverse();
  budget.items(cuts.length + 1);
  return [...cuts, text.length].map((cut, i) => text.slice(i === 0 ? 0 : cuts[i - 1] + by.length, cut));
}

function splitAtSpace(text: string, maxCuts: number, fromRight: boolean, budget: Budget): Value[] {
  budget.spend(1 + text.length);
  if (fromRight && maxCuts >= 0) throw new TemplateError('rsplit(maxsplit) needs a separator');
  const parts: string[] = [];
  for (const { 0: word, index } of text.matchAll(words)) {
    if (parts.length === maxCuts) return [...parts, text.slice(index)];
    parts.push(word);
    budget.spend(4);
  }
  budget.items(parts.length);
  return parts;
}

export function splitLines(text: string, budget: Budget): string[] {
  budget.spend(1 + text.length);
  let count = 0;
  for (const _ of text.matchAll(new RegExp(lineEnds, 'g'))) count++;
  budget.items(count + 1);
  const lines = text.split(lineEnds);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export function join(items: readonly string[], separator: string, budget: Budget): string {
  const length = items.reduce((sum, item) => sum + item.length, separator.length * Math.max(0, items.length - 1));
  budget.spend(items.length);
  budget.text(length);
  return items.join(separator);
}

export function capitalize(text: string): string {
  const [first = ''] = text;
  return first.toUpperCase() + text.slice(first.length).toLowerCase();
}

/** Starts or ends: the wanted may be a list of texts. */
function matches(wanted: Value, test: (part: string) => boolean, budget: Budget): boolean {
  const parts = isList(wanted) ? wanted : [wanted];
  budget.spend(parts.length);
  return parts.some((part) => {
    const text = expectText(part);
    budget.spend(text.length / 8);
    return test(text);
  });
}

function find(text: string, given: Arguments, budget: Budget): number {
  const [wanted] = bind(given, ['sub']);
  budget.search(text, expectText(wanted));
  const at = text.indexOf(expectText(wanted));
  return at < 0 ? -1 : lengthOf(text.slice(0, at), budget);
}

function count(text: string, given: Arguments, budget: Budget): number {
  const wanted = expectText(bind(given, ['sub'])[0]);
  if (wanted === '') throw new TemplateError('an empty text cannot be counted');
  budget.search(text, wanted);
  let found = 0;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) found++;
  budget.spend(found);
  return found;
}

export type Method = (text: string, given: Arguments, budget: Budget) => Value;
const bare = (work: (text: string, budget: Budget) => Value): Method => {
  return (text, given, budget) => {
    bind(given, []);
    return work(text, budget);
  };
};
/** Changes of case make a text three times as long at most. */
export const changeCase = (change: (text: string) => string): Method =>
  bare((text, budget) => {
    budget.text(3 * text.length);
    return change(text);
  });
const test = (pattern: RegExp): Method => bare((text) => pattern.test(text));

export const methods = {
  upper: changeCase((text) => text.toUpperCase()),
  lower: changeCase((text) => text.toLowerCase()),
  title: changeCase((text) => text.replace(/\p{L}+/gu, capitalize)),
  capitalize: changeCase(capitalize),
  strip: (text, given, budget) => strip(text, bind(given, ['chars'])[0], 'both', budget),
  lstrip: (text, given, budget) => strip(text, bind(given, ['chars'])[0], 'left', budget),
  rstrip: (text, given, budget) => strip(text, bind(given, ['chars'])[0], 'right', budget),
  split: (text, given, budget) => split(text, given, false, budget),
  rsplit: (text, given, budget) => split(text, given, true, budget),
  splitlines: bare(splitLines),
  startswith: (text, given, budget) => matches(bind(given, ['prefix'])[0], (part) => text.startsWith(part), budget),
  endswith: (text, given, budget) => matches(bind(given, ['suffix'])[0], (part) => text.endsWith(part), budget),
  removeprefix: (text, given) => {
    const prefix = expectText(bind(given, ['prefix'])[0]);
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  },
  removesuffix: (text, given) => {
    const suffix = expectText(bind(given, ['suffix'])[0]);
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  },
  replace: (text, given, budget) => {
    const [old, by, maxCount] = bind({ list: given.list, named: new Map() }, ['old', 'new', 'count']);
    if (given.named.size > 0) throw new TemplateError('replace() takes no arguments by name');
    return replace(text, expectText(old), expectText(by), maxCount, budget);
  },
  join: (text, given, budget) => {
    const items = bind(given, ['iterable'])[0];
    if (!isList(items)) throw new TemplateError(`join() of ${kindOf(items)}`);
    return join(items.map(expectText), text, budget);
  },
  find,
  count,
  isdigit: test(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉፩-፱᧚①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]+$/u),
  isdecimal: test(/^\p{Nd}+$/u),
  isascii: test(/^[\0-\x7f]*$/),
  isalpha: test(/^\p{L}+$/u),
  isalnum: test(/^[\p{L}\p{N}]+$/u),
  isspace: test(new RegExp(`^[${spaces}]+$`)),
  isupper: bare((text) => text === text.toUpperCase() && text !== text.toLowerCase()),
  islower: bare((text) => text === text.toLowerCase() && text !== text.toUpperCase()),
} satisfies Readonly<Record<string, Method>>;

/** A method of a text, bound to it; undefined where Python's texts have none of that name or we do not know it. */
export function stringMethod(text: string, name: string, budget: Budget): Callable | undefined {
  if (!Object.hasOwn(methods, name)) return undefined;
  const method: Method = methods[name as keyof typeof methods];
  return new Callable((given) => {
    budget.spend(1 + text.length / 4);
    return method(text, given, budget);
  });
}

export function expectText(value: Value): string {
  if (typeof value === 'string') return value;
  throw new TemplateError(`a text was expected, not ${kindOf(value)}`);
}

export function expectInteger(value: Value): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new TemplateError(`a whole number was expected, not ${kindOf(value)}`);
}
