// Rows of a file: JSON lines, or one JSON list. Each comes with the place that an error names and the name that a
// conversation without an id gets; what a row means is for the caller to say.
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { UserError } from '../base/errors.js';
import { readJsonl } from '../base/jsonl.js';
import { readJsonFile } from './json-file.js';

export interface Row {
  value: unknown;
  /** In a JSON list its place, from 1. */
  line: number;
  /** For errors: `path:line`. */
  where: string;
  /** Short and stable: `file:line`. */
  name: string;
}

/** @throws UserError where the file cannot be read as rows, with file and line. */
export async function* readRows(path: string): AsyncGenerator<Row> {
  const row = (value: unknown, line: number, where: string): Row => {
    return { value, line, where, name: `${basename(path)}:${line}` };
  };
  if (!(await startsWithBracket(path))) {
    for await (const { value, line } of readJsonl(path)) yield row(value, line, `${path}:${line}`);
    return;
  }
  const rows = await readJsonFile(path);
  if (!Array.isArray(rows)) throw new UserError({ what: 'a list of rows was expected', where: path });
  for (const [i, value] of rows.entries()) yield row(value, i + 1, `${path} (row ${i + 1})`);
}

async function startsWithBracket(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
    const start = (chunk as string).replace(/^\uFEFF/, '').trimStart();
    if (start !== '') return start.startsWith('[');
  }
  return false;
}
