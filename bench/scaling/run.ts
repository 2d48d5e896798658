// Does the loss of our models fall along a power law of the operations spent, and which size is best for a budget? In the
// manner of Hoffmann et al. 2022, approach 2 ("IsoFLOP profiles"); docs/benchmark.md explains, docs/lab-book.md tells.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeDirectory, readJsonIfExists, writeFileAtomic } from '../../src/base/files.js';
import { formatCount, formatShort, formatTable } from '../../src/base/format.js';
import { createReporter } from '../../src/report/reporter.js';
import { type Fits, fitAll } from './fits.js';
import { beyond, checks, grid, nameOf, operations } from './grid.js';
import { scalingPlot } from './plot.js';
import { type CorpusFacts, type Point, prepareCorpus, trainCell } from './train-cell.js';

const help = `Usage: node --import tsx bench/scaling/run.ts [options]

Trains what is not measured yet (half an hour to an hour on one thread), fits and draws.

  --folder <path>     corpus, checkpoints, results.json and scaling.svg (default: runs/scaling)
  --results <file>    what is measured, read and added to (default: results.json in the folder)
  --plot <file>       the drawing (default: scaling.svg in the folder)
  --most <number>     budgets up to so many operations (default: all)
  --threads <number>  of the native engine (default: 1)
  --fit-only          train nothing`;

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: 'runs/scaling' },
    results: { type: 'string' },
    plot: { type: 'string' },
    most: { type: 'string', default: 'Infinity' },
    threads: { type: 'string', default: '1' },
    'fit-only': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false, short: 'h' },
  },
});

interface Results {
  corpus?: CorpusFacts;
  points: Point[];
}

if (options.help) console.log(help);
else {
  const folder = resolve(options.folder);
  const file = options.results ?? join(folder, 'results.json');
  const results = ((await readJsonIfExists(file)) ?? { points: [] }) as Results;
  if (!options['fit-only']) await trainMissing(results, folder, file);
  const fits = fitAll(results.points);
  if (fits.optima.length < 2) console.log('no law yet: it takes two budgets, each with a lowest point');
  else {
    const plot = options.plot ?? join(folder, 'scaling.svg');
    await writeFileAtomic(plot, scalingPlot(fits));
    console.log(`${tables(results, fits)}\n\nplot  ${plot}`);
  }
}

/** The smallest budgets first; each cell is written down as soon as it is measured. */
async function trainMissing(results: Results, folder: string, file: string): Promise<void> {
  await makeDirectory(folder);
  const reporter = createReporter({ mode: 'terminal', stdout: process.stdout, stderr: process.stderr });
  const corpus = await prepareCorpus(folder, reporter);
  results.corpus = corpus.facts;
  const done = new Set(results.points.map(nameOf));
  const missing = [...grid, ...checks, beyond]
    .filter((cell) => cell.budget <= Number(options.most) && !done.has(nameOf(cell)))
    .sort((a, b) => a.budget - b.budget);
  for (const cell of missing) {
    results.points.push(await trainCell(cell, corpus, { folder, threads: Number(options.threads), reporter }));
    await writeFileAtomic(file, `${JSON.stringify(results, undefined, 2)}\n`);
  }
  await reporter.close();
}

function tables({ corpus, points }: Results, fits: Fits): string {
  const share = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const bits = corpus === undefined ? Number.NaN : corpus.heldOutTokens / corpus.heldOutBytes / Math.LN2;
  const measured = formatTable(
    ['cell', 'parameters', 'tokens', 'steps', 'nats/token', '95 %', 'bits/byte', 'CPU s'],
    points.map((point) => [
      nameOf(point),
      formatCount(point.parameters),
      formatShort(point.tokens),
      formatCount(point.steps),
      point.loss.mean.toFixed(4),
      `${point.loss.low.toFixed(3)}–${point.loss.high.toFixed(3)}`,
      point.bitsPerByte.toFixed(4),
      formatCount(point.cpuSeconds),
    ]),
  );
  const optima = formatTable(
    [
      'budget',
      'best size',
      '95 %',
      'tokens/parameter',
      'nats/token',
      'bits/byte',
      'off the law',
      'by the rule',
      'costs',
    ],
    fits.optima.map(({ budget, parameters, loss, tokensPerParameter, rule }, i) => [
      operations(budget),
      formatShort(parameters.mean),
      `${formatShort(parameters.low)}–${formatShort(parameters.high)}`,
      tokensPerParameter.toPrecision(2),
      loss.toFixed(4),
      (loss * bits).toFixed(4),
      share(fits.lossLaw.residuals[i]),
      formatShort(rule.parameters),
      `${rule.excess.toFixed(3)} nats`,
    ]),
  );
  const exponent = ({ exponent: { mean, low, high } }: Fits['lossLaw']): string =>
    `${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;
  const laws = formatTable(
    ['law', 'exponent, 95 %', 'factor', 'floor', 'largest residual'],
    [
      ['loss at the best size', fits.lossLaw] as const,
      ['the same with a floor', fits.lossLawWithFloor] as const,
      ['best size', fits.sizeLaw] as const,
      ...fits.bySize.map(({ parameters, law }) => [`loss of ${formatShort(parameters)}`, law] as const),
    ].map(([name, law]) => [
      name,
      exponent(law),
      law.factor.toPrecision(4),
      law.floor.toFixed(3),
      share(Math.max(...law.residuals.map(Math.abs))),
    ]),
  );
  return [
    measured,
    `noise over seeds: ${fits.noise.toFixed(4)} nats`,
    optima,
    laws,
    ...(fits.beyond === undefined ? [] : [foretold(fits.beyond)]),
  ].join('\n\n');
}

function foretold({ budget, best, parameters, predicted, measured }: NonNullable<Fits['beyond']>): string {
  const off = (100 * (measured / predicted - 1)).toFixed(2);
  return `${operations(budget)} operations: the laws say ${formatShort(best)} parameters and ${predicted.toFixed(4)} nats; ${formatShort(parameters)} gave ${measured.toFixed(4)}, ${off} % off`;
}
