// What is said of rows: what of them is not read or not learnt, and which are skipped. Each kind is counted and named once,
// with the place of the first row, however many rows have it.
import { cleanText } from '../../base/clean-text.js';
import { countOf, formatCount } from '../../base/format.js';
import type { StageReporter } from '../../report/event.js';
import { Notices } from '../sources/notices.js';

/**
 * Something about one row. `text` follows "this row has" and "12 conversations have". `unread`: the name of a field that
 * changes nothing; all of them together are one note.
 */
export type RowNote = { level: 'warning' | 'info'; text: string } | { level: 'unread'; field: string };

/** A row that is understood and of no use: it is skipped and counted. */
export class RowRefusal extends Error {
  /** Where in the row: `message 3`. */
  readonly place: string | undefined;
  constructor(reason: string, place?: string) {
    super(reason);
    this.place = place;
  }
}

interface RowLine {
  level: 'warning' | 'info';
  text: string;
}

interface Count {
  rows: number;
  first: string;
}

/** Different texts that are kept; a file that has more is broken in one way, not in a hundred. */
const maxTexts = 40;
const maxFields = 12;

export class RowNotes {
  readonly #notes = new Map<string, Count & { level: 'warning' | 'info' }>();
  readonly #skipped = new Map<string, Count>();
  readonly #unread = new Map<string, Count>();
  readonly #told: string[] = [];
  readonly #notices = new Notices((text) => this.#told.push(text));
  readonly #cut = { rows: 0, answers: 0, first: '' };
  /** What the rows are called: `conversation`, `task`. */
  readonly #noun: string;
  #rows = 0;

  constructor(noun = 'conversation') {
    this.#noun = noun;
  }

  /** Rows that were read, those that were skipped among them. */
  read(): void {
    this.#rows++;
  }

  /** Something about a file as a whole, such as its encoding. */
  readonly notice = this.#notices.notice;

  add(note: RowNote, where: string): void {
    if (note.level === 'unread') count(this.#unread, note.field, where, {});
    else count(this.#notes, note.text, where, { level: note.level });
  }

  skip(reason: string, where: string): void {
    count(this.#skipped, reason, where, {});
  }

  /** A conversation that lost answers because it is longer than the context. */
  cut(answers: number, where: string): void {
    if (this.#cut.rows++ === 0) this.#cut.first = where;
    this.#cut.answers += answers;
  }

  /** Why rows were skipped: `3 × there is no user message`. */
  get skippedInWords(): string {
    return [...this.#skipped].map(([reason, { rows }]) => `${rows} × ${reason}`).join('; ');
  }

  /** @param contextLength tokens at which conversations were cut, where they were. */
  lines(contextLength?: number): RowLine[] {
    const { rest } = this.#notices;
    const told = rest === undefined ? this.#told : [...this.#told, rest];
    const lines = told.map((text): RowLine => ({ level: 'info', text }));
    const add = (level: 'warning' | 'info', text: string, first: string): void => {
      lines.push({ level, text: `${text} (first: ${first})` });
    };
    for (const [reason, { rows, first }] of this.#skipped)
      add('warning', `skipped ${this.#many(rows)}: ${reason}`, first);
    const { rows, answers, first } = this.#cut;
    if (rows > 0) {
      const lost = `${countOf(answers, 'answer')} lost`;
      add(
        'warning',
        `cut ${formatCount(rows)} of ${this.#many(this.#rows)} at ${contextLength} tokens: ${lost}`,
        first,
      );
    }
    for (const [text, note] of this.#notes) {
      add(note.level, `${this.#many(note.rows)} ${note.rows === 1 ? 'has' : 'have'} ${text}`, note.first);
    }
    if (this.#unread.size > 0) lines.push({ level: 'info', text: `fields that are not read: ${this.#fields()}` });
    return lines;
  }

  report(reporter: StageReporter, contextLength?: number): void {
    for (const { level, text } of this.lines(contextLength)) reporter.note(level, text);
  }

  #many(rows: number): string {
    return countOf(rows, this.#noun);
  }

  #fields(): string {
    const names = [...this.#unread.keys()];
    const more = names.length > maxFields ? ` and ${names.length - maxFields} more` : '';
    return names.slice(0, maxFields).join(', ') + more;
  }
}

/** Each once: a row whose every message has a field has it once. */
export function distinct(notes: readonly RowNote[]): RowNote[] {
  return [...new Map(notes.map((note) => [JSON.stringify(note), note])).values()];
}

/** `field`, as an error or a note shows it: names come from the file. */
export function shownName(field: string): string {
  return cleanText(field, 60).replaceAll('\n', ' ') || '(empty name)';
}

function count<T extends object>(counts: Map<string, Count & T>, text: string, where: string, more: T): void {
  const key = counts.has(text) || counts.size < maxTexts ? text : 'other reasons than those above';
  const known = counts.get(key);
  if (known === undefined) counts.set(key, { rows: 1, first: where, ...more });
  else known.rows++;
}
