// What a data-spec needs from outside: mossctl data fetch brings it into the cache, and standard input is spooled there.
import { stat } from 'node:fs/promises';
import { formatBytes, formatCount, printable } from '../../base/format.js';
import { parseFrom } from '../../data/sources/from.js';
import { type LocatedFile, locate } from '../../data/sources/locate.js';
import { needsInput, spoolStdin } from '../../data/sources/stdin.js';
import { loadDataSpec } from '../../data/spec.js';
import { createReporter } from '../../report/reporter.js';
import { watchInterrupt } from '../interrupt.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine } from '../output.js';
import { findRun, outputMode, type StageRun } from '../run-stages.js';

type Reporter = ReturnType<typeof createReporter>;
type Context = { reporter: Reporter; signal: AbortSignal };

interface Fetched {
  source: string;
  file: string;
  bytes: number;
  path: string;
  /** Of an hf source. */
  commit?: string;
}

/** Asks anew what a branch of the hub stands for; what is in the cache already is not fetched again. */
export async function fetch(specPath: string, options: OutputOptions): Promise<void> {
  const spec = await loadDataSpec(specPath);
  const fetched = await reporting(options, async (context) => {
    const all: Fetched[] = [];
    for (const source of spec.sources) {
      const { kind } = parseFrom(source.from);
      if (kind === 'file' || kind === 'stdin') continue;
      const { files, commit } = await locate(source, { spec, specPath, refresh: true }, context);
      const text = `${source.name}: ${inWords(files)}${commit === undefined ? '' : `, commit ${commit}`}`;
      context.reporter.emit({ type: 'note', stage: 'data', level: 'info', text });
      for (const file of files) {
        const { path } = await file.get();
        const { size } = await stat(path);
        all.push({ source: source.name, file: file.name, bytes: size, path, ...(commit && { commit }) });
      }
    }
    return all;
  });
  if (options.json) printJson({ type: 'result', fetched });
  else if (fetched.length === 0) printLine('nothing to fetch: every source is a file or standard input');
  else {
    const width = Math.max(...spec.sources.map(({ name }) => name.length));
    for (const { source, bytes, path } of fetched) {
      printLine(`${source.padEnd(width)}  ${formatBytes(bytes).padStart(8)}  ${printable(path)}`);
    }
  }
}

/** `12 files, 3.1 GB; 2 files, 1.0 GB to fetch` */
function inWords(files: readonly LocatedFile[]): string {
  const count = (some: readonly LocatedFile[]): string => {
    const sizes = some.map(({ bytes }) => bytes);
    const size = sizes.every((bytes) => bytes !== undefined)
      ? `, ${formatBytes(sizes.reduce((sum, bytes) => sum + bytes, 0))}`
      : ' of unknown size';
    return `${formatCount(some.length)} ${some.length === 1 ? 'file' : 'files'}${size}`;
  };
  const missing = files.filter(({ isCached }) => !isCached);
  if (missing.length === 0) return `${count(files)}; all in the cache`;
  return missing.length === files.length ? `${count(files)} to fetch` : `${count(files)}; ${count(missing)} to fetch`;
}

/**
 * `data.stdin=…` where the data-spec of `options` reads standard input, which is spooled then.
 * On a terminal, or where nothing comes, what an earlier build of the same run folder read is taken.
 */
export async function stdinSetting(options: StageRun): Promise<string[]> {
  const { data } = (await findRun({ ...options, only: 'data' })).config;
  if (data === undefined) return [];
  const { sources } = await loadDataSpec(data.spec);
  if (!sources.some(({ from }) => from === 'stdin')) return [];
  if (process.stdin.isTTY) {
    if (data.stdin !== undefined) return [];
    throw needsInput('standard input is a terminal');
  }
  const digest = await reporting(options, (context) => spoolStdin(process.stdin, data.stdin, context));
  return [`data.stdin=${digest}`];
}

async function reporting<T>(options: OutputOptions, work: (context: Context) => Promise<T>): Promise<T> {
  const reporter = createReporter({ mode: outputMode(options), stdout: process.stdout, stderr: process.stderr });
  const interrupt = watchInterrupt();
  try {
    return await work({ reporter, signal: interrupt.signal });
  } finally {
    interrupt.release();
    await reporter.close();
  }
}
