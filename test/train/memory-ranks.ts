// Ranks that are all in one process: each takes one of these communicators, and what they exchange goes through memory.
import { type Communicator, failureOf, failureOnRank } from '../../src/tensor/communicator.js';

interface Meeting {
  given: unknown[];
  count: number;
  all: Promise<unknown[]>;
  settle(all: unknown[]): void;
  refuse(error: Error): void;
}

export function memoryRanks(size: number): Communicator[] {
  let meeting: Meeting | undefined;
  let failure: Error | undefined;
  const meet = (): Meeting => {
    let [settle, refuse]: [Meeting['settle'], Meeting['refuse']] = [() => undefined, () => undefined];
    const all = new Promise<unknown[]>((resolve, reject) => {
      [settle, refuse] = [resolve, reject];
    });
    all.catch(() => undefined); // nobody may be waiting
    return { given: new Array(size), count: 0, all, settle, refuse };
  };
  const exchange = async (rank: number, value: unknown): Promise<unknown[]> => {
    if (failure !== undefined) throw failure;
    meeting ??= meet();
    const now = meeting;
    now.given[rank] = value;
    if (++now.count === size) {
      meeting = undefined;
      now.settle(now.given);
    }
    return now.all;
  };
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    transport: 'memory',
    async reduceScatter(values, counts) {
      const all = (await exchange(rank, values.slice())) as Float32Array[];
      const own = runOf(values, counts, rank).fill(0);
      for (const each of all) {
        const given = runOf(each, counts, rank);
        for (let i = 0; i < own.length; i++) own[i] += given[i];
      }
    },
    async allGather(values, counts) {
      const all = (await exchange(rank, runOf(values, counts, rank).slice())) as Float32Array[];
      for (const [from, given] of all.entries()) runOf(values, counts, from).set(given);
    },
    ...{ reduceScatterNow: refuse, allGatherNow: refuse },
    gather: (value) => exchange(rank, structuredClone(value)) as Promise<never>,
    async fail(error) {
      failure = failureOnRank(failureOf(error), { rank, size });
      meeting?.refuse(failure);
    },
  }));
}

function refuse(): never {
  throw new Error('ranks of one thread cannot wait for each other at once');
}

/** Which of `values` are this rank's. */
function runOf(values: Float32Array, counts: readonly number[], rank: number): Float32Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total !== values.length) throw new Error(`${values.length} numbers, of which ${total} are the ranks'`);
  const begin = counts.slice(0, rank).reduce((sum, count) => sum + count, 0);
  return values.subarray(begin, begin + counts[rank]);
}
