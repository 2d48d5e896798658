// Texts to work on: the lines of standard input, and those that --text names: plain text, or rows with a `text`.
import { basename } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { formatCount } from '../base/format.js';
import { detectLanguage } from '../data/clean.js';
import { requireText } from '../data/sources/bytes.js';
import { filesAt, type SourceFile } from '../data/sources/files.js';
import { linesIn, readLines } from '../data/sources/lines.js';
import { Notices } from '../data/sources/notices.js';
import type { RecordFormat } from '../data/sources/record.js';
import { readRecords, textFormatOf } from '../data/sources/records.js';
import { noteOnStderr } from './output.js';

export interface Sample {
  text: string;
  language: string;
  /** The source, or else the file. */
  domain: string;
}

const batchItems = 64;

/** Lines of plain text are measured together up to this many characters. */
const maxSampleLength = 1 << 16;

/** The texts of plain text, or of rows with a `text` in any format: a file, a folder or a pattern. */
export async function* readSamples(path: string): AsyncGenerator<Sample> {
  const files = await filesAt(path);
  if (files.length === 0) throw new UserError({ what: 'no file is found here', where: path, next: 'Check the path' });
  const notices = new Notices(noteOnStderr);
  for (const file of files) {
    const format = await textFormatOf(file);
    yield* format === 'txt' ? plainSamples(file, notices) : rowSamples(file, format, notices);
  }
  notices.finish();
}

async function* plainSamples({ path, name }: SourceFile, { notice }: Notices): AsyncGenerator<Sample> {
  const sample = (text: string): Sample => ({ text, language: detectLanguage(text), domain: basename(name) });
  let lines = '';
  for await (const line of readLines(path, { notice })) {
    lines += `${line}\n`;
    if (lines.length < maxSampleLength) continue;
    yield sample(lines);
    lines = '';
  }
  if (lines !== '') yield sample(lines);
}

const rowSchema = z.object({ text: z.string(), source: z.string().optional().catch(undefined) });

async function* rowSamples(file: SourceFile, format: RecordFormat, { notice }: Notices): AsyncGenerator<Sample> {
  // In these a cell without a text is null: of a column that other rows have, that is an empty text.
  const hasNulls = format === 'parquet' || format === 'arrow';
  let rows = 0;
  let empty = 0;
  for await (const record of readRecords(file, format, { notice })) {
    if ('fault' in record) throw record.fault;
    rows++;
    const { data, success } = rowSchema.safeParse(record.value);
    const isNull = hasNulls && (record.value as { text?: unknown }).text === undefined;
    if (!success && !isNull) throw noText(record.where);
    if (!success) empty++;
    else yield { text: data.text, language: detectLanguage(data.text), domain: data.source ?? basename(file.name) };
  }
  if (empty > 0 && empty === rows) throw noText(file.path);
  if (empty > 0) noteOnStderr(`${file.path}: ${formatCount(empty)} of ${formatCount(rows)} rows have an empty text`);
}

function noText(where: string): UserError {
  const next = 'Give rows such as {"text": "…"}, or plain text';
  return new UserError({ what: 'this row has no "text"', where, next });
}

/** @throws UserError where what comes is no text. */
export async function* stdinLines(): AsyncGenerator<string> {
  const bytes = requireText(process.stdin as AsyncIterable<Buffer>, 'stdin');
  for await (const line of linesIn(bytes, 'stdin')) {
    if ('fault' in line) throw line.fault;
    yield line.text;
  }
}

/** As many as are held and measured together. */
export async function* batchesOf<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < batchItems) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
