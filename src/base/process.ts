// Which process made something, and whether that one still lives. A process id alone says too little: ids are used again,
// and mean nothing outside their own machine, start of it and pid namespace (two containers both have a process 7).
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { systemErrorCode } from './errors.js';

export interface ProcessIdentity {
  pid: number;
  /** When the process started, as its system says it; null where that is not known. */
  started: string | null;
  host: string;
  /** One start of a machine's kernel; null where it has no such id. */
  boot: string | null;
  /** Null where there are none. */
  pidNamespace: string | null;
}

/** `unknown`: it is on another machine or in another container, or its system does not say when it started. */
export type ProcessState = 'alive' | 'dead' | 'unknown';

export async function thisProcess(): Promise<ProcessIdentity> {
  const started = (await processStart(process.pid)) ?? null;
  return { pid: process.pid, started, host: hostname(), boot: await bootId(), pidNamespace: pidNamespace() };
}

export async function stateOf(other: ProcessIdentity, self: ProcessIdentity): Promise<ProcessState> {
  return hasIds(self) && placeOf(other) === placeOf(self)
    ? stateHere(other.pid, other.started, (started) => started)
    : 'unknown';
}

/** For the name of a file: `PLACE.PID.START`, digests of where and when, and the process id. */
export function processTag(self: ProcessIdentity): string {
  return `${placeOf(self)}.${self.pid}.${self.started === null ? '' : shortDigest(self.started)}`;
}

/** The state of the process with this tag; `unknown`, too, for what is no tag. */
export async function stateOfTag(tag: string, self: ProcessIdentity): Promise<ProcessState> {
  const [, place, pid, start] = /^([0-9a-f]{16})\.([1-9]\d{0,9})\.([0-9a-f]{0,16})$/.exec(tag) ?? [];
  return hasIds(self) && place === placeOf(self)
    ? stateHere(Number(pid), start === '' ? null : start, shortDigest)
    : 'unknown';
}

function hasIds({ boot }: ProcessIdentity): boolean {
  return boot !== null || process.platform === 'win32'; // which has none, and no namespaces either
}

/** Where process ids mean the same. */
function placeOf({ host, boot, pidNamespace }: ProcessIdentity): string {
  return shortDigest(JSON.stringify([host, boot, pidNamespace]));
}

/** `files.ts` has digests, too, and imports this file. */
function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

async function stateHere(pid: number, known: string | null, form: (started: string) => string): Promise<ProcessState> {
  if (!hasProcess(pid)) return 'dead';
  const started = await processStart(pid);
  if (started === 'ended') return 'dead';
  if (started === undefined || known === null) return 'unknown';
  return form(started) === known ? 'alive' : 'dead'; // another process has its id by now
}

/** Bytes of memory that a process of this machine holds, and seconds of a core that it has used; undefined but on Linux. */
export function processUse(pid: number): { rss: number; cpuSeconds: number } | undefined {
  const status = statusOf(pid);
  return status && { rss: status.pages * pageBytes, cpuSeconds: status.ticks / ticksPerSecond };
}

// As Linux says them to programs on every machine that Node runs on.
const ticksPerSecond = 100;
const pageBytes = 4096;

export function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

/** 'ended' of a process that only waits for its parent to notice; undefined where nothing is known. */
async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform === 'win32') return undefined;
  if (process.platform !== 'linux') return output('ps', '-o', 'lstart=', '-p', String(pid));
  // In a new pid namespace /proc may still be that of the old one, and speak of other processes.
  if (statusOf('self')?.pid !== process.pid) return undefined;
  const status = statusOf(pid);
  return status && (['Z', 'X'].includes(status.state) ? 'ended' : status.started);
}

/** Of /proc/<pid>/stat: the name in parentheses may hold anything, and the fields after it count. */
function statusOf(
  pid: number | 'self',
): { pid: number; state: string; started: string; ticks: number; pages: number } | undefined {
  const text = readIfPossible(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (text === null) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [ticks, pages] = [Number(fields[11]) + Number(fields[12]), Number(fields[21])];
  return { pid: Number.parseInt(text, 10), state: fields[0], started: fields[19], ticks, pages };
}

async function bootId(): Promise<string | null> {
  if (process.platform === 'darwin') return (await output('sysctl', '-n', 'kern.bootsessionuuid')) ?? null;
  return readIfPossible(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

function pidNamespace(): string | null {
  return readIfPossible(() => readlinkSync('/proc/self/ns/pid'));
}

function readIfPossible(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}

async function output(command: string, ...args: string[]): Promise<string | undefined> {
  const env = { ...process.env, LC_ALL: 'C' };
  const { stdout } = await promisify(execFile)(command, args, { env }).catch(() => ({ stdout: '' }));
  return stdout.trim() || undefined;
}
