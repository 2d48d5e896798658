// Work that the disk or the memory surely cannot hold is refused before it begins, with the figures. What may just fit is
// let pass: what is refused here could not have ended.
import { diskAt } from './disk.js';
import { UserError } from './errors.js';
import { formatBytes } from './format.js';
import { memoryRoom } from './memory.js';

/** Files are a little smaller or larger than was reckoned. */
const tolerance = 0.98;

/**
 * @param what What takes so many bytes on the disk of `path`, in words: `3 checkpoints of 1.2 GiB`.
 * @throws UserError (exit code 1) where the disk has less.
 */
export function requireDisk(path: string, bytes: number, { what, next }: { what: string; next: string }): void {
  const disk = diskAt(path);
  if (disk === undefined || disk.freeBytes >= tolerance * bytes) return;
  const { mount, freeBytes } = disk;
  throw new UserError(
    {
      what: 'the disk is too small for this',
      where: path,
      why: `${what} take ${formatBytes(bytes)}, and ${mount} has ${formatBytes(freeBytes)} left`,
      next,
    },
    { exitCode: 1 },
  );
}

/** The same for memory, with swap. `room`: given only by tests. */
export function requireMemory(
  bytes: number,
  { what, next, where }: { what: string; next: string; where?: string },
  room = memoryRoom(),
): void {
  const { total, swap } = room;
  if (bytes <= total + swap) return;
  const swapped = swap > 0 ? ` and ${formatBytes(swap)} of swap` : '';
  throw new UserError(
    {
      what: 'this does not fit into the memory of this machine',
      where,
      why: `${what} take ${formatBytes(bytes)}, and there are ${formatBytes(total)}${swapped}`,
      next,
    },
    { exitCode: 1 },
  );
}
