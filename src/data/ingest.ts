// One source of a data-spec → its documents in the corpus, and the report of what became of each.
import { dirname } from 'node:path';
import type { Reporter } from '../report/event.js';
import { type DropRule, detectLanguage, normalise, rejectionOf } from './clean.js';
import type { Corpus } from './corpus.js';
import { emptyHalves, type SourceReport } from './manifest.js';
import { listFiles, noSuchFile, type SourceFile } from './sources/files.js';
import { formulaDocuments } from './sources/formulas.js';
import { type NpmSource, npmFiles } from './sources/npm.js';
import type { RawDocument, RawFact } from './sources/raw.js';
import { readSource } from './sources/read.js';
import { type DataSpec, type FormulasSpec, parseFrom, type SourceSpec } from './spec.js';
import { type Fingerprint, fingerprint, type Placed, Splitter } from './split.js';
import type { Document } from './types.js';

export interface Ingest {
  spec: DataSpec;
  specPath: string;
  corpus: Corpus;
  validation: number;
  seed: number;
  reporter: Reporter;
  interrupt: { readonly requested: boolean };
}

interface Candidate {
  document: Document;
  facts: RawFact[];
  copies: number;
}

/** Reads, cleans and places the documents of one source. */
export async function addSource(source: SourceSpec, ingest: Ingest): Promise<SourceReport> {
  const files = await filesOf(source, ingest);
  const report = newReport(source);
  const splitter = new Splitter<Candidate>(ingest.validation);
  let documents = 0;
  let bytes = 0;
  let full = false;
  for await (const raw of readSource(files, source, ingest.spec)) {
    await ingest.corpus.pace(ingest.interrupt);
    report.read++;
    if (report.read % 1000 === 0) progress(source.name, report.read, ingest);
    if (source.facts !== undefined) for (const fact of raw.facts ?? []) ingest.corpus.facts.hear(source.facts, fact);
    const text = clean(raw, source, report, ingest);
    if (text === undefined) continue;
    const print = fingerprint(ingest.seed, raw.identity ?? text);
    const copies = copiesOf(source.weight, print);
    if (copies === 0 || full) {
      report.left++;
      continue;
    }
    // Only what is kept counts as seen: a text that this source leaves out may come from another one.
    if (ingest.corpus.identities.has(print.identity)) {
      drop(report, 'duplicate', `${source.name}:${raw.at}`);
      continue;
    }
    const size = Buffer.byteLength(text);
    full = documents + 1 > (source.limit.documents ?? Infinity) || bytes + size > (source.limit.bytes ?? Infinity);
    if (full) {
      report.left++;
      // Only the rest's facts matter now: they tell which words have more senses.
      if (source.facts === undefined) break;
      continue;
    }
    ingest.corpus.identities.add(print.identity);
    documents++;
    bytes += size;
    const candidate = { document: toDocument(raw, text, source), facts: raw.facts ?? [], copies };
    for (const placed of splitter.add(candidate, print.draw)) await place(placed, source, report, ingest);
  }
  for (const placed of splitter.finish()) await place(placed, source, report, ingest);
  progress(source.name, report.read, ingest);
  return report;
}

/** Generated arithmetic. Its halves follow from the operand pairs, not from the text. */
export async function addFormulas(formulas: FormulasSpec, ingest: Ingest): Promise<SourceReport> {
  const { name } = formulas;
  const licence = 'none needed: generated, no text of others';
  const report = newReport({ name, from: 'generated', licence });
  for (const made of formulaDocuments(formulas, ingest)) {
    await ingest.corpus.pace(ingest.interrupt);
    if (made === undefined) continue;
    report.read++;
    if (report.read % 1000 === 0) progress(name, report.read, ingest);
    if (!ingest.corpus.identities.add(fingerprint(ingest.seed, made.text).identity)) {
      drop(report, 'duplicate', `${name}#${made.index}`);
      continue;
    }
    const document: Document = { id: `${name}#${made.index}`, text: made.text, source: name, language: 'other' };
    await ingest.corpus.add(document, made.split, report);
  }
  progress(name, report.read, ingest);
  return report;
}

async function filesOf(source: SourceSpec, ingest: Ingest): Promise<SourceFile[]> {
  const from = parseFrom(source.from);
  const root = from.kind === 'file' ? dirname(ingest.specPath) : await npmFiles(packageOf(source, ingest.spec), ingest);
  const files = await listFiles(root, from.path);
  if (files.length === 0) throw noSuchFile(source, ingest.specPath);
  return files;
}

/**
 * The package of an npm source, with the paths that all sources of the spec want from it: given to `npmFiles`, it is
 * fetched and unpacked once for all of them.
 */
export function packageOf({ from, integrity = '' }: SourceSpec, spec: DataSpec): NpmSource {
  const wanted = from.slice(0, from.indexOf('#'));
  const same = spec.sources.filter((other) => other.integrity === integrity && other.from.startsWith(`${wanted}#`));
  const path = same.map((other) => parseFrom(other.from).path);
  const at = wanted.lastIndexOf('@');
  return { package: wanted.slice('npm:'.length, at), version: wanted.slice(at + 1), path, integrity };
}

function newReport(source: { name: string; from: string; licence: string; url?: string }): SourceReport {
  const { name, from, licence, url } = source;
  const counts = { read: 0, total: emptyHalves(), dropped: {}, left: 0, controlCharacters: 0 };
  return { name, from, licence, ...(url === undefined ? {} : { url }), ...counts };
}

/** The cleaned text, or undefined where a rule drops the document. */
function clean(raw: RawDocument, source: SourceSpec, report: SourceReport, { spec }: Ingest): string | undefined {
  // Nothing is done to a text that is too long anyway.
  const { text, removed } = raw.text.length > spec.maxCharacters ? { text: raw.text, removed: 0 } : normalise(raw.text);
  report.controlCharacters += removed;
  const rule = rejectionOf(text, spec, source);
  if (rule === undefined) return text;
  drop(report, rule, `${source.name}:${raw.at}`);
  return undefined;
}

function drop(report: SourceReport, rule: DropRule, example: string): void {
  report.dropped[rule] ??= { documents: 0, example };
  report.dropped[rule].documents++;
}

/** A weight of 2.3: two copies of each, three of three in ten. */
function copiesOf(weight: number, { weightDraw }: Fingerprint): number {
  return Math.floor(weight) + (weightDraw < weight % 1 ? 1 : 0);
}

function toDocument(raw: RawDocument, text: string, source: SourceSpec): Document {
  const language = source.language === 'auto' ? detectLanguage(text) : source.language;
  return { id: `${source.name}:${raw.at}`, text, source: source.name, language };
}

/** Held-out documents are written once and state no facts: a teacher must not show what is to be measured. */
async function place(
  { item, split }: Placed<Candidate>,
  source: SourceSpec,
  report: SourceReport,
  { corpus }: Ingest,
): Promise<void> {
  const { document, facts, copies } = item;
  for (let copy = 1; copy <= (split === 'train' ? copies : 1); copy++) {
    const id = copy === 1 ? document.id : `${document.id}(${copy})`;
    await corpus.add({ ...document, id }, split, report);
  }
  if (source.facts === undefined || split !== 'train') return;
  for (const fact of facts) if (fact.usable !== false) corpus.facts.add(source.facts, fact, source.name);
}

function progress(label: string, done: number, { reporter }: Ingest): void {
  reporter.emit({ type: 'progress', stage: 'data', label, done, unit: 'documents' });
}
