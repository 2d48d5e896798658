// Texts to work on: the lines of standard input, and those that --text names, in files of plain text or JSONL rows with a `text`.
import { basename, extname } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { readLines } from '../base/jsonl.js';
import { detectLanguage } from '../data/clean.js';

export interface Sample {
  text: string;
  language: string;
  /** The source, or else the file. */
  domain: string;
}

const batchItems = 64;

/** Lines of plain text are measured together up to this many characters. */
const maxSampleLength = 1 << 16;

/** The texts of a file of plain text or of JSONL rows with a `text`. */
export async function* readSamples(path: string): AsyncGenerator<Sample> {
  const isJson = ['.jsonl', '.ndjson'].includes(extname(path));
  const sample = (text: string): Sample => ({ text, language: detectLanguage(text), domain: basename(path) });
  let lines = '';
  for await (const { text, number } of readLines(path)) {
    if (isJson) {
      if (text.trim() === '') continue;
      const row = parseRow(text, `${path}:${number}`);
      yield { ...sample(row.text), domain: row.source ?? basename(path) };
    } else {
      lines += `${text}\n`;
      if (lines.length < maxSampleLength) continue;
      yield sample(lines);
      lines = '';
    }
  }
  if (lines !== '') yield sample(lines);
}

const rowSchema = z.object({ text: z.string(), source: z.string().optional().catch(undefined) });

function parseRow(line: string, where: string) {
  try {
    return rowSchema.parse(JSON.parse(line));
  } catch {
    const next = 'Give rows such as {"text": "…"}, or plain text';
    throw new UserError({ what: 'this row has no "text"', where, next });
  }
}

export function stdinLines(): AsyncIterable<string> {
  return createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
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
