// One source of a data-spec → its documents in the corpus, and the report of what became of each.
import { diskAt } from '../base/disk.js';
import { describeFault } from '../base/errors.js';
import { formatBytes } from '../base/format.js';
import { fileStamp, requireUnchanged } from '../network/checked.js';
import type { StageReporter } from '../report/event.js';
import { detectLanguage, normalise, rejectionOf } from './clean.js';
import type { Corpus } from './corpus.js';
import { quote, quoteEdit } from './examples.js';
import type { FilterChain, OpenFilters } from './filters/table.js';
import type { FormulasSpec } from './formulas-spec.js';
import { cutEnd, endsAreHeldOut } from './held-out-end.js';
import { Lengths } from './lengths.js';
import { type DropRule, emptyHalves, type SourceReport } from './manifest.js';
import type { RemoteFile, SourceFile } from './sources/files.js';
import { formulaDocuments } from './sources/formulas.js';
import { shownFrom } from './sources/from.js';
import { locate } from './sources/locate.js';
import { Notices } from './sources/notices.js';
import type { BadRow, RawDocument, RawFact } from './sources/raw.js';
import { readSource } from './sources/read.js';
import type { DataSpec, SourceSpec } from './spec.js';
import { type Fingerprint, fingerprint, type Split, type SplitItem, Splitter } from './split.js';
import type { Document } from './types.js';

export interface IngestOptions {
  specPath: string;
  /** Share of the documents held out, 0 to 0.5. */
  validation: number;
  /** A row that cannot be read ends the build; else it is counted, reported and skipped. Default false. */
  strict?: boolean;
  /** sha256 of what standard input gave (see sources/stdin.ts). */
  stdin?: string;
  seed: number;
  /** The corpus becomes its subfolder `corpus`, whole or not at all. */
  directory: string;
  reporter: StageReporter;
  signal?: AbortSignal;
}

export interface Ingest extends IngestOptions {
  spec: DataSpec;
  corpus: Corpus;
  filters: OpenFilters;
}

interface Candidate {
  document: Document;
  facts: RawFact[];
  copies: number;
}

/** Reads, cleans and places the documents of one source. */
export async function addSource(source: SourceSpec, ingest: Ingest): Promise<SourceReport> {
  const { files, commit } = await locate(source, ingest, ingest);
  warnOfDisk(source, files, ingest);
  const report = newReport(source, commit);
  const splitter = new Splitter<Candidate>(ingest.validation);
  const hasEnds = endsAreHeldOut(source, files.length, ingest.validation);
  const lengths = new Lengths();
  let documents = 0;
  let bytes = 0;
  let full = false;
  let damagedFiles = 0;
  const notices = new Notices((text) => ingest.reporter.note('info', `${source.name}: ${text}`));
  const { seed } = ingest;
  for await (const raw of readSource(inTurn(files), source, ingest.spec, { notice: notices.notice, seed })) {
    await ingest.corpus.pace(ingest.signal);
    report.read++;
    if (report.read % 1000 === 0) progress(report, ingest);
    if ('fault' in raw) {
      refuse(raw, source, report, ingest);
      // Among many rows its line in the report would be lost.
      if (raw.endsFile && ++damagedFiles <= maxReportedFiles) {
        ingest.reporter.note('warning', `${source.name}: ${raw.fault.message}`);
      }
      continue;
    }
    if (source.facts !== undefined) for (const fact of raw.facts ?? []) ingest.corpus.facts.observe(source.facts, fact);
    const document = clean(raw, source, report, ingest);
    if (document === undefined) continue;
    const { text } = document;
    const print = fingerprint(ingest.seed, raw.identity ?? text);
    const copies = copiesOf(source.weight, print);
    if (copies === 0 || full) {
      report.left++;
      continue;
    }
    // Only what is kept counts as seen: a text that this source skips may come from another one.
    if (ingest.corpus.identities.has(print.identity)) {
      drop(report, 'duplicate', document.id, () => quote(text));
      continue;
    }
    const size = Buffer.byteLength(text);
    full = documents + 1 > (source.limit.documents ?? Infinity) || bytes + size > (source.limit.bytes ?? Infinity);
    if (full) {
      report.left++;
      // Only the rest's facts matter now: they show which words have more senses.
      if (source.facts === undefined) break;
      continue;
    }
    const last = runFilters(ingest.filters.corpus, document, report);
    if (last === undefined) continue;
    ingest.corpus.identities.add(print.identity);
    documents++;
    bytes += size;
    // What was stated by a text that had to be changed is not repeated: it may be what was taken out.
    const facts = last.text === raw.text || normalise(raw.text).text === last.text ? (raw.facts ?? []) : [];
    const candidate = { document: last, facts, copies };
    lengths.add(last.text.length);
    const cut = hasEnds ? cutEnd(last.text, ingest.validation) : undefined;
    if (cut !== undefined) {
      for (const [split, text] of Object.entries({ train: cut.start, validation: cut.end }) as [Split, string][]) {
        await place({ item: { ...candidate, document: { ...last, text } }, split }, source, report, ingest);
      }
      continue;
    }
    for (const placed of splitter.add(candidate, print.draw)) await place(placed, source, report, ingest);
  }
  notices.finish();
  if (source.format === 'txt') ingest.reporter.note('info', `${source.name}: ${lengths.inWords(files.length)}`);
  for (const placed of splitter.finish()) await place(placed, source, report, ingest);
  progress(report, ingest);
  return report;
}

/** Filters may drop most of it, and texts may be packed: nobody knows before they are read, so it is no reason to refuse. */
function warnOfDisk(source: SourceSpec, files: readonly RemoteFile[], { directory, reporter }: Ingest): void {
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  const wanted = Math.min(bytes * Math.min(1, source.weight), source.limit.bytes ?? Number.POSITIVE_INFINITY);
  const disk = diskAt(directory);
  if (source.limit.documents !== undefined || disk === undefined || disk.freeBytes >= wanted) return;
  const text = `${source.name} has ${formatBytes(wanted)} of files, and ${disk.mount} has ${formatBytes(disk.freeBytes)} left for the corpus: free some space, or set limit.bytes of this source`;
  reporter.note('warning', text);
}

/** A file is fetched when the one before it has been read; one that changed in the meantime ends the build. */
async function* inTurn(files: readonly RemoteFile[]): AsyncGenerator<SourceFile> {
  for (const remote of files) {
    const file = await remote.get();
    const stamp = file.stamp ?? (await fileStamp(file.path));
    try {
      yield file;
    } finally {
      await requireUnchanged(file.path, stamp);
    }
  }
}

/** Generated arithmetic. Its halves follow from the operand pairs, not from the text. */
export async function addFormulas(formulas: FormulasSpec, ingest: Ingest): Promise<SourceReport> {
  const { name } = formulas;
  const licence = 'none needed: generated, no text of others';
  const report = newReport({ name, from: 'generated', licence });
  for (const made of formulaDocuments(formulas, ingest)) {
    await ingest.corpus.pace(ingest.signal);
    if (made === undefined) continue;
    report.read++;
    if (report.read % 1000 === 0) progress(report, ingest);
    const { text, index, split } = made;
    const document: Document = { id: `${name}#${index}`, text, source: name, language: 'other' };
    const isNew = ingest.corpus.identities.add(fingerprint(ingest.seed, text).identity);
    if (isNew) await ingest.corpus.add(document, split, report);
    else drop(report, 'duplicate', document.id, () => quote(text));
  }
  progress(report, ingest);
  return report;
}

function newReport(
  source: Pick<SourceSpec, 'name' | 'from' | 'licence' | 'attribution' | 'url'>,
  commit?: string,
): SourceReport {
  const { name, licence, attribution, url } = source;
  const counts = { read: 0, total: emptyHalves(), dropped: {}, left: 0, controlCharacters: 0 };
  return { name, from: shownFrom(source.from), licence, attribution, url, ...counts, commit };
}

/** The document with its text repaired, cleaned and filtered, or undefined where a rule drops it. */
function clean(raw: RawDocument, source: SourceSpec, report: SourceReport, ingest: Ingest): Document | undefined {
  const { spec, filters } = ingest;
  const id = `${source.name}:${raw.at}`;
  const draft: Document = { id, text: raw.text, source: source.name, language: 'other' };
  // Nothing is done to a text that is too long anyway.
  if (raw.text.length > spec.maxCharacters) return reject(draft, source, report, spec);
  const repaired = runFilters(filters.raw, draft, report);
  if (repaired === undefined) return undefined;
  const { text, removed } = normalise(repaired.text);
  report.controlCharacters += removed;
  const language = source.language === 'auto' ? detectLanguage(text) : source.language;
  const cleaned = reject({ ...draft, text, language }, source, report, spec);
  const filtered = cleaned && runFilters(filters.document, cleaned, report);
  if (filtered === undefined || filtered === cleaned) return filtered;
  return reject(filtered, source, report, spec);
}

function reject(document: Document, source: SourceSpec, report: SourceReport, spec: DataSpec): Document | undefined {
  const rule = rejectionOf(document.text, spec, source);
  if (rule === undefined) return document;
  drop(report, rule, document.id, () => (document.text === '' ? '' : quote(document.text)));
  return undefined;
}

/** The document as the filters leave it, itself where they change nothing; what they do is written into the report. */
function runFilters(chain: FilterChain, document: Document, report: SourceReport): Document | undefined {
  const { text, dropped, edits } = chain(document);
  for (const { by, counts, before, after } of edits) {
    for (const [kind, count] of Object.entries(counts)) {
      edit(report, `${by}.${kind}`, count, document.id, () => quoteEdit(before, after, kind));
    }
  }
  if (dropped !== undefined) {
    drop(report, dropped.by, document.id, () => `${dropped.why}: ${quote(text)}`);
    return undefined;
  }
  return text === document.text ? document : { ...document, text };
}

function refuse(row: BadRow, source: SourceSpec, report: SourceReport, { strict }: Ingest): void {
  if (strict) throw row.fault;
  // Without the path of the file and what to do with it: a corpus is the same from wherever it is built.
  const [{ what, why }] = row.fault.faults;
  drop(report, 'unreadable', `${source.name}:${row.at}`, () => describeFault({ what, why }));
}

const maxReportedFiles = 10;
const maxExamples = 3;

export function drop(report: SourceReport, rule: DropRule, example: string, shown: () => string): void {
  const entry = report.dropped[rule] ?? { documents: 0, example };
  report.dropped[rule] = entry;
  entry.documents++;
  addExample(entry, example, shown);
}

function edit(report: SourceReport, kind: string, count: number, example: string, shown: () => string): void {
  report.edited ??= {};
  const entry = report.edited[kind] ?? { documents: 0, count: 0, example };
  report.edited[kind] = entry;
  entry.documents++;
  entry.count += count;
  addExample(entry, example, shown);
}

/** Only what is written down is made: a corpus drops millions. */
function addExample(entry: { examples?: string[] }, example: string, shown: () => string): void {
  if ((entry.examples?.length ?? 0) >= maxExamples) return;
  const text = shown();
  if (text !== '') entry.examples = [...(entry.examples ?? []), `${example}: ${text.slice(0, 300)}`];
}

/** A weight of 2.3: two copies of each, three of three in ten. */
function copiesOf(weight: number, { weightDraw }: Fingerprint): number {
  return Math.floor(weight) + (weightDraw < weight % 1 ? 1 : 0);
}

/** Held-out documents are written once and state no facts: a teacher must not show what is to be measured. */
async function place(
  { item, split }: SplitItem<Candidate>,
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

function progress({ name, read }: SourceReport, { reporter }: Ingest): void {
  reporter.emit({ type: 'progress', label: name, done: read, unit: 'documents' });
}
