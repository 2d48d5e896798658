// mossctl doctor: a list of checks, each with what it found and what would help.
import { execFile } from 'node:child_process';
import { mkdir, statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { promisify } from 'node:util';
import pc from 'picocolors';
import { availableCores } from '../../base/cores.js';
import { formatBytes } from '../../base/format.js';
import { ownVersion } from '../../base/version.js';
import { cacheDirectory } from '../../data/sources/cache.js';
import { checkBackends } from '../../tensor/backends.js';
import { inspectNative } from '../native-build.js';
import type { OutputOptions } from '../options.js';
import { printJson, printLine } from '../output.js';

interface Finding {
  name: string;
  ok: boolean;
  detail: string;
  /** Without it mossctl cannot work; else it is only good to know. */
  required: boolean;
}

interface Check {
  run(): Promise<Omit<Finding, 'required'>[]>;
  required: boolean;
}

const checks: readonly Check[] = [
  { run: async () => [node()], required: true },
  { run: async () => [memory()], required: false },
  { run: async () => [{ name: 'cores', ok: true, detail: String(availableCores()) }], required: false },
  { run: async () => [await disk()], required: false },
  { run: async () => [await cache()], required: false },
  { run: async () => [await registry()], required: false },
  { run: backends, required: false },
];

export async function doctor(options: OutputOptions): Promise<void> {
  const findings: Finding[] = [];
  if (!options.json && !options.quiet) printLine(`mossctl ${ownVersion()}`);
  for (const { run, required } of checks) {
    for (const found of await run()) {
      const finding = { ...found, required };
      findings.push(finding);
      if (options.json) printJson({ type: 'check', ...finding });
      else if (!options.quiet || !finding.ok) printLine(lineOf(finding));
    }
  }
  const canTrain = findings.some(({ name, ok }) => ok && name.startsWith('backend'));
  const ready = canTrain && findings.every(({ ok, required }) => ok || !required);
  if (options.json) printJson({ type: 'result', ready });
  else printLine(ready ? 'ready: mossctl can train here' : 'not ready: see the lines above');
  if (!ready) process.exitCode = 1;
}

function lineOf({ name, ok, detail }: Finding): string {
  return `${ok ? pc.green('✓') : pc.red('✗')} ${name.padEnd(20)} ${detail}`;
}

function node(): Omit<Finding, 'required'> {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 17);
  const where = `${process.version} on ${process.platform} ${process.arch}`;
  return { name: 'Node.js', ok, detail: ok ? where : `${where}; 20.17 or newer is needed: https://nodejs.org` };
}

function memory(): Omit<Finding, 'required'> {
  const ok = totalmem() >= 2 * 2 ** 30;
  const detail = `${formatBytes(totalmem())}, ${formatBytes(freemem())} free`;
  return { name: 'memory', ok, detail: ok ? detail : `${detail}; 2 GiB are needed for the quickstart` };
}

async function disk(): Promise<Omit<Finding, 'required'>> {
  const { bavail, bsize } = await statfs('.');
  const free = bavail * bsize;
  const ok = free >= 2 ** 30;
  const detail = `${formatBytes(free)} free here`;
  return { name: 'disk', ok, detail: ok ? detail : `${detail}; 1 GiB is needed for the quickstart` };
}

async function cache(): Promise<Omit<Finding, 'required'>> {
  const folder = cacheDirectory();
  try {
    await mkdir(folder, { recursive: true });
    return { name: 'cache', ok: true, detail: folder };
  } catch (error) {
    const detail = `${folder}: ${(error as Error).message}; name another folder with MOSSCTL_CACHE`;
    return { name: 'cache', ok: false, detail };
  }
}

/** Asked through npm itself, so that the person's registry, proxy and login count. */
async function registry(): Promise<Omit<Finding, 'required'>> {
  const name = 'npm registry';
  const arguments_ = ['ping', '--fetch-retries=0', '--fetch-timeout=5000'];
  try {
    await promisify(execFile)('npm', arguments_, { timeout: 10_000, shell: process.platform === 'win32' });
    return { name, ok: true, detail: 'reachable' };
  } catch {
    return {
      name,
      ok: false,
      detail: '`npm ping` fails: packaged texts work, corpora from npm must be cached already',
    };
  }
}

async function backends(): Promise<Omit<Finding, 'required'>[]> {
  const native = await inspectNative(); // says more than the one line that `auto` keeps
  const found = await checkBackends();
  return found.map(({ name, available, reason }) => {
    const detail = name === 'native' && available === native.ok ? native.detail : reason;
    return { name: `backend ${name}`, ok: available, detail };
  });
}
