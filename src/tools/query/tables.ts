// The parent's side of the process that holds the tables: starts it, asks it one question at a time, interrupts what takes too
// long and ends the process where that does not help; the next question starts another one.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../base/errors.js';
import { ToolFailure } from '../tool.js';
import { type NamedTable, tableFile } from './files.js';
import type { LoadedTable, QueryAnswer, QueryLimits, QueryQuestion, QueryRows, TableFile } from './question.js';

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const loadSeconds = 60;
/** How long an interrupted query has to end. */
const graceSeconds = 0.5;

/** Stopped at the limit; ended by the system or by itself, for its memory; ended otherwise. */
type Silence = 'slow' | 'killed' | 'ended';

const outOfMemory = /out of memory/i;

export class TableProcess {
  readonly #tables: readonly NamedTable[];
  readonly #limits: QueryLimits;
  #child: ChildProcess | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(tables: readonly NamedTable[], limits: QueryLimits) {
    this.#tables = tables;
    this.#limits = limits;
  }

  /** @param note hears what a person should know of a file. @throws UserError where a table cannot be loaded. */
  async load(note: (text: string) => void = () => {}): Promise<LoadedTable[]> {
    const folder = await mkdtemp(join(tmpdir(), 'mossctl-query-'));
    try {
      const files: TableFile[] = [];
      for (const table of this.#tables) files.push(await tableFile(table, folder, note));
      return await this.#load(files);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #load(files: TableFile[]): Promise<LoadedTable[]> {
    this.#child = startChild(this.#limits.megabytes);
    const answer = await this.#ask({ type: 'load', tables: files, limits: this.#limits }, loadSeconds);
    if (typeof answer === 'object' && answer.type === 'loaded') return answer.tables;
    this.#end();
    throw loadFault(answer, files, this.#limits);
  }

  /** @throws ToolFailure where there is no result. */
  query(sql: string, signal: AbortSignal): Promise<QueryRows> {
    const next = this.#queue.then(() => this.#query(sql, signal));
    this.#queue = next.catch(() => {});
    return next;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#end();
  }

  async #query(sql: string, signal: AbortSignal): Promise<QueryRows> {
    const { seconds, megabytes } = this.#limits;
    const tooMuch = `The query was stopped: it takes more memory than ${megabytes} MB. Ask for less.`;
    if (signal.aborted || this.#isClosed) throw new ToolFailure('The query was stopped.');
    if (this.#child?.connected !== true) await this.#loadAgain();
    const answer = await this.#ask({ type: 'query', sql }, seconds, signal);
    // The next query finds the tables loaded again.
    if (this.#child === undefined) this.#queue = this.#queue.then(() => this.#loadAgain()).catch(() => {});
    switch (answer) {
      case 'slow':
        throw new ToolFailure(`The query was stopped: it takes longer than ${seconds} s. Ask for less.`);
      case 'killed':
        throw new ToolFailure(tooMuch);
      case 'ended':
        throw new ToolFailure('The database ended at this query. Ask in another way.');
    }
    if (answer.type === 'rows') return answer.result;
    const why = answer.type === 'failed' ? answer.why : '';
    throw new ToolFailure(outOfMemory.test(why) ? tooMuch : why);
  }

  async #loadAgain(): Promise<void> {
    if (this.#isClosed) return;
    await this.load().catch((error: unknown) => {
      if (error instanceof UserError) throw new ToolFailure(`The tables cannot be loaded again. ${error.message}`);
      throw error;
    });
  }

  async #ask(question: QueryQuestion, seconds: number, signal?: AbortSignal): Promise<QueryAnswer | Silence> {
    const child = this.#child;
    if (child === undefined) return 'ended';
    return new Promise((resolve) => {
      let grace: NodeJS.Timeout | undefined;
      const stop = (): void => {
        grace ??= setTimeout(() => this.#end(), graceSeconds * 1000);
        if (child.connected) child.send({ type: 'interrupt' } satisfies QueryQuestion, () => {});
      };
      const limit = setTimeout(stop, seconds * 1000);
      const done = (answer: QueryAnswer | Silence): void => {
        clearTimeout(limit);
        clearTimeout(grace);
        child.unref();
        child.channel?.unref();
        signal?.removeEventListener('abort', stop);
        child.off('message', done).off('exit', ended).off('error', failed);
        // What ends in the moment that it was stopped is an answer all the same.
        const isStopped = grace !== undefined && (typeof answer === 'string' || answer.type === 'failed');
        resolve(isStopped ? 'slow' : answer);
      };
      const ended = (_code: number | null, killedBy: string | null): void => {
        if (this.#child === child) this.#child = undefined;
        done(killedBy === 'SIGKILL' ? 'killed' : 'ended');
      };
      // One that could not be started never exits.
      const failed = (): void => ended(null, null);
      child.on('message', done).on('exit', ended).on('error', failed);
      child.ref();
      child.channel?.ref();
      signal?.addEventListener('abort', stop, { once: true });
      // Where it cannot be sent, the process is ending.
      child.send(question, () => {});
    });
  }

  #end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

function loadFault(answer: QueryAnswer | Silence, files: readonly TableFile[], { megabytes }: QueryLimits): UserError {
  if (answer === 'ended') {
    const next = 'See what it says by itself: node -e "require(\'@duckdb/node-api\')"';
    return new UserError({ what: 'DuckDB cannot be started here', next }, { exitCode: 1 });
  }
  const damage = typeof answer === 'object' && answer.type === 'damaged' ? answer : undefined;
  const isMemory = answer === 'killed' || outOfMemory.test(damage?.why ?? '');
  return new UserError({
    what: 'this table cannot be loaded',
    where: damage?.table ?? files.map(({ shown }) => shown).join(', '),
    why: damage?.why ?? (isMemory ? 'it takes too much memory' : `it takes longer than ${loadSeconds} s`),
    next: isMemory
      ? `Tables are held in memory, ${megabytes} MB together with what a query needs: give fewer rows or columns`
      : 'See that it is CSV, JSON lines, Parquet or Arrow, with the names of its columns in the first row',
  });
}

/** It gets no variable of the environment, and nothing of it is printed. */
function startChild(megabytes: number): ChildProcess {
  const child = fork(fileURLToPath(new URL(`./tables-process.${extension}`, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {},
    execArgv: [...process.execArgv, `--max-old-space-size=${megabytes}`],
  });
  // Who asks hears of it.
  child.on('error', () => {});
  child.unref();
  child.channel?.unref();
  return child;
}
