// The run that a checkpoint lies in.
import { dirname, join, resolve } from 'node:path';
import { exists } from '../base/files.js';
import { settingsName } from '../base/layout.js';

/** `runs/x`, absolute, of `runs/x/sft/step-000100` or `runs/x/align/round-01/step-000010`; undefined where it lies in no run. */
export async function runAround(checkpoint: string): Promise<string | undefined> {
  let folder = resolve(checkpoint);
  for (let depth = 0; depth < 3; depth++) {
    folder = dirname(folder);
    if (await exists(join(folder, settingsName))) return folder;
  }
  return undefined;
}
