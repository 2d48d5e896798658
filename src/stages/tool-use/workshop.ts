// Where exercises are done: the tools, really running, and what they work on, which is made up and written beside the rows
// (notes to search, tables to query).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/files.js';
import { toJsonl } from '../../base/jsonl.js';
import { notesName, tablesFolder } from '../../base/layout.js';
import type { TaughtTool } from '../../config/tool-use.js';
import { readFacts } from '../../data/facts.js';
import type { Fact } from '../../data/types.js';
import { openTools } from '../../tools/open.js';
import type { Toolbox } from '../../tools/toolbox.js';
import type { Draw, Exercise, Maker } from './exercise.js';
import { arithmetic } from './exercises/arithmetic.js';
import { clock } from './exercises/clock.js';
import { equations } from './exercises/equations.js';
import { house } from './exercises/house.js';
import { notebook } from './exercises/notes.js';
import { tables } from './exercises/tables.js';
import { talk } from './exercises/talk.js';
import { dictionaryWords, words } from './exercises/words.js';

interface WorkshopOptions {
  tools: readonly TaughtTool[];
  /** Of a built corpus: its words are looked up. */
  corpus: string;
  directory: string;
  seed: number;
}

export interface Workshop {
  toolbox: Toolbox;
  makers: Record<string, { maker: Maker; share: number }>;
  talk: (draw: Draw) => Exercise;
}

export async function openWorkshop({ tools, corpus, directory, seed }: WorkshopOptions): Promise<Workshop> {
  const facts: Fact[] = await readFacts(corpus);
  const known = dictionaryWords(facts);
  const book = notebook(seed);
  const made = tables(seed);
  const notes = join(directory, notesName);
  await mkdir(join(directory, tablesFolder), { recursive: true });
  await writeFileAtomic(notes, toJsonl(book.notes.map(({ text }) => ({ text }))));
  const files = made.tables.map(({ name }) => join(directory, tablesFolder, `${name}.csv`));
  for (const [i, { columns, rows }] of made.tables.entries()) {
    await writeFileAtomic(files[i], `${[columns, ...rows].map((row) => row.join(',')).join('\n')}\n`);
  }
  const rows: Record<TaughtTool, { opens: string; maker: Maker; share: number }> = {
    Calculate: { opens: 'Calculate', maker: arithmetic, share: 2 },
    Solve: { opens: 'Solve', maker: equations, share: 1 },
    Define: { opens: 'Define', maker: words(facts), share: 2 },
    Search: { opens: `Search=${notes}`, maker: book.maker, share: 1.5 },
    Query: { opens: `Query=${files.join(',')}`, maker: made.maker, share: 1.5 },
    Now: { opens: 'Now', maker: clock, share: 1 },
    World: { opens: 'World', maker: house, share: 1.25 },
  };
  const toolbox = await openTools(tools.map((name) => rows[name].opens));
  const makers = Object.fromEntries(tools.map((name) => [name.toLowerCase(), rows[name]]));
  return { toolbox, makers, talk: talk(known) };
}
