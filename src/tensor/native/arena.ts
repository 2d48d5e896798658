// Memory of the native backend's tensors: a few large slabs cut into 64-byte-aligned blocks. A freed block merges with
// its free neighbours and the smallest one that fits is taken next, so a loop that has warmed up allocates nothing.
import type { Addon } from './addon.js';

const alignment = 64;
const minSlab = 32 * 2 ** 20;
const maxGrowth = 512 * 2 ** 20;

interface Slab {
  buffer: ArrayBuffer;
  base: number;
  /** Free blocks by address, never adjacent. */
  freeBlocks: { offset: number; bytes: number }[];
}

/** A place in a slab. */
export interface Block {
  slab: Slab;
  offset: number;
  bytes: number;
}

export class Arena {
  readonly #addon: Addon;
  readonly #slabs: Slab[] = [];
  #reserved = 0;
  #used = 0;
  #peak = 0;

  readonly #minSlab: number;

  /** `slabBytes`: the least that is asked of the system at a time. */
  constructor(addon: Addon, slabBytes = minSlab) {
    this.#addon = addon;
    this.#minSlab = slabBytes;
  }

  /** Gives everything back. No tensor may be left in it. */
  dispose(): void {
    for (const { base } of this.#slabs) this.#addon.removeSlab(base);
    this.#slabs.length = 0;
    this.#reserved = 0;
  }

  /** Bytes of all slabs, of the blocks in use, and the most that ever were. */
  get figures(): { reserved: number; used: number; peak: number; slabs: number } {
    return { reserved: this.#reserved, used: this.#used, peak: this.#peak, slabs: this.#slabs.length };
  }

  /** A block of at least `bytes`; what is in it is whatever was there before. */
  allocate(bytes: number): Block {
    const size = Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
    const block = this.#takeSmallest(size) ?? this.#takeFrom(this.#addSlab(size), 0, size);
    this.#used += size;
    this.#peak = Math.max(this.#peak, this.#used);
    return block;
  }

  release({ slab: { freeBlocks }, offset, bytes }: Block): void {
    this.#used -= bytes;
    let low = 0;
    for (let high = freeBlocks.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (freeBlocks[middle].offset < offset) low = middle + 1;
      else high = middle;
    }
    const before = freeBlocks[low - 1];
    const after = freeBlocks[low];
    const joinsBefore = before !== undefined && before.offset + before.bytes === offset;
    const joinsAfter = after !== undefined && offset + bytes === after.offset;
    if (joinsBefore) {
      before.bytes += bytes + (joinsAfter ? after.bytes : 0);
      if (joinsAfter) freeBlocks.splice(low, 1);
    } else if (joinsAfter) {
      after.offset = offset;
      after.bytes += bytes;
    } else {
      freeBlocks.splice(low, 0, { offset, bytes });
    }
  }

  #takeSmallest(size: number): Block | undefined {
    let best: { slab: Slab; index: number; bytes: number } | undefined;
    for (const slab of this.#slabs) {
      for (let index = 0; index < slab.freeBlocks.length; index++) {
        const { bytes } = slab.freeBlocks[index];
        if (bytes >= size && (best === undefined || bytes < best.bytes)) best = { slab, index, bytes };
        if (bytes === size) return this.#takeFrom(slab, index, size);
      }
    }
    return best && this.#takeFrom(best.slab, best.index, size);
  }

  #takeFrom(slab: Slab, index: number, size: number): Block {
    const found = slab.freeBlocks[index];
    const { offset } = found;
    if (found.bytes === size) slab.freeBlocks.splice(index, 1);
    else {
      found.offset += size;
      found.bytes -= size;
    }
    return { slab, offset, bytes: size };
  }

  /** Each slab is as large as all before it, within bounds: few of them, and pages that are never touched cost nothing. */
  #addSlab(size: number): Slab {
    const wanted = Math.max(size + alignment, this.#minSlab, Math.min(this.#reserved, maxGrowth));
    const buffer = new ArrayBuffer(wanted);
    const base = this.#addon.addSlab(buffer);
    const skip = (alignment - (base % alignment)) % alignment;
    const bytes = Math.floor((wanted - skip) / alignment) * alignment;
    const slab: Slab = { buffer, base, freeBlocks: [{ offset: skip, bytes }] };
    this.#slabs.push(slab);
    this.#reserved += wanted;
    return slab;
  }
}
