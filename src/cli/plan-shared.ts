// What the two plans, of pretraining and of fine-tuning, say alike: this machine's rate, and spans of time.
import { formatCount } from '../base/format.js';

/** Multiply-adds in fp32, measured now (a second); null without the native engine. */
export async function peakOf(threads: number | undefined): Promise<number | null> {
  const { probeMachine } = await import('../tensor/native/probe.js');
  const { fp32PeakGflops } = probeMachine(threads);
  return fp32PeakGflops === null ? null : fp32PeakGflops * 1e9;
}

/** Seconds to centuries, two or three digits. */
export function formatTime(seconds: number): string {
  let value = seconds;
  let unit = 's';
  for (const [size, larger] of [
    [60, 'min'],
    [60, 'hours'],
    [24, 'days'],
    [365.25, 'years'],
  ] as const) {
    if (value < 2 * size) break;
    value /= size;
    unit = larger;
  }
  return `${value < 100 ? value.toPrecision(2) : formatCount(value)} ${unit}`;
}
