// A command of a page that is not run, as far as it can be checked without: the program reads its words, the pipeline its
// settings, and every file that it names is there or was written by a command above it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { buildProgram } from '../../src/cli/program.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { root } from '../e2e/cli.js';
import { programsOf } from './pages.js';

/** Programs of a shell, of npm and of others that pages name, whose words are theirs. */
const others = new Set(
  'cat cd curl docker echo export git head llama-cli llama-server node ollama pip pip3 printf python3 tensorboard unzip zcat'.split(
    ' ',
  ),
);

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const packaged = readdirSync(join(root, 'pipelines')).map((name) => name.replace(/\.yaml$/, ''));

/** Where `run` writes without --out: by the name of the pipeline. */
const ownRuns = packaged.map((name) => `runs/${name}`);

/** Files and folders that commands write, from the folder that pages are typed in. */
export type Written = Set<string>;

export const writtenAtFirst = (): Written => new Set([...ownRuns, 'feedback.jsonl']);

/** @returns what is wrong with the line, in words; adds what it writes to `written`. */
export async function faultsOf(line: string, written: Written): Promise<string[]> {
  const faults: string[] = [];
  for (const [program, ...words] of programsOf(line)) {
    if (program === 'npm') faults.push(...npmFaults(words));
    else if (program === 'npx') faults.push(...(await mossctlFaults(words, written)));
    else if (!others.has(program)) faults.push(`${program} is no program that pages name`);
  }
  for (const [, path] of line.matchAll(/>>?\s*([\w./-]+)/g)) written.add(path);
  return faults;
}

function npmFaults([verb, name]: readonly string[]): string[] {
  if (verb === 'run' && !(name in scripts)) return [`npm run ${name}: package.json has no such script`];
  return ['ci', 'i', 'install', 'link', 'run', 'test'].includes(verb) ? [] : [`npm ${verb} is not known`];
}

async function mossctlFaults([name, ...words]: readonly string[], written: Written): Promise<string[]> {
  if (name !== 'mossctl') return [`npx ${name}: only mossctl is installed`];
  const read = await readWords(words);
  if (typeof read === 'string') return [read];
  const { set = [], config, out } = read.options as { set?: string[]; config?: string; out?: string };
  const faults = await settingFaults(set, config);
  const paths = words.filter((_, i) => !['--out', '-o', '--set', '-s'].includes(words[i - 1])).flatMap(pathsIn);
  faults.push(...paths.filter((path) => !isThere(path, written)).map((path) => `${path} is not there`));
  const wrote = out ?? (words[0] === 'run' ? await ownFolder(words[1]) : undefined);
  if (wrote !== undefined) written.add(wrote);
  return faults;
}

/** Of a command that prose quotes, in part or with PLACES for words: that it exists, and has the options it is given. */
export function quotedFaults(code: string): string[] {
  const [, ...words] = programsOf(code.replace(/^(npx )?mossctl/, 'mossctl'))[0];
  let command: Command = buildProgram(() => '');
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  if (command.commands.length > 0 && words.length > 0 && !/^(--|[A-Z…])/.test(words[0])) {
    const isGroup = command.name() === words.at(-1);
    if (!isGroup) return [`${code}: no such command`];
  }
  const known = command.options.flatMap(({ short, long }) => [short, long]).concat('--help', '-h');
  return words
    .filter((word) => /^--?[a-z]/.test(word) && !known.includes(word.split('=')[0]))
    .map((word) => `${code}: no option ${word}`);
}

interface ReadWords {
  options: Record<string, unknown>;
}

/** Where `run FILE` writes without --out. */
async function ownFolder(file: string): Promise<string> {
  return `runs/${(await loadPipeline({ config: fileOf(file) })).name}`;
}

/** The file of this repository, or the name of a packaged pipeline as it is. */
function fileOf(config: string): string {
  return config.includes('/') ? join(root, config) : config;
}

/** As the program would start; a text says why it would not. */
async function readWords(words: readonly string[]): Promise<ReadWords | string> {
  const program = buildProgram(() => '');
  let read: ReadWords | undefined;
  const quiet = { writeOut: () => undefined, writeErr: () => undefined };
  const record = (command: Command): void => {
    command.configureOutput(quiet);
    if (command.commands.length === 0)
      command.action((...given: unknown[]) => {
        read = { options: (given.at(-1) as Command).opts() };
      });
    for (const child of command.commands) record(child);
  };
  record(program);
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    // `--help` and `--version` end the reading well.
    if (error instanceof CommanderError && error.exitCode === 0) return { options: {} };
    return (error as Error).message;
  }
  return read ?? 'no command takes these words';
}

/** Keys and values of --set, checked by the schema of the pipeline. */
async function settingFaults(set: readonly string[], config: string | undefined): Promise<string[]> {
  if (set.length === 0 && config === undefined) return [];
  const needed = set.map((setting) => setting.split('.')[0]);
  return loadPipeline({
    config: fileOf(config ?? 'quickstart'),
    set,
    blocks: needed.includes('toolUse') ? ['toolUse'] : [],
  }).then(
    () => [],
    (error: Error) => [error.message],
  );
}

/** What of a word is the name of a file of ours: `runs/a`, `Search=examples/notes`, `pairs.jsonl:4`, `a.jsonl=2`. */
function pathsIn(word: string): string[] {
  if (/^(https?|hf|ms|npm):/.test(word) || word.startsWith('--')) return [];
  return word
    .replace(/^[A-Z]\w*=/, '')
    .split(',')
    .map((part) => part.replace(/(:\d+|=[\d.]+)$/, ''))
    .filter(
      (part) => /^[\w.@-]+(\/[\w.@*-]*)+$/.test(part) || /^[\w-]+\.(jsonl?|csv|txt|yaml|gguf|parquet)$/.test(part),
    );
}

function isThere(path: string, written: Written): boolean {
  const fixed = path.replace(/\/?\*.*$/, '').replace(/\/$/, '');
  if (existsSync(join(root, fixed)) && !fixed.startsWith('runs')) return true;
  return [...written].some((each) => fixed === each || fixed.startsWith(`${each}/`));
}
