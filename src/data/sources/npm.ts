// Text inside a published npm package, fetched with the person's own npm (so their registry, proxy and login apply),
// pinned by the sha512 of the tarball, and never installed: no dependency, no script is run, and only the paths that
// the data-spec asks for are unpacked. The tarball stays in the cache for the next spec that asks for other paths.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { extract } from 'tar';
import { asUserError, stopIfAborted, UserError } from '../../base/errors.js';
import { digestOf, exists, writeDirectoryAtomic } from '../../base/files.js';
import { formatBytes } from '../../base/format.js';
import { commandLine } from '../../base/shell.js';
import { cacheDirectory } from './cache.js';
import { checksumOf, parseIntegrity } from './download.js';
import { pathMatcher } from './files.js';
import type { FetchContext } from './http.js';

export interface NpmSource {
  package: string;
  version: string;
  /** Inside the package: a file, a folder, or with `*`. Several are unpacked in one pass over the tarball. */
  path: string | readonly string[];
  /** `sha512-…` of the tarball. */
  integrity: string;
}

const maxTarballBytes = 1 << 30;
const maxUnpackedBytes = 2 ** 31;

/**
 * The folder that holds the wanted files of the package, at their paths inside it.
 * @throws UserError where npm cannot fetch it, the tarball is not the pinned one, or the path is not in it.
 */
export async function npmFiles(source: NpmSource, context: FetchContext): Promise<string> {
  const home = join(cacheDirectory(), 'npm', `${source.package.replace('/', '+')}-${source.version}`);
  const files = join(home, `files-${digestOf([source.path, source.integrity]).slice(0, 16)}`);
  if (await exists(files)) return files;
  const tarball = join(home, 'package.tgz');
  if (!(await exists(tarball)) || (await integrityOf(tarball, source)) !== source.integrity) {
    await fetchTarball(source, home, tarball, context);
  }
  try {
    await writeDirectoryAtomic(files, (folder) => unpack(source, tarball, folder));
  } catch (error) {
    // Another process may have unpacked the same files in the meantime.
    if (error instanceof UserError || !(await exists(files))) throw error;
  }
  return files;
}

async function integrityOf(path: string, { integrity }: NpmSource): Promise<string> {
  return `sha512-${await checksumOf(path, parseIntegrity(integrity))}`;
}

async function fetchTarball(source: NpmSource, home: string, tarball: string, context: FetchContext): Promise<void> {
  const label = `fetch ${source.package}@${source.version}`;
  context.reporter.emit({ type: 'progress', label, done: 0, unit: 'bytes' });
  await mkdir(home, { recursive: true });
  const temporary = await mkdtemp(join(home, '.tmp-'));
  try {
    await npmPack(source, temporary, tarball, context);
    const packed = (await readdir(temporary)).filter((name) => name.endsWith('.tgz'));
    if (packed.length !== 1) throw fetchFault(source, tarball, 'npm pack wrote no tarball');
    const path = join(temporary, packed[0]);
    const { size } = await stat(path);
    if (size > maxTarballBytes) {
      throw fetchFault(source, tarball, `the tarball is larger than ${formatBytes(maxTarballBytes)}`);
    }
    const found = await integrityOf(path, source);
    if (found !== source.integrity) {
      throw new UserError({
        what: `the tarball of ${source.package}@${source.version} is not the one that the data-spec pins`,
        why: `its checksum is ${found}, the spec says ${source.integrity}`,
        next: 'If the package was meant to change, look at it and put the new integrity into the spec; else do not use it',
      });
    }
    await rename(path, tarball);
    context.reporter.emit({ type: 'progress', label, done: size, total: size, unit: 'bytes' });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** `npm pack NAME@VERSION` into `folder`. Name and version hold no character that a shell would read. */
async function npmPack(source: NpmSource, folder: string, tarball: string, { signal }: FetchContext): Promise<void> {
  const wanted = `${source.package}@${source.version}`;
  // npm waits 10 s and then 60 s between its tries; a person who is offline should hear of it sooner.
  const quick = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
  const child = spawn(
    'npm',
    ['pack', wanted, '--pack-destination=.', '--ignore-scripts', '--loglevel=error', '--no-update-notifier', ...quick],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], shell: process.platform === 'win32', signal },
  );
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  const status = await new Promise<number | string>((resolve) => {
    // Where it was aborted, npm is still to end: until then it may write into the folder.
    child.on('error', (error: NodeJS.ErrnoException) => signal?.aborted || resolve(error.code ?? error.message));
    child.on('close', (code, ended) => resolve(code ?? ended ?? 1));
  });
  stopIfAborted(signal, `stopped while fetching ${wanted}; nothing of it was kept`);
  if (status === 'ENOENT') throw fetchFault(source, tarball, 'the command `npm` was not found on PATH');
  if (status !== 0) throw fetchFault(source, tarball, reasonOf(errors) || `npm ended with ${status}`);
}

/** npm's own words, without its prefixes and the note on where the log lies. */
function reasonOf(errors: string): string {
  const lines = errors
    .split('\n')
    .map((line) => line.replace(/^npm (?:error|ERR!) ?/, '').trim())
    .filter((line) => line !== '' && !/complete log|debug-0\.log|^npm warn/i.test(line));
  return lines.slice(0, 3).join(' ').slice(0, 300);
}

function fetchFault(source: NpmSource, tarball: string, why: string): UserError {
  const wanted = `${source.package}@${source.version}`;
  return new UserError({
    what: `${wanted} could not be fetched from the npm registry`,
    why,
    next:
      'Check the network, the proxy and the registry (`npm ping`) and run the same command again; ' +
      `without a network, fetch it elsewhere with \`${commandLine('npm', 'pack', wanted)}\` and put the file at ${tarball}`,
  });
}

/** Only plain files that match, without the leading `package/`. Anything else that matches is refused. */
async function unpack(source: NpmSource, tarball: string, folder: string): Promise<void> {
  const wantedPaths = new Map([source.path].flat().map((path) => [path, pathMatcher(path)]));
  const missing = new Set(wantedPaths.keys());
  let refused: string | undefined;
  let bytes = 0;
  const filter = (path: string, entry: { type?: unknown; size?: number }): boolean => {
    const parts = path.split('/').slice(1);
    const found = [...wantedPaths].filter(([, matches]) => matches(parts.join('/')));
    if (found.length === 0 || entry.type === 'Directory') return false;
    for (const [wantedPath] of found) missing.delete(wantedPath);
    bytes += entry.size ?? 0;
    if (parts.includes('..')) refused ??= `${path} points outside the package`;
    else if (entry.type !== 'File' && entry.type !== 'OldFile') refused ??= `${path} is not a plain file`;
    else if (bytes > maxUnpackedBytes) refused ??= `more than ${formatBytes(maxUnpackedBytes)} would be unpacked`;
    return refused === undefined;
  };
  const failure = await extract({
    file: tarball,
    cwd: folder,
    strip: 1,
    filter: filter as (path: string) => boolean,
  }).then(
    () => undefined,
    (error: unknown) => error as Error & { tarCode?: string },
  );
  const wanted = `${source.package}@${source.version}`;
  if (refused !== undefined) throw new UserError({ what: `the tarball of ${wanted} is refused`, why: refused });
  if (failure !== undefined && failure.tarCode === undefined) throw asUserError(failure);
  if (missing.size > 0) {
    throw new UserError({
      what: `${wanted} has no file ${[...missing].join(', ')}`,
      why: failure?.message,
      next: `List what it has with \`tar tzf ${tarball}\`, and correct the path after # in the data-spec`,
    });
  }
  if (failure !== undefined) throw new UserError({ what: `${wanted} cannot be unpacked`, why: failure.message });
}
