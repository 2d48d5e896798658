// mossctl run: the whole pipeline, then the table, the report, and what to type next.
import { formatTable } from '../../base/format.js';
import type { EvaluationColumn } from '../../report/event.js';
import type { RunOptions } from '../options.js';
import { printLine } from '../output.js';
import { runStages, shownPath } from '../run-stages.js';

export async function run(pipeline: string, options: RunOptions): Promise<void> {
  const result = await runStages({ ...options, config: pipeline });
  if (options.json) return;
  if (result.table !== undefined) printLine(`\n${evaluationTable(result.table)}\n`);
  printLine(`report  ${result.report}`);
  const hasModel = result.outputs.pretrain ?? result.outputs.sft ?? result.outputs.align;
  if (hasModel !== undefined) printLine(`next    npx mossctl chat ${shownPath(`${result.folder}/latest`)}`);
}

/** One row a metric, one column a checkpoint; a dash where a checkpoint was not measured on it. */
export function evaluationTable(columns: readonly EvaluationColumn[]): string {
  const metrics = [...new Set(columns.flatMap((column) => Object.keys(column.metrics)))];
  const rows = metrics.map((metric) => [metric, ...columns.map((column) => column.metrics[metric]?.toFixed(3) ?? '-')]);
  return formatTable(['', ...columns.map((column) => column.label)], rows);
}
