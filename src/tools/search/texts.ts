// The texts of a folder, a file or a run, as passages: plain text and Markdown by their lines, rows of any format that data is read
// in by what they say, a run by its corpus. What cannot be read is counted and said; links that lead out of the folder are not followed.
import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { UserError } from '../../base/errors.js';
import { countOf, formatCount } from '../../base/format.js';
import { isRecord } from '../../base/objects.js';
import { readDocuments } from '../../data/documents.js';
import { corpusIn } from '../../data/manifest.js';
import { filesAt, type SourceFile } from '../../data/sources/files.js';
import { identifyFile } from '../../data/sources/kinds.js';
import { readRawLines } from '../../data/sources/lines.js';
import { readRecords, textFormatOf } from '../../data/sources/records.js';
import { fileStamp } from '../../network/checked.js';
import { type Passage, passagesOf } from './passages.js';

export interface TextFile {
  path: string;
  /** Of its content when it was read. */
  stamp: string;
}

export interface TextPlace {
  /** The corpus of a run, or absent. */
  corpus?: string;
  files: TextFile[];
  /** What each is called in a title, in the same order. */
  names: string[];
  /** Of all of them. */
  bytes: number;
}

const maxCharacters = 64 << 20;
const maxPassages = 400_000;
const maxRowCharacters = 20_000;

/** @throws UserError where there is nothing to search. */
export async function textPlace(paths: readonly string[], note: (text: string) => void): Promise<TextPlace> {
  const corpus = paths.length === 1 ? await corpusIn(paths[0]) : undefined;
  const found: SourceFile[] = [];
  if (corpus !== undefined) found.push(...(await filesAt(corpus)));
  for (const path of corpus === undefined ? paths : []) found.push(...(await filesInside(path, note)));
  if (found.length === 0)
    throw new UserError({
      what: 'there is no text here',
      where: paths.join(', '),
      next: 'Give a folder of texts, or a run: Search=notes/',
    });
  const files: TextFile[] = [];
  let bytes = 0;
  for (const { path } of found) {
    files.push({ path, stamp: await fileStamp(path) });
    bytes += (await stat(path)).size;
  }
  return { ...(corpus !== undefined && { corpus }), files, names: found.map(({ name }) => name), bytes };
}

async function filesInside(path: string, note: (text: string) => void): Promise<SourceFile[]> {
  const root = await realpath(path).catch(() => resolve(path));
  const files = await filesAt(path);
  const outside: string[] = [];
  const inside: SourceFile[] = [];
  for (const file of files) {
    const real = await realpath(file.path).catch(() => undefined);
    const isInside = real !== undefined && (real === root || real.startsWith(root + sep) || files.length === 1);
    if (isInside) inside.push(file);
    else outside.push(file.name);
  }
  if (outside.length > 0) note(`${path}: skipped ${countOf(outside.length, 'link')} out of it (first: ${outside[0]})`);
  return inside;
}

/** @param note hears which files hold no text. @throws UserError where there is too much. */
export async function* readPassages(place: TextPlace, note: (text: string) => void): AsyncGenerator<Passage> {
  const counted = { passages: 0, characters: 0 };
  const skipped: string[] = [];
  for await (const passage of place.corpus === undefined
    ? filePassages(place, skipped)
    : corpusPassages(place.corpus)) {
    counted.passages++;
    counted.characters += passage.text.length;
    if (counted.passages > maxPassages || counted.characters > maxCharacters) {
      const why = `more than ${formatCount(maxCharacters >> 20)} million characters or ${formatCount(maxPassages)} passages are not indexed`;
      throw new UserError({
        what: 'there is too much text here to be searched',
        why,
        next: 'Name a part of it: Search=notes/2024',
      });
    }
    yield passage;
  }
  if (skipped.length > 0)
    note(`${countOf(skipped.length, 'file')} cannot be searched: ${skipped.slice(0, 3).join('; ')}`);
}

async function* filePassages({ files, names }: TextPlace, skipped: string[]): AsyncGenerator<Passage> {
  for (const [index, { path }] of files.entries()) {
    const file = { path, name: names[index] };
    const { kind, name } = await identifyFile(path);
    if (kind === 'refused') skipped.push(`${file.name} is ${name}`);
    else {
      try {
        yield* (await textFormatOf(file)) === 'txt' ? linePassages(file, index) : rowPassages(file, index);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        skipped.push(`${file.name}: ${error.faults[0].what}`);
      }
    }
  }
}

async function* linePassages({ path, name }: SourceFile, index: number): AsyncGenerator<Passage> {
  const lines: string[] = [];
  for await (const line of readRawLines(path)) {
    if ('fault' in line) throw line.fault;
    if (line.text.includes('\0')) throw new UserError({ what: 'this is not a text file', where: path });
    lines.push(line.text);
  }
  yield* passagesOf(name, lines, index);
}

async function* rowPassages(file: SourceFile, index: number): AsyncGenerator<Passage> {
  const format = await textFormatOf(file);
  if (format === 'txt') return;
  for await (const record of readRecords(file, format)) {
    if ('fault' in record) throw record.fault;
    const { title, text } = rowText(record.value);
    const named = title === undefined ? `${file.name}:${record.line}` : `${file.name} › ${title}`;
    yield* passagesOf(named, text.slice(0, maxRowCharacters).split('\n'), index);
  }
}

/** A row's text, or its messages, or `name: value` of all that it says. */
function rowText(value: unknown): { title?: string; text: string } {
  if (!isRecord(value)) return { text: typeof value === 'string' ? value : JSON.stringify(value) };
  const title = typeof value.title === 'string' ? value.title : undefined;
  for (const name of ['text', 'content', 'body', 'passage']) {
    const text = value[name];
    if (typeof text === 'string') return { ...(title !== undefined && { title }), text };
  }
  if (Array.isArray(value.messages)) {
    const said = value.messages.map((message: unknown) => (isRecord(message) ? String(message.content ?? '') : ''));
    return { text: said.join('\n') };
  }
  const fields = Object.entries(value).filter(([name, field]) => name !== 'title' && field !== null && field !== '');
  const lines = fields.map(([name, field]) => `${name}: ${typeof field === 'string' ? field : JSON.stringify(field)}`);
  return { ...(title !== undefined && { title }), text: lines.join('\n') };
}

async function* corpusPassages(corpus: string): AsyncGenerator<Passage> {
  for (const split of ['train', 'validation'] as const) {
    for await (const { id, text } of readDocuments(corpus, split)) yield* passagesOf(id, text.split('\n'), 0);
  }
}

/** What became of a file since it was read; undefined: nothing. */
export async function changeOf({ path, stamp }: TextFile): Promise<string | undefined> {
  const now = await fileStamp(path).catch(() => undefined);
  if (now === stamp) return undefined;
  return now === undefined ? 'this file is gone' : 'this file has changed since';
}
