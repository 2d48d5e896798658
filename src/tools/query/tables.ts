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

export class TableProcess {
  readonly #tables: readonly NamedTable[];
  readonly #limits: QueryLimits;
  #child: ChildProcess | undefined;
  #queue: Promise<unknown> = Promise.resolve();

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
    const { megabytes } = this.#limits;
    this.#child = startChild(megabytes);
    const question: QueryQuestion = { type: 'load', tables: files, limits: this.#limits };
    const answer = await this.#ask(question, loadSeconds);
    if (answer === 'slow' || answer === 'ended' || answer.type === 'damaged') {
      this.#end();
      const where = typeof answer === 'string' ? files.map(({ shown }) => shown).join(', ') : answer.table;
      const damage = typeof answer === 'string' ? undefined : answer.why;
      const why = damage ?? (answer === 'slow' ? `it takes longer than ${loadSeconds} s` : 'it takes too much memory');
      const isMemory = answer === 'ended' || /out of memory/i.test(damage ?? '');
      throw new UserError({
        what: 'this table cannot be loaded',
        where,
        why,
        next: isMemory
          ? `Tables are held in memory, ${megabytes} MB together with what a query needs: give fewer rows or columns`
          : 'See that it is CSV, JSON lines, Parquet or Arrow, with the names of its columns in the first row',
      });
    }
    return answer.type === 'loaded' ? answer.tables : [];
  }

  /** @throws ToolFailure where there is no result. */
  query(sql: string, signal: AbortSignal): Promise<QueryRows> {
    const next = this.#queue.then(() => this.#query(sql, signal));
    this.#queue = next.catch(() => {});
    return next;
  }

  async close(): Promise<void> {
    this.#end();
  }

  async #query(sql: string, signal: AbortSignal): Promise<QueryRows> {
    const { seconds, megabytes } = this.#limits;
    if (signal.aborted) throw new ToolFailure('The query was stopped.');
    if (this.#child?.connected !== true) await this.load();
    const answer = await this.#ask({ type: 'query', sql }, seconds, signal);
    // The next query finds the tables loaded again.
    if (this.#child === undefined) this.#queue = this.#queue.then(() => this.load()).catch(() => {});
    if (answer === 'slow')
      throw new ToolFailure(`The query was stopped: it takes longer than ${seconds} s. Ask for less.`);
    if (answer === 'ended') {
      throw new ToolFailure(`The query was stopped: it takes more memory than ${megabytes} MB. Ask for less.`);
    }
    if (answer.type === 'rows') return answer.result;
    const why = answer.type === 'failed' ? answer.why : '';
    throw new ToolFailure(
      /out of memory/i.test(why) ? `The query takes more memory than ${megabytes} MB. Ask for less.` : why,
    );
  }

  async #ask(question: QueryQuestion, seconds: number, signal?: AbortSignal): Promise<QueryAnswer | 'slow' | 'ended'> {
    const child = this.#child;
    if (child === undefined) throw new Error('there is no process');
    return new Promise((resolve) => {
      let grace: NodeJS.Timeout | undefined;
      const stop = (): void => {
        grace ??= setTimeout(() => this.#end(), graceSeconds * 1000);
        if (child.connected) child.send({ type: 'interrupt' } satisfies QueryQuestion);
      };
      const limit = setTimeout(stop, seconds * 1000);
      const done = (answer: QueryAnswer | 'ended'): void => {
        clearTimeout(limit);
        clearTimeout(grace);
        child.unref();
        child.channel?.unref();
        signal?.removeEventListener('abort', stop);
        child.off('message', done).off('exit', ended);
        // What ends in the moment that it was stopped is an answer all the same.
        const isStopped = grace !== undefined && (answer === 'ended' || answer.type === 'failed');
        resolve(isStopped ? 'slow' : answer);
      };
      const ended = (): void => {
        if (this.#child === child) this.#child = undefined;
        done('ended');
      };
      child.on('message', done).on('exit', ended);
      child.ref();
      child.channel?.ref();
      signal?.addEventListener('abort', stop, { once: true });
      child.send(question, (error) => error !== null && ended());
    });
  }

  #end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

/** It gets no variable of the environment, and nothing of it is printed. */
function startChild(megabytes: number): ChildProcess {
  const child = fork(fileURLToPath(new URL(`./tables-process.${extension}`, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {},
    execArgv: [...process.execArgv, `--max-old-space-size=${megabytes}`],
  });
  child.unref();
  child.channel?.unref();
  return child;
}
