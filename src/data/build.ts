// Raw text → a clean corpus: read → normalise → filter → deduplicate → split → Arrow files, facts and a manifest.
// A stream from end to end: what is held is one batch of documents, 16 bytes for each text seen, and the facts.
import { createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asUserError } from '../base/errors.js';
import { digestOf, replaceDirectory, sha256File, withPath, writeFileDurable } from '../base/files.js';
import { corpusFolder, corpusManifestName, factsName } from '../base/layout.js';
import type { Metrics } from '../report/event.js';
import { Corpus } from './corpus.js';
import { emptyCorpus, emptySource, isEmpty, reportFates } from './fate.js';
import { openFilters } from './filters/table.js';
import { separateHeldOut } from './held-out.js';
import { addFormulas, addSource, type IngestOptions } from './ingest.js';
import { type DataManifest, type Halves, manifestFormat, type SourceReport } from './manifest.js';
import { type DataSpec, loadDataSpec } from './spec.js';
import type { Fact } from './types.js';

export interface BuildOptions extends IngestOptions {
  /** Files of tasks that the pipeline evaluates with: `filters.decontaminate` keeps the corpus clear of them. */
  evaluationSets?: readonly string[];
}

/**
 * @returns `path`: the corpus folder, for `readDocuments`, `readFacts` and `readDataManifest`.
 * @throws UserError for a bad spec or file, and where no document is left; Interrupted, with nothing half-done left.
 */
export async function buildData(options: BuildOptions): Promise<{ path: string; digest: string; metrics: Metrics }> {
  const spec = await loadDataSpec(options.specPath);
  const path = join(options.directory, corpusFolder);
  try {
    const manifest = await replaceDirectory(path, (temporary) => fill(temporary, spec, options));
    reportFates(manifest, options.reporter);
    return { path, digest: manifest.digest, metrics: metricsOf(manifest) };
  } catch (error) {
    throw asUserError(withPath(error, path));
  }
}

async function fill(directory: string, spec: DataSpec, options: BuildOptions): Promise<DataManifest> {
  const corpus = new Corpus(directory);
  const sources: SourceReport[] = [];
  try {
    const { evaluationSets = [] } = options;
    const context = { folder: dirname(options.specPath), identities: corpus.store, evaluationSets };
    const filters = await openFilters(spec.filters, context);
    const ingest = { ...options, spec, corpus, filters };
    for (const source of spec.sources) {
      const report = await addSource(source, ingest);
      if (isEmpty(report)) throw emptySource(report, options.specPath);
      sources.push(report);
    }
    if (spec.formulas !== undefined) sources.push(await addFormulas(spec.formulas, ingest));
    if (corpus.total.train.documents === 0) throw emptyCorpus(sources, options.specPath);
    await corpus.close();
    if (spec.filters?.decontaminate?.heldOut === true) {
      await separateHeldOut({ ...ingest, directory, n: spec.filters.decontaminate.n, sources });
    }
    for (const text of filters.notes()) options.reporter.note('info', text);
  } catch (error) {
    await corpus.abort();
    throw error;
  }
  await writeFacts(join(directory, factsName), corpus.facts.all());
  const { formulas } = spec;
  const manifest: Omit<DataManifest, 'digest'> = {
    format: manifestFormat,
    name: spec.name,
    seed: options.seed,
    validation: options.validation,
    total: corpus.total,
    languages: corpus.languages,
    sources,
    formulas: formulas && {
      ...{ heldOut: formulas.heldOut, operators: formulas.operators },
      seed: formulas.heldOutSeed ?? options.seed,
    },
    facts: corpus.facts.counts(),
    files: await describeFiles(directory),
  };
  const whole: DataManifest = { ...manifest, digest: digestOf(manifest) };
  await writeFileDurable(join(directory, corpusManifestName), `${JSON.stringify(whole, undefined, 2)}\n`);
  return whole;
}

async function writeFacts(path: string, facts: Iterable<Fact>): Promise<void> {
  const lines = function* (): Generator<string> {
    for (const fact of facts) yield `${JSON.stringify(fact)}\n`;
  };
  await pipeline(lines, createWriteStream(path, { flush: true }));
}

async function describeFiles(directory: string): Promise<DataManifest['files']> {
  const files: DataManifest['files'] = {};
  for (const name of (await readdir(directory)).sort()) {
    const path = join(directory, name);
    files[name] = { bytes: (await stat(path)).size, sha256: await sha256File(path) };
  }
  return files;
}

function metricsOf({ total, languages, sources, facts }: DataManifest): Metrics {
  const halves = (name: string, { train, validation }: Halves): Metrics => ({
    [`bytes.${name}.train`]: train.bytes,
    [`bytes.${name}.validation`]: validation.bytes,
  });
  const duplicates = sources.reduce((sum, source) => sum + (source.dropped.duplicate?.documents ?? 0), 0);
  return {
    'documents.train': total.train.documents,
    'documents.validation': total.validation.documents,
    ...halves('zh', languages.zh),
    ...halves('en', languages.en),
    ...halves('other', languages.other),
    duplicates,
    facts: Object.values(facts).reduce((sum, count) => sum + count, 0),
  };
}
