// Reading beside a training, which deletes old checkpoints while somebody looks at them. A checkpoint that went away is
// not a damaged one: what the path means by now is read instead.
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { localPath, resolveCheckpoint } from './history.js';

/** Checkpoints in a row that may vanish under a reader, before it gives up. */
const maxTries = 100;
/** How long a folder may hold no checkpoint at all: the next one is about to get its name. */
const graceMilliseconds = 100;

/**
 * What `read` makes of the checkpoint that `named` means (see `resolveCheckpoint`); again where that is deleted meanwhile.
 * @throws what `read` throws of a checkpoint that is still there; UserError where `named` was the one that was deleted.
 */
export async function withCheckpoint<T>(named: string, read: (directory: string) => Promise<T>): Promise<T> {
  const path = await localPath(named);
  let directory: string | undefined;
  for (let tries = 0; tries < maxTries; tries++) {
    try {
      directory = await resolveCheckpoint(path);
    } catch {
      const isThere = await exists(path);
      if (!isThere && directory !== undefined) throw deleted(directory);
      if (isThere) await sleep(graceMilliseconds);
      // Again, too, where it has only just gone: then what it lacked is not what is wrong.
      directory = await resolveCheckpoint(path);
    }
    const before = await identityOf(directory);
    try {
      return await read(directory);
    } catch (error) {
      const isThere = before !== undefined && (await identityOf(directory)) === before;
      if (isThere) throw error;
    }
  }
  throw deleted(directory ?? path);
}

/** Another folder of the same name is another checkpoint. */
async function identityOf(directory: string): Promise<string | undefined> {
  const found = await stat(directory).catch(() => undefined);
  return found && `${found.dev}:${found.ino}`;
}

function deleted(where: string): UserError {
  return new UserError({
    what: 'this checkpoint was deleted while it was read',
    where,
    why: 'a training that is running keeps only some of its checkpoints (keep)',
    next: 'Name the folder of the stage or run instead, for its newest one, or train with --keep last=N',
  });
}
