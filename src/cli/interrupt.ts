// Ctrl-C: the first asks the work to save and stop, the second stops at once.
import type { Interrupt } from '../stages/stage.js';
import { printError } from './output.js';

export interface WatchedInterrupt extends Interrupt {
  /** Gives the signals back. */
  release(): void;
}

export function watchInterrupt(): WatchedInterrupt {
  let requested = false;
  const onSignal = (): void => {
    if (requested) process.exit(130);
    requested = true;
    printError('\nmossctl: finishing the step and saving; press Ctrl-C again to stop at once');
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    get requested() {
      return requested;
    },
    release() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
