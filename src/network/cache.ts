// The folder that holds what was fetched: shared by all specs and runs, safe to delete.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../base/errors.js';

/** `$MOSSCTL_CACHE`, else `$XDG_CACHE_HOME/mossctl`, else `~/.cache/mossctl`. @throws UserError where there is no home. */
export function cacheDirectory(): string {
  const { MOSSCTL_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  return own || join(shared || join(home(), '.cache'), 'mossctl');
}

function home(): string {
  let folder = '';
  try {
    folder = homedir();
  } catch {
    // It throws where neither HOME nor the system's list of users names one.
  }
  if (folder !== '') return folder;
  throw new UserError({
    what: 'there is no home folder to keep downloads in',
    why: 'HOME is not set, and the system knows none for this user',
    next: 'Name a folder for them: MOSSCTL_CACHE=/some/folder',
  });
}
