// Python's `int()`, `float()`, `round()` and `abs()`, as filters.
import { TemplateError } from './budget.js';
import { expectInteger, trim } from './strings.js';
import { type Arguments, bind, Float, integer, kindOf, numberOf, type Value } from './values.js';

const pythonInteger = /^[+-]?\d+(?:_\d+)*$/;
const pythonFloat = /^[+-]?(?:(?:\d+(?:_\d+)*)?\.\d+(?:_\d+)*|\d+(?:_\d+)*\.?)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const pythonWords = /^([+-]?)(inf(?:inity)?|nan)$/i;

/** Python's `float()`; undefined where that fails. */
function floatOf(value: Value): number | undefined {
  if (typeof value !== 'string') return numberOf(value);
  const text = trim(value, 'both');
  const word = pythonWords.exec(text);
  if (word !== null) return word[2].toLowerCase() === 'nan' ? Number.NaN : Number(`${word[1]}Infinity`);
  return pythonFloat.test(text) ? Number(text.replaceAll('_', '')) : undefined;
}

export function toFloat(value: Value, given: Arguments): Value {
  const [fallback = new Float(0)] = bind(given, ['default']);
  const number = floatOf(defined(value));
  return number === undefined ? fallback : new Float(number);
}

export function toInteger(value: Value, given: Arguments): Value {
  const [fallback = 0, base] = bind(given, ['default', 'base']);
  if (base !== undefined && base !== 10) throw new TemplateError('int() of another base is not supported');
  const text = typeof value === 'string' ? trim(value, 'both') : '';
  if (pythonInteger.test(text)) return integer(Number(text.replaceAll('_', '')));
  const number = floatOf(defined(value));
  if (number === undefined || Number.isNaN(number)) return fallback;
  if (Number.isFinite(number)) return integer(Math.trunc(number));
  if (typeof value === 'string') return fallback;
  throw new TemplateError('infinity is no integer');
}

function defined(value: Value): Value {
  if (value === undefined) throw new TemplateError('an undefined value is no number');
  return value;
}

/** To `precision` places after the point, or before it; halves to the even digit, as Python does. */
export function round(value: Value, given: Arguments): Value {
  const [precision = 0, method = 'common'] = bind(given, ['precision', 'method']);
  const [number, places] = [numberOf(value), expectInteger(precision)];
  if (number === undefined) throw new TemplateError(`${kindOf(value)} cannot be rounded`);
  if (Math.abs(places) > 15 || !Number.isFinite(number)) throw new TemplateError('this rounding is not supported');
  if (method === 'ceil' || method === 'floor') {
    return new Float(Math[method](number * 10 ** places) / 10 ** places);
  }
  if (method !== 'common') throw new TemplateError('round() has the methods common, ceil and floor');
  if (!(value instanceof Float) && places >= 0) return integer(number);
  const rounded = places >= 0 ? toPlaces(number, places) : toEven(number / 10 ** -places) * 10 ** -places;
  return value instanceof Float ? new Float(rounded) : integer(rounded);
}

/** `toFixed` is exact but takes the larger of two equally near. */
function toPlaces(number: number, places: number): number {
  if (Math.abs(number) >= 1e21) return number;
  const rest =
    Math.abs(number)
      .toFixed(Math.min(100, places + 60))
      .split('.')[1]
      ?.slice(places) ?? '';
  if (!/^50*$/.test(rest)) return Number(number.toFixed(places));
  const below = Math.abs(number)
    .toFixed(places + 1)
    .slice(0, -1)
    .replace(/\.$/, '');
  const isEven = Number(below.at(-1)) % 2 === 0;
  const magnitude = isEven ? Number(below) : Number(Math.abs(number).toFixed(places));
  return number < 0 ? -magnitude : magnitude;
}

function toEven(number: number): number {
  const floor = Math.floor(number);
  if (number - floor !== 0.5) return Math.round(number);
  return floor % 2 === 0 ? floor : floor + 1;
}

export function absolute(value: Value): Value {
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError(`abs of ${kindOf(value)}`);
  return value instanceof Float ? new Float(Math.abs(number)) : integer(Math.abs(number));
}
