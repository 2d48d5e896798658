// A held-out document that shares a long n-gram with a training document measures memory. It is found in two passes over
// what was built, held-out first, and taken out of the held-out half: that is small, and training loses nothing.
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCount } from '../base/format.js';
import { DocumentWriter, documentFile, readDocumentFile } from './documents.js';
import { quote } from './examples.js';
import { TaskGrams } from './filters/decontaminate.js';
import { drop, type Ingest } from './ingest.js';
import type { SourceReport } from './manifest.js';
import { splits } from './split.js';
import type { Document } from './types.js';

export interface HeldOutOptions extends Pick<Ingest, 'corpus' | 'spec' | 'reporter' | 'signal'> {
  directory: string;
  /** Words of the n-gram; characters in Chinese. */
  n: number;
  sources: readonly SourceReport[];
}

export async function separateHeldOut(options: HeldOutOptions): Promise<void> {
  const { directory, n, sources, corpus, reporter } = options;
  const [train, validation] = splits.map((split) => join(directory, documentFile(split)));
  const heldOut = new TaskGrams(n, n);
  for await (const { text } of textsOf(validation, options)) heldOut.add(text);
  if (heldOut.left > 0) {
    const text = `decontaminate.heldOut: ${formatCount(heldOut.left)} held-out documents found no room in memory and were not compared with those for training; hold less out (data.validation)`;
    reporter.note('warning', text);
  }
  const shared = new TaskGrams(n, n);
  for await (const { text } of textsOf(train, options)) heldOut.collect(text, shared);
  if (shared.size === 0) return;
  const kept = `${validation}.kept`;
  const writer = new DocumentWriter(kept);
  const reports = new Map(sources.map((source) => [source.name, source]));
  for await (const document of readDocumentFile(validation)) {
    const report = isText(document, options) ? reports.get(document.source) : undefined;
    const found = report && shared.find(document.text);
    if (report === undefined || found === undefined) await writer.add(document);
    else {
      corpus.forget(document, 'validation', report);
      drop(report, 'decontaminate', document.id, () => `held out, and a training document has: ${quote(found)}`);
    }
  }
  await writer.close();
  await rename(kept, validation);
}

async function* textsOf(file: string, options: HeldOutOptions): AsyncGenerator<Document> {
  for await (const document of readDocumentFile(file)) {
    await options.corpus.pace(options.signal);
    if (isText(document, options)) yield document;
  }
}

/** Formulas are held out by their operands. */
function isText({ source }: Document, { spec }: HeldOutOptions): boolean {
  return source !== spec.formulas?.name;
}
