// npm run bench:unseen: after so many kinds of tasks, does a model do what it was never taught? Small models learn 8, 16 or 40
// families of rules, and are asked for others: with no, one or four examples, for the result alone or with its steps
// before it. docs/benchmark.md explains; a flat curve is a result too.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf, makeDirectory, readJsonIfExists, writeFileAtomic } from '../../src/base/files.js';
import { formatSeconds } from '../../src/base/format.js';
import { createReporter } from '../../src/report/reporter.js';
import { rules } from '../../src/stages/self-instruct/rules/table.js';
import { type CellResult, prepareBase, runCell } from './cell.js';
import { cellsOf, full, nameOf, smoke } from './design.js';
import { tables } from './table.js';

const help = `Usage: npm run bench:unseen -- [options]

Trains the cells that are not measured yet (all of them: under an hour on two cores), asks them, and prints the tables.

  --folder <path>     base model and results.json (default: runs/unseen, or runs/unseen-smoke)
  --threads <number>  of the native engine (default: 2)
  --tables            train nothing: print what is measured
  --smoke             tiny models, 8 cells, under a minute: shows that it works, and nothing else`;

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string' },
    threads: { type: 'string', default: '2' },
    tables: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false, short: 'h' },
  },
});

interface Results {
  /** Of the design and its rules: cells of another are not put beside these. */
  design: string;
  cells: CellResult[];
}

if (options.help) console.log(help);
else await main();

async function main(): Promise<void> {
  const design = options.smoke ? smoke : full;
  const folder = resolve(options.folder ?? (options.smoke ? 'runs/unseen-smoke' : 'runs/unseen'));
  await makeDirectory(folder);
  const file = join(folder, 'results.json');
  const digest = digestOf({ ...design, set: [], rules: Object.keys(rules) });
  const results = ((await readJsonIfExists(file)) ?? { design: digest, cells: [] }) as Results;
  if (results.design !== digest) {
    console.error(`${file} was measured with another design: give another --folder, or remove that one`);
    process.exitCode = 2;
    return;
  }
  if (!options.tables) {
    const reporter = createReporter({ mode: 'quiet', stdout: process.stdout, stderr: process.stderr });
    const request = { design, folder, threads: Number(options.threads), reporter };
    const cells = cellsOf(design);
    const done = new Set(results.cells.map(nameOf));
    const open = cells.filter((cell) => !done.has(nameOf(cell)));
    const started = performance.now();
    if (open.length > 0) console.log('the base model: text, then copying …');
    const base = open.length > 0 ? await prepareBase(request) : undefined;
    if (base !== undefined) console.log(`the base model is there: ${elapsed(started)}`);
    const begun = performance.now();
    for (const [i, cell] of open.entries()) {
      if (base === undefined) break;
      const result = await runCell(cell, base, request);
      results.cells.push(result);
      await writeFileAtomic(file, `${JSON.stringify(results, undefined, 1)}\n`);
      const left = ((performance.now() - begun) / (i + 1)) * (open.length - i - 1);
      const { trainSeconds, askSeconds } = result;
      console.log(
        `cell ${cells.length - open.length + i + 1} of ${cells.length}, ${nameOf(cell)}: ${shares(result)}; learnt in ${formatSeconds(trainSeconds)}, asked in ${formatSeconds(askSeconds)}, about ${formatSeconds(Math.round(left / 1000))} to go`,
      );
    }
    await reporter.close();
  }
  console.log(`\n${tables(results.cells, design)}\n\nresults  ${file}`);
}

function elapsed(since: number): string {
  return formatSeconds(Math.round((performance.now() - since) / 1000));
}

function shares({ scores }: CellResult): string {
  const share = (isSeen: boolean): string => {
    const own = scores.filter((score) => score.isSeen === isSeen);
    const questions = own.reduce((sum, score) => sum + score.questions, 0);
    return `${((100 * own.reduce((sum, { right }) => sum + right, 0)) / questions).toFixed(1)} %`;
  };
  return `${share(false)} right of unseen families, ${share(true)} of seen ones`;
}
