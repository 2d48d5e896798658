// A communicator over MPI. Every exchange begins with a few bytes of each rank, which say what it is about to do: so all arrive
// before anything large moves, ranks that have lost step with each other are noticed, and a rank that cannot continue ends the
// work of the others instead of leaving them to wait.
import { setImmediate, setTimeout } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import type { LaunchedRank } from '../base/launcher.js';
import { type Communicator, failureOf, failureOnRank, RankFailed, type RankFailure } from '../tensor/communicator.js';
import { joinMpi, type MpiLibrary, partOf, type StableMemory } from './library.js';

export interface MpiCommunicator extends Communicator {
  /** An exchange failed on this rank alone: the others may wait for it, and nothing can be exchanged any more. */
  readonly isBroken: boolean;
  /** Leaves the job; all ranks must. */
  close(): Promise<void>;
  /** Ends every rank at once, this one too. */
  abort(code: number): void;
}

/** What a rank is about to do. */
const intents = { reduceScatter: 1, allGather: 2, gather: 3, fail: 4 } as const;
type Intent = keyof typeof intents;
/** Intent, and bytes (gather) or elements. */
const headerBytes = 8;
/** fp32 numbers of all ranks together that are under way at a time. */
const chunkElements = 1 << 20;
const maxReason = 2000;
/** Turns of the event loop before a rank that waits for others gives its core away. */
const eagerTurns = 200;

/** @throws UserError where there is no MPI library, or not the launcher's. */
export async function openMpi(launched: LaunchedRank): Promise<MpiCommunicator> {
  return new MpiRanks(await joinMpi(launched));
}

class MpiRanks implements MpiCommunicator {
  readonly #library: MpiLibrary;
  readonly rank: number;
  readonly size: number;
  readonly transport: string;
  readonly #header: { own: StableMemory; all: StableMemory };
  #own: StableMemory | undefined;
  #all: StableMemory | undefined;
  /** One exchange at a time, in the order that they were asked for. */
  #last: Promise<unknown> = Promise.resolve();
  /** Why nothing more is exchanged, on every rank. */
  #failure: Error | undefined;
  #isBroken = false;

  constructor(library: MpiLibrary) {
    this.#library = library;
    this.rank = library.rank;
    this.size = library.size;
    this.transport = library.version.replace(/ (?:version: *)?v?(?=\d)/i, ' ');
    this.#header = { own: library.allocate(headerBytes), all: library.allocate(headerBytes * library.size) };
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  readonly reduceScatter = (values: Float32Array, counts: readonly number[]): Promise<void> =>
    this.#inTurn(() => this.#reduceScatter(values, counts));

  readonly allGather = (values: Float32Array, counts: readonly number[]): Promise<void> =>
    this.#inTurn(() => this.#allGather(values, counts));

  readonly gather = <Value>(value: Value): Promise<Value[]> =>
    this.#inTurn(async () => (await this.#gather(serialize(value))).map((bytes) => deserialize(bytes) as Value));

  async fail(error: unknown): Promise<void> {
    const { reason, isInterrupted } = failureOf(error);
    const said = serialize({ reason: reason.slice(0, maxReason), isInterrupted } satisfies RankFailure);
    await this.#inTurn(() => this.#meet('fail', 0, said)).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    this.#library.finalize();
  }

  abort(code: number): void {
    this.#library.abort(code);
  }

  #inTurn<Result>(exchange: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return exchange();
    });
    this.#last = result.catch((error) => {
      this.#isBroken ||= error !== this.#failure; // that one all of them have
    });
    return result;
  }

  async #reduceScatter(values: Float32Array, counts: readonly number[]): Promise<void> {
    await this.#meet('reduceScatter', values.length);
    for (const portions of chunksOf(values, counts)) {
      const bytes = 4 * portions.reduce((sum, { part }) => sum + part.length, 0);
      const [from, into] = this.#room(bytes, bytes);
      for (const { part, rank, at } of portions) {
        const own = partOf(from, 4 * at, 4 * part.length);
        floatsOf(own).set(part);
        this.#library.startReduce(own, into, part.length, rank);
      }
      await this.#done('eager');
      const own = portions.find(({ rank }) => rank === this.rank);
      own?.part.set(floatsOf(partOf(into, 0, 4 * own.part.length)));
    }
  }

  async #allGather(values: Float32Array, counts: readonly number[]): Promise<void> {
    await this.#meet('allGather', values.length);
    for (const portions of chunksOf(values, counts)) {
      const [room] = this.#room(4 * portions.reduce((sum, { part }) => sum + part.length, 0), 0);
      const places = portions.map(({ part, at }) => partOf(room, 4 * at, 4 * part.length));
      for (const [i, { part, rank }] of portions.entries()) {
        if (rank === this.rank) floatsOf(places[i]).set(part);
        this.#library.startBroadcast(places[i], part.length, rank);
      }
      await this.#done('eager');
      for (const [i, { part, rank }] of portions.entries()) if (rank !== this.rank) part.set(floatsOf(places[i]));
    }
  }

  async #gather(own: Uint8Array): Promise<Uint8Array[]> {
    return this.#collect(own, await this.#meet('gather', own.length));
  }

  /** Each rank's bytes, which are as many as `lengths` says. */
  async #collect(own: Uint8Array, lengths: readonly number[]): Promise<Uint8Array[]> {
    const each = Math.max(1, ...lengths);
    const [from, into] = this.#room(each, each * this.size);
    from.bytes.set(own);
    this.#library.startGather(from, into, each);
    await this.#done('eager');
    return lengths.map((length, rank) => into.bytes.slice(rank * each, rank * each + length));
  }

  /**
   * Waits until every rank is here. @returns the amount that each gives, by rank.
   * @throws what `failureOnRank` gives where one cannot continue, and RankFailed where they are about to do different things.
   */
  async #meet(intent: Intent, amount: number, failure: Uint8Array = new Uint8Array()): Promise<number[]> {
    const { own, all } = this.#header;
    new Uint32Array(own.bytes.buffer).set([intents[intent], intent === 'fail' ? failure.length : amount]);
    this.#library.startGather(own, all, headerBytes);
    await this.#done('patient');
    const words = new Uint32Array(all.bytes.buffer).slice();
    const codes = Array.from({ length: this.size }, (_, rank) => words[2 * rank]);
    const amounts = Array.from({ length: this.size }, (_, rank) => words[2 * rank + 1]);
    const failed = codes.indexOf(intents.fail);
    if (failed !== -1) {
      const lengths = amounts.map((length, rank) => (codes[rank] === intents.fail ? length : 0));
      const said = await this.#collect(failure, lengths);
      this.#failure = failureOnRank(deserialize(said[failed]) as RankFailure, { rank: failed, size: this.size });
      throw this.#failure;
    }
    const isSame = codes.every((code) => code === codes[0]);
    if (isSame && (intent === 'gather' || amounts.every((other) => other === amount))) return amounts;
    this.#failure = new RankFailed(
      'the ranks are no longer at the same point of the work',
      'one does what the others do not',
    );
    throw this.#failure;
  }

  /** 'patient': others may take minutes to come; 'eager': all are here, and data moves only while somebody asks. */
  async #done(manner: 'patient' | 'eager'): Promise<void> {
    for (let turn = 0; !this.#library.isDone(); turn++) {
      if (turn < eagerTurns) await setImmediate();
      else if (manner === 'patient') await setTimeout(1);
      else {
        giveWay();
        await setImmediate();
      }
    }
  }

  #room(own: number, all: number): [StableMemory, StableMemory] {
    if (this.#own === undefined || this.#own.bytes.length < own) this.#own = this.#library.allocate(own);
    if (this.#all === undefined || this.#all.bytes.length < all) this.#all = this.#library.allocate(all);
    return [this.#own, this.#all];
  }
}

interface Portion {
  /** Of the values that are exchanged. */
  part: Float32Array;
  /** Whose it is. */
  rank: number;
  /** Numbers of the chunk before it. */
  at: number;
}

/** Some of each rank's numbers at a time: while one adds up, or sends, so do the others. */
function* chunksOf(values: Float32Array, counts: readonly number[]): Generator<Portion[]> {
  const each = Math.ceil(chunkElements / Math.max(1, counts.filter((count) => count > 0).length));
  const longest = Math.max(...counts);
  for (let from = 0; from < longest; from += each) {
    const portions: Portion[] = [];
    let [begin, at] = [0, 0];
    for (const [rank, count] of counts.entries()) {
      const part = values.subarray(begin + Math.min(from, count), begin + Math.min(from + each, count));
      if (part.length > 0) portions.push({ part, rank, at });
      at += part.length;
      begin += count;
    }
    yield portions;
  }
}

function floatsOf({ bytes }: StableMemory): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** The core, for a twentieth of a millisecond, where more ranks than cores want one. */
function giveWay(): void {
  Atomics.wait(never, 0, 0, 0.05);
}
