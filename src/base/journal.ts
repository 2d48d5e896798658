// A file that work appends to as it goes on, so that a killed run resumes without doing it again. Each line carries the sha256 of
// all lines up to it: a file that was cut at any byte loses its last line, and nothing that changed on the disk is believed.
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ifAbsent } from './errors.js';
import { makeDirectory, sha256 } from './files.js';

export class Journal {
  readonly #file: FileHandle;
  #seal: string;
  #size: number;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  /** What was written before, in order. */
  readonly entries: readonly unknown[];

  private constructor(file: FileHandle, { entries, seal, size }: Whole) {
    this.#file = file;
    this.#seal = seal;
    this.#size = size;
    this.entries = entries;
  }

  /**
   * Opens `path`, what is whole of it, or begins it; when `use` ends, all that it appended is on the disk.
   * @param source What its entries follow from: those of another source are discarded.
   */
  static async use<T>(path: string, source: string, use: (journal: Journal) => Promise<T>): Promise<T> {
    await makeDirectory(dirname(path));
    const text = await readFile(path, 'utf8').catch(ifAbsent(''));
    const whole = readWhole(text, source);
    const file = await open(path, 'a');
    try {
      await file.truncate(whole.size);
      const journal = new Journal(file, whole);
      if (whole.size === 0) journal.append({ source });
      const result = await use(journal);
      await journal.settle();
      return result;
    } finally {
      await file.close();
    }
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
  entries: unknown[];
  /** Of the last line. */
  seal: string;
  /** Bytes that are whole. */
  size: number;
}

function readWhole(text: string, source: string): Whole {
  const entries: unknown[] = [];
  let seal = '';
  let size = 0;
  const lines = text.split('\n').slice(0, -1);
  for (const [i, line] of lines.entries()) {
    const value = valueIn(line);
    if (value === undefined) break;
    const expected = sealed(seal, value);
    if (expected.line !== `${line}\n`) break;
    if (i === 0 && (value as { source?: unknown }).source !== source) break;
    if (i > 0) entries.push(value);
    seal = expected.seal;
    size += Buffer.byteLength(expected.line);
  }
  return { entries, seal, size };
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
