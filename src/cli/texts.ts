// --text: texts in place of a data-spec. The spec that they come to is kept in the run folder, where it can be edited.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { digestOf, exists, writeFileAtomic } from '../base/files.js';
import { countOf } from '../base/format.js';
import { dataSpecName } from '../base/layout.js';
import { mossctlCommand } from '../base/shell.js';
import { corpusName, textsSpec } from '../data/texts-spec.js';
import { noteOnStderr, shownPath } from './output.js';
import { findRun, type StageRun } from './run-stages.js';

/** The last line of what mossctl wrote: a file that no longer fits it has been edited, and is not replaced. */
const seal = (text: string): string => `# As written by mossctl: ${digestOf(text).slice(0, 16)}\n`;

/** The run with the data-spec of these texts; itself where there are none. @throws UserError where another spec is named too. */
export async function withTexts(texts: readonly string[] | undefined, options: StageRun): Promise<StageRun> {
  if (texts === undefined) return options;
  const other = options.set?.find((text) => text.startsWith('data.spec='));
  if (other !== undefined) {
    throw new UserError({ what: `--text and --set ${other} both say what to read`, next: 'Give one of the two' });
  }
  const isNew = options.config === undefined && options.out === undefined;
  const flags = { ...options.flags, ...(isNew && { name: corpusName(texts[0]) }) };
  const { folder } = await findRun({ ...options, flags: { ...flags, 'data.spec': dataSpecName } });
  const path = join(folder, dataSpecName);
  const { text, files, notes } = await textsSpec(texts, folder);
  await writeSpec(path, text);
  const note = options.quiet ? () => undefined : noteOnStderr; // stderr: with --json, too
  for (const line of notes) note(line);
  note(`${countOf(files, 'file')} of text, as ${shownPath(path)} says, which can be edited`);
  return { ...options, flags: { ...flags, 'data.spec': path } };
}

async function writeSpec(path: string, text: string): Promise<void> {
  const whole = text + seal(text);
  const before = (await exists(path)) ? await readFile(path, 'utf8') : undefined;
  if (before === whole) return;
  const lines = before?.split(/(?<=\n)/) ?? [];
  if (before !== undefined && seal(lines.slice(0, -1).join('')) !== lines.at(-1)) {
    throw new UserError({
      what: '--text would replace a data-spec that was edited',
      where: path,
      next: `Build from it without --text (${mossctlCommand('data', 'build', shownPath(path))}), move it away, or choose another --out`,
    });
  }
  await writeFileAtomic(path, whole);
}
