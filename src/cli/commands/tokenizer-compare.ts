// mossctl tokenizer compare: what several tokenizers make of the same text, by language and by domain.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { exists, writeFileAtomic } from '../../base/files.js';
import { formatBytes, formatCount, formatTable, printable } from '../../base/format.js';
import { tokenizerJsonName } from '../../base/layout.js';
import { readDocuments } from '../../data/documents.js';
import { corpusIn } from '../../data/manifest.js';
import { Compression } from '../../tokenizer/compression.js';
import { type Encoder, openPublished, type PublishedName, publishedNames } from '../../tokenizer/published.js';
import type { OutputOptions, RunOptions } from '../options.js';
import { printJson, printLine, shownPath, verbatim } from '../output.js';
import { findCorpus, openTokenizer } from '../places.js';
import { findRun } from '../run-stages.js';
import { readSamples, type Sample } from '../samples.js';
import { barsText, type ComparisonRow, comparisonPage, groupings, legend, shownName } from '../tokenizer-charts.js';

interface CompareOptions extends OutputOptions, Pick<RunOptions, 'config' | 'out'> {
  /** Files to read instead of the corpus of the run. */
  text?: string[];
  /** A file to write the charts to. */
  html?: string;
}

export async function compare(names: readonly string[], options: CompareOptions): Promise<void> {
  const encoders = new Map<string, Encoder>();
  for (const name of names) encoders.set(name, await openEncoder(name));
  // Each language's and each domain's sums, in the order of the encoders.
  const groups = { language: new Map<string, Compression[]>(), domain: new Map<string, Compression[]>() };
  const { label, samples } = await textOf(names, options);
  if (!options.json) printLine(`${label}\n`);
  for await (const sample of samples) {
    for (const by of groupings) {
      const sums = groups[by].get(sample[by]) ?? [...encoders.values()].map((encoder) => new Compression(encoder));
      groups[by].set(sample[by], sums);
      for (const sum of sums) sum.add(sample.text);
    }
  }
  const rows = groupings.flatMap((by) =>
    [...groups[by]].flatMap(([group, sums]) =>
      [...encoders].map(([tokenizer, { vocabSize }], i) => ({ tokenizer, vocabSize, by, group, ...sums[i].figures() })),
    ),
  );
  if (rows.length === 0) throw new UserError({ what: 'there is no text to compare tokenizers on' });
  for (const by of groupings) {
    const shown = rows.filter((row) => row.by === by);
    if (options.json) for (const row of shown) printJson(row);
    else printLine(`${tableOf(by, shown)}\n`);
  }
  if (!options.json) printLine(`${barsText(rows.filter((row) => row.by === 'language'))}\n\n${legend}`);
  if (options.html === undefined) return;
  await writeFileAtomic(options.html, comparisonPage(rows));
  if (!options.json) printLine(`charts by language and domain  ${shownPath(options.html)}`);
}

async function openEncoder(name: string): Promise<Encoder> {
  const published = publishedNames.find((known) => known === name);
  if (published === undefined) return openTokenizer(name);
  if (await exists(join(name, tokenizerJsonName))) return openTokenizer(name);
  return openPublished(published satisfies PublishedName);
}

/** What is read, and a line that says so: the files, or the held-out documents of a run. */
async function textOf(names: readonly string[], options: CompareOptions) {
  const { text } = options;
  if (text !== undefined) return { label: `text  ${text.map(shownPath).join(', ')}`, samples: samplesOf(text) };
  const isNamed = options.out !== undefined || options.config !== undefined;
  const corpus = isNamed ? await findCorpus((await findRun(options)).folder) : await firstCorpus(names);
  return {
    label: `text  the held-out documents of ${shownPath(corpus)} (--text FILE compares on others)`,
    samples: heldOutOf(corpus),
  };
}

async function* samplesOf(paths: readonly string[]): AsyncGenerator<Sample> {
  for (const path of paths) yield* readSamples(path);
}

async function* heldOutOf(corpus: string): AsyncGenerator<Sample> {
  for await (const { text, language, source } of readDocuments(corpus, 'validation')) {
    yield { text, language, domain: source };
  }
}

/** Of the first run that is compared. */
async function firstCorpus(names: readonly string[]): Promise<string> {
  for (const name of names) {
    const corpus = await corpusIn(name);
    if (corpus !== undefined) return corpus;
  }
  throw new UserError({
    what: 'there is no text to compare tokenizers on',
    why: `none of ${names.map(shownName).join(', ')} is a run with a corpus of its own`,
    next: 'Name files with --text FILE, or a run with --out RUN',
  });
}

function tableOf(by: ComparisonRow['by'], rows: readonly ComparisonRow[]): string {
  const number = (value: number | null, digits: number): string => (value === null ? '–' : value.toFixed(digits));
  return formatTable(
    [by, 'tokenizer', 'vocabulary', 'text', 'bytes/token', 'tokens/Han', 'bits/Han', 'tokens/word', 'partial'],
    rows.map((row) => [
      ...[verbatim(printable(row.group)), verbatim(shownName(row.tokenizer)), formatCount(row.vocabSize)],
      ...[formatBytes(row.bytes), number(row.bytesPerToken, 3), number(row.tokensPerHan, 3)],
      ...[number(row.bitsPerHan, 2), number(row.tokensPerWord, 3), `${(100 * row.partialShare).toFixed(1)} %`],
    ]),
  );
}
