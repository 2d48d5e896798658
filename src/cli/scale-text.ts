// What `mossctl bench --only scale` prints.
import { countOf, formatBytes, formatCount, formatTable } from '../base/format.js';
import type { ScaleResult, UnmeasuredScale } from '../bench/scale.js';

export function scaleTable(scale: readonly (ScaleResult | UnmeasuredScale)[]): string {
  const measured = scale.filter((row) => 'efficiency' in row);
  const missing = new Set(scale.flatMap((row) => ('missing' in row ? [row.missing] : [])));
  const unmeasured = [...missing].map((why) => `several processes: not measured, because ${why}`);
  if (measured.length === 0) return unmeasured.join('\n');
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const table = formatTable(
    ['several processes', 'precision', '1 process, tokens/s', 'together', 'efficiency', 'quartiles', 'of it, exchange'],
    measured.map(({ shape, ranks, threads, precision, tokensPerSecond, efficiency, quartiles, exchangeShare }) => [
      threads === null ? `${shape}, ${ranks} processes` : `${shape}, ${ranks} of ${countOf(threads, 'thread')}`,
      ...[precision, formatCount(tokensPerSecond.one)],
      ...[formatCount(tokensPerSecond.together), percent(efficiency), quartiles.map(percent).join('–')],
      percent(exchangeShare),
    ]),
  );
  const rest = measured.map(({ shape, library, bytesPerStep, minBytesPerStep, peakRssMiB: { one, together } }) => {
    const moved = `${formatBytes(bytesPerStep)} of a rank a step, at least ${formatBytes(minBytesPerStep)}`;
    return `${shape}: ${library}; ${moved}; peak RSS ${together.map(formatCount).join(', ')} MiB, alone ${formatCount(one)} MiB`;
  });
  return [table, ...rest, ...unmeasured].join('\n');
}
