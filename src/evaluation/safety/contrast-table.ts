// What pairs of prompts say of each checkpoint, as a table for the terminal and the report, with a sentence on what differs
// beyond noise and how much could differ unseen.
import type { Estimate } from '../../base/statistics.js';
import { formatDifference, verdictOf } from '../../report/meaning.js';
import type { ShownTable } from '../../report/questions-page.js';
import type { Contrast } from './contrasts.js';

/** Undefined where nothing was asked in pairs. */
export function contrastTable(
  columns: readonly { label: string; contrasts: readonly Contrast[] }[],
): ShownTable | undefined {
  const all = columns.flatMap(({ label, contrasts }) => contrasts.map((contrast) => ({ label, ...contrast })));
  if (all.length === 0) return undefined;
  const differences = all.flatMap(({ label, name, declined, right }) => [
    { of: `${label}: ${name}, declined`, estimate: declined },
    ...(right === undefined ? [] : [{ of: `${label}: ${name}, right`, estimate: right }]),
  ]);
  const beyond = differences.filter(({ estimate }) => verdictOf('refusal', estimate) !== 'within noise');
  const unseen = Math.max(...differences.map(({ estimate: { low, high } }) => Math.max(Math.abs(low), Math.abs(high))));
  const verdict =
    beyond.length > 0
      ? `Beyond noise: ${beyond.map(({ of, estimate }) => `${of} ${shown(estimate)}`).join('; ')}.`
      : `No difference beyond noise${Number.isFinite(unseen) ? `; up to ${(100 * unseen).toFixed(1)} points could be there unseen` : ''}.`;
  const sides = [...new Set(all.map(({ name, from, to }) => `${to} − ${from} (${name})`))];
  return {
    title: 'Pairs that differ in one word',
    header: ['', 'pairs', 'declined', 'right'],
    rows: all.map(({ label, name, pairs, declined, right }) => [
      `${label}: ${name}`,
      String(pairs),
      shown(declined),
      right === undefined ? '–' : shown(right),
    ]),
    note: `In points: ${sides.join(', ')}. ${verdict}`,
  };
}

/** In points, which the note says. */
function shown(estimate: Estimate): string {
  const { text, interval } = formatDifference('refusal', estimate);
  const points = text.replace(' points', '');
  return interval === '' ? points : `${points} ${interval}`;
}
