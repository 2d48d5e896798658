// mossctl as a process of its own: how it is started, and what it said of its failure.
import { fileURLToPath } from 'node:url';
import { redact } from '../base/secrets.js';

/** What Node is given to start `mossctl`. */
export const ownProgram: readonly string[] = [fileURLToPath(new URL('../../bin/mossctl.js', import.meta.url))];

const label = 'mossctl: error:';

/** The errors that it printed, in one line; undefined where there are none. */
export function printedErrors(printed: string): string | undefined {
  const said = printed.split('\n').filter((line) => line.startsWith(label));
  return said.length === 0 ? undefined : redact(said.map((line) => line.slice(label.length).trim()).join(' '));
}
