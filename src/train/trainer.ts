// The one entry to training: what a run is made of, and what it ends with. The steps are in loop.ts; what is around them, from
// resuming to saving, in session.ts.
import { removeTemporary } from '../checkpoint/history.js';
import type { TrainConfig } from '../config/train.js';
import type { Model } from '../model/model.js';
import type { Metrics } from '../report/event.js';
import { alone, byFirstRank } from '../tensor/communicator.js';
import { checkSameTraining } from './agreement.js';
import { runLoop } from './loop.js';
import type { MicroBatch, Objective } from './objective.js';
import { checkDivision, checkShares } from './ranks.js';
import type { SettingChange } from './resume.js';
import type { SaverOptions } from './saver.js';
import type { Cooldown } from './schedule.js';
import { Session } from './session.js';
import type { NoiseSettings } from './step.js';
import type { Watch } from './watch.js';

export interface TrainingRun<Batch extends MicroBatch> extends SaverOptions {
  /** The run's own copy: trained in place, disposed at the end. */
  model: Model;
  objective: Objective<Batch>;
  config: TrainConfig;
  /** Optimizer steps in all. */
  steps: number;
  /** What is drawn at random in each pass; none where it is absent. */
  noise?: NoiseSettings;
  /** The checkpoint (its folder) of another training that this one branches off, to end it in a decay of its own. */
  cooldown?: Cooldown & { path: string };
  /** Aborted: saves after the step it is in, and ends. */
  signal?: AbortSignal;
  /** Settings that were changed since this training first began, in order; each counts from the step it is resumed at. */
  overrides?: readonly SettingChange[];
  /** Sees every step, and may end the training. */
  watch?: Watch;
  /** Held-out figures; must leave the model and every random stream as they were. */
  evaluate?(model: Model, step: number): Promise<Metrics>;
  /** What `evaluate` reports, where that is known: a rule that keeps the best of another metric is refused before step 1. */
  evaluated?: readonly string[];
  sample?(model: Model, step: number): Promise<void>;
}

export interface TrainingResult {
  /** The last checkpoint. */
  path: string;
  digest: string;
  metrics: Metrics;
}

/**
 * Trains to `steps`, resuming from the newest whole checkpoint in `directory` if there is one. Checkpoints are written
 * while it trains; whatever ends it waits for the one that is being written.
 * @throws Interrupted after saving, when asked to stop.
 * @throws UserError (exit code 1) on a loss that is not finite, naming step, documents and last checkpoint, where the last
 * checkpoint cannot be saved, and, after saving, where `watch` ends the training.
 */
export async function train<Batch extends MicroBatch>(run: TrainingRun<Batch>): Promise<TrainingResult> {
  const { communicator = alone, objective, directory } = run;
  checkDivision(objective, communicator);
  checkShares(run, communicator);
  await checkSameTraining(communicator, run);
  await byFirstRank(communicator, () => removeTemporary(directory));
  const session = new Session(run);
  try {
    await session.resume();
    return await runLoop(run, session);
  } finally {
    await session.dispose();
  }
}
