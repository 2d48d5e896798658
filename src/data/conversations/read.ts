// Conversations from files, checked row by row; how rows are read, refused and skipped is row-reading.ts's.
import type { RowFormat } from '../../config/sft.js';
import type { Conversation } from '../types.js';
import { readRow } from './formats.js';
import type { RowNotes } from './notes.js';
import { orderFault } from './order.js';
import { type ReadRow, type RowResult, readEachRow } from './row-reading.js';

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
  for await (const { value, where } of readEachRow(path, notes, conversationReader(format))) {
    yield { conversation: value, where };
  }
}

export function conversationReader(format?: RowFormat): ReadRow<Conversation> {
  return (value, name): RowResult<Conversation> => {
    const { conversation, notes } = readRow(value, name, format);
    return { value: conversation, notes, fault: orderFault(conversation.messages) };
  };
}
