// A page from top to bottom, as a reader who types what it says into a copy of the repository: examples/ is there, a small
// finished run lies where the quickstart's would, and a hub of our own gives out a tiny Qwen3 under the name that pages use.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildProgram } from '../../src/cli/program.js';
import { scratch } from '../data/scratch.js';
import { entry, mossctl, root, shortSmoke } from '../e2e/cli.js';
import { publish } from '../network/hub-server.js';
import { startWebServer } from '../network/web-server.js';
import { nextStepsIn } from './next-steps.js';
import { blocksOf, commandsOf, programsOf } from './pages.js';
import { runWarm, timeoutMs } from './warm.js';

export const publishedFolder = join(root, 'test/interop/fixtures/qwen3');

/** Where `mossctl serve` listens unless told otherwise, as pages write it. */
const documentedOrigin = '127.0.0.1:8080';

/** What a person types into commands that ask, where the page pipes nothing into them. */
const typed: Readonly<Record<string, string>> = { chat: 'hi\\n', annotate: 'a\\nb\\n' };

/** Commands that compute. They get one thread each: what they read is small, and tests run beside each other. */
const computing = buildProgram(() => '')
  .commands.filter(({ options }) => options.some(({ long }) => long === '--threads'))
  .map((command) => command.name());

const hasCurl = (): boolean => spawnSync('curl', ['--version']).status === 0;

/** Whole runs lie in them, and pages share one: all go when the process does. */
const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function ownFolder(): Promise<string> {
  const folder = await scratch();
  folders.push(folder);
  return folder;
}

let quickstart: Promise<string> | undefined;

/** The folder of a finished run, made once: the smoke pipeline, a few steps each. */
function smallRun(): Promise<string> {
  quickstart ??= (async () => {
    const folder = await ownFolder();
    const settings = [...shortSmoke, '--set', 'pretrain.model.contextLength=256', '--threads', '1'];
    const { code, stderr } = await mossctl([...settings, '--out', 'runs/quickstart'], { cwd: folder });
    assert.equal(code, 0, stderr);
    return join(folder, 'runs/quickstart');
  })();
  return quickstart;
}

/** `npx mossctl`, as in an installed checkout; no terminal is there, so what would be typed comes from `typed`. */
const npx = `#!/bin/sh
[ "$1" = mossctl ] || { echo "npx $1: only mossctl is installed here" >&2; exit 1; }
shift
case "$1:$*" in
  *--threads*) ;;
${computing.map((command) => `  ${command}:*) set -- "$@" --threads 1 ;;`).join('\n')}
esac
if [ -c /dev/stdin ]; then
  case "$1" in
${Object.entries(typed)
  .map(([command, keys]) => `    ${command}) printf '${keys}' | "$NODE" $ENTRY "$@"; exit $? ;;`)
  .join('\n')}
  esac
fi
exec "$NODE" $ENTRY "$@"
`;

/** The files and models that a printed step leaves to the person. */
const standIns: readonly [RegExp, string][] = [
  [/ conversations\.jsonl\b/, ' examples/conversations.jsonl'],
  [/ FILE\b/, ' examples/conversations.jsonl'],
  [/ MODEL\b/, ' hf:Qwen/Qwen3-0.6B'],
];

/** Command and options, without their values: steps of one kind work or fail together. */
function kindOf(command: string): string {
  const [, , ...words] = programsOf(command)[0];
  const options = words.filter((word) => word.startsWith('-')).sort();
  return [...words.filter((word, i) => i < 2 && /^[a-z-]+$/.test(word)), ...options].join(' ');
}

/** Kinds that were run already, on this page or another. */
const seenKinds = new Set<string>();

interface Folder {
  path: string;
  env: Record<string, string>;
}

/** @param withRun whether the small run is to be there. */
async function openFolder(withRun: boolean): Promise<Folder> {
  // Before anything that tests share is awaited: what closes the servers belongs to the test in which they were started.
  const [server, cdn] = [await startWebServer(), await startWebServer()];
  const path = await ownFolder();
  await cp(join(root, 'examples'), join(path, 'examples'), { recursive: true });
  for (const name of ['data-specs', 'pipelines']) await symlink(join(root, name), join(path, name));
  if (withRun) await cp(await smallRun(), join(path, 'runs/quickstart'), { recursive: true, verbatimSymlinks: true });

  const bin = join(path, '.bin');
  await mkdir(bin);
  await writeFile(join(bin, 'npx'), npx);
  await chmod(join(bin, 'npx'), 0o755);

  const names = (await readdir(publishedFolder)).filter((name) => name !== 'expected.json');
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(publishedFolder, name))] as const),
  );
  const model = { kind: 'model', commit: 'a'.repeat(40), files: Object.fromEntries(files) } as const;
  publish({ server, cdn }, { ...model, name: 'Qwen/Qwen3-0.6B' });
  const cache = join(path, '.cache');
  const ours = { HF_ENDPOINT: server.origin, HF_HOME: cache, MOSSCTL_CACHE: cache, HF_TOKEN: '', MOSSCTL_OFFLINE: '' };
  const shell = {
    PATH: `${bin}:${process.env.PATH}`,
    NODE: process.execPath,
    ENTRY: entry.join(' '),
    NO_COLOR: '1',
    MOSSCTL_LANG: 'en',
  };
  return { path, env: { ...shell, ...ours } };
}

function start(command: string, { path, env }: Folder): ChildProcess {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return spawn('sh', ['-ec', command], {
    cwd: path,
    env: { ...process.env, ...env },
    stdio: [...stdio],
    detached: true,
  });
}

/** Of these, what a line does to a command is the shell's part; and these read what is typed, or run until they are stopped. */
const needsShell = /[|<>&;$`*?~]|^(?!npx mossctl )/;
const interactive = [...Object.keys(typed), 'serve'];

/** What it printed. @throws where it fails, or never ends. */
function run(command: string, folder: Folder): Promise<string> {
  const [[, , ...words] = []] = programsOf(command);
  const isPlain = !needsShell.test(command) && !interactive.includes(words[0]);
  return isPlain ? runPlain(words, folder) : runInShell(command, folder);
}

function runPlain(words: readonly string[], { path, env }: Folder): Promise<string> {
  const isComputing = computing.includes(words[0]) && !words.includes('--threads');
  const typedWords = isComputing ? [...words, '--threads', '1'] : words;
  return runWarm(typedWords, { folder: path, env: { ...process.env, ...env } });
}

function runInShell(command: string, folder: Folder): Promise<string> {
  const child = start(command, folder);
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => (printed += text));
  const timer = setTimeout(() => end(child), timeoutMs);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(printed);
      else reject(new Error(`${signal ?? `exit ${code}`}: ${command}\n${printed}`));
    });
  });
}

/** With what it started: it leads a group of its own. */
function end(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
}

/** A server that was started in the background, at a port of its own. */
async function serving(command: string, folder: Folder): Promise<{ child: ChildProcess; origin: string }> {
  const child = start(`exec ${command} --port 0`, folder);
  let printed = '';
  return new Promise((resolve, reject) => {
    const listen = (text: string): void => {
      printed += text;
      const [, origin] = /http:\/\/(127\.0\.0\.1:\d+)/.exec(printed) ?? [];
      if (origin !== undefined) resolve({ child, origin });
    };
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', listen);
    child.on('close', (code) => reject(new Error(`exit ${code}: ${command}\n${printed}`)));
  });
}

export interface Followed {
  /** The folder that it worked in. */
  folder: string;
  /** Those that ran. */
  commands: string[];
  /** What the commands that begin so have printed. */
  said(beginning: string): string;
}

/**
 * Runs the blocks of a page that are fenced as `sh` or `sh serve`, in their order, then what they print as the next step, once each
 * kind. @throws at the first that fails.
 */
export async function followPage(page: string): Promise<Followed> {
  const blocks = blocksOf(page);
  const folder = await openFolder(blocks.some(({ body }) => body.includes('runs/quickstart')));
  const printed: [command: string, output: string][] = [];
  const servers: ChildProcess[] = [];
  let origin = documentedOrigin;
  try {
    for (const { at, language, info, body } of blocks) {
      if (language !== 'sh' || (info !== undefined && info !== 'serve')) continue;
      for (const command of commandsOf(body).map((each) => each.replaceAll(documentedOrigin, origin))) {
        if (command.startsWith('curl ') && !hasCurl()) continue; // not there on every machine, and no part of ours
        const [, name, value] = /^export (\w+)=(\S+)$/.exec(command) ?? [];
        if (name !== undefined) {
          folder.env[name] = value;
          continue;
        }
        if (info === 'serve') {
          const server = await serving(command, folder);
          servers.push(server.child);
          origin = server.origin;
          continue;
        }
        const output = await run(command, folder).catch((error: Error) => {
          throw new Error(`${at}: ${error.message}`);
        });
        printed.push([command.replace(/^npx mossctl /, ''), output]);
        if (command.startsWith('npx mossctl ')) seenKinds.add(kindOf(command));
      }
    }
    for (const [command, output] of [...printed]) {
      for (const step of nextStepsIn(output)) {
        const kind = kindOf(step);
        if (seenKinds.has(kind)) continue;
        seenKinds.add(kind);
        const typedStep = standIns.reduce((line, [place, file]) => line.replace(place, file), step);
        await run(typedStep, folder).catch((error: Error) => {
          throw new Error(`${page}: mossctl ${command} says what to type next, and it fails: ${error.message}`);
        });
      }
    }
  } finally {
    for (const child of servers) end(child);
  }
  const said = (beginning: string): string =>
    printed.flatMap(([command, output]) => (command.startsWith(beginning) ? [output] : [])).join('\n');
  return { folder: folder.path, commands: printed.map(([command]) => command), said };
}
