// The same pipeline with several seeds, as one result: the mean of every figure over the runs with Student's interval,
// and the gains taken within each run before they are averaged.
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import { terminalColumns } from '../base/format.js';
import { reportName } from '../base/layout.js';
import { redact, shownUrls } from '../base/secrets.js';
import { type Estimate, tInterval } from '../base/statistics.js';
import { escapeHtml } from './escape.js';
import type { Comparison, EvaluationColumn, EvaluationTable, Metrics } from './event.js';
import { pageHtml, section } from './page.js';
import type { ResultsOptions } from './results.js';
import { resultsHtml } from './results-html.js';
import { resultsText } from './results-text.js';

export interface SeedRun {
  seed: number;
  table: EvaluationTable;
}

/** A label that a run lacks, or a metric that it lacks, is the mean of the others. */
export function summariseSeeds(runs: readonly SeedRun[]): EvaluationTable {
  const labels = [...new Set(runs.flatMap(({ table }) => table.columns.map(({ label }) => label)))];
  const metricsOf = (label: string): (Metrics | undefined)[] =>
    runs.map(({ table }) => table.columns.find((column) => column.label === label)?.metrics);
  const columns = labels.map((label): EvaluationColumn => {
    const estimates = estimate(metricsOf(label));
    const values = estimates.map(([metric, { mean }]) => [metric, mean] as const);
    // Runs that agree to the last digit say nothing of how far others would lie apart.
    const intervals = estimates.flatMap(([metric, { low, high }]) => (low < high ? [[metric, { low, high }]] : []));
    const checkpoint = `mean of ${runs.length} runs`;
    return { label, checkpoint, metrics: Object.fromEntries(values), intervals: Object.fromEntries(intervals) };
  });
  const comparisons = labels.slice(1).map((to, i): Comparison => {
    const [before, after] = [metricsOf(labels[i]), metricsOf(to)];
    const known = estimate(after.map((metrics, run) => difference(before[run], metrics)));
    // All zeros: the model was handed on as it is.
    const isKnown = ({ mean, low, high }: Estimate): boolean => low < high || (mean === 0 && low === 0 && high === 0);
    return { from: labels[i], to, differences: Object.fromEntries(known.filter(([, each]) => isKnown(each))) };
  });
  return { columns, comparisons };
}

function estimate(runs: readonly (Metrics | undefined)[]): [string, Estimate][] {
  const names = [...new Set(runs.flatMap((metrics) => Object.keys(metrics ?? {})))];
  return names.map((name) => [name, tInterval(runs.flatMap((metrics) => finite(metrics?.[name])))]);
}

function difference(before: Metrics | undefined, after: Metrics | undefined): Metrics {
  if (before === undefined || after === undefined) return {};
  const names = Object.keys(after).filter((name) => Object.hasOwn(before, name));
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]]));
}

function finite(value: number | undefined): number[] {
  return value !== undefined && Number.isFinite(value) ? [value] : [];
}

function optionsOf(runs: readonly SeedRun[]): ResultsOptions {
  return {
    basis: `over ${runs.length} seeds`,
    runs: runs.map(({ seed, table }) => ({ name: `seed ${seed}`, table })),
  };
}

/** As the terminal shows it. */
export function seedsText(runs: readonly SeedRun[]): string {
  return resultsText(summariseSeeds(runs), { ...optionsOf(runs), width: terminalColumns });
}

/**
 * Writes `report.html` over all runs, with links to that of each, which lies in `seed-<seed>` beside it.
 * @returns its path.
 */
export async function writeSeedsReport(
  directory: string,
  { name, command, runs }: { name: string; command: string; runs: readonly SeedRun[] },
): Promise<string> {
  const links = runs.map(({ seed }) => `<li><a href="seed-${seed}/${reportName}">seed ${seed}</a></li>`);
  const body = [
    `<h1>${escapeHtml(name)}: ${runs.length} seeds</h1>`,
    '<p class="lead">The same pipeline, once for each seed: other weights to begin with, other texts and tasks kept apart, other draws. The rows of a metric are its mean over the seeds with Student\'s interval, then each seed with the interval over its own tasks. To make these runs again:</p>',
    `<pre>${escapeHtml(redact(shownUrls(command)))}</pre>`,
    resultsHtml('Results on held-out data', summariseSeeds(runs), optionsOf(runs)),
    section('Runs', `<div class="card"><ul class="notes">${links.join('')}</ul></div>`),
  ];
  const path = join(resolve(directory), reportName);
  await writeFileAtomic(path, pageHtml(`${name}, ${runs.length} seeds`, body.join('\n'), 'Made by mossctl.'));
  return path;
}
