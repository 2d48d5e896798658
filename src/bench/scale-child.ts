// One rank of scale.ts: trains together with the others; the first one prints what all of them say.
import { launchedRank } from '../base/launcher.js';
import { openMpi } from '../distributed/mpi.js';
import type { Communicator } from '../tensor/communicator.js';
import type { RankMeasurement } from './scale.js';
import { warmUpSteps } from './steps.js';
import { measureTraining, type TrainJob } from './train.js';

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
    reduceScatter(values, counts) {
      count(counts);
      return timed(communicator.reduceScatter(values, counts));
    },
    allGather(values, counts) {
      count(counts);
      return timed(communicator.allGather(values, counts));
    },
    gather: (value) => timed(communicator.gather(value)),
    fail: communicator.fail,
  };
}

const launched = launchedRank(process.env);
if (launched === undefined) throw new Error('started without mpirun, or as one process');
const job = JSON.parse(process.argv[2]) as TrainJob;
const mpi = await openMpi(launched);
if (mpi.rank === 0) process.stdin.on('end', () => mpi.abort(1)).resume(); // whoever asked is gone
const exchanged: Exchanged = { seconds: 0, bytes: 0 };
const measured = await measureTraining(job, () => false, metered(mpi, exchanged));
const count = measured.steps + warmUpSteps;
const secondsPerStep = measured.tokensPerStep / measured.tokensPerSecond;
const own: RankMeasurement = {
  ...measured,
  exchangeShare: exchanged.seconds / count / secondsPerStep,
  bytesPerStep: exchanged.bytes / count,
};
const all = await mpi.gather(own);
await mpi.close();
if (mpi.rank === 0) {
  process.stdin.destroy();
  process.stdout.write(`${JSON.stringify(all)}\n`);
}
