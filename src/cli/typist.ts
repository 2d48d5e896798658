// Whoever judges: single keys and edited texts from a terminal, or lines from a pipe, where a key is the first character
// of a line and a text is the line after it.
import { createInterface } from 'node:readline';
import { editedText } from './editing.js';

export interface Typist {
  /** In lower case; undefined once they have had enough (Ctrl-C, Ctrl-D, the end of the pipe). */
  key(): Promise<string | undefined>;
  /** The text as they changed it; undefined where they gave up. */
  edit(text: string): Promise<string | undefined>;
  close(): void;
}

export function openTypist(): Typist {
  return process.stdin.isTTY ? new TerminalTypist() : new PipeTypist();
}

class TerminalTypist implements Typist {
  /** Typed ahead. */
  readonly #keys: string[] = [];

  async key(): Promise<string | undefined> {
    const { stdin } = process;
    while (this.#keys.length === 0) {
      stdin.setRawMode(true);
      const bytes = await new Promise<Buffer | undefined>((resolve) => {
        const onData = (data: Buffer): void => finish(data);
        const onEnd = (): void => finish(undefined);
        const finish = (data: Buffer | undefined): void => {
          stdin.off('data', onData).off('end', onEnd);
          resolve(data);
        };
        stdin.on('data', onData).on('end', onEnd).resume();
      });
      stdin.pause().setRawMode(false);
      if (bytes === undefined) return undefined;
      const text = bytes.toString('utf8');
      if (!text.startsWith('\x1b')) this.#keys.push(...text); // arrows and the like are no keys here
    }
    const key = this.#keys.shift() ?? '';
    return key === '\x03' || key === '\x04' ? undefined : key.toLowerCase();
  }

  async edit(text: string): Promise<string | undefined> {
    this.#keys.length = 0;
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    try {
      return await editedText(text, terminal, () => {
        return new Promise((resolve) => {
          terminal.on('line', resolve).on('SIGINT', () => resolve(undefined));
          terminal.on('close', () => resolve(undefined));
        });
      });
    } finally {
      terminal.close();
    }
  }

  close(): void {
    process.stdin.pause();
  }
}

class PipeTypist implements Typist {
  readonly #terminal = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  readonly #lines = this.#terminal[Symbol.asyncIterator]();

  async key(): Promise<string | undefined> {
    const line = await this.#line();
    return line?.trim().charAt(0).toLowerCase();
  }

  edit(): Promise<string | undefined> {
    return this.#line();
  }

  close(): void {
    this.#terminal.close();
  }

  async #line(): Promise<string | undefined> {
    const { done, value } = await this.#lines.next();
    return done ? undefined : value;
  }
}
