// Text inside a published npm package, fetched with the person's own npm (so their registry, proxy and login apply),
// pinned by the sha512 of the tarball, and never installed: no dependency, no script is run, and only the paths that
// the data-spec asks for are unpacked. The tarball stays in the cache for the next spec that asks for other paths.
import { spawn } from 'node:child_process';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { extract } from 'tar';
import { asUserError, stopIfAborted, UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { formatBytes } from '../../base/format.js';
import { commandLine } from '../../base/shell.js';
import { cacheDirectory } from '../../network/cache.js';
import { badDisk, checksumOf, inspectCached, parseIntegrity, replacing } from '../../network/checked.js';
import type { FetchContext } from '../../network/http.js';
import { placeFile, placeFolder, withPartialFolder } from '../../network/partial.js';
import { listFiles, pathMatcher, type SourceFile } from './files.js';
import { inspectUnpacked, sealUnpacked, type UnpackedState, unpackedFiles } from './unpacked.js';

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
 * The wanted files of the package, at their paths inside it; what is in the cache is compared with its checksums.
 * @param path one of the paths of `source`: what is returned.
 * @throws UserError where npm cannot fetch it, the tarball is not the pinned one, or the path is not in it.
 */
export async function npmFiles(source: NpmSource, path: string, context: FetchContext): Promise<SourceFile[]> {
  const home = join(cacheDirectory(), 'npm', `${source.package.replace('/', '+')}-${source.version}`);
  const folder = join(home, `files-${digestOf([source.path, source.integrity]).slice(0, 16)}`);
  const known = await inspectUnpacked(folder);
  const unpacked = known.state === 'whole' ? known : await unpackAgain(source, home, folder, known, context);
  const files = await listFiles(unpackedFiles(folder), path);
  return files.map((file) => ({ ...file, stamp: unpacked.stamps.get(file.path) ?? 'not in the list' }));
}

async function unpackAgain(
  source: NpmSource,
  home: string,
  folder: string,
  known: Exclude<UnpackedState, { state: 'whole' }>,
  context: FetchContext,
): Promise<UnpackedState & { state: 'whole' }> {
  return replacing(known.file ?? folder, known.damage, context, async () => {
    const tarball = await fetchTarball(source, join(home, 'package.tgz'), context);
    await withPartialFolder(folder, async (own) => {
      const made = join(own, 'unpacked');
      await mkdir(unpackedFiles(made), { recursive: true });
      await unpack(source, tarball, unpackedFiles(made));
      await sealUnpacked(made);
      await placeFolder(
        made,
        folder,
        join(own, 'damaged'),
        async () => (await inspectUnpacked(folder)).state === 'whole',
      );
    });
    const found = await inspectUnpacked(folder);
    if (found.state === 'whole') return found;
    throw badDisk(found.file ?? folder, found.damage);
  });
}

/** @returns the path of the tarball, which is the pinned one. */
async function fetchTarball(source: NpmSource, tarball: string, context: FetchContext): Promise<string> {
  const checksum = parseIntegrity(source.integrity);
  const cached = await inspectCached(tarball, checksum);
  if (cached.state === 'whole') return tarball;
  const label = `fetch ${source.package}@${source.version}`;
  context.reporter.emit({ type: 'progress', label, done: 0, unit: 'bytes' });
  await replacing(tarball, cached.damage, context, () =>
    withPartialFolder(tarball, async (own) => {
      await npmPack(source, own, tarball, context);
      const packed = (await readdir(own)).filter((name) => name.endsWith('.tgz'));
      if (packed.length !== 1) throw fetchFault(source, tarball, 'npm pack wrote no tarball');
      const path = join(own, packed[0]);
      const { size } = await stat(path);
      if (size > maxTarballBytes) {
        throw fetchFault(source, tarball, `the tarball is larger than ${formatBytes(maxTarballBytes)}`);
      }
      const found = await checksumOf(path, checksum);
      if (found !== checksum.value) {
        throw new UserError({
          what: `the tarball of ${source.package}@${source.version} is not the one that the data-spec pins`,
          why: `its checksum is sha512-${found}, the spec says ${source.integrity}`,
          next: 'If the package was meant to change, look at it and put the new integrity into the spec; else do not use it',
        });
      }
      await placeFile(path, tarball, checksum);
      context.reporter.emit({ type: 'progress', label, done: size, total: size, unit: 'bytes' });
    }),
  );
  return tarball;
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
