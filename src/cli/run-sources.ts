// What the tools of a checkpoint read where its run has it: the notes or poems and the tables that they were taught with, else the run's text.
import { join } from 'node:path';
import { exists } from '../base/files.js';
import { kebabCase } from '../base/format.js';
import { notesName, poemsName, settingsName, tablesFolder } from '../base/layout.js';
import { corpusIn } from '../data/manifest.js';
import type { ToolSources } from '../tools/learnt.js';
import { runAround } from './places.js';

/** @param checkpoint as a person names it; empty where it lies in no run. */
export async function runSources(checkpoint: string): Promise<ToolSources> {
  const isRun = await exists(join(checkpoint, settingsName));
  const run = isRun ? checkpoint : await runAround(checkpoint);
  if (run === undefined) return {};
  const made = join(run, kebabCase('toolUse'));
  const [notes, poems, tables] = [notesName, poemsName, tablesFolder].map((name) => join(made, name));
  const texts = (await exists(notes)) ? notes : (await exists(poems)) ? poems : (await corpusIn(run)) && run;
  return {
    ...(texts !== undefined && { search: [texts] }),
    ...((await exists(tables)) && { query: [tables] }),
  };
}
