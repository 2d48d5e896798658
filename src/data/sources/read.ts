// One table: format → reader. A new format is a new file and a line here.
import { asUserError, isResourceError, systemErrorCode, UserError } from '../../base/errors.js';
import type { DataSpec, Format, SourceSpec } from '../spec.js';
import { readCedict } from './cc-cedict.js';
import { readChinesePoetry } from './chinese-poetry.js';
import type { SourceFile } from './files.js';
import { grammarDocuments } from './grammar-documents.js';
import type { LineOptions, Notice } from './lines.js';
import { type BadRow, type RawDocument, unexpected } from './raw.js';
import type { RecordFormat } from './record.js';
import { readRowDocuments } from './rows.js';
import { readText } from './text.js';
import { readWordnet } from './wordnet.js';

type Reader = (
  file: SourceFile,
  source: SourceSpec,
  spec: DataSpec,
  options: LineOptions,
) => AsyncIterable<RawDocument | BadRow>;

const rows: Reader = (file, { columns, format }, _, options) =>
  readRowDocuments(file, format as RecordFormat, { ...options, columns });

/** A grammar is read whole, all files of it, before it gives its first document. */
const readers: Record<Exclude<Format, 'grammar'>, Reader> = {
  txt: (file, source, spec, options) => readText(file, source, spec.maxCharacters, options),
  ...{ jsonl: rows, json: rows, csv: rows, tsv: rows, parquet: rows, arrow: rows },
  'chinese-poetry': (file, _source, _spec, options) => readChinesePoetry(file, options),
  wordnet: (file, _source, _spec, options) => readWordnet(file, options),
  'cc-cedict': (file, _source, _spec, options) => readCedict(file, options),
};

/**
 * The documents of a source's files, as they are there, and the rows that could not be read, each with its fault.
 * @param notice is told which file was read in which encoding, where that had to be found out.
 * @param seed of what is drawn rather than read.
 */
export async function* readSource(
  files: Iterable<SourceFile> | AsyncIterable<SourceFile>,
  source: SourceSpec,
  spec: DataSpec,
  { notice, seed = 0 }: { notice?: Notice; seed?: number } = {},
): AsyncGenerator<RawDocument | BadRow> {
  const { format } = source;
  if (format === 'grammar') {
    yield* grammarDocuments(files, seed);
    return;
  }
  const options = { encoding: source.encoding, notice };
  const convert = source.convert === 'simplified' ? await toSimplified() : undefined;
  for await (const file of files) {
    let isEmpty = true;
    try {
      for await (const raw of readers[format](file, source, spec, options)) {
        isEmpty = false;
        yield convert === undefined || 'fault' in raw ? raw : convertDocument(raw, convert);
      }
      if (isEmpty) throw unexpected(file.path, 'there is no text in this file', format);
    } catch (thrown) {
      // What the system refuses says nothing of the file: without it the corpus would be a smaller one.
      const error = asUserError(thrown, file.path);
      const isRefused = isResourceError(thrown) || systemErrorCode(thrown) !== undefined;
      if (isRefused || !(error instanceof UserError)) throw error;
      // The rest of the file is lost; the next file is not.
      yield { at: placeIn(file, error), fault: error, endsFile: true };
    }
  }
}

/** `rows.parquet, row 12`, where the fault says so. */
function placeIn({ path, name }: SourceFile, { faults: [{ where = path }] }: UserError): string {
  return where.startsWith(path) ? name + where.slice(path.length) : name;
}

/** Loaded only where asked for: the dictionaries are large. */
async function toSimplified(): Promise<(text: string) => string> {
  const { Converter } = await import('opencc-js/t2cn');
  return Converter({ from: 't', to: 'cn' });
}

function convertDocument(raw: RawDocument, convert: (text: string) => string): RawDocument {
  const { text, facts, identity } = raw;
  return {
    ...raw,
    text: convert(text),
    ...(facts && { facts: facts.map((fact) => ({ ...fact, key: convert(fact.key), value: convert(fact.value) })) }),
    ...(identity && { identity: convert(identity) }),
  };
}
