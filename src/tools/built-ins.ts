// The tools that come along: one row each, imported when it is opened.
import type { Tool } from '../tokenizer/message.js';
import type { BuiltInName } from './specs.js';
import type { Executor, ToolLimits } from './tool.js';

export interface BuiltInRequest {
  /** What the model is told, as the spec says it; a built-in may say more (the columns of its tables). */
  tool: Tool;
  limits: ToolLimits;
  /** What stands behind `=` in `--tools Search=notes/`: files, folders, runs. Empty: nothing does. */
  from: string[];
  /** Hears in words what a person should know, such as a file that could not be read. */
  note(text: string): void;
}

export interface BuiltIn {
  /** What it reads, in words; absent: nothing, and `from` is refused. */
  reads?: { what: string; required: boolean; example: string };
  /** @throws UserError with what this machine lacks for it. */
  requires?(): Promise<void>;
  /** Other names of its arguments. */
  aliases?: Readonly<Record<string, string>>;
  /** What it asks for outside this program, in words; absent: nothing. */
  reaches?: string;
  /** @throws UserError where it cannot be opened. */
  open(request: BuiltInRequest): Executor | Promise<Executor>;
}

export const builtIns: Record<BuiltInName, BuiltIn> = {
  calculate: { open: async (request) => (await import('./calculate/calculate.js')).openCalculate(request) },
  // MOSS has one equation.
  solve: {
    aliases: { equation: 'equations' },
    open: async (request) => (await import('./solve/solve.js')).openSolve(request),
  },
  define: {
    reads: { what: 'a run, a corpus or a dictionary', required: false, example: 'Define=runs/quickstart' },
    reaches: 'fetches its dictionaries once',
    open: async (request) => (await import('./define/open.js')).openDefine(request),
  },
  search: {
    reads: { what: 'a folder of texts, or a run', required: true, example: 'Search=notes/' },
    open: async (request) => (await import('./search/search.js')).openSearch(request),
  },
  query: {
    reads: { what: 'CSV, Parquet, Arrow or JSONL files', required: true, example: 'Query=sales.csv' },
    requires: async () => (await import('./query/query.js')).requireDuckDb(),
    open: async (request) => (await import('./query/query.js')).openQuery(request),
  },
  now: { open: async (request) => (await import('./now.js')).openNow(request) },
  world: {
    reads: { what: 'a text file with the scene it begins in', required: false, example: 'World=house.txt' },
    open: async ({ tool, limits, from }) => (await import('./world/open.js')).openWorld({ tool, limits }, from),
  },
};
