// Who has which columns of the cache. A sequence gets all that it may come to need before it is read, so that none has to
// give way halfway; what a finished one has read stays until the room is wanted, because the next turn of a conversation
// begins with it.

/** A stretch of columns, and the tokens whose keys and values are in them, from its start on. */
export interface Segment {
  start: number;
  size: number;
  tokens: number[];
  /** False: kept only for what it holds. */
  inUse: boolean;
  lastUse: number;
}

/** Finished segments that stay, at most: more would only make the cache grow. */
const maxKept = 16;
/** Starts and sizes are multiples of it: attention sums in blocks of keys, and then no sum depends on where they lie. */
const unit = 64;

export class Columns {
  readonly limit: number;
  /** In order of their starts, without overlap. */
  #segments: Segment[] = [];
  #clock = 0;

  /** `limit`: columns that may be given out. */
  constructor(limit: number) {
    this.limit = Math.ceil(limit / unit) * unit;
  }

  /** Columns up to the last one that belongs to somebody. */
  get extent(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.start + last.size;
  }

  /** The segment that begins with the most of `tokens`, and with how many. */
  longestPrefix(tokens: readonly number[]): { segment: Segment | undefined; length: number } {
    let best: { segment: Segment | undefined; length: number } = { segment: undefined, length: 0 };
    for (const segment of this.#segments) {
      const most = Math.min(tokens.length, segment.tokens.length);
      let length = 0;
      while (length < most && tokens[length] === segment.tokens[length]) length++;
      // Of equals one that nobody uses: it can be taken over as it is.
      if (length > best.length || (length > 0 && length === best.length && !segment.inUse)) best = { segment, length };
    }
    return best;
  }

  /** Makes a kept segment one of `columns`, where it lies; false where its neighbour is in the way. */
  takeOver(segment: Segment, columns: number): boolean {
    const size = Math.ceil(columns / unit) * unit;
    const next = this.#segments[this.#segments.indexOf(segment) + 1];
    if (segment.start + size > (next?.start ?? this.limit)) return false;
    segment.size = size;
    this.#use(segment);
    return true;
  }

  /**
   * A stretch of `columns` for somebody new. Kept segments give way, the longest unused first and `spared` last of all.
   * Undefined where there is no room before one in use ends.
   */
  allocate(columns: number, spared?: Segment): Segment | undefined {
    const size = Math.ceil(columns / unit) * unit;
    for (;;) {
      const start = this.#gap(size);
      if (start !== undefined) {
        const segment: Segment = { start, size, tokens: [], inUse: true, lastUse: 0 };
        this.#use(segment);
        this.#segments.push(segment);
        this.#segments.sort((a, b) => a.start - b.start);
        return segment;
      }
      const kept = this.#kept();
      const victim = kept.find((segment) => segment !== spared) ?? kept[0];
      if (victim === undefined) return undefined;
      this.forget(victim);
    }
  }

  holds(segment: Segment): boolean {
    return this.#segments.includes(segment);
  }

  /** Keeps what the segment holds, if anything, as long as nobody wants its room. */
  release(segment: Segment): void {
    if (segment.tokens.length === 0) this.forget(segment);
    segment.inUse = false;
    segment.lastUse = ++this.#clock;
    const kept = this.#kept();
    if (kept.length > maxKept) this.forget(kept[0]);
  }

  forget(segment: Segment): void {
    this.#segments = this.#segments.filter((each) => each !== segment);
  }

  forgetKept(): void {
    this.#segments = this.#segments.filter(({ inUse }) => inUse);
  }

  /** The longest unused first. */
  #kept(): Segment[] {
    return this.#segments.filter(({ inUse }) => !inUse).sort((a, b) => a.lastUse - b.lastUse);
  }

  #use(segment: Segment): void {
    segment.inUse = true;
    segment.lastUse = ++this.#clock;
  }

  /** Where the first gap of `size` columns begins. */
  #gap(size: number): number | undefined {
    let start = 0;
    for (const segment of this.#segments) {
      if (segment.start - start >= size) return start;
      start = segment.start + segment.size;
    }
    return start + size <= this.limit ? start : undefined;
  }
}
