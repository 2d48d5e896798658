// A file of JSON lines that only grows, each line on the disk before anyone builds on it. A last line that a crash cut is
// dropped; what arrives while one write is under way is written together with the next.
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ifAbsent, systemErrorCode } from './errors.js';
import { writeFileAtomic } from './files.js';
import { countOf } from './format.js';
import { toJsonl } from './jsonl.js';

interface PendingLine {
  value: object;
  /** Absent: what cannot be written now is tried again with the next line. */
  reject?: (error: unknown) => void;
}

/** Hears of the first line that could not be written, and at the end (`isIncomplete`) of those that never were. */
export type WriteWarning = (text: string, isIncomplete: boolean) => void;

export class AppendFile {
  readonly #path: string;
  readonly #warn: WriteWarning;
  /** What the lines that are kept at any price hold, in the plural. */
  readonly #content: string;
  #file: FileHandle;
  #pending: PendingLine[] = [];
  #writing: Promise<void> = Promise.resolve();
  #hasWarned = false;

  private constructor(path: string, file: FileHandle, content: string, warn: WriteWarning) {
    this.#path = path;
    this.#file = file;
    this.#content = content;
    this.#warn = warn;
  }

  /** @returns the lines that were there too, unparsed; the last one where nothing but its line end is missing. */
  static async open(
    path: string,
    content: string,
    warn: WriteWarning,
  ): Promise<{ file: AppendFile; lines: string[]; last: string }> {
    await mkdir(dirname(path), { recursive: true });
    const data = await readFile(path).catch(ifAbsent(Buffer.alloc(0)));
    const wholeBytes = data.lastIndexOf(0x0a) + 1;
    const file = await open(path, 'a');
    // Cut and not rewritten, which needs room: appending must not continue half a line.
    if (wholeBytes < data.length) await file.truncate(wholeBytes);
    const lines = data.toString('utf8', 0, wholeBytes).split('\n').slice(0, -1);
    return { file: new AppendFile(path, file, content, warn), lines, last: data.toString('utf8', wholeBytes) };
  }

  /** Rejects where the line is not on the disk, and will never be. */
  append(value: object): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure: unknown;
      this.#pending.push({
        value,
        reject: (error) => {
          failure = error ?? new Error(`cannot write ${this.#path}`);
        },
      });
      void this.#flush().then(() => (failure === undefined ? resolve() : reject(failure as Error)));
    });
  }

  /**
   * For a line that is read only where the process ended and the machine did not: it is with the operating system, not on the
   * disk, when this resolves. Rejects where it is not written, and will never be.
   */
  async note(value: object): Promise<void> {
    let failure: unknown;
    await this.#enqueue(async () => {
      try {
        await this.#write(toJsonl([value]), false);
      } catch (error) {
        failure = error;
        throw error;
      }
    });
    if (failure !== undefined) throw failure as Error;
  }

  /** Never rejects: where there is no room now, the line is written with a later one. */
  keep(value: object): Promise<void> {
    this.#pending.push({ value });
    return this.#flush();
  }

  /** Everything anew, whole or not at all: lines that hold what no file may. */
  rewrite(values: readonly object[]): Promise<void> {
    return this.#enqueue(async () => {
      await writeFileAtomic(this.#path, toJsonl(values));
      const before = this.#file;
      this.#file = await open(this.#path, 'a'); // another file than the one that was open
      await before.close();
    });
  }

  async close(): Promise<void> {
    await this.#flush();
    await this.#file.close();
    const lost = this.#pending.length;
    if (lost === 0) return;
    const advice = `another run would have to ask for ${this.#content} again`;
    this.#warn(`${this.#path} lacks ${countOf(lost, 'line')}: ${advice}`, true);
  }

  #flush(): Promise<void> {
    return this.#enqueue(async () => {
      const lines = this.#pending;
      if (lines.length === 0) return;
      this.#pending = [];
      try {
        await this.#write(toJsonl(lines.map(({ value }) => value)));
      } catch (error) {
        for (const { reject } of lines) reject?.(error);
        this.#pending = [...lines.filter(({ reject }) => reject === undefined), ...this.#pending];
        throw error;
      }
    });
  }

  /** All of it or nothing. */
  async #write(text: string, isFlushed = true): Promise<void> {
    const { size } = await this.#file.stat();
    try {
      await this.#file.appendFile(text);
      if (isFlushed) await this.#file.datasync();
    } catch (error) {
      await this.#file.truncate(size).catch(() => undefined); // else a torn line, which readers skip
      throw error;
    }
  }

  /** One change of the file at a time, in the order of arrival. Never rejects. */
  #enqueue(change: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(change).catch((error: unknown) => {
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      const why = systemErrorCode(error) ?? String(error);
      this.#warn(`cannot write ${this.#path} (${why}): ${this.#content} are kept in memory and tried again`, false);
    });
    return this.#writing;
  }
}
