// mossctl doctor: a list of checks, each with what it found and what would help.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import pc from 'picocolors';
import { availableCores } from '../../base/cores.js';
import { formatBytes } from '../../base/format.js';
import { memoryRoom } from '../../base/memory.js';
import { ownVersion } from '../../base/version.js';
import { findMpi } from '../../distributed/library.js';
import { cacheDirectory } from '../../network/cache.js';
import { checkBackends } from '../../tensor/backends.js';
import { notInstalled } from '../../tensor/tensorflow.js';
import { requireDuckDb } from '../../tools/query/query.js';
import { inspectNative } from '../native-build.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine } from '../output.js';

interface Finding {
  name: string;
  ok: boolean;
  /** Nothing is amiss where it is not there. */
  optional?: true;
  detail: string;
}

const checks: readonly (() => Finding | Finding[] | Promise<Finding | Finding[]>)[] = [
  node,
  memory,
  () => ({ name: 'cores', ok: true, detail: String(availableCores()) }),
  disk,
  cache,
  registry,
  backends,
  duckDb,
  mpi,
];

export async function doctor(options: OutputOptions): Promise<void> {
  if (!options.json && !options.quiet) printLine(`mossctl ${ownVersion()}`);
  let hasNode = false;
  let hasBackend = false;
  for (const check of checks) {
    for (const finding of [await check()].flat()) {
      const { name, ok } = finding;
      // What mossctl cannot work without; the rest is only good to know.
      const required = name === nodeName;
      if (options.json) printJson({ type: 'check', ...finding, required });
      else if (!options.quiet || !(ok || finding.optional)) printLine(lineOf(finding));
      hasNode ||= ok && required;
      hasBackend ||= ok && name.startsWith('backend');
    }
  }
  const ready = hasNode && hasBackend;
  if (options.json) printJson({ type: 'result', ready });
  else printLine(ready ? 'ready: mossctl can train here' : 'not ready: see the lines above');
  if (!ready) process.exitCode = 1;
}

function lineOf({ name, ok, optional, detail }: Finding): string {
  const mark = ok ? pc.green('✓') : optional ? pc.dim('–') : pc.red('✗');
  return `${mark} ${name.padEnd(20)} ${detail}`;
}

const nodeName = 'Node.js';

function node(): Finding {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 17);
  const where = `${process.version} on ${process.platform} ${process.arch}`;
  return { name: nodeName, ok, detail: ok ? where : `${where}; 20.17 or newer is needed: https://nodejs.org` };
}

function memory(): Finding {
  const { total, available } = memoryRoom();
  const ok = total >= 2 * 2 ** 30;
  const detail = `${formatBytes(total)}, ${formatBytes(available)} available`;
  return { name: 'memory', ok, detail: ok ? detail : `${detail}; 2 GiB are needed for the quickstart` };
}

async function disk(): Promise<Finding> {
  const { bavail, bsize } = await statfs('.');
  const bytesFree = bavail * bsize;
  const ok = bytesFree >= 2 ** 30;
  const detail = `${formatBytes(bytesFree)} free here`;
  return { name: 'disk', ok, detail: ok ? detail : `${detail}; 1 GiB is needed for the quickstart` };
}

async function cache(): Promise<Finding> {
  let folder = 'the cache';
  try {
    folder = cacheDirectory();
    await mkdir(folder, { recursive: true });
    return { name: 'cache', ok: true, detail: folder };
  } catch (error) {
    const detail = `${folder}: ${(error as Error).message}; name another folder with MOSSCTL_CACHE`;
    return { name: 'cache', ok: false, detail };
  }
}

/** Asked through npm itself, so that the person's registry, proxy and login count. */
async function registry(): Promise<Finding> {
  const name = 'npm registry';
  const args = ['ping', '--fetch-retries=0', '--fetch-timeout=5000'];
  try {
    await promisify(execFile)('npm', args, { timeout: 10_000, shell: process.platform === 'win32' });
    return { name, ok: true, detail: 'can be reached' };
  } catch {
    const detail = '`npm ping` fails: packaged texts work, corpora from npm must be cached already';
    return { name, ok: false, detail };
  }
}

/** Of the tool Query alone. */
async function duckDb(): Promise<Finding> {
  const name = 'DuckDB';
  try {
    await requireDuckDb();
    return { name, ok: true, detail: 'installed: the tool Query reads tables with it' };
  } catch (error) {
    return { name, ok: false, optional: true, detail: (error as Error).message };
  }
}

/** Of trainings of several processes alone. */
async function mpi(): Promise<Finding> {
  const name = 'MPI';
  try {
    const { version, path } = await findMpi();
    const folders = (process.env.PATH ?? '').split(delimiter);
    const isStartable = folders.some((folder) => existsSync(join(folder, 'mpirun')));
    const detail = isStartable
      ? `${version} (${path}): \`mpirun -n 2 mossctl pretrain\` trains on several processes`
      : `${version} (${path}), without mpirun on PATH: only srun starts several processes`;
    return { name, ok: true, detail };
  } catch (error) {
    return { name, ok: false, optional: true, detail: (error as Error).message };
  }
}

async function backends(): Promise<Finding[]> {
  const native = await inspectNative(); // says more than the one line that `auto` keeps
  const found = await checkBackends();
  return found.map(({ name, available, reason }) => {
    const detail = name === 'native' && available === native.ok ? native.detail : reason;
    const optional = name === 'tensorflow' && reason === notInstalled;
    return { name: `backend ${name}`, ok: available, ...(optional && { optional }), detail };
  });
}
