// Days, times and decimals of Arrow as text and numbers that JSON has, as Parquet's come: a date and a time of day as ISO 8601
// writes them, a decimal as a number where that is exact.
// Units and widths: Schema.fbs (Date, Time, Timestamp, Duration, Decimal).

import { type ArrowField, arrowTypes } from './arrow-schema.js';

export type ArrowUnit = 'day' | 'second' | 'millisecond' | 'microsecond' | 'nanosecond';

const perMillisecond: Record<Exclude<ArrowUnit, 'day' | 'second'>, bigint> = {
  ...{ millisecond: 1n, microsecond: 1000n, nanosecond: 1_000_000n },
};
const millisecondsPerDay = 86_400_000;

function millisecondsOf(value: bigint, unit: ArrowUnit): number {
  if (unit === 'day') return Number(value) * millisecondsPerDay;
  if (unit === 'second') return Number(value) * 1000;
  // Rounded down, before 1970 too.
  const per = perMillisecond[unit];
  const rest = ((value % per) + per) % per;
  return Number((value - rest) / per);
}

/** A cell of one of these kinds, by its column. */
export function timeOf({ number, unit, scale }: ArrowField, value: bigint): string | number | null {
  if (number === arrowTypes.decimal) return shownDecimal(value, scale);
  if (unit === undefined) return null;
  if (number === arrowTypes.duration) return millisecondsOf(value, unit) / 1000;
  if (number === arrowTypes.date) return shownDate(value, unit);
  return number === arrowTypes.time ? shownTime(value, unit) : shownTimestamp(value, unit);
}

/** Null where it is no day that a calendar has. */
export function shownDate(value: bigint, unit: ArrowUnit): string | null {
  return isoOf(millisecondsOf(value, unit))?.slice(0, -14) ?? null;
}

export function shownTimestamp(value: bigint, unit: ArrowUnit): string | null {
  return isoOf(millisecondsOf(value, unit)) ?? null;
}

/** Of day: 13:45:00.250 */
export function shownTime(value: bigint, unit: ArrowUnit): string | null {
  const milliseconds = millisecondsOf(value, unit);
  return milliseconds < 0 || milliseconds >= millisecondsPerDay ? null : (isoOf(milliseconds)?.slice(11, -1) ?? null);
}

function isoOf(milliseconds: number): string | undefined {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** `unscaled` · 10^-scale: a number where a double holds all its digits, else text. */
export function shownDecimal(unscaled: bigint, scale: number): number | string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const text =
    scale > 0 ? `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}` : sign + digits + '0'.repeat(-scale);
  return digits.replace(/^0+/, '').length <= 15 ? Number(text) : text;
}

/** Little-endian, with its sign. */
export function wideInteger(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return BigInt.asIntN(bytes.length * 8, value);
}
