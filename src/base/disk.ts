// How much room a disk has, for what is there already and for what is yet to be made.
import { statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface Disk {
  /** Where it is mounted: the highest folder above the path that is on the same disk. */
  mount: string;
  /** Bytes that we may still write, and bytes in all. */
  freeBytes: number;
  totalBytes: number;
  /** Files that may still be made; Infinity where the file system has no such limit. */
  freeFiles: number;
}

/** The disk of a path, or of the nearest folder above it that exists; undefined where the system does not say. */
export function diskAt(path: string): Disk | undefined {
  try {
    const folder = existing(resolve(path));
    const { bavail, blocks, bsize, files, ffree } = statfsSync(folder);
    const freeFiles = files > 0 ? ffree : Number.POSITIVE_INFINITY;
    return { mount: mountOf(folder), freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFiles };
  } catch {
    return undefined;
  }
}

function existing(path: string): string {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  return dirname(path) === path ? path : existing(dirname(path));
}

function mountOf(path: string): string {
  const { dev } = statSync(path);
  let mount = path;
  while (dirname(mount) !== mount && statSync(dirname(mount)).dev === dev) mount = dirname(mount);
  return mount;
}
