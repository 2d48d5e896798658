// A communicator over MPI. Every exchange begins with a few bytes of each rank, which say what it is about to do: so all arrive
// before anything large moves, ranks that have lost step with each other are noticed, and a rank that cannot continue ends the
// work of the others instead of leaving them to wait.
import { setImmediate, setTimeout } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import type { LaunchedRank } from '../base/launcher.js';
import { type Communicator, failureOf, failureOnRank, RankFailed, type RankFailure } from '../tensor/communicator.js';
import { joinMpi, type MpiLibrary, type StableMemory } from './library.js';

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
/** One exchange, which stops wherever it has to wait: whoever runs it awaits there, or asks again and again. */
type Exchange<Result = void> = Generator<Manner, Result, void>;
/** 'patient': others may take minutes to come; 'eager': all are here, and data moves only while somebody asks. */
type Manner = 'patient' | 'eager';
/** Intent and, above its bits, the place of an exchange that cannot await; then bytes (gather) or elements. */
const headerBytes = 8;
const intentRoom = 1 << 8;
/** fp32 numbers of all ranks together that are under way at a time. */
const chunkElements = 1 << 20;
const maxReason = 2000;
/** Turns of the event loop, or askings, before a rank that waits for others gives its core away. */
const eagerTurns = 200;
/** Milliseconds for which it does: a twentieth where data moves. */
const pauses: Record<Manner, number> = { eager: 0.05, patient: 1 };

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
  #underWay = 0;
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

  readonly gather = <Value>(value: Value): Promise<Value[]> => this.#inTurn(() => this.#gather(value));

  readonly reduceScatterNow = (values: Float32Array, counts: readonly number[], place: number): void =>
    this.#atOnce(this.#reduceScatter(values, counts, place));

  readonly allGatherNow = (values: Float32Array, counts: readonly number[], place: number): void =>
    this.#atOnce(this.#allGather(values, counts, place));

  async fail(error: unknown): Promise<void> {
    const { reason, isInterrupted } = failureOf(error);
    const said = serialize({ reason: reason.slice(0, maxReason), isInterrupted } satisfies RankFailure);
    await this.#inTurn(() => this.#meet('fail', said.length, { failure: said })).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    this.#library.finalize();
  }

  abort(code: number): void {
    this.#library.abort(code);
  }

  #inTurn<Result>(exchange: () => Exchange<Result>): Promise<Result> {
    this.#underWay++;
    const result = this.#last.then(async () => {
      try {
        if (this.#failure !== undefined) throw this.#failure;
        return await this.#awaited(exchange());
      } finally {
        this.#underWay--;
      }
    });
    this.#last = result.catch((error) => {
      this.#isBroken ||= error !== this.#failure; // that one all of them have
    });
    return result;
  }

  async #awaited<Result>(exchange: Exchange<Result>): Promise<Result> {
    for (;;) {
      const { done, value } = exchange.next();
      if (done) return value;
      for (let turn = 0; !this.#library.isDone(); turn++) {
        if (turn < eagerTurns) await setImmediate();
        else if (value === 'patient') await setTimeout(pauses.patient);
        else {
          giveWay(pauses.eager);
          await setImmediate();
        }
      }
    }
  }

  #atOnce(exchange: Exchange): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#underWay > 0) throw new Error('another exchange is under way, which nobody would move on');
    try {
      for (const manner of exchange) {
        for (let turn = 0; !this.#library.isDone(); turn++) if (turn >= eagerTurns) giveWay(pauses[manner]);
      }
    } catch (error) {
      this.#isBroken ||= error !== this.#failure;
      throw error;
    }
  }

  /** Sums in the order of the ranks: what comes of them is the same under any MPI. */
  *#reduceScatter(values: Float32Array, counts: readonly number[], place = 0): Exchange {
    yield* this.#meet('reduceScatter', values.length, { place });
    // A rank has room for as many numbers of every rank as its own share has, be it the only one that has a share.
    for (const parts of chunksOf(values, counts, this.size)) {
      const own = parts[this.rank];
      const [from, into] = this.#room(4 * lengthOf(parts), 4 * own.length * this.size);
      let at = 0;
      for (const part of parts) {
        floatsOf(from, part.length, at).set(part);
        at += part.length;
      }
      const lengths = parts.map(({ length }) => length);
      this.#library.startExchange(from, lengths, into);
      yield 'eager';
      own.set(floatsOf(into, own.length));
      for (let rank = 1; rank < this.size; rank++) {
        const other = floatsOf(into, own.length, rank * own.length);
        for (let i = 0; i < own.length; i++) own[i] += other[i];
      }
    }
  }

  *#allGather(values: Float32Array, counts: readonly number[], place = 0): Exchange {
    yield* this.#meet('allGather', values.length, { place });
    const owners = counts.filter((count) => count > 0).length;
    for (const parts of chunksOf(values, counts, owners)) {
      const own = parts[this.rank];
      const [from, into] = this.#room(4 * own.length, 4 * lengthOf(parts));
      floatsOf(from, own.length).set(own);
      const lengths = parts.map(({ length }) => length);
      this.#library.startCollect(from, into, lengths);
      yield 'eager';
      let at = 0;
      for (const [rank, part] of parts.entries()) {
        if (rank !== this.rank) part.set(floatsOf(into, part.length, at));
        at += part.length;
      }
    }
  }

  *#gather<Value>(value: Value): Exchange<Value[]> {
    const own = serialize(value);
    const all = yield* this.#collect(own, yield* this.#meet('gather', own.length));
    return all.map((bytes) => deserialize(bytes) as Value);
  }

  /** Each rank's bytes, which are as many as `lengths` says. */
  *#collect(own: Uint8Array, lengths: readonly number[]): Exchange<Uint8Array[]> {
    const each = Math.max(1, ...lengths);
    const [from, into] = this.#room(each, each * this.size);
    from.bytes.set(own);
    this.#library.startGather(from, into, each);
    yield 'eager';
    return lengths.map((length, rank) => into.bytes.slice(rank * each, rank * each + length));
  }

  /**
   * Waits until every rank is here. @returns the amount that each gives, by rank.
   * @throws what `failureOnRank` gives where one cannot continue, and RankFailed where they are about to do different things.
   */
  *#meet(
    intent: Intent,
    amount: number,
    { place = 0, failure = new Uint8Array() }: { place?: number; failure?: Uint8Array } = {},
  ): Exchange<number[]> {
    const { own, all } = this.#header;
    new Uint32Array(own.bytes.buffer).set([intents[intent] + place * intentRoom, amount]);
    this.#library.startGather(own, all, headerBytes);
    yield 'patient';
    const words = new Uint32Array(all.bytes.buffer).slice();
    const codes = Array.from({ length: this.size }, (_, rank) => words[2 * rank]);
    const amounts = Array.from({ length: this.size }, (_, rank) => words[2 * rank + 1]);
    const failed = codes.indexOf(intents.fail);
    if (failed !== -1) {
      const lengths = amounts.map((length, rank) => (codes[rank] === intents.fail ? length : 0));
      const said = yield* this.#collect(failure, lengths);
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

  #room(own: number, all: number): [StableMemory, StableMemory] {
    if (this.#own === undefined || this.#own.bytes.length < own) this.#own = this.#allocate(own);
    if (this.#all === undefined || this.#all.bytes.length < all) this.#all = this.#allocate(all);
    return [this.#own, this.#all];
  }

  /** Twice as much as the one before at least, for none is given back. */
  #allocate(bytes: number): StableMemory {
    return this.#library.allocate(2 ** Math.ceil(Math.log2(Math.max(headerBytes, bytes))));
  }
}

/**
 * By rank, some of the numbers of each at a time: while one adds up, or sends, so do the others.
 * @param sharers so many together have no more than is under way at a time.
 */
export function* chunksOf(values: Float32Array, counts: readonly number[], sharers: number): Generator<Float32Array[]> {
  const each = Math.max(1, Math.floor(chunkElements / Math.max(1, sharers)));
  const longest = Math.max(...counts);
  for (let from = 0; from < longest; from += each) {
    let begin = 0;
    yield counts.map((count) => {
      const part = values.subarray(begin + Math.min(from, count), begin + Math.min(from + each, count));
      begin += count;
      return part;
    });
  }
}

function lengthOf(parts: readonly Float32Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function floatsOf({ bytes }: StableMemory, count: number, from = 0): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset + 4 * from, count);
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** The core, for so many milliseconds, where more ranks than cores want one. */
function giveWay(milliseconds: number): void {
  Atomics.wait(never, 0, 0, milliseconds);
}
