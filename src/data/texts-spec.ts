// Texts that a person names (a folder, files, patterns) → the data-spec that reads them: files of one format are one source, which
// keeps to their folder, so that a text that is added later is read too.
import { basename, extname, join, relative, resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import { countOf, formatCount, listOf } from '../base/format.js';
import { isRecord } from '../base/objects.js';
import { filesAt, type SourceFile } from './sources/files.js';
import type { RecordFormat } from './sources/record.js';
import { readRecords, textFormatOf } from './sources/records.js';

export interface TextsSpec {
  /** YAML, its paths relative to the folder that it is for. */
  text: string;
  files: number;
  /** For a person: `4 files of .jpg were not taken`. */
  notes: string[];
}

interface TextSource {
  from: string;
  format: TextFormat;
  files: SourceFile[];
}

type TextFormat = RecordFormat | 'txt';

const known = /\.(?:txt|text|md|markdown|jsonl|ndjson|json|csv|tsv|parquet|arrow|feather|ipc)(?:\.(?:gz|zst))?$/i;
/** What the column of the text is called where it is not `text`. */
const textColumns = ['content', 'body', 'document', 'article', 'passage', '正文', '内容', '文本'];
const maxSources = 100;

/**
 * @param named as a person typed it: relative to the working folder. @param folder where the data-spec will lie.
 * @throws UserError where nothing is found, or rows have no text.
 */
export async function textsSpec(named: readonly string[], folder: string): Promise<TextsSpec> {
  const notes: string[] = [];
  const sources = (await Promise.all(named.map((path) => sourcesAt(path, notes)))).flat();
  if (sources.length > maxSources) {
    throw new UserError({
      what: `${formatCount(sources.length)} sources are too many for --text`,
      next: 'Put the files into a folder, and name that',
    });
  }
  const names = new Set<string>();
  const rows: string[] = [];
  for (const source of sources) rows.push(await sourceText(source, uniqueName(source.from, names), folder));
  const [first] = named;
  const text = `${head}name: ${JSON.stringify(corpusName(first))}\nsources:\n${rows.join('')}`;
  return { text, files: sources.reduce((sum, { files }) => sum + files.length, 0), notes };
}

const head = `# Where the text of this run comes from, as --text named it. To change it, edit this file and build from it:
#   mossctl data build DATA-SPEC --out RUN
`;

/** `novels` of `../novels/`, `novel` of `novel.txt`: what a run of these texts is called. */
export function corpusName(path: string): string {
  const plain = basename(resolve(path.replace(/[*?{].*$/s, '')));
  const name = plain.slice(0, plain.length - extname(plain).length).replace(/[^\p{L}\p{N}._-]+/gu, '-');
  return name.replace(/^[._-]+/, '').slice(0, 64) || 'texts';
}

/** The files at a path as few sources: the path itself where all are read alike, else a pattern for each format. */
async function sourcesAt(path: string, notes: string[]): Promise<TextSource[]> {
  const all = await filesAt(path);
  if (all.length === 0) throw new UserError({ what: 'no file is found here', where: path, next: 'Check the path' });
  const isFolder = all.length > 1 || resolve(all[0].path) !== resolve(path);
  const files = isFolder ? all.filter(({ name }) => known.test(name)) : all;
  if (files.length === 0) {
    throw new UserError({
      what: `none of the ${countOf(all.length, 'file')} here is text by its name`,
      where: path,
      next: 'Name files ending in .txt, .md, .jsonl, .csv or .parquet, or one file by itself',
    });
  }
  if (files.length < all.length) {
    const others = [...new Set(all.filter((file) => !files.includes(file)).map(({ name }) => endingOf(name)))];
    notes.push(`${path}: ${countOf(all.length - files.length, 'file')} not taken (${listOf(others.slice(0, 8))})`);
  }
  const byFormat = new Map<TextFormat, SourceFile[]>();
  for (const file of files) {
    const format = await textFormatOf(file);
    byFormat.set(format, [...(byFormat.get(format) ?? []), file]);
  }
  if (byFormat.size === 1 && files.length === all.length) {
    const [[format]] = byFormat;
    return [{ from: path, format, files }];
  }
  return [...byFormat].flatMap(([format, its]) => patternsOf(path, format, its, files));
}

/** By their endings; file by file where files of the same ending are read in different ways. */
function patternsOf(path: string, format: TextFormat, its: SourceFile[], all: readonly SourceFile[]): TextSource[] {
  const endings = [...new Set(its.map(({ name }) => endingOf(name)))];
  const isClear = all.every((file) => its.includes(file) || !endings.includes(endingOf(file.name)));
  const isPattern = /[*?{]/.test(path);
  if (!isClear || isPattern) return its.map((file) => ({ from: file.path, format, files: [file] }));
  const names = endings.length === 1 ? `*${endings[0]}` : `*{${endings.join(',')}}`;
  return [{ from: join(path, '**', names), format, files: its }];
}

/** `.txt`, `.jsonl.gz` */
function endingOf(name: string): string {
  return known.exec(name)?.[0] ?? (extname(name) || basename(name));
}

/** A source's name has small letters, digits and dashes. */
function uniqueName(from: string, taken: Set<string>): string {
  const plain = corpusName(from).toLowerCase();
  const base = /^[a-z0-9][a-z0-9-]{0,34}$/.test(plain) ? plain : 'texts';
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
  taken.add(name);
  return name;
}

async function sourceText({ from, format, files }: TextSource, name: string, folder: string): Promise<string> {
  const path = relative(folder, resolve(from)).replaceAll('\\', '/') || '.';
  const lines = [
    `name: ${name}`,
    `from: ${JSON.stringify(`file:${path}`)}`,
    `format: ${format} # how the files are read`,
    ...(format === 'txt'
      ? ['split: file # one document a file; or paragraphs, lines, or instead of it separator: "a line that ends one"']
      : await columnLines(files[0], format)),
    'licence: not stated # say which: it is shown in the report and on the model card',
  ];
  return lines.map((line, i) => `${i === 0 ? '  - ' : '    '}${line}\n`).join('');
}

/** Nothing where rows have a `text`, else the column that is most likely the text. */
async function columnLines(file: SourceFile, format: RecordFormat): Promise<string[]> {
  for await (const record of readRecords(file, format)) {
    if ('fault' in record || !isRecord(record.value)) continue; // the build counts and reports it
    const row = record.value;
    if (typeof row.text === 'string') return [];
    const column = textColumns.find((key) => typeof row[key] === 'string');
    if (column !== undefined) return [`columns: { text: ${JSON.stringify(column)} } # of the document`];
    throw new UserError({
      what: 'this row has no "text"',
      where: record.where,
      why: `it has the fields ${Object.keys(row).slice(0, 10).join(', ') || '(none)'}`,
      next: 'Conversations are for `mossctl sft --data`; for rows of text, write a data-spec with columns: { text: NAME }',
    });
  }
  return [];
}
