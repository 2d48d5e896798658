// mossctl data as a person sees it: build, inspect, stats, fetch.
import type { Command } from 'commander';
import { example, onlyPrints, wholeNumber, withAction, withOutput, withRun } from './options.js';

export function addData(program: Command): void {
  const data = program
    .command('data')
    .description('build a corpus from texts or a data-spec, look into it, count what is in it, fetch its sources')
    .helpCommand(false);
  const build = withRun(data.command('build').description('read, clean, deduplicate and split the corpus'))
    .argument(
      '[texts...]',
      'a data-spec (YAML), or texts: folders, files and patterns of .txt, .md, .jsonl, .parquet, … (default: the spec that the pipeline names)',
    )
    .option('--strict', 'stop at the first row that cannot be read, instead of counting and skipping it');
  withAction(build, async () => (await import('./commands/data.js')).build);
  example(build, 'mossctl data build novels/ --out runs/novels\n  mossctl data build my-spec.yaml --out runs/mine');
  const inspect = withOutput(data.command('inspect').description('what a built corpus holds, with sample documents'))
    .argument('<folder>', 'a run folder, or its data folder')
    .option('-n, --samples <number>', 'documents of each source to show', wholeNumber(0, 1000), 3)
    .option('--dropped', 'instead of documents: what each rule dropped and changed, with examples');
  withAction(onlyPrints(inspect), async () => (await import('./commands/data.js')).inspect);
  example(inspect, 'mossctl data inspect runs/quickstart --dropped');
  const stats = data.command('stats').description('count documents, characters, tokens, lengths, scripts, duplicates');
  withOutput(stats)
    .argument('<path...>', 'a run folder or built corpus, or files: txt, jsonl, json, csv, tsv, parquet, arrow')
    .option('--column <name>', 'column of the text, in files of rows', 'text');
  withAction(onlyPrints(stats), async () => (await import('./commands/data-stats.js')).stats);
  example(stats, 'mossctl data stats runs/quickstart');
  const fetch = withOutput(data.command('fetch').description('download the sources of a data-spec into the cache'));
  fetch.argument('<spec>', 'data-spec YAML');
  withAction(fetch, async () => (await import('./commands/data-fetch.js')).fetch);
  example(fetch, 'mossctl data fetch data-specs/quickstart.yaml');
}
