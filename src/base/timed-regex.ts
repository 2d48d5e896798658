// A regular expression that came with somebody's files, and may take for ever on some text: it runs against the clock.
import { createContext, Script } from 'node:vm';

/** A match: its text, where it starts, and its named groups that took part. */
export interface TimedMatch {
  text: string;
  start: number;
  end: number;
  groups: Record<string, string>;
}

export class TooSlow extends Error {
  constructor(source: string) {
    super(`the pattern ${source.slice(0, 200)} tries too many ways to match`);
  }
}

const search = new Script(
  'regex.lastIndex = at; found = regex.exec(text); found && [found[0], found.index, Object.entries(found.groups ?? {})]',
);

/** Of the clock on the wall: on a machine that has much else to do, a harmless pattern waits too. */
const maxMilliseconds = 2000;

export class TimedRegex {
  readonly #context: { regex: RegExp; text: string; at: number };
  readonly #milliseconds: number;

  /** @throws SyntaxError where it is none. */
  constructor(source: string, { flags = '', milliseconds = maxMilliseconds } = {}) {
    const regex = new RegExp(source, `${flags.replace('g', '')}g`);
    this.#context = { regex, text: '', at: 0 };
    createContext(this.#context);
    this.#milliseconds = milliseconds;
  }

  /** The first match from `at` on. @throws TooSlow */
  exec(text: string, at: number): TimedMatch | undefined {
    Object.assign(this.#context, { text, at });
    try {
      const found: unknown = search.runInContext(this.#context, { timeout: this.#milliseconds });
      if (found === null) return undefined;
      const [whole, start, groups] = found as [string, number, [string, string | undefined][]];
      const named = groups.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
      return { text: whole, start, end: start + whole.length, groups: Object.fromEntries(named) };
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      throw new TooSlow(this.#context.regex.source);
    }
  }
}
