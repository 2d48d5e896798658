// How the system asks work to stop: Ctrl-C, SIGTERM of a service manager, SIGHUP of a terminal that was closed.
import { removeUnfinished } from '../base/files.js';
import { printError, shownPath } from './output.js';

/**
 * Started by `nohup`, which asks the system to ignore SIGHUP. Node restores the default for every signal when it starts,
 * so that a hang-up would end it after all; what is left of nohup is the name that most shells pass on in `_`.
 */
export const survivesHangup = /(^|\/)nohup$/.test(process.env._ ?? '');

/** All that ask this process to end. */
export const killSignals: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  ...(survivesHangup ? [] : ['SIGHUP' as const]),
];

/** What the terminal wrote for the key (`^C`) goes. */
const freshLine = process.stderr.isTTY && process.env.TERM !== 'dumb' ? '\r\x1b[2K' : '\n';

/**
 * The first asks the work to save and stop; another Ctrl-C or SIGTERM stops at once.
 * @param makeRoom takes away what moves on the screen: a bar that is drawn again would run into the text.
 * @param isQuiet another process says it.
 */
export function watchInterrupt(
  makeRoom: () => void,
  { isQuiet = false } = {},
): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = (): void => {
    controller.abort();
    makeRoom();
    if (isQuiet) return;
    printError(`${freshLine}mossctl: finishing the step and saving; press Ctrl-C again to stop at once`);
  };
  const onKill = (): void => {
    if (signal.aborted) process.exit(130);
    stop();
  };
  // Both the system and the shell send one when a terminal closes, and systemd sends one after SIGTERM.
  const onHangup = (): void => {
    if (!signal.aborted) stop();
  };
  const watched = killSignals.map((name) => [name, name === 'SIGHUP' ? onHangup : onKill] as const);
  for (const [name, listener] of watched) process.on(name, listener);
  // A process that was started with a channel to another works for that one, and ends with it.
  process.on('disconnect', onHangup);
  process.channel?.unref();
  if (process.connected === false) stop(); // the other ended while this one began
  return {
    signal,
    release() {
      if (signal.aborted) return; // on its way out: a second signal still ends it with 130, and does not kill it
      for (const [name, listener] of watched) process.off(name, listener);
      process.off('disconnect', onHangup);
    },
  };
}

/** Work that has nothing to save ends at once when it is asked to, and leaves nothing half-written of `path`. */
export async function removedWhenKilled<T>(path: string, work: () => Promise<T>): Promise<T> {
  const onKill = (): void => {
    removeUnfinished(path);
    printError(`\nmossctl: interrupted while writing ${shownPath(path)}: nothing of it is left`);
    process.exit(130);
  };
  for (const name of killSignals) process.on(name, onKill);
  try {
    return await work();
  } finally {
    for (const name of killSignals) process.off(name, onKill);
  }
}
