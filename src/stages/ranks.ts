// Ranks in a stage: the first one says to the others what is to be done together, all of a stage or a part of it, and they do it side
// by side. All of them end it together: where one cannot continue, none does.
import { ownVersion } from '../base/version.js';
import type { StageName } from '../config/pipeline.js';
import { alone, type Communicator } from '../tensor/communicator.js';
import type { Job } from './stage.js';

/** What the first rank says to the others; they answer nothing. */
export interface Order {
  /** Null: there is nothing more to do. */
  stage: StageName | null;
  version: string;
  /** Of `Stage.parts`; absent: all of the stage. */
  part?: string;
  job?: SharedJob;
  /** What the part needs beside its job: plain values. */
  given?: unknown;
}

type SharedJob = Omit<Job<never>, 'reporter' | 'signal' | 'communicator' | 'ranks'>;

/**
 * Ranks whose work has begun and is not over for all: the others wait for what comes of it, so whoever leaves now must end them.
 */
export const inFlight = new WeakSet<Communicator>();

/** Whether others may wait for this rank. */
export function isInFlight(communicator: Communicator): boolean {
  return inFlight.has(communicator);
}

/** Of the first rank: has the others do the same part of the stage, and does it. */
export async function callRanks<Config, Result>(
  communicator: Communicator,
  order: Pick<Order, 'stage' | 'part' | 'given'> & { job: Job<Config> },
  work: () => Promise<Result>,
): Promise<Result> {
  const { reporter: _, signal: __, communicator: ___, ranks: ____, ...job } = order.job;
  await communicator.gather<Order | undefined>({ ...order, version: ownVersion(), job: job as SharedJob });
  return together(communicator, work);
}

/**
 * A part of a stage that the first rank runs: on all ranks, where there are any.
 * @param part of `Stage.parts`: what the others do. It exchanges with this rank what `own` exchanges with them.
 */
export async function onRanks<Config, Result>(
  job: Job<Config>,
  part: { stage: StageName; part: string; given?: unknown },
  own: (job: Job<Config>) => Promise<Result>,
): Promise<Result> {
  const { ranks = alone } = job;
  if (ranks.size === 1) return own(job);
  return callRanks(ranks, { ...part, job }, () => own({ ...job, communicator: ranks }));
}

/** All ranks end this work together. */
export async function together<Result>(communicator: Communicator, work: () => Promise<Result>): Promise<Result> {
  inFlight.add(communicator);
  try {
    const result = await work().catch(async (error: unknown) => {
      await communicator.fail(error);
      throw error;
    });
    await communicator.gather(null);
    return result;
  } finally {
    inFlight.delete(communicator);
  }
}
