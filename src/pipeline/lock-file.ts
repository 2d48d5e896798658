// What a lock file says: which process holds the folder, on which machine, in which container, and a count that grows
// while it lives. Process ids mean nothing outside their own machine, start of it and pid namespace; the count does.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { z } from 'zod';
import { systemErrorCode } from '../base/errors.js';
import { temporarySibling } from '../base/files.js';
import { hasProcess } from '../base/process.js';

const holderSchema = z.object({
  pid: z.int().positive(),
  /** When the process started, as its system says it; null where that is not known. */
  started: z.string().nullable(),
  host: z.string(),
  /** One start of a machine's kernel; null where it has no such id. */
  boot: z.string().nullable(),
  /** Null where there are none. */
  pidNamespace: z.string().nullable(),
  /** Of this lock. */
  id: z.string(),
});
export type Holder = z.output<typeof holderSchema>;

/** The count is overwritten in place, so it has always this many digits. */
const beatDigits = 12;

/** The first line says who, the second how often it has given a sign of life. */
export function lockText(holder: Holder, beat: number): string {
  return `${JSON.stringify(holder)}\n${String(beat).padStart(beatDigits, '0')}\n`;
}

/** Byte in the file at which the count begins, and the count. */
export function beatAt(holder: Holder, beat: number): { position: number; text: string } {
  const position = Buffer.byteLength(`${JSON.stringify(holder)}\n`);
  return { position, text: String(beat).padStart(beatDigits, '0') };
}

/** A holder; the process id alone, from before there was more; undefined where the file is damaged. */
export function parseHolder(text: string): Holder | { pid: number; id?: undefined } | undefined {
  try {
    const value: unknown = JSON.parse(text.split('\n', 1)[0]);
    if (Number.isInteger(value) && (value as number) > 0) return { pid: value as number };
    return holderSchema.safeParse(value).data;
  } catch {
    return undefined;
  }
}

/** Makes the file, whole. False where there is one already, or another process cleared ours away with temporary files. */
export function createLockFile(path: string, text: string): boolean {
  const mine = temporarySibling(path);
  writeFileSync(mine, text);
  try {
    return tryLink(mine, path);
  } finally {
    rmSync(mine, { force: true });
  }
}

export function tryLink(from: string, path: string): boolean {
  try {
    linkSync(from, path);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes(systemErrorCode(error) ?? '')) return false;
    throw error;
  }
}

/** This process as a holder. */
export async function thisHolder(): Promise<Holder> {
  return {
    ...{ pid: process.pid, started: (await processStart(process.pid)) ?? null, host: hostname() },
    ...{ boot: await bootId(), pidNamespace: pidNamespace(), id: randomUUID() },
  };
}

/** 'unknown' where only signs of life can tell: the holder is on another machine or in another container. */
export async function stateOf(holder: Holder, self: Holder): Promise<'alive' | 'dead' | 'unknown'> {
  const { boot, host, pidNamespace: namespace } = holder;
  const hasIds = boot !== null || process.platform === 'win32'; // which has none, and no namespaces either
  const isHere = hasIds && boot === self.boot && host === self.host && namespace === self.pidNamespace;
  if (!isHere) return 'unknown';
  if (!hasProcess(holder.pid)) return 'dead';
  const started = await processStart(holder.pid);
  if (started === 'ended') return 'dead';
  if (started === undefined || holder.started === null) return 'unknown';
  return started === holder.started ? 'alive' : 'dead'; // another process has its id by now
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
function statusOf(pid: number | 'self'): { pid: number; state: string; started: string } | undefined {
  const text = readIfPossible(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (text === null) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid: Number.parseInt(text, 10), state: fields[0], started: fields[19] };
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
