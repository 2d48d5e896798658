// What looks at the figures of every step while a training goes on, and may end it: a training whose figures say that it
// spoils the model is not worth its last step.
import type { Fault } from '../base/errors.js';
import type { Metrics } from '../report/event.js';

export interface Watch {
  /** Plain JSON: checkpoints hold it, so that a training that was stopped is judged as one that was not. */
  state: unknown;
  /**
   * The figures of a step, its `loss` among them. What is returned ends the training once the step is saved: run again, it
   * goes on from there, and ends again unless the watch no longer minds.
   */
  see(figures: Metrics): Fault | undefined;
}

/** All of them see each step; the first that objects ends the training. */
export function watches(all: readonly Watch[]): Watch {
  return {
    get state() {
      return all.map(({ state }) => state);
    },
    set state(saved) {
      if (Array.isArray(saved)) for (const [i, watch] of all.entries()) watch.state = saved[i] ?? watch.state;
    },
    see: (figures) => all.map((watch) => watch.see(figures)).find((fault) => fault !== undefined),
  };
}
