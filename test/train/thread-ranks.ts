// Ranks that are threads of one process, which wait for each other as processes do: what cannot await is tested with these. All that
// they exchange goes through shared memory, each rank's into its own part of it.
import { deserialize, serialize } from 'node:v8';
import type { Communicator } from '../../src/tensor/communicator.js';

const controlBytes = 64;
const rankBytes = 1 << 20;
/** After which a rank that still waits says so: the others have ended, or never came. */
const patienceMilliseconds = 30_000;

export function sharedMemory(size: number): SharedArrayBuffer {
  return new SharedArrayBuffer(controlBytes + size * rankBytes);
}

export function threadRank(shared: SharedArrayBuffer, rank: number, size: number): Communicator {
  const control = new Int32Array(shared, 0, controlBytes / 4);
  const partOf = (of: number) => Buffer.from(shared, controlBytes + of * rankBytes, rankBytes);
  const meet = (): void => {
    const round = Atomics.load(control, 0);
    if (Atomics.add(control, 1, 1) === size - 1) {
      Atomics.store(control, 1, 0);
      Atomics.add(control, 0, 1);
      Atomics.notify(control, 0);
      return;
    }
    while (Atomics.load(control, 0) === round) {
      if (Atomics.wait(control, 0, round, patienceMilliseconds) === 'timed-out')
        throw new Error('the others do not come');
    }
  };
  const exchange = (what: string, value: unknown): unknown[] => {
    const own = serialize({ what, value });
    if (own.length + 4 > rankBytes) throw new Error(`${own.length} bytes at a time are too many`);
    const part = partOf(rank);
    part.writeUInt32LE(own.length);
    part.set(own, 4);
    meet();
    const all = Array.from({ length: size }, (_, of) => {
      const other = partOf(of);
      return deserialize(Buffer.from(other.subarray(4, 4 + other.readUInt32LE()))) as typeof given;
    });
    const given: { what: string; value: unknown } = all[0];
    meet();
    for (const other of all) if (other.what !== what) throw new Error(`rank ${rank}: ${what}, another: ${other.what}`);
    return all.map(({ value: each }) => each);
  };
  const runOf = (values: Float32Array, counts: readonly number[], of: number): Float32Array => {
    const begin = counts.slice(0, of).reduce((sum, count) => sum + count, 0);
    return values.subarray(begin, begin + counts[of]);
  };
  const reduceScatter = (values: Float32Array, counts: readonly number[], place: number): void => {
    const all = exchange(`sums of ${place}`, values.slice()) as Float32Array[];
    const own = runOf(values, counts, rank).fill(0);
    for (const each of all) {
      const given = runOf(each, counts, rank);
      for (let i = 0; i < own.length; i++) own[i] += given[i];
    }
  };
  const allGather = (values: Float32Array, counts: readonly number[], place: number): void => {
    const all = exchange(`shares of ${place}`, runOf(values, counts, rank).slice()) as Float32Array[];
    for (const [from, given] of all.entries()) runOf(values, counts, from).set(given);
  };
  return {
    ...{ rank, size, transport: 'threads', reduceScatterNow: reduceScatter, allGatherNow: allGather },
    reduceScatter: async (values, counts) => reduceScatter(values, counts, -1),
    allGather: async (values, counts) => allGather(values, counts, -1),
    gather: async <Value>(value: Value) => exchange('gather', value) as Value[],
    fail: async () => undefined,
  };
}
