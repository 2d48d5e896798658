// A page from top to bottom, as a reader who types what it says into a copy of the repository: examples/ is there, a small
// finished run lies where the quickstart's would, and a hub of our own gives out a tiny Qwen3 under the name that pages use.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildProgram } from '../../src/cli/program.js';
import { scratch } from '../data/scratch.js';
import { entry, mossctl, root, shortSmoke } from '../e2e/cli.js';
import { publish } from '../network/hub-server.js';
import { startWebServer } from '../network/web-server.js';
import { blocksOf, commandsOf } from './pages.js';

export const publishedFolder = join(root, 'test/interop/fixtures/qwen3');

/** Where `mossctl serve` listens unless told otherwise, as pages write it. */
const documentedOrigin = '127.0.0.1:8080';
/** Far beyond any of them: for one that waits for ever. */
const commandTimeoutMs = 600_000;

/** What a person types into commands that ask, where the page pipes nothing into them. */
const typed: Readonly<Record<string, string>> = { chat: 'hi\\n', annotate: 'a\\nb\\n' };

/** Commands that compute. They get one thread each: what they read is small, and tests run beside each other. */
const computing = buildProgram(() => '')
  .commands.filter(({ options }) => options.some(({ long }) => long === '--threads'))
  .map((command) => command.name());

let quickstart: Promise<string> | undefined;

/** The folder of a finished run, made once: the smoke pipeline, a few steps each. */
function smallRun(): Promise<string> {
  quickstart ??= (async () => {
    const folder = await scratch();
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

interface Folder {
  path: string;
  env: Record<string, string>;
}

async function openFolder(): Promise<Folder> {
  const path = await scratch();
  await cp(join(root, 'examples'), join(path, 'examples'), { recursive: true });
  for (const name of ['data-specs', 'pipelines']) await symlink(join(root, name), join(path, name));
  await cp(await smallRun(), join(path, 'runs/quickstart'), { recursive: true, verbatimSymlinks: true });

  const bin = join(path, '.bin');
  await mkdir(bin);
  await writeFile(join(bin, 'npx'), npx);
  await chmod(join(bin, 'npx'), 0o755);

  const [server, cdn] = [await startWebServer(), await startWebServer()];
  const names = (await readdir(publishedFolder)).filter((name) => name !== 'expected.json');
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(publishedFolder, name))] as const),
  );
  const model = { kind: 'model', commit: 'a'.repeat(40), files: Object.fromEntries(files) } as const;
  publish({ server, cdn }, { ...model, name: 'Qwen/Qwen3-0.6B' });
  const cache = join(path, '.cache');
  const ours = { HF_ENDPOINT: server.origin, HF_HOME: cache, MOSSCTL_CACHE: cache, HF_TOKEN: '', MOSSCTL_OFFLINE: '' };
  const shell = { PATH: `${bin}:${process.env.PATH}`, NODE: process.execPath, ENTRY: entry.join(' '), NO_COLOR: '1' };
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

/** What it printed. @throws where it fails, or never ends. */
function run(command: string, folder: Folder): Promise<string> {
  const child = start(command, folder);
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => (printed += text));
  const timer = setTimeout(() => end(child), commandTimeoutMs);
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

/** Runs the blocks of a page that are fenced as `sh` or `sh serve`, in their order. @throws at the first that fails. */
export async function followPage(page: string): Promise<Followed> {
  const folder = await openFolder();
  const printed: [command: string, output: string][] = [];
  const servers: ChildProcess[] = [];
  let origin = documentedOrigin;
  const prelude: string[] = [];
  try {
    for (const { at, language, info, body } of blocksOf(page)) {
      if (language !== 'sh' || (info !== undefined && info !== 'serve')) continue;
      for (const command of commandsOf(body).map((each) => each.replaceAll(documentedOrigin, origin))) {
        if (command.startsWith('export ')) {
          prelude.push(command);
          continue;
        }
        if (info === 'serve') {
          const server = await serving(command, folder);
          servers.push(server.child);
          origin = server.origin;
          continue;
        }
        const output = await run([...prelude, command].join('\n'), folder).catch((error: Error) => {
          throw new Error(`${at}: ${error.message}`);
        });
        printed.push([command.replace(/^npx mossctl /, ''), output]);
      }
    }
  } finally {
    for (const child of servers) end(child);
  }
  const said = (beginning: string): string =>
    printed.flatMap(([command, output]) => (command.startsWith(beginning) ? [output] : [])).join('\n');
  return { folder: folder.path, commands: printed.map(([command]) => command), said };
}
