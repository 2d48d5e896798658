// JSON files that are read whole: bounded, and refused with the place where they are no UTF-8 or no JSON.
import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { UserError } from '../base/errors.js';
import { readLines } from '../base/jsonl.js';

const maxJsonBytes = 256 << 20;

/** `prefix` is cut off first (a JavaScript module that only exports data). @throws UserError with file and line. */
export async function readJsonFile(path: string, prefix = /^\uFEFF/): Promise<unknown> {
  const { size } = await stat(path);
  if (size > maxJsonBytes) {
    throw new UserError({
      what: `this JSON file is larger than ${maxJsonBytes >> 20} MiB`,
      where: path,
      next: 'Convert it to JSON lines, which are read one at a time: jq -c ".[]" file.json > file.jsonl',
    });
  }
  const bytes = await readFile(path);
  if (!isUtf8(bytes)) await refuse(path);
  const text = bytes.toString('utf8').replace(prefix, '');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = (error as Error).message;
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? Number.NaN);
    const line = Number.isNaN(position) ? '' : `:${text.slice(0, position).split('\n').length}`;
    throw new UserError({ what: 'this is not valid JSON', where: `${path}${line}`, why: message });
  }
}

/** Reading it line by line fails at the line that is not UTF-8, and says so. */
async function refuse(path: string): Promise<void> {
  const lines = readLines(path);
  for (let line = await lines.next(); !line.done; line = await lines.next());
}
