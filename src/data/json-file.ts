// JSON files that are read whole, plain or compressed: bounded, and refused with the place where they are no UTF-8 or no JSON.
import { isUtf8 } from 'node:buffer';
import { UserError } from '../base/errors.js';
import { openBytes } from './sources/bytes.js';
import { readRawLines } from './sources/lines.js';

const maxJsonBytes = 128 << 20;

/** `prefix` is cut off first (a JavaScript module that only exports data). @throws UserError with file and line. */
export async function readJsonFile(path: string, prefix = /^\uFEFF/): Promise<unknown> {
  const bytes = await readWhole(path);
  // Reading it line by line finds the line that is not UTF-8.
  if (!isUtf8(bytes)) for await (const line of readRawLines(path)) if ('fault' in line) throw line.fault;
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

/** A compressed file counts by what is in it. */
async function readWhole(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of await openBytes(path)) {
    size += chunk.length;
    if (size > maxJsonBytes) {
      throw new UserError({
        what: `this JSON file is larger than ${maxJsonBytes >> 20} MiB`,
        where: path,
        next: 'Convert it to JSON lines, which are read one at a time: jq -c ".[]" file.json > file.jsonl',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
