// Which texts were seen, exactly and in bounded memory: 128-bit identities in a hash table, and once that is full, in
// sorted runs on disk. Each run keeps a Bloom filter in memory, so that a text that is new hardly ever costs a read.
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Words of 32 bits in an identity. */
const words = 4;
const bytes = words * 4;
/** 64 MiB of table. It is at most 3/4 full, so a run is 3.1 million identities: 50 MB of disk and 4 MB of filter. */
const maxSlots = 1 << 22;
/** Identities that are read together: 4 KiB. */
const pageSize = 256;

/** Opens the sets of one build. `close` takes away what they left on disk. */
export class IdentityStore {
  readonly #folder: string;
  readonly #slots: number;
  readonly #sets: IdentitySet[] = [];

  /** @param folder is made when a set first needs it. @param slots of the table of each set: a power of two. */
  constructor(folder: string, slots = maxSlots) {
    this.#folder = folder;
    this.#slots = slots;
  }

  open(): IdentitySet {
    const set = new IdentitySet(join(this.#folder, String(this.#sets.length)), this.#slots);
    this.#sets.push(set);
    return set;
  }

  close(): void {
    for (const set of this.#sets) set.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A set of identities: 16 bytes each, uniform as those of a hash function are. It never forgets one. */
export class IdentitySet {
  readonly #folder: string;
  readonly #maxSlots: number;
  #table = new Uint32Array(words << 10);
  /** Identities in the table. */
  #count = 0;
  readonly #runs: Run[] = [];
  readonly #key = new Uint32Array(words);

  constructor(folder: string, slots: number) {
    this.#folder = folder;
    this.#maxSlots = slots;
  }

  get size(): number {
    return this.#runs.reduce((sum, run) => sum + run.length, this.#count);
  }

  has(identity: Uint8Array): boolean {
    this.#read(identity);
    const isInTable = !isFree(this.#table, this.#slotOf(this.#table, this.#key));
    return isInTable || this.#runs.some((run) => run.has(this.#key));
  }

  /** False where it was there already. */
  add(identity: Uint8Array): boolean {
    if (this.has(identity)) return false;
    this.#table.set(this.#key, this.#slotOf(this.#table, this.#key));
    this.#count++;
    if (this.#count * words * 4 > this.#table.length * 3) this.#makeRoom();
    return true;
  }

  close(): void {
    for (const run of this.#runs.splice(0)) run.close();
  }

  #read(identity: Uint8Array): void {
    const view = new DataView(identity.buffer, identity.byteOffset, bytes);
    for (let i = 0; i < words; i++) this.#key[i] = view.getUint32(4 * i);
    // All zeros marks a free slot.
    if (this.#key.every((word) => word === 0)) this.#key[words - 1] = 1;
  }

  /** Where the identity is, or belongs. Its first bits say where to look first, so a table is nearly in order. */
  #slotOf(table: Uint32Array, key: Uint32Array): number {
    let at = homeOf(key[0], table);
    while (!isFree(table, at) && compare(table, at, key, 0) !== 0) at = at + words === table.length ? 0 : at + words;
    return at;
  }

  #makeRoom(): void {
    const slots = this.#table.length / words;
    if (slots >= this.#maxSlots) {
      mkdirSync(this.#folder, { recursive: true });
      this.#runs.push(new Run(join(this.#folder, String(this.#runs.length)), inOrder(this.#table, this.#count)));
      this.#table.fill(0);
      this.#count = 0;
      return;
    }
    const larger = new Uint32Array(this.#table.length * 2);
    for (let at = 0; at < this.#table.length; at += words) {
      const key = this.#table.subarray(at, at + words);
      if (!isFree(this.#table, at)) larger.set(key, this.#slotOf(larger, key));
    }
    this.#table = larger;
  }
}

function homeOf(first: number, table: Uint32Array): number {
  return Math.floor((first / 2 ** 32) * (table.length / words)) * words;
}

function isFree(table: Uint32Array, at: number): boolean {
  return (table[at] | table[at + 1] | table[at + 2] | table[at + 3]) === 0;
}

function compare(a: Uint32Array, at: number, b: Uint32Array, bt: number): number {
  for (let i = 0; i < words; i++) if (a[at + i] !== b[bt + i]) return a[at + i] < b[bt + i] ? -1 : 1;
  return 0;
}

/** The identities of a table, sorted. They are within a few slots of their place, so an insertion sort is linear. */
function inOrder(table: Uint32Array, count: number): Uint32Array {
  const sorted = new Uint32Array(count * words);
  let end = 0;
  const take = (at: number): void => {
    let place = end;
    for (; place > 0 && compare(sorted, place - words, table, at) > 0; place -= words) {
      sorted.copyWithin(place, place - words, place);
    }
    sorted.set(table.subarray(at, at + words), place);
    end += words;
  };
  // Those that wrapped around the end are at the beginning, and come last.
  const hasWrapped = (at: number): boolean => homeOf(table[at], table) > at;
  for (let at = 0; at < table.length; at += words) if (!isFree(table, at) && !hasWrapped(at)) take(at);
  for (let at = 0; at < table.length; at += words) if (!isFree(table, at) && hasWrapped(at)) take(at);
  return sorted;
}

const probes = 6;

/** Sorted identities in a file: in memory, the first word of each page and a Bloom filter of 10 bits for each. */
class Run {
  readonly length: number;
  readonly #file: number;
  readonly #firsts: Uint32Array;
  readonly #bloom: Uint32Array;
  readonly #page = new Uint32Array(words * pageSize);

  constructor(path: string, sorted: Uint32Array) {
    this.length = sorted.length / words;
    this.#firsts = sorted.filter((_, i) => i % (words * pageSize) === 0);
    this.#bloom = new Uint32Array(Math.ceil((this.length * 10) / 32));
    for (let at = 0; at < sorted.length; at += words) {
      for (let probe = 0; probe < probes; probe++) {
        const bit = this.#bitOf(sorted, at, probe);
        this.#bloom[bit >>> 5] |= 1 << (bit & 31);
      }
    }
    this.#file = openSync(path, 'w+');
    const buffer = Buffer.from(sorted.buffer, sorted.byteOffset, sorted.byteLength);
    for (let done = 0; done < buffer.length; ) done += writeSync(this.#file, buffer, done);
  }

  has(key: Uint32Array): boolean {
    for (let probe = 0; probe < probes; probe++) {
      const bit = this.#bitOf(key, 0, probe);
      if ((this.#bloom[bit >>> 5] & (1 << (bit & 31))) === 0) return false;
    }
    // Equal first words may lie on both sides of where a page begins.
    for (let page = this.#lastPageBelow(key[0]); page < this.#firsts.length; page++) {
      if (this.#firsts[page] > key[0]) return false;
      if (this.#isOnPage(page, key)) return true;
    }
    return false;
  }

  close(): void {
    closeSync(this.#file);
  }

  #bitOf(keys: Uint32Array, at: number, probe: number): number {
    return ((keys[at + 1] + Math.imul(probe, keys[at + 2] | 1)) >>> 0) % (this.#bloom.length * 32);
  }

  /** The last page that begins with a smaller word, or the first of all. */
  #lastPageBelow(first: number): number {
    let low = 0;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#firsts[middle] < first) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #isOnPage(page: number, key: Uint32Array): boolean {
    const offset = page * pageSize * bytes;
    const size = Math.min(pageSize * bytes, this.length * bytes - offset);
    if (readSync(this.#file, this.#page, 0, size, offset) < size)
      throw new Error('a file of the build was cut short while it was read');
    for (let at = 0; at < size / 4; at += words) if (compare(this.#page, at, key, 0) === 0) return true;
    return false;
  }
}
