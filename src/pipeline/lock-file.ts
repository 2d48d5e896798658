// What a lock file says: which process holds the folder, on which machine, in which container, and a count that grows
// while it lives. Process ids mean nothing outside their own machine, start of it and pid namespace; the count does.
import { randomUUID } from 'node:crypto';
import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { systemErrorCode } from '../base/errors.js';
import { temporarySibling } from '../base/files.js';
import { type ProcessIdentity, thisProcess } from '../base/process.js';

export interface Holder extends ProcessIdentity {
  /** Of this lock. */
  id: string;
}
const holderSchema: z.ZodType<Holder> = z.object({
  pid: z.int().positive(),
  started: z.string().nullable(),
  host: z.string(),
  boot: z.string().nullable(),
  pidNamespace: z.string().nullable(),
  id: z.string(),
});

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
  return { ...(await thisProcess()), id: randomUUID() };
}
