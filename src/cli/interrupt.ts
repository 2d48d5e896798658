// Ctrl-C: the first asks the work to save and stop, the second stops at once.
import { printError } from './output.js';

export function watchInterrupt(): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const { signal } = controller;
  const onKill = (): void => {
    if (signal.aborted) process.exit(130);
    controller.abort();
    printError('\nmossctl: finishing the step and saving; press Ctrl-C again to stop at once');
  };
  const kills = ['SIGINT', 'SIGTERM'] as const;
  for (const kill of kills) process.on(kill, onKill);
  return {
    signal,
    release() {
      for (const kill of kills) process.off(kill, onKill);
    },
  };
}
