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
    async sum(values) {
      const all = (await exchange(rank, values.slice())) as Float32Array[];
      values.fill(0);
      for (const each of all) {
        if (each.length !== values.length) throw new Error(`${each.length} numbers beside ${values.length}`);
        for (let i = 0; i < values.length; i++) values[i] += each[i];
      }
    },
    gather: (value) => exchange(rank, structuredClone(value)) as Promise<never>,
    async fail(error) {
      failure = failureOnRank(failureOf(error), { rank, size });
      meeting?.refuse(failure);
    },
  }));
}
