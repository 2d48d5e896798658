// A small disk of our own, and a file that fills it.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Mounts a tmpfs of so many bytes. @returns why it cannot, where it cannot. */
export function mountSmallDisk(folder: string, bytes: number): string | undefined {
  if (process.platform !== 'linux') return 'tmpfs is a file system of Linux';
  if (process.getuid?.() !== 0) return 'mounting a tmpfs needs root';
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `mount failed: ${(error as Error).message.split('\n')[0]}`;
  }
}

export function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder]);
}

const ballastName = '.ballast';

/** Takes all the space there is, to the last block. */
export function fillDisk(folder: string): void {
  const file = openSync(join(folder, ballastName), 'w');
  const block = Buffer.alloc(1 << 20);
  try {
    for (let size = block.length; size >= 4096; ) {
      try {
        if (writeSync(file, block, 0, size) === 0) size /= 2;
      } catch {
        size /= 2; // no space for this much: try less
      }
    }
  } finally {
    closeSync(file);
  }
}

export function freeDisk(folder: string): void {
  rmSync(join(folder, ballastName), { force: true });
}
