// How a value is written: all digits where they are few, else sixteen, rounded from more.
import * as exact from './rational.js';
import { ends, isExact, middle, type Value } from './value.js';

/** Significant digits of a number that has more than can be written: what a double holds. */
export const significant = 16;
/** Whole numbers of more digits are written as 1.234e+567. */
const maxWholeDigits = 200;

/** @returns `42`, `-0.3`, `0.3333333333333333`, `1.234e+300`: never a fraction, never 17 digits by accident. */
export function printed(value: Value, digits = significant): string {
  if (isExact(value)) {
    if (exact.isWhole(value)) {
      const text = value.n.toString();
      if (text.length <= maxWholeDigits) return text;
    }
    return decimalText(value, digits);
  }
  const { m, r } = value;
  return exact.magnitude(m) <= r ? '0' : decimalText(middle(value), digits);
}

/** Whether all that the value can be is written alike. */
export function isResolved(value: Value): boolean {
  if (isExact(value)) return true;
  if (exact.magnitude(value.m) <= value.r) return false;
  const [low, high] = ends(value).map((end) => decimalText(end, significant));
  return low === high;
}

/** Rounded to so many significant digits, halves away from zero; zeros at the end are not written. */
export function decimalText(value: exact.Rational, digits: number): string {
  if (exact.isZero(value)) return '0';
  const { mantissa, tens } = significand(exact.absolute(value), digits);
  const sign = value.n < 0n ? '-' : '';
  const figures = mantissa.toString().replace(/0+$/, '');
  // The first digit stands for 10^point.
  const point = tens + mantissa.toString().length - 1;
  if (point >= Math.max(digits, 16) || point < -7) {
    const rest = figures.slice(1);
    return `${sign}${figures[0]}${rest === '' ? '' : `.${rest}`}e${point < 0 ? '-' : '+'}${Math.abs(point)}`;
  }
  if (point < 0) return `${sign}0.${'0'.repeat(-point - 1)}${figures}`;
  const before = figures.slice(0, point + 1).padEnd(point + 1, '0');
  const after = figures.slice(point + 1);
  return `${sign}${before}${after === '' ? '' : `.${after}`}`;
}

/** The value as mantissa · 10^tens, the mantissa with exactly so many digits. */
function significand(value: exact.Rational, digits: number): { mantissa: bigint; tens: number } {
  const guess = Math.floor((exact.bits(value.n) - exact.bits(value.d)) * Math.log10(2));
  for (let tens = guess - digits; ; tens++) {
    const scaled =
      tens >= 0 ? { n: value.n, d: value.d * 10n ** BigInt(tens) } : { n: value.n * 10n ** BigInt(-tens), d: value.d };
    const mantissa = exact.round(scaled);
    if (mantissa < 10n ** BigInt(digits)) return { mantissa, tens };
  }
}
