// Distinct pieces of text and how often each was seen, in a hash table of plain arrays: a Map of strings takes several
// times the memory, and most pieces of Chinese text are seen once.

/** No piece is longer than this many UTF-8 bytes. */
const maxPieceBytes = 255;

export class PieceTable {
  /** Distinct pieces. */
  size = 0;
  /** The UTF-8 of all pieces; piece i is `bytes[starts[i]]` up to `starts[i + 1]`. */
  bytes = new Uint8Array(1 << 16);
  starts = new Uint32Array(1 << 10);
  counts = new Float64Array(1 << 10);
  #hashes = new Int32Array(1 << 10);
  #slots = new Int32Array(1 << 11); // open addressing: index + 1, or 0

  /** Counts `text[from, to)`, 85 UTF-16 units at most; lone surrogates count as U+FFFD. */
  add(text: string, from: number, to: number, count = 1): void {
    this.#reserve();
    this.#commit(writeUtf8(text, from, to, this.bytes, this.starts[this.size]), count);
  }

  /** Counts a piece of UTF-8, 255 bytes at most, and returns its index. */
  addBytes(piece: Uint8Array, count: number): number {
    this.#reserve();
    const start = this.starts[this.size];
    for (let at = 0; at < piece.length; at++) this.bytes[start + at] = piece[at];
    return this.#commit(start + piece.length, count);
  }

  /** Adds every piece of another table, its count times `weight`. */
  addAll(other: PieceTable, weight = 1): void {
    for (let i = 0; i < other.size; i++) {
      this.addBytes(other.bytes.subarray(other.starts[i], other.starts[i + 1]), other.counts[i] * weight);
    }
  }

  /** Without the pieces that were seen at most `threshold` times. */
  withoutRare(threshold: number): PieceTable {
    const kept = new PieceTable();
    for (let i = 0; i < this.size; i++) {
      if (this.counts[i] <= threshold) continue;
      kept.#reserve();
      const start = kept.starts[kept.size];
      kept.bytes.set(this.bytes.subarray(this.starts[i], this.starts[i + 1]), start);
      kept.#commit(start + this.starts[i + 1] - this.starts[i], this.counts[i]);
    }
    return kept;
  }

  /** UTF-8 bytes counted, repeats included. */
  get totalBytes(): number {
    let total = 0;
    for (let i = 0; i < this.size; i++) total += this.counts[i] * (this.starts[i + 1] - this.starts[i]);
    return total;
  }

  /** The piece that was written after the last one, up to `end`: counted if known, else kept. Returns its index. */
  #commit(end: number, count: number): number {
    const { bytes, starts } = this;
    const start = starts[this.size];
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const known = this.#slots[slot] - 1;
      if (this.#hashes[known] !== hash || !this.#isSame(known, start, end)) continue;
      this.counts[known] += count;
      return known;
    }
    this.#slots[slot] = this.size + 1;
    this.#hashes[this.size] = hash;
    this.counts[this.size] = count;
    starts[++this.size] = end;
    return this.size - 1;
  }

  #isSame(known: number, start: number, end: number): boolean {
    const offset = this.starts[known] - start;
    if (this.starts[known + 1] - offset !== end) return false;
    for (let at = start; at < end; at++) if (this.bytes[at + offset] !== this.bytes[at]) return false;
    return true;
  }

  /** Room for one more piece. */
  #reserve(): void {
    if (this.starts[this.size] + maxPieceBytes > this.bytes.length) {
      this.bytes = grown(this.bytes, new Uint8Array(growth(this.bytes.length)));
    }
    if (this.size + 1 < this.starts.length) return;
    const length = growth(this.starts.length);
    this.starts = grown(this.starts, new Uint32Array(length));
    this.counts = grown(this.counts, new Float64Array(length));
    this.#hashes = grown(this.#hashes, new Int32Array(length));
    if (2 * length > this.#slots.length) this.#rehash(2 * this.#slots.length);
  }

  #rehash(capacity: number): void {
    const slots = new Int32Array(capacity);
    for (let i = 0; i < this.size; i++) {
      let slot = this.#hashes[i] & (capacity - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (capacity - 1);
      slots[slot] = i + 1;
    }
    this.#slots = slots;
  }
}

function growth(length: number): number {
  return Math.ceil(length * 1.5);
}

function grown<T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

/** Writes UTF-8 and returns its end. By hand: for a few characters, several times faster than calling TextEncoder. */
function writeUtf8(text: string, from: number, to: number, bytes: Uint8Array, start: number): number {
  let end = start;
  for (let i = from; i < to; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      bytes[end++] = code;
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = code < 0xdc00 && i + 1 < to ? text.charCodeAt(i + 1) : 0;
      code = low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
    }
    if (code < 0x800) {
      bytes[end++] = 0xc0 | (code >> 6);
    } else {
      if (code > 0xffff) {
        i++;
        bytes[end++] = 0xf0 | (code >> 18);
        bytes[end++] = 0x80 | ((code >> 12) & 63);
      } else {
        bytes[end++] = 0xe0 | (code >> 12);
      }
      bytes[end++] = 0x80 | ((code >> 6) & 63);
    }
    bytes[end++] = 0x80 | (code & 63);
  }
  return end;
}
