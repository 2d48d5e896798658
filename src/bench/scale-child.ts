// One rank of scale.ts: trains together with the others; the first one writes down what all of them say.

import { writeFileSync } from 'node:fs';
import { exit, stdin } from 'node:process';
import { launchedRank } from '../base/launcher.js';
import { openMpi } from '../distributed/mpi.js';
import type { Communicator } from '../tensor/communicator.js';
import { type RankJob, type RankMeasurement, rankJobVariable } from './scale.js';
import { warmUpSteps } from './steps.js';
import { measureTraining } from './train.js';

interface Exchanged {
  seconds: number;
  bytes: number;
}

/** The same, adding up what it takes. */
function metered(communicator: Communicator, exchanged: Exchanged): Communicator {
  const { rank, size } = communicator;
  const timed = async <Result>(work: Promise<Result>): Promise<Result> => {
    const start = performance.now();
    try {
      return await work;
    } finally {
      exchanged.seconds += (performance.now() - start) / 1000;
    }
  };
  const count = (counts: readonly number[]): void => {
    exchanged.bytes += 4 * counts.reduce((sum, numbers, of) => sum + (of === rank ? 0 : numbers), 0);
  };
  return {
    rank,
    size,
    transport: communicator.transport,
    reduceScatter(values, counts) {
      count(counts);
      return timed(communicator.reduceScatter(values, counts));
    },
    allGather(values, counts) {
      count(counts);
      return timed(communicator.allGather(values, counts));
    },
    reduceScatterNow: communicator.reduceScatterNow, // weights are whole here
    allGatherNow: communicator.allGatherNow,
    gather: (value) => timed(communicator.gather(value)),
    fail: (error) => communicator.fail(error),
  };
}

const launched = launchedRank(process.env);
if (launched === undefined) throw new Error('started without mpirun, or as one process');
endWithParent(launched.rank);
const { answer, job } = JSON.parse(process.env[rankJobVariable] ?? '') as RankJob;
const mpi = await openMpi(launched);
const exchanged: Exchanged = { seconds: 0, bytes: 0 };
const begun: (Exchanged & { at: number })[] = []; // what it was before each step
const measured = await measureTraining(
  job,
  () => {
    begun.push({ ...exchanged, at: performance.now() });
    return false;
  },
  metered(mpi, exchanged),
);
const before = begun[warmUpSteps];
const own: RankMeasurement = {
  ...measured,
  exchangeShare: (1000 * (exchanged.seconds - before.seconds)) / (performance.now() - before.at),
  bytesPerStep: (exchanged.bytes - before.bytes) / measured.steps,
};
const all = await mpi.gather(own);
if (mpi.rank === 0) writeFileSync(answer, JSON.stringify(all));
await mpi.close();
exit(); // it reads, if it is the first

/**
 * The launcher's input, which is the bench's, comes to the first rank, and its end ends that one; the launcher then ends the others.
 * Where the launcher itself is gone, each notices by itself.
 */
function endWithParent(rank: number): void {
  if (rank === 0) stdin.once('end', () => exit(1)).resume();
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) exit(1);
  }, 500).unref();
}
