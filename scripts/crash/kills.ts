// What a script of kills at random moments begins with: its options, a folder of its own, and chances that follow from the seed.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../src/base/random.js';
import { commands, type Session } from './session.js';

/** For `parseArgs`. */
export const killOptions = {
  kills: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  sources: { type: 'boolean', default: false },
  folder: { type: 'string' },
} as const;

/** @param name of the script: its folder and its stream of chances are called after it. */
export function openKills(name: string, options: { seed: string; sources: boolean; folder?: string }) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), `mossctl-${name}-`));
  mkdirSync(folder, { recursive: true });
  return {
    folder,
    command: options.sources ? commands.sources : commands.built,
    random: Random.stream(Number(options.seed), name),
  };
}

/** @throws Error where it neither ended well nor was killed. */
export function endedOrKilled(session: Session): Session {
  if (session.code === 0 || session.signal === 'SIGKILL') return session;
  throw new Error(`it ended with ${session.code}: ${session.stderr}`);
}
