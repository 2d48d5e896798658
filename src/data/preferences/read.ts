// Preferences from files, checked row by row: a row of the wrong shape is an error that names its line, one that is
// understood and of no use (chosen and rejected say the same, an answer is empty, prompts differ) is skipped and counted.
import { basename } from 'node:path';
import type { RowNotes } from '../conversations/notes.js';
import { type ReadRow, readEachRow } from '../conversations/row-reading.js';
import { type RowChoice, readPreferenceRow } from './formats.js';
import type { Preference } from './types.js';

interface ReadOptions extends RowChoice {
  /** What the rows are said to come from; by default the name of the file or data set. */
  source?: string;
}

/**
 * The preferences of a file, a folder, a pattern or `hf:ORG/NAME`, each with its place, `path:line`; `notes` hears of what
 * is not read and what is skipped. One without an `id` is named `file:line`.
 * Throws a UserError that names file and line of every row of the wrong shape.
 */
export async function* readPreferences(
  path: string,
  notes: RowNotes,
  options: ReadOptions = {},
): AsyncGenerator<{ preference: Preference; where: string }> {
  for await (const { value, where } of readEachRow(path, notes, preferenceReader(path, options))) {
    yield { preference: value, where };
  }
}

export function preferenceReader(path: string, { source, ...choice }: ReadOptions = {}): ReadRow<Preference> {
  const from = source ?? (path.startsWith('hf:') ? path : basename(path));
  return (value, name) => {
    const { preference, notes } = readPreferenceRow(value, name, choice);
    return { value: { ...preference, source: from }, notes };
  };
}
