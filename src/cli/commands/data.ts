// mossctl data: build a corpus, look into one, or only fetch what it is made from.
import { formatBytes, formatCount, formatTable, printable, printableLines, shorten } from '../../base/format.js';
import { mossctlCommand } from '../../base/shell.js';
import { inspectData } from '../../data/documents.js';
import { readDataManifest, type SourceReport } from '../../data/manifest.js';
import type { OutputOptions, RunOptions } from '../options.js';
import { printJson, printLine, printVerbatim, shownPath, verbatim } from '../output.js';
import { findCorpus } from '../places.js';
import { runOneStage } from '../run-stages.js';
import { stdinSetting } from '../stdin-setting.js';
import { withTexts } from '../texts.js';

export async function build(named: readonly string[], options: RunOptions & { strict?: boolean }): Promise<void> {
  const set = [...(options.set ?? [])];
  const isSpec = named.length === 1 && /\.ya?ml$/i.test(named[0]);
  if (isSpec) set.push(`data.spec=${named[0]}`);
  if (options.strict) set.push('data.strict=true');
  const texts = isSpec || named.length === 0 ? undefined : named;
  const run = await withTexts(texts, { ...options, only: 'data', set });
  const stdin = await stdinSetting(run);
  const next = (folder: string): string => mossctlCommand('data', 'inspect', folder);
  return runOneStage('data', { ...run, set: [...set, ...stdin] }, next);
}

type DataInspectOptions = OutputOptions & { samples: number; dropped?: boolean };

export async function inspect(folder: string, options: DataInspectOptions): Promise<void> {
  const path = await findCorpus(folder);
  const manifest = await readDataManifest(path);
  if (options.json) printJson(manifest);
  else {
    printLine(`${verbatim(printable(manifest.name))}: ${shownPath(path)}`);
    const head = ['source', 'licence', 'read', 'dropped', 'skipped', 'train', 'validation', 'bytes'];
    printLine(formatTable(head, manifest.sources.map(rowOf)));
    const losses = manifest.sources.flatMap(lossesOf);
    if (losses.length > 0 && !options.dropped) printLine(`\n${formatTable(['source', 'rule', 'dropped'], losses)}`);
  }
  if (options.dropped === true && !options.json) for (const source of manifest.sources) printLosses(source);
  if (options.quiet || options.dropped === true) return;
  for (const documents of (await inspectData(path, { split: 'train', count: options.samples })).values()) {
    for (const document of documents) {
      if (options.json) printJson(document);
      else printVerbatim(printableLines(`\n[${document.id}, ${document.language}]\n${shorten(document.text, 500)}`));
    }
  }
}

/** What each rule dropped and changed, with the first few of each. */
function printLosses({ name, dropped, edited = {} }: SourceReport): void {
  const print = (what: string, examples: readonly string[] = []): void => {
    printLine(
      [`\n${verbatim(name)}: ${what}`, ...examples.map((example) => `  ${verbatim(printable(example))}`)].join('\n'),
    );
  };
  for (const [rule, { documents, examples }] of Object.entries(dropped)) {
    print(`${formatCount(documents)} documents dropped by ${rule}`, examples);
  }
  for (const [kind, { documents, count, examples }] of Object.entries(edited)) {
    print(`${kind}, ${formatCount(count)} times in ${formatCount(documents)} documents`, examples);
  }
}

function rowOf({ name, licence, read, dropped, left, total: { train, validation } }: SourceReport): string[] {
  const lost = Object.values(dropped).reduce((sum, { documents }) => sum + documents, 0);
  const counts = [read, lost, left, train.documents, validation.documents].map(formatCount);
  return [verbatim(name), verbatim(printable(licence)), ...counts, formatBytes(train.bytes + validation.bytes)];
}

/** A row for each rule that dropped some, most first; the source is named once. */
function lossesOf({ name, dropped }: SourceReport): string[][] {
  return Object.entries(dropped)
    .sort(([, a], [, b]) => b.documents - a.documents)
    .map(([rule, { documents }], i) => [i === 0 ? verbatim(name) : '', rule, formatCount(documents)]);
}
