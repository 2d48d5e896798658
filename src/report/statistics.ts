// What a step did to each part of the model, as a table: the newest one, each cell as dark as it is high in its column.
import { formatCount } from '../base/format.js';
import { escapeHtml } from './escape.js';
import type { Event } from './event.js';

const columns: readonly [name: string, head: string, title: string][] = [
  ['rms', 'rms', 'root mean square of the residual stream behind it'],
  ['max', 'max', 'largest magnitude in the residual stream behind it'],
  ['logitBound', 'logit ≤', 'no attention logit is larger: longest query × longest key / √D'],
  ['gradientNorm', 'gradient', 'L2 norm of its gradients, before clipping'],
  ['updateRatio', 'update', 'L2 norm of its change, as a share of the weights'],
];

/** Empty where none were asked for. */
export function statisticsHtml(events: readonly (Event & { type: 'statistics' })[]): string {
  const [first, last] = [events[0], events[events.length - 1]];
  if (last === undefined || last.parts.length === 0) return '';
  const before = new Map(first.parts.map(({ part, values }) => [part, values]));
  const ranges = columns.map(([name]) => rangeOf(last.parts.flatMap(({ values }) => values[name] ?? [])));
  const rows = last.parts.map(({ part, values }) => {
    const cells = columns.map(([name], i) => {
      const value = values[name];
      if (value === undefined) return '<td></td>';
      const was = before.get(part)?.[name];
      const title = was === undefined ? '' : ` title="${shown(was)} at step ${formatCount(first.step)}"`;
      return `<td${title} style="background:color-mix(in srgb,var(--series-0) ${shade(value, ranges[i])}%,transparent)">${shown(value)}</td>`;
    });
    return `<tr><td class="name">${escapeHtml(part)}</td>${cells.join('')}</tr>`;
  });
  const head = columns.map(([, name, title]) => `<th scope="col" title="${title}">${name}</th>`);
  return `<div class="card scroll"><h3>Layer by layer <span class="soft">(step ${formatCount(last.step)})</span></h3><table><thead><tr><th scope="col">part</th>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** Of the logarithms of what is above zero. */
function rangeOf(values: readonly number[]): [low: number, high: number] {
  const logs = values.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log);
  return logs.length === 0 ? [0, 0] : [Math.min(...logs), Math.max(...logs)];
}

/** 0 to 40 %. A column of much the same values stays light: only a factor of 10 is dark. */
function shade(value: number, [low, high]: readonly [number, number]): number {
  if (!(value > 0) || !Number.isFinite(value)) return 0;
  return Math.round((40 * (Math.log(value) - low)) / Math.max(Math.log(10), high - low));
}

function shown(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);
}
