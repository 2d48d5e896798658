// A disk of its own, as small as a test wants it and soon full.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Mounts a tmpfs of `size` until the test ends; undefined, and the test skipped, where that is not permitted. */
export async function smallDisk(t: TestContext, size: string): Promise<string | undefined> {
  const disk = await mkdtemp(join(tmpdir(), 'mossctl-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    await rmdir(disk);
    t.skip('mounting a small tmpfs is not permitted here');
    return undefined;
  }
  t.after(async () => {
    execFileSync('umount', [disk]);
    await rmdir(disk);
  });
  return disk;
}

export function resizeDisk(disk: string, size: string): void {
  execFileSync('mount', ['-o', `remount,size=${size}`, disk]);
}
