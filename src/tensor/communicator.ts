// Who computes beside this process: the ranks of one job, each of which calls the same of these in the same order. Alone, which
// is the default, nothing is sent and nothing is copied.
import { Interrupted, UserError } from '../base/errors.js';

export interface Communicator {
  /** From 0, which is the one that prints and writes. */
  readonly rank: number;
  readonly size: number;
  /**
   * `values` lie by rank: `counts[0]` numbers of the first, then those of the second, … The same counts on all. Each of this
   * rank's becomes its sum over the ranks; what the others' are afterwards is not said.
   */
  reduceScatter(values: Float32Array, counts: readonly number[]): Promise<void>;
  /** The same layout: each rank's become, on all ranks, what that rank has there. */
  allGather(values: Float32Array, counts: readonly number[]): Promise<void>;
  /**
   * Both for a computation that cannot await: nothing else runs until they are done, and no other exchange may be under way.
   * `place` tells exchanges of one kind apart (0 to 2^24): ranks that are not at the same one throw, as where one does what others do not.
   */
  reduceScatterNow(values: Float32Array, counts: readonly number[], place: number): void;
  allGatherNow(values: Float32Array, counts: readonly number[], place: number): void;
  /** What each rank gives, by rank: numbers, texts, arrays and plain objects of these. A few megabytes at most. */
  gather<Value>(value: Value): Promise<Value[]>;
  /**
   * This rank cannot continue, because of `error`: whatever the others call next throws what `failureOnRank` makes of it. Never
   * throws itself.
   */
  fail(error: unknown): Promise<void>;
  /** Through what they exchange, in words: `Open MPI 4.1.4`; of a process alone it is empty. */
  readonly transport: string;
}

/** Another rank cannot continue, so neither can this one. */
export class RankFailed extends UserError {
  constructor(what: string, why: string) {
    super({ what, why, next: 'The same command resumes from what was saved last' }, { exitCode: 1 });
    this.name = 'RankFailed';
  }
}

/** Of a process that computes by itself. */
export const alone: Communicator = {
  rank: 0,
  size: 1,
  transport: '',
  reduceScatter: () => Promise.resolve(),
  allGather: () => Promise.resolve(),
  reduceScatterNow: () => undefined,
  allGatherNow: () => undefined,
  gather: (value) => Promise.resolve([value]),
  fail: () => Promise.resolve(),
};

/** Whether any rank says so: the same on all. */
export async function anyRank({ gather }: Pick<Communicator, 'gather'>, flag: boolean): Promise<boolean> {
  return (await gather(flag)).includes(true);
}

/** What keeps a rank from continuing, for the others. */
export interface RankFailure {
  /** In words. */
  reason: string;
  /** It was asked to stop, and so all of them are. */
  isInterrupted: boolean;
}

export function failureOf(error: unknown): RankFailure {
  return { reason: reasonOf(error), isInterrupted: error instanceof Interrupted };
}

/** What the other ranks throw where this one cannot continue: of an interrupt the same, and so with the same exit code. */
export function failureOnRank(
  { reason, isInterrupted }: RankFailure,
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
): RankFailed | Interrupted {
  return isInterrupted ? new Interrupted(reason) : new RankFailed(`rank ${rank} of ${size} failed`, reason);
}

interface Outcome<Value> {
  value?: Value;
  failure?: RankFailure;
}

/**
 * Done by the first rank, while the others wait for what comes of it: plain values. What it throws, the others throw too, in
 * words; so that whoever catches it does the same everywhere. `work` exchanges nothing with them.
 */
export async function byFirstRank<Value>(communicator: Communicator, work: () => Promise<Value>): Promise<Value> {
  if (communicator.size === 1) return work();
  if (communicator.rank > 0) {
    const [{ value, failure }] = await communicator.gather<Outcome<Value>>({});
    if (failure === undefined) return value as Value;
    throw failure.isInterrupted ? new Interrupted(failure.reason) : new Error(failure.reason);
  }
  let value: Value;
  try {
    value = await work();
  } catch (error) {
    await communicator.gather<Outcome<Value>>({ failure: failureOf(error) });
    throw error;
  }
  await communicator.gather<Outcome<Value>>({ value });
  return value;
}

/** Done by the first rank, and then by the others, who find what it wrote. `work` exchanges nothing with them. */
export async function firstThenOthers<Value>(communicator: Communicator, work: () => Promise<Value>): Promise<Value> {
  if (communicator.rank > 0) {
    await byFirstRank(communicator, async () => null);
    return work();
  }
  let value: Value | undefined;
  await byFirstRank(communicator, async () => {
    value = await work();
    return null;
  });
  return value as Value;
}

/** In words, for other ranks: of a fault of ours with where it is in the code. */
export function reasonOf(error: unknown): string {
  if (error instanceof UserError || error instanceof Interrupted) return error.message;
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
