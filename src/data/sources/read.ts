// One table: format → reader. A new format is a new file and a line here.
import type { DataSpec, Format, SourceSpec } from '../spec.js';
import { readCedict } from './cc-cedict.js';
import { readChinesePoetry } from './chinese-poetry.js';
import type { SourceFile } from './files.js';
import type { RawDocument } from './raw.js';
import { readJsonlRows, readJsonRows } from './rows.js';
import { readText } from './text.js';
import { readWordnet } from './wordnet.js';

type Reader = (file: SourceFile, source: SourceSpec, spec: DataSpec) => AsyncIterable<RawDocument>;

const readers: Record<Format, Reader> = {
  txt: (file, source, spec) => readText(file, source, spec.maxCharacters),
  jsonl: readJsonlRows,
  json: readJsonRows,
  'chinese-poetry': readChinesePoetry,
  wordnet: readWordnet,
  'cc-cedict': readCedict,
};

/** The documents of a source's files, as they stand there. @throws UserError that names the file and line. */
export async function* readSource(
  files: readonly SourceFile[],
  source: SourceSpec,
  spec: DataSpec,
): AsyncGenerator<RawDocument> {
  const convert = source.convert === 'simplified' ? await toSimplified() : undefined;
  for (const file of files) {
    for await (const raw of readers[source.format](file, source, spec)) {
      yield convert === undefined ? raw : convertDocument(raw, convert);
    }
  }
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
