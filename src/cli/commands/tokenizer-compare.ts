// mossctl tokenizer compare: what several tokenizers make of the same text, by language and by domain.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { exists, writeFileAtomic } from '../../base/files.js';
import { formatCount, formatTable, printable } from '../../base/format.js';
import { tokenizerJsonName } from '../../base/layout.js';
import { readDocuments } from '../../data/documents.js';
import { Compression } from '../../tokenizer/compression.js';
import { type Encoder, openPublished, type PublishedName, publishedNames } from '../../tokenizer/published.js';
import type { OutputOptions, RunOptions } from '../options.js';
import { printJson, printLine, shownPath } from '../output.js';
import { findCorpus, openTokenizer } from '../places.js';
import { findRun } from '../run-stages.js';
import { readSamples, type Sample } from '../samples.js';
import { barsText, type ComparisonRow, comparisonPage, legend, shownName } from '../tokenizer-charts.js';

interface CompareOptions extends OutputOptions, Pick<RunOptions, 'config' | 'out'> {
  /** Files to read instead of the corpus of the run. */
  text?: string[];
  /** A file to write the charts to. */
  html?: string;
}

export async function compare(names: readonly string[], options: CompareOptions): Promise<void> {
  const encoders = new Map<string, Encoder>();
  for (const name of names) encoders.set(name, await openEncoder(name));
  const groups = new Map<string, Map<string, Compression>>();
  for await (const { text, language, domain } of samplesOf(options)) {
    for (const key of [`language\0${language}`, `domain\0${domain}`]) {
      let sums = groups.get(key);
      if (sums === undefined) {
        sums = new Map([...encoders].map(([name, encoder]) => [name, new Compression(encoder)]));
        groups.set(key, sums);
      }
      for (const sum of sums.values()) sum.add(text);
    }
  }
  const rows = [...groups].flatMap(([key, sums]) => rowsOf(key, sums, encoders));
  if (rows.length === 0) throw new UserError({ what: 'there is no text to compare tokenizers on' });
  rows.sort((a, b) => (a.by === b.by ? 0 : a.by === 'language' ? -1 : 1));
  for (const by of ['language', 'domain'] as const) {
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

async function* samplesOf(options: CompareOptions): AsyncGenerator<Sample> {
  if (options.text !== undefined) {
    for (const path of options.text) yield* readSamples(path);
    return;
  }
  const { folder } = await findRun(options);
  for await (const { text, language, source } of readDocuments(await findCorpus(folder), 'validation')) {
    yield { text, language, domain: source };
  }
}

function rowsOf(
  key: string,
  sums: ReadonlyMap<string, Compression>,
  encoders: ReadonlyMap<string, Encoder>,
): ComparisonRow[] {
  const [by, group] = key.split('\0') as ['language' | 'domain', string];
  return [...sums].map(([tokenizer, sum]) => {
    const vocabSize = encoders.get(tokenizer)?.vocabSize ?? 0;
    return { tokenizer, vocabSize, by, group, ...sum.figures() };
  });
}

function tableOf(by: ComparisonRow['by'], rows: readonly ComparisonRow[]): string {
  const number = (value: number | null, digits: number): string => (value === null ? '–' : value.toFixed(digits));
  return formatTable(
    [by, 'tokenizer', 'vocabulary', 'MB', 'bytes/token', 'tokens/Han', 'bits/Han', 'tokens/word', 'partial'],
    rows.map((row) => [
      ...[printable(row.group), shownName(row.tokenizer), formatCount(row.vocabSize)],
      ...[(row.bytes / 1e6).toFixed(2), number(row.bytesPerToken, 3), number(row.tokensPerHan, 3)],
      ...[number(row.bitsPerHan, 2), number(row.tokensPerWord, 3), `${(100 * row.partialShare).toFixed(1)} %`],
    ]),
  );
}
