// mossctl data: build a corpus, look into one, or only fetch what it is made from.
import { join } from 'node:path';
import { exists } from '../../base/files.js';
import { formatBytes, formatCount, formatTable, printableLines } from '../../base/format.js';
import { inspectData } from '../../data/documents.js';
import { packageOf } from '../../data/ingest.js';
import { readDataManifest, type SourceReport } from '../../data/manifest.js';
import { npmFiles } from '../../data/sources/npm.js';
import { loadDataSpec, parseFrom } from '../../data/spec.js';
import { createReporter } from '../../report/reporter.js';
import { watchInterrupt } from '../interrupt.js';
import type { OutputOptions, RunOptions } from '../options.js';
import { printJson, printLine, shownPath } from '../output.js';
import { outputMode, runOneStage } from '../run-stages.js';

export function build(spec: string | undefined, options: RunOptions & { strict?: boolean }): Promise<void> {
  const own = [...(spec === undefined ? [] : [`data.spec=${spec}`]), ...(options.strict ? ['data.strict=true'] : [])];
  const set = [...(options.set ?? []), ...own];
  return runOneStage('data', { ...options, set }, (folder) => `npx mossctl data inspect ${folder}`);
}

export async function inspect(folder: string, options: OutputOptions & { samples: number }): Promise<void> {
  const path = await findCorpus(folder);
  const manifest = await readDataManifest(path);
  if (options.json) printJson(manifest);
  else {
    printLine(`${manifest.name}: ${shownPath(path)}`);
    printLine(
      formatTable(['source', 'licence', 'train', 'validation', 'bytes', 'dropped'], manifest.sources.map(rowOf)),
    );
  }
  if (options.quiet) return;
  for (const documents of (await inspectData(path, { split: 'train', count: options.samples })).values()) {
    for (const document of documents) {
      if (options.json) printJson(document);
      else printLine(printableLines(`\n[${document.id}, ${document.language}]\n${cut(document.text, 500)}`));
    }
  }
}

/** A run folder, its data folder, or the corpus itself. */
export async function findCorpus(folder: string): Promise<string> {
  const places = [folder, join(folder, 'corpus'), join(folder, 'data'), join(folder, 'data', 'corpus')];
  for (const place of places) if (await exists(join(place, 'manifest.json'))) return place;
  return folder;
}

function rowOf({ name, licence, total, dropped }: SourceReport): string[] {
  const lost = Object.entries(dropped).map(([rule, found]) => `${found?.documents ?? 0} ${rule}`);
  const { train, validation } = total;
  return [
    name,
    licence,
    formatCount(train.documents),
    formatCount(validation.documents),
    formatBytes(train.bytes + validation.bytes),
    lost.join(', ') || '-',
  ];
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

export async function fetch(specPath: string, options: OutputOptions): Promise<void> {
  const spec = await loadDataSpec(specPath);
  const reporter = createReporter({ mode: outputMode(options), stdout: process.stdout, stderr: process.stderr });
  const interrupt = watchInterrupt();
  const fetched: { source: string; path: string }[] = [];
  try {
    for (const source of spec.sources) {
      if (parseFrom(source.from).kind !== 'npm') continue;
      const path = await npmFiles(packageOf(source, spec), { reporter, interrupt });
      fetched.push({ source: source.name, path });
    }
  } finally {
    interrupt.release();
    await reporter.close();
  }
  if (options.json) printJson({ type: 'result', fetched });
  else if (fetched.length === 0) printLine('nothing to fetch: every source is a file');
  else for (const { source, path } of fetched) printLine(`${source}  ${path}`);
}
