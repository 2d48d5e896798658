// Ids of the short pieces met last. Each piece has one place, by its hash, which the next piece with that place takes
// over: memory is bounded without anything to clean up, and looking up makes no string.

/** Longer pieces are rare, and as good as never the same. */
const maxUnits = 15;
const maxIds = 7;
const places = 1 << 15;

export class PieceCache {
  /** Of each place 16 UTF-16 units, the first of which is the length of the piece; 0: free. */
  readonly #units = new Uint16Array(places * 16);
  /** Of each place 8 numbers: how many ids, and the ids. */
  readonly #ids = new Int32Array(places * 8);

  /** The place of `text[from, to)`; -1 where it is too long to keep. */
  placeOf(text: string, from: number, to: number): number {
    if (to - from > maxUnits) return -1;
    let hash = to - from;
    for (let i = from; i < to; i++) hash = Math.imul(hash, 0x2c1b3c6d) + text.charCodeAt(i);
    hash = Math.imul(hash ^ (hash >>> 15), 0x297a2d39);
    return (hash ^ (hash >>> 16)) & (places - 1);
  }

  /** Writes the ids of `text[from, to)` from `ids[at]` on. Returns their end, or -1 where they are not known. */
  read(place: number, text: string, from: number, to: number, ids: Int32Array, at: number): number {
    const units = this.#units;
    const first = 16 * place;
    if (units[first] !== to - from) return -1;
    for (let i = from, unit = first + 1; i < to; i++, unit++) if (units[unit] !== text.charCodeAt(i)) return -1;
    const known = this.#ids;
    const start = 8 * place + 1;
    const end = start + known[8 * place];
    let length = at;
    for (let i = start; i < end; i++) ids[length++] = known[i];
    return length;
  }

  /** Keeps `ids[start, end)` as the ids of `text[from, to)`, unless they are too many. */
  write(place: number, text: string, from: number, to: number, ids: Int32Array, start: number, end: number): void {
    if (end - start > maxIds) return;
    this.#units[16 * place] = to - from;
    for (let i = from; i < to; i++) this.#units[16 * place + 1 + i - from] = text.charCodeAt(i);
    this.#ids[8 * place] = end - start;
    for (let i = start; i < end; i++) this.#ids[8 * place + 1 + i - start] = ids[i];
  }
}
