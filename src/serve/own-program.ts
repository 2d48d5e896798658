// mossctl as a process of its own: how it is started, and what it said of its failure.
import { fileURLToPath } from 'node:url';
import { redact } from '../base/secrets.js';

const place = import.meta.url.endsWith('.ts') ? '../cli/main.ts' : '../../bin/mossctl.js';

/** What Node is given to start `mossctl` as this process was: what was built, or the sources, with the same limits and loaders. */
export const ownProgram: readonly string[] = [...process.execArgv, fileURLToPath(new URL(place, import.meta.url))];

/** Over the channel to `mossctl serve`: stop as at a first signal. Said twice, or beside the terminal's own Ctrl-C, it is no second one. */
export const stopMessage = 'stop';

/**
 * What it is started with. It speaks English, for that is how its errors and warnings are found; they are translated where
 * they are shown, in the language of whoever reads them there.
 */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !ofLauncher.test(name));
  return { ...Object.fromEntries(own), MOSSCTL_LANG: 'en' };
}

/** What an MPI launcher says to a rank: its child is none, and must not answer for it. */
const ofLauncher = /^(OMPI|PMIX?|PRTE|HYDI|MPI)_/;

const label = 'mossctl: error:';
const warningLabel = 'mossctl: warning:';

/** The errors that it printed, in one line; undefined where there are none. */
export function printedErrors(printed: string): string | undefined {
  const said = printed.split('\n').filter((line) => line.startsWith(label));
  return said.length === 0 ? undefined : redact(said.map((line) => line.slice(label.length).trim()).join(' '));
}

/** What a printed line warns of; undefined where it is no warning. */
export function printedWarning(line: string): string | undefined {
  return line.startsWith(warningLabel) ? line.slice(warningLabel.length).trim() : undefined;
}
