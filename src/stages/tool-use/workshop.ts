// Where exercises are done: the tools, really running, and what they work on, which is made up and written beside the rows
// (notes to search, tables to query).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { toJsonl } from '../../base/jsonl.js';
import { notesName, poemsName, tablesFolder } from '../../base/layout.js';
import type { TaughtTool, ToolUseConfig } from '../../config/tool-use.js';
import { readDocuments } from '../../data/documents.js';
import { readFacts } from '../../data/facts.js';
import type { Fact } from '../../data/types.js';
import { openTools } from '../../tools/open.js';
import type { Toolbox } from '../../tools/toolbox.js';
import type { Draw, Exercise, Maker } from './exercise.js';
import { arithmetic } from './exercises/arithmetic.js';
import { clock } from './exercises/clock.js';
import { equations } from './exercises/equations.js';
import { houses } from './exercises/house.js';
import { notebook } from './exercises/notes.js';
import { coupletsOf, poems } from './exercises/poems.js';
import { tables } from './exercises/tables.js';
import { talk } from './exercises/talk.js';
import { dictionaryWords, side, type Words, words } from './exercises/words.js';

interface WorkshopOptions {
  tools: readonly TaughtTool[];
  /** What Search is taught on. */
  search: ToolUseConfig['search'];
  /** Of a built corpus: its words are looked up, its poems are searched. */
  corpus: string;
  directory: string;
  seed: number;
}

interface Taught {
  maker: Maker;
  /** Of what is held out. */
  share: number;
  /** Of what is learnt. */
  learntShare: number;
}

export interface Workshop {
  toolbox: Toolbox;
  makers: Record<string, Taught>;
  talk: (draw: Draw) => Exercise;
}

export async function openWorkshop({ tools, search, corpus, directory, seed }: WorkshopOptions): Promise<Workshop> {
  const facts: Fact[] = await readFacts(corpus);
  const known = dictionaryWords(facts);
  const learnt = side(known, false);
  const book = search === 'poems' && tools.includes('Search') ? await anthology(corpus, facts) : ownNotes(seed, learnt);
  const made = tables(seed, learnt.en);
  const texts = join(directory, book.name);
  await mkdir(join(directory, tablesFolder), { recursive: true });
  await writeFileAtomic(texts, toJsonl(book.passages));
  const files = made.tables.map(({ name }) => join(directory, tablesFolder, `${name}.csv`));
  for (const [i, { columns, rows }] of made.tables.entries()) {
    await writeFileAtomic(files[i], `${[columns, ...rows].map((row) => row.join(',')).join('\n')}\n`);
  }
  // What has most wordings, and most names to read, takes most examples.
  const rows: Record<TaughtTool, Taught & { opens: string }> = {
    Calculate: { opens: 'Calculate', maker: arithmetic, share: 2, learntShare: 4 },
    Solve: { opens: 'Solve', maker: equations, share: 1, learntShare: 1 },
    Define: { opens: 'Define', maker: words(facts), share: 2.5, learntShare: 2.5 },
    Search: { opens: `Search=${texts}`, maker: book.maker, share: 1.5, learntShare: 1.5 },
    Query: { opens: `Query=${files.join(',')}`, maker: made.maker, share: 1.5, learntShare: 2 },
    Now: { opens: 'Now', maker: clock, share: 1, learntShare: 1.5 },
    World: { opens: 'World', maker: houses(learnt), share: 2, learntShare: 3 },
  };
  const toolbox = await openTools(tools.map((name) => rows[name].opens));
  const makers = Object.fromEntries(tools.map((name) => [name.toLowerCase(), rows[name]]));
  return { toolbox, makers, talk: talk(known) };
}

/** What Search reads, and what is asked of it. */
interface Book {
  name: string;
  passages: { title?: string; text: string }[];
  maker: Maker;
}

function ownNotes(seed: number, words: Words): Book {
  const { notes, maker } = notebook(seed, words);
  return { name: notesName, passages: notes.map(({ text }) => ({ text })), maker };
}

/** The corpus's couplets, of the sources that state how poems go on. */
async function anthology(corpus: string, facts: readonly Fact[]): Promise<Book> {
  const sources = new Set(facts.flatMap(({ kind, source }) => (kind === 'poem-line' ? [source] : [])));
  const poemsIn = async function* () {
    for await (const document of readDocuments(corpus, 'train')) if (sources.has(document.source)) yield document;
  };
  const couplets = await coupletsOf(poemsIn());
  if (couplets.length < minCouplets) {
    throw new UserError({
      where: 'toolUse.search',
      what: `the corpus has ${couplets.length} couplets to search, and ${minCouplets} are needed`,
      why: 'poems are taken from sources with facts: poem-line',
      next: 'Add such a source to the data-spec, or set toolUse.search=notes',
    });
  }
  const passages = couplets.map(({ source, text }) => ({ title: source, text }));
  return { name: poemsName, passages, maker: poems(couplets) };
}

/** With fewer, next to nothing is held out. */
const minCouplets = 100;
