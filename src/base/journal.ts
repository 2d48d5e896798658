// A file that work appends to as it goes on, so that a killed run resumes without doing it again. Each line carries the sha256 of
// all lines up to it: a file that was cut at any byte loses its last line, and nothing that changed on the disk is believed.
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exists, makeDirectory, sha256 } from './files.js';

export class Journal {
  readonly #file: FileHandle;
  #seal: string;
  #size: number;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  /** What was written before, in order; none where it was given to `read`. */
  readonly entries: readonly unknown[];

  private constructor(file: FileHandle, { seal, size }: Whole, entries: readonly unknown[]) {
    this.#file = file;
    this.#seal = seal;
    this.#size = size;
    this.entries = entries;
  }

  /**
   * Opens `path`, what is whole of it, or begins it; when `use` ends, all that it appended is on the disk.
   * @param source What its entries follow from: those of another source are discarded.
   * @param read Takes each entry as it is read, where they are too many to be held.
   */
  static async use<T>(
    path: string,
    source: string,
    use: (journal: Journal) => Promise<T>,
    read?: (entry: unknown) => void,
  ): Promise<T> {
    await makeDirectory(dirname(path));
    const entries: unknown[] = [];
    const whole = await readWhole(path, source, read ?? ((entry) => void entries.push(entry)));
    const file = await open(path, 'a');
    try {
      await file.truncate(whole.size);
      const journal = new Journal(file, whole, entries);
      if (whole.size === 0) journal.append({ source });
      const result = await use(journal);
      await journal.settle();
      return result;
    } finally {
      await file.close();
    }
  }

  /** Whether the file is a journal whose entries follow from something else. */
  static async isOfAnother(path: string, source: string): Promise<boolean> {
    for await (const line of linesOf(path)) {
      const { source: found } = (valueIn(line.toString()) ?? {}) as { source?: unknown };
      return typeof found === 'string' && found !== source;
    }
    return false;
  }

  /** It is written soon, with what arrives meanwhile. */
  append(value: object): void {
    const { line, seal } = sealed(this.#seal, value);
    this.#seal = seal;
    this.#waiting.push(line);
    this.#writing = this.#writing.then(() => this.#write());
  }

  /** Waits until all that was appended is on the disk. */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Once a line is lost, none may follow it. */
  async #write(): Promise<void> {
    if (this.#waiting.length === 0 || this.#failure !== undefined) return;
    const text = this.#waiting.join('');
    this.#waiting = [];
    try {
      await this.#file.appendFile(text);
      await this.#file.datasync();
      this.#size += Buffer.byteLength(text);
    } catch (error) {
      this.#failure = error;
      await this.#file.truncate(this.#size).catch(() => undefined); // else half a line
    }
  }
}

interface Whole {
  /** Of the last line. */
  seal: string;
  /** Bytes that are whole. */
  size: number;
}

async function readWhole(path: string, source: string, read: (entry: unknown) => void): Promise<Whole> {
  let seal = '';
  let size = 0;
  for await (const line of linesOf(path)) {
    const value = valueIn(line.toString());
    if (value === undefined) break;
    const expected = sealed(seal, value);
    if (expected.line !== `${line.toString()}\n`) break;
    if (size === 0 && (value as { source?: unknown }).source !== source) break;
    if (size > 0) read(value);
    seal = expected.seal;
    size += Buffer.byteLength(expected.line);
  }
  return { seal, size };
}

/** Without their ends; what follows the last end is no line. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  if (!(await exists(path))) return;
  let parts: Buffer[] = [];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)]);
      parts = [];
      from = end + 1;
    }
    parts.push(chunk.subarray(from));
  }
}

function valueIn(line: string): object | undefined {
  try {
    const { seal: _, ...value } = JSON.parse(line) as Record<string, unknown>;
    return value;
  } catch {
    return undefined;
  }
}

function sealed(before: string, value: object): { line: string; seal: string } {
  const seal = sha256(before + JSON.stringify(value)).slice(0, 16);
  return { line: `${JSON.stringify({ ...value, seal })}\n`, seal };
}
