// mossctl data stats: what a built corpus, or files that are to become one, consist of.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { stopIfAborted, UserError } from '../../base/errors.js';
import { exists, readJsonIfExists } from '../../base/files.js';
import { displayWidth, formatBytes, formatCount, formatTable, printable } from '../../base/format.js';
import { corpusFolder, corpusManifestName } from '../../base/layout.js';
import { detectLanguage } from '../../data/clean.js';
import { readDocuments } from '../../data/documents.js';
import { IdentityStore } from '../../data/identity-set.js';
import { manifestSchema, type TokenCounts } from '../../data/shard-writer.js';
import { listFiles } from '../../data/sources/files.js';
import type { BadRow } from '../../data/sources/raw.js';
import { readSource } from '../../data/sources/read.js';
import { textFormatOf } from '../../data/sources/records.js';
import { dataSpecSchema } from '../../data/spec.js';
import { splits } from '../../data/split.js';
import { type Tally, TextStatistics } from '../../data/stats.js';
import type { OutputOptions } from '../options.js';
import { noteOnStderr, printJson, printLine, verbatim } from '../output.js';
import { findCorpus } from '../places.js';
import { reporting } from '../reporting.js';

const shares = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99];
const shownLines = 5;

type StatsOptions = OutputOptions & { column: string };

export async function stats(paths: readonly string[], options: StatsOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-stats-'));
  const identities = new IdentityStore(join(folder, 'seen'));
  const unreadable: Unreadable = { rows: 0 };
  try {
    const found = await reporting('data', options, async ({ reporter, signal }) => {
      const statistics = new TextStatistics(identities);
      let done = 0;
      for await (const document of documentsOf(paths, options.column)) {
        stopIfAborted(signal, 'stopped while counting');
        if ('fault' in document) {
          unreadable.rows++;
          unreadable.first ??= document.fault.message;
        } else statistics.add(document);
        if (++done % 1000 === 0) reporter.emit({ type: 'progress', label: 'documents', done, unit: 'documents' });
      }
      return statistics;
    });
    const tokens = paths.length === 1 ? await tokensOf(paths[0]) : undefined;
    const summary = summaryOf(found, unreadable, tokens);
    if (options.json) printJson(summary);
    else printSummary(summary);
  } finally {
    identities.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** `first`: why the first of them could not be read. */
type Unreadable = { rows: number; first?: string };
type TallyRow = Tally & { name: string; tokens?: number };
type Summary = ReturnType<typeof summaryOf>;

function summaryOf(found: TextStatistics, unreadable: Unreadable, tokens: readonly TokenCounts[] | undefined) {
  const tokensIn = (of: (count: TokenCounts) => boolean): { tokens?: number } =>
    tokens === undefined ? {} : { tokens: tokens.filter(of).reduce((sum, count) => sum + count.tokens, 0) };
  const rowsOf = (map: ReadonlyMap<string, Tally>, key: 'source' | 'language'): TallyRow[] =>
    [...map].map(([name, tally]) => ({ name, ...tally, ...tokensIn((count) => count[key] === name) }));
  const total: TallyRow = { name: 'all', ...found.total, ...tokensIn(() => true) };
  const percentiles = found.percentiles(shares);
  return {
    total,
    languages: rowsOf(found.languages, 'language'),
    sources: rowsOf(found.sources, 'source'),
    duplicates: found.duplicates,
    unreadable,
    percentiles: Object.fromEntries(shares.map((share, i) => [`${share * 100}`, percentiles[i]])),
    lengths: found.histogram(),
    repeatedLines: found.repeatedLines(shownLines),
  };
}

function printSummary({ total, languages, sources, duplicates, unreadable, ...rest }: Summary): void {
  const head = ['documents', 'bytes', 'characters', 'Han', ...(total.tokens === undefined ? [] : ['tokens'])];
  printLine(formatTable(['language', ...head], [...languages, total].map(rowOf)));
  printLine(
    `\n${formatTable(
      ['source', ...head],
      sources.map((row) => rowOf({ ...row, name: verbatim(printable(row.name)) })),
    )}`,
  );
  const share = percentOf(duplicates, total.documents);
  printLine(`\nexact duplicates: ${formatCount(duplicates)} documents (${share})`);
  if (unreadable.first !== undefined) {
    printLine(`could not be read: ${formatCount(unreadable.rows)} rows. The first: ${printable(unreadable.first)}`);
  }
  const limits = Object.entries(rest.percentiles).map(([percent, length]) => `${percent} %: ≤ ${formatCount(length)}`);
  printLine(`\nlength in characters\n  ${limits.join('   ')}`);
  printLine(histogramLines(rest.lengths).join('\n'));
  if (rest.repeatedLines.length > 0) printLine('\nlines that occur most often');
  for (const { line, times } of rest.repeatedLines) {
    printLine(`  ${formatCount(times).padStart(9)} × ${verbatim(printable(line.slice(0, 80)))}`);
  }
}

function rowOf({ name, documents, bytes, characters, letters, han, tokens }: TallyRow): string[] {
  const counts = [formatCount(documents), formatBytes(bytes), formatCount(characters), percentOf(han, letters)];
  return [name, ...counts, ...(tokens === undefined ? [] : [formatCount(tokens)])];
}

function percentOf(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}

const barWidth = 40;

function histogramLines(lengths: Summary['lengths']): string[] {
  const max = Math.max(1, ...lengths.map(({ documents }) => documents));
  const labels = lengths.map(({ from }) => `${formatCount(from)}–${formatCount(2 * from - 1)}`);
  const width = Math.max(...labels.map(displayWidth));
  return lengths.map(({ documents }, i) => {
    const bar = '█'.repeat(Math.ceil((documents / max) * barWidth));
    return `  ${labels[i].padStart(width)} ${bar} ${formatCount(documents)}`;
  });
}

type CountedText = Parameters<TextStatistics['add']>[0];

async function* documentsOf(paths: readonly string[], column: string): AsyncGenerator<CountedText | BadRow> {
  for (const path of paths) {
    const corpus = await findCorpus(path);
    if (await exists(join(corpus, corpusManifestName))) {
      for (const split of splits) yield* readDocuments(corpus, split);
    } else yield* rowsOfFiles(path, column);
  }
}

async function* rowsOfFiles(path: string, column: string): AsyncGenerator<CountedText | BadRow> {
  const files = await listFiles(process.cwd(), resolve(path));
  if (files.length === 0) {
    const next = 'Give a run folder, a built corpus, or files: txt, jsonl, json, csv, tsv, parquet, arrow';
    throw new UserError({ what: 'there is no corpus and no file here', where: path, next });
  }
  for (const file of files) {
    const format = await textFormatOf(file);
    const common = { name: 'files', from: 'stdin', licence: 'unknown', columns: { text: column } };
    const spec = dataSpecSchema.parse({ name: 'files', sources: [{ ...common, format }] });
    for await (const row of readSource([file], spec.sources[0], spec, { notice: noteOnStderr })) {
      if ('fault' in row) yield row;
      else yield { text: row.text, source: basename(file.name), language: detectLanguage(row.text) };
    }
  }
}

/** Counted when the corpus was tokenised, where it was. */
async function tokensOf(run: string): Promise<TokenCounts[] | undefined> {
  for (const folder of [run, join(run, '..')]) {
    const path = join(folder, 'tokens', corpusFolder, corpusManifestName);
    const parsed = manifestSchema.safeParse(await readJsonIfExists(path).catch(() => undefined));
    if (parsed.success) return parsed.data.counts;
  }
  return undefined;
}
