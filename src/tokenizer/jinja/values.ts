// The values of a template and what Python does with them: truth, equality, printing, JSON. They are plain data: no
// template reaches an object of JavaScript. Lists and mappings never change once made, only a namespace does.
import { type Budget, Output, TemplateError } from './budget.js';

/** A number is one of Python's integers, of 53 bits at most; floats have a class of their own. */
export type Value = string | number | Float | boolean | null | undefined | List | Mapping | Namespace | Callable;
export type List = readonly Value[];
export type Mapping = ReadonlyMap<string, Value>;

/** Python's float, `3.0` too. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** What `namespace()` makes: the one thing whose attributes can be set. */
export class Namespace {
  readonly attributes: Map<string, Value>;
  constructor(attributes: Map<string, Value>) {
    this.attributes = attributes;
  }
}

/** A list that prints with parentheses. */
export class Tuple extends Array<Value> {
  /** What is made of its items is a plain list. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** What `range()` makes: a list that prints as it was made. */
export class Range extends Array<Value> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  static over(start: number, stop: number, step: number): Range {
    const range = new Range();
    for (let at = start; step > 0 ? at < stop : at > stop; at += step) range.push(at);
    range.text = `range(${start}, ${stop}${step === 1 ? '' : `, ${step}`})`;
    return range;
  }

  text = '';
}

export interface Arguments {
  list: Value[];
  named: Map<string, Value>;
}

/** A macro, a method or a global function. */
export class Callable {
  readonly call: (given: Arguments) => Value;
  constructor(call: (given: Arguments) => Value) {
    this.call = call;
  }
}

/** Names of arguments in their order; what is not given is `undefined`. Throws for one too many. */
export function bind({ list, named }: Arguments, names: readonly string[]): Value[] {
  const unknown = [...named.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TemplateError(`there is no argument ${unknown.slice(0, 40)}`);
  if (list.length > names.length) throw new TemplateError(`at most ${names.length} arguments are taken`);
  return names.map((name, i) => (i < list.length ? list[i] : named.get(name)));
}

export function isList(value: Value): value is List {
  return Array.isArray(value);
}

export function isMapping(value: Value): value is Mapping {
  return value instanceof Map;
}

/** The number of an integer, a float or a boolean; undefined for anything else. */
export function numberOf(value: Value): number | undefined {
  if (value instanceof Float) return value.value;
  return typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : undefined;
}

/** An integer that a calculation made: what 53 bits cannot hold would be another number. */
export function integer(value: number): number {
  if (Number.isSafeInteger(value)) return value + 0; // no -0
  throw new TemplateError('a whole number of more than 53 bits');
}

export function kindOf(value: Value): string {
  if (value === undefined) return 'an undefined value';
  if (value === null) return 'none';
  if (value instanceof Float) return 'a float';
  if (isList(value)) return 'a list';
  if (isMapping(value)) return 'a mapping';
  if (value instanceof Namespace) return 'a namespace';
  return value instanceof Callable ? 'a function' : `a ${typeof value}`;
}

export function isTrue(value: Value): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (isList(value)) return value.length > 0;
  return isMapping(value) ? value.size > 0 : Boolean(value);
}

/**
 * Data from outside as values; what is no data is skipped. A number with a fraction is a float; `1.0` in JSON has become
 * the integer 1 when JSON.parse has read it, which cannot be told any more.
 */
export function toValue(data: unknown): Value {
  if (typeof data === 'number') return Number.isInteger(data) ? data : new Float(data);
  if (typeof data === 'string' || typeof data === 'boolean' || data === null) return data;
  if (Array.isArray(data)) return data.map(toValue);
  if (typeof data !== 'object') return undefined;
  return new Map(Object.entries(data).flatMap(([key, item]) => (item === undefined ? [] : [[key, toValue(item)]])));
}

/** Characters and values in it, each value counted as 64 characters. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return 64 + value.length;
  if (isMapping(value)) return [...value].reduce((sum, [key, item]) => sum + key.length + sizeOf(item), 64);
  return isList(value) ? value.reduce<number>((sum, item) => sum + sizeOf(item), 64) : 64;
}

export function areEqual(a: Value, b: Value, budget: Budget): boolean {
  if (numberOf(a) !== undefined && numberOf(b) !== undefined) return numberOf(a) === numberOf(b);
  if (typeof a === 'string' && typeof b === 'string') {
    budget.spend(1 + Math.min(a.length, b.length) / 8);
    return a === b;
  }
  if (isList(a) && isList(b)) {
    if (a.length !== b.length || a.constructor !== b.constructor) return false;
    return deeper(budget, () => a.every((item, i) => areEqual(item, b[i], budget)));
  }
  if (isMapping(a) && isMapping(b)) {
    if (a.size !== b.size) return false;
    const same = ([key, item]: [string, Value]) => b.has(key) && areEqual(item, b.get(key), budget);
    return deeper(budget, () => [...a].every(same));
  }
  return a === b;
}

function deeper<T>(budget: Budget, work: () => T): T {
  budget.enter();
  try {
    return work();
  } finally {
    budget.leave();
  }
}

/** Python's `str()`: how a value prints. */
export function textOf(value: Value, budget: Budget): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  const output = new Output(budget);
  print(value, output, budget);
  return output.text;
}

/** Python's `repr()`. */
function print(value: Value, output: Output, budget: Budget): void {
  if (typeof value === 'string') output.add(quoted(value, quote, budget));
  else if (typeof value === 'number') output.add(String(integer(value)));
  else if (value instanceof Float) output.add(floatText(value.value));
  else if (typeof value === 'boolean') output.add(value ? 'True' : 'False');
  else if (value === null) output.add('None');
  else if (value === undefined) output.add('Undefined');
  else if (value instanceof Range) output.add(value.text);
  else if (isList(value)) {
    deeper(budget, () => {
      const [open, close] = value instanceof Tuple ? ['(', value.length === 1 ? ',)' : ')'] : ['[', ']'];
      output.add(open);
      for (const [i, item] of value.entries()) {
        if (i > 0) output.add(', ');
        print(item, output, budget);
      }
      output.add(close);
    });
  } else if (isMapping(value)) {
    deeper(budget, () => {
      output.add('{');
      let separator = '';
      for (const [key, item] of value) {
        output.add(`${separator}${quoted(key, quote, budget)}: `);
        print(item, output, budget);
        separator = ', ';
      }
      output.add('}');
    });
  } else throw new TemplateError(`${kindOf(value)} cannot be printed`);
}

/** Python's `repr()` of a float: the shortest digits that give it back, with an exponent below 1e-4 and from 1e16 on. */
export function floatText(value: number, names: readonly [string, string] = ['nan', 'inf']): string {
  if (Number.isNaN(value)) return names[0];
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (!Number.isFinite(value)) return sign + names[1];
  const [digits, power] = Math.abs(value).toExponential().split('e') as [string, string];
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 16) {
    const text = String(Math.abs(value));
    const plain = text.includes('e') ? Math.abs(value).toFixed(digits.length - 2 - exponent) : text;
    return sign + (plain.includes('.') ? plain : `${plain}.0`);
  }
  return `${sign}${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

const named: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\p{Cc}\u00a0\u00ad]/gu, (c) => {
    return named[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

/** A text as it stands between quotes: escapes of the caller's inside it are undone first, so that they are not quoted too. */
function quoted(text: string, quote: (text: string) => string, { escaping }: Budget): string {
  return escaping.redo(quote(escaping.undo(text)));
}

interface JsonStyle {
  /** What a line begins with, for each level. */
  indent: string | undefined;
  item: string;
  key: string;
  ascii: boolean;
  sorted: boolean;
}

/** Python's `json.dumps`. */
export function jsonOf(value: Value, style: JsonStyle, budget: Budget): string {
  const output = new Output(budget);
  const string = (text: string): string => {
    budget.text(6 * text.length);
    return quoted(text, style.ascii ? asciiJson : JSON.stringify, budget);
  };
  const write = (item: Value, depth: number): void => {
    if (typeof item === 'string') output.add(string(item));
    else if (typeof item === 'number') output.add(String(integer(item)));
    else if (item instanceof Float) output.add(floatText(item.value, ['NaN', 'Infinity']));
    else if (typeof item === 'boolean' || item === null) output.add(String(item));
    else if (isList(item) && !(item instanceof Range))
      writeAll(
        item.map((child) => ['', child]),
        '[',
        ']',
        depth,
      );
    else if (isMapping(item)) {
      const { undo } = budget.escaping;
      const entries = style.sorted ? [...item].sort(([a], [b]) => (undo(a) < undo(b) ? -1 : 1)) : [...item];
      writeAll(
        entries.map(([key, child]) => [string(key) + style.key, child]),
        '{',
        '}',
        depth,
      );
    } else throw new TemplateError(`${kindOf(item)} is not JSON`);
  };
  const writeAll = (entries: [string, Value][], open: string, close: string, depth: number): void => {
    budget.items(entries.length);
    const line = (level: number) => (style.indent === undefined ? '' : `\n${style.indent.repeat(level)}`);
    budget.enter();
    output.add(open);
    for (const [i, [key, child]] of entries.entries()) {
      output.add(`${i > 0 ? style.item : ''}${line(depth + 1)}${key}`);
      write(child, depth + 1);
    }
    output.add(entries.length === 0 ? close : line(depth) + close);
    budget.leave();
  };
  write(value, 0);
  return output.text;
}

function asciiJson(text: string): string {
  const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, escaped);
}
