// Conversations from files, checked row by row. A row of the wrong shape is an error that names its line; one that is
// understood and of no use is skipped and counted.
import { z } from 'zod';
import { type Fault, UserError } from '../../base/errors.js';
import type { RowFormat } from '../../config/sft.js';
import type { Message } from '../../tokenizer/message.js';
import { maxFaults, type Row, readRows, shortened } from '../rows.js';
import type { Conversation } from '../types.js';
import { fixRow } from './fields.js';
import { type RowReading, readRow } from './formats.js';
import { type RowNote, type RowNotes, RowRefusal } from './notes.js';

/**
 * The conversations of a file of rows in any format (see formats.ts), each with its place, `path:line`; `notes` hears of
 * what is not read and what is skipped. A conversation without an `id` is named `file:line`.
 * Throws a UserError that names file and line of every row of the wrong shape.
 */
export async function* readConversations(
  path: string,
  notes: RowNotes,
  format?: RowFormat,
): AsyncGenerator<{ conversation: Conversation; where: string }> {
  const faults: Fault[] = [];
  for await (const row of readRows(path, notes.notice)) {
    notes.read();
    const read = attempt(row, faults, format);
    if (faults.length >= maxFaults) break;
    if (read === undefined || faults.length > 0) continue;
    if ('skipped' in read) {
      notes.skip(read.skipped, read.where);
      continue;
    }
    for (const note of read.notes) notes.add(note, row.where);
    yield { conversation: read.conversation, where: row.where };
  }
  if (faults.length > 0) throw new UserError(shortened(faults, path));
}

/** undefined where the row is of the wrong shape, which `faults` hears of. */
function attempt(row: Row, faults: Fault[], format?: RowFormat): RowReading | SkippedRow | undefined {
  try {
    return parseRow(row, format);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}

/**
 * One row of such a file, by its line (in a JSON array by its place, from 1). `fault` says why a training would skip
 * the row, `notices` what was decided about the file. Throws a UserError where there is no such row, or it cannot be read at all.
 */
export async function readConversation(
  path: string,
  wanted: number,
): Promise<{ conversation: Conversation; notes: RowNote[]; notices: string[]; fault?: string }> {
  let last = 0;
  const notices: string[] = [];
  for await (const row of readRows(path, (text) => notices.push(text))) {
    if (row.line > wanted) break;
    last = row.line;
    if (last < wanted) continue;
    const read = parseRow(row);
    if (!('skipped' in read)) return { ...read, notices };
    if (read.conversation === undefined) {
      throw new UserError({ what: `this row is not used: ${read.skipped}`, where: read.where, next: fixRow });
    }
    return { conversation: read.conversation, notes: read.notes, notices, fault: read.skipped };
  }
  throw new UserError({
    what: `there is no row ${wanted}`,
    where: path,
    why: last === 0 ? 'no row comes before it' : `the nearest row before it is ${last}`,
    next: 'Name the line of a row, counted from 1',
  });
}

/** What is wrong with the order or the content of the messages, if anything, and where. */
function orderFault(messages: readonly Message[]): RowRefusal | undefined {
  let before: Message['role'] | 'nothing' = 'nothing';
  for (const [i, { role, content, toolCalls }] of messages.entries()) {
    const mayBeEmpty = role === 'system' || role === 'tool' || toolCalls !== undefined;
    if (content.trim() === '' && !mayBeEmpty) return new RowRefusal(`the ${role} message is empty`, `message ${i + 1}`);
    if (!mayFollow[before].includes(role)) {
      const expected = mayFollow[before].join(' or ');
      return new RowRefusal(`a message of the ${role} where ${expected} was expected`, `message ${i + 1}`);
    }
    before = role;
  }
  return before === 'nothing' || before === 'system' ? new RowRefusal('there is no user message') : undefined;
}

const mayFollow: Record<Message['role'] | 'nothing', readonly Message['role'][]> = {
  nothing: ['system', 'user'],
  system: ['user'],
  user: ['assistant'],
  assistant: ['user', 'tool'],
  tool: ['assistant', 'tool'],
};

/** The row was understood; `conversation` is there where it was read, too. */
type SkippedRow = Partial<RowReading> & { skipped: string; where: string; notes: RowNote[] };

/** What is wrong with the shape of the row becomes an error that names it. */
function parseRow({ value, where, name }: Row, format?: RowFormat): RowReading | SkippedRow {
  const skipped = ({ message, place }: RowRefusal, read?: RowReading): SkippedRow => {
    return { notes: [], ...read, skipped: message, where: place === undefined ? where : `${where}, ${place}` };
  };
  try {
    const read = readRow(value, name, format);
    const fault = orderFault(read.conversation.messages);
    return fault === undefined ? read : skipped(fault, read);
  } catch (error) {
    if (error instanceof RowRefusal) return skipped(error);
    if (error instanceof z.ZodError) {
      const issues = error.issues.slice(0, 5);
      throw new UserError(
        issues.map(({ path, message }) => ({
          what: [path.join('.'), message].filter(Boolean).join(': '),
          where,
          next: fixRow,
        })),
      );
    }
    if (error instanceof UserError) throw new UserError(error.faults.map((fault) => ({ where, ...fault })));
    throw error;
  }
}
