// JSON files that are read whole, as every text is read: bounded, and refused with the place where they are no JSON.
import { UserError } from '../base/errors.js';
import { commandLine } from '../base/shell.js';
import { readLimits } from './sources/limits.js';
import { type LineOptions, readRawLines } from './sources/lines.js';

/** `prefix` is cut off first (a JavaScript module that only exports data). @throws UserError with file and line. */
export async function readJsonFile(path: string, options: LineOptions = {}, prefix?: RegExp): Promise<unknown> {
  const text = await readWhole(path, options);
  try {
    return JSON.parse(prefix === undefined ? text : text.replace(prefix, '')) as unknown;
  } catch (error) {
    const message = (error as Error).message;
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? Number.NaN);
    const line = Number.isNaN(position) ? '' : `:${text.slice(0, position).split('\n').length}`;
    throw new UserError({
      what: 'this is not valid JSON',
      where: `${path}${line}`,
      why: message,
      next: `Fix it there, or fetch it again if it is cut short; objects one after another become lines with ${commandLine('jq', '-c', '.', path)}`,
    });
  }
}

/** A compressed file counts by what is in it. */
async function readWhole(path: string, options: LineOptions): Promise<string> {
  const lines: string[] = [];
  let size = 0;
  for await (const line of readRawLines(path, { ...options, maxBytes: readLimits.jsonBytes })) {
    if ('fault' in line) throw line.isTooLong ? tooLarge(path) : line.fault;
    size += line.text.length + 1;
    if (size > readLimits.jsonBytes) throw tooLarge(path);
    lines.push(line.text);
  }
  return lines.join('\n');
}

function tooLarge(path: string): UserError {
  return new UserError({
    what: `this JSON file is larger than ${readLimits.jsonBytes >> 20} MiB`,
    where: path,
    next: 'Convert it to JSON lines, which are read one at a time: jq -c ".[]" file.json > file.jsonl',
  });
}
