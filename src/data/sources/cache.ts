// The folder that holds what was fetched: shared by all specs and runs, safe to delete.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `$MOSSCTL_CACHE`, else `$XDG_CACHE_HOME/mossctl`, else `~/.cache/mossctl`. */
export function cacheDirectory(): string {
  const { MOSSCTL_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  return own || join(shared || join(homedir(), '.cache'), 'mossctl');
}
