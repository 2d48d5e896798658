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
  /** Its first columns are a copy of another's, so many. */
  twin?: { segment: Segment; count: number };
  /** The weights have changed since it was read: nobody else may begin with it. */
  isStale?: boolean;
}

/** Finished segments that stay, at most: more would only make the cache grow. */
const maxKept = 16;
/** Starts and sizes are multiples of it: attention sums in blocks of keys, and then no sum depends on where they lie. */
const unit = 64;

/** Columns that a sequence of so many tokens takes. */
export function columnsFor(tokens: number): number {
  return Math.ceil(tokens / unit) * unit;
}

export class Columns {
  readonly limit: number;
  /** In order of their starts, without overlap. */
  #segments: Segment[] = [];
  #clock = 0;

  /** `limit`: columns that may be given out, at most. */
  constructor(limit: number) {
    this.limit = Math.floor(limit / unit) * unit;
  }

  /** Columns up to the last one that belongs to somebody. */
  get extent(): number {
    return endOf(this.#segments.at(-1));
  }

  holds(segment: Segment): boolean {
    return this.#segments.includes(segment);
  }

  /** The segment that begins with the most of `tokens`, and with how many. */
  longestPrefix(tokens: readonly number[]): { segment: Segment | undefined; length: number } {
    let best: { segment: Segment | undefined; length: number } = { segment: undefined, length: 0 };
    for (const segment of this.#segments) {
      if (segment.isStale) continue;
      const limit = Math.min(tokens.length, segment.tokens.length);
      let length = 0;
      while (length < limit && tokens[length] === segment.tokens[length]) length++;
      // Of equals one that nobody uses: it can be taken over as it is.
      if (length > best.length || (length > 0 && length === best.length && !segment.inUse)) best = { segment, length };
    }
    return best;
  }

  /** Makes a kept segment one for `tokens` tokens, where it lies; false where its neighbour is in the way. */
  takeOver(segment: Segment, tokens: number): boolean {
    const size = columnsFor(tokens);
    const next = this.#segments[this.#segments.indexOf(segment) + 1];
    if (segment.start + size > (next?.start ?? this.limit)) return false;
    this.#use(Object.assign(segment, { size }));
    return true;
  }

  /**
   * A stretch for `tokens` tokens of somebody new. Where there is no gap, kept segments give way, the longest unused first
   * and `spared` last of all. Undefined, and nothing gone, where there is no room before one in use ends.
   */
  allocate(tokens: number, spared?: Segment): Segment | undefined {
    const size = columnsFor(tokens);
    const victims = this.#kept().sort((a, b) => Number(a === spared) - Number(b === spared));
    let others = this.#segments;
    let start = this.#gap(others, size);
    for (const victim of victims) {
      if (start !== undefined) break;
      others = others.filter((segment) => segment !== victim);
      start = this.#gap(others, size);
    }
    if (start === undefined) return undefined;
    const segment: Segment = { start, size, tokens: [], inUse: true, lastUse: 0 };
    this.#use(segment);
    const overlaps = (each: Segment): boolean => each.start < endOf(segment) && endOf(each) > segment.start;
    this.#segments = [...this.#segments.filter((each) => !overlaps(each)), segment];
    this.#segments.sort((a, b) => a.start - b.start);
    return segment;
  }

  /** Keeps what the segment holds, if anything, as long as nobody wants its room. */
  release(segment: Segment): void {
    segment.inUse = false;
    segment.lastUse = ++this.#clock;
    const kept = this.#kept();
    const isUseless = segment.tokens.length === 0 || segment.isStale;
    if (isUseless) this.#drop(segment);
    else if (kept.length > maxKept) this.#drop(kept[0]);
  }

  /** Nobody new begins with what was read so far. */
  invalidate(): void {
    this.#segments = this.#segments.filter(({ inUse }) => inUse);
    for (const segment of this.#segments) segment.isStale = true;
  }

  clear(): void {
    this.#segments = [];
  }

  #drop(segment: Segment): void {
    this.#segments = this.#segments.filter((each) => each !== segment);
  }

  /** The longest unused first. */
  #kept(): Segment[] {
    return this.#segments.filter(({ inUse }) => !inUse).sort((a, b) => a.lastUse - b.lastUse);
  }

  #use(segment: Segment): void {
    segment.inUse = true;
    segment.lastUse = ++this.#clock;
  }

  /** Where the first gap of `size` columns between these segments begins. */
  #gap(segments: readonly Segment[], size: number): number | undefined {
    let start = 0;
    for (const segment of segments) {
      if (segment.start - start >= size) return start;
      start = endOf(segment);
    }
    return start + size <= this.limit ? start : undefined;
  }
}

function endOf(segment: Segment | undefined): number {
  return segment === undefined ? 0 : segment.start + segment.size;
}
