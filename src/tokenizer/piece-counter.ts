// Counts the pieces of text that merges are learnt from, in parts of bounded length, for each group of texts apart: the
// groups can then be weighed against each other.
import { setImmediate } from 'node:timers/promises';
import { widthAt } from './character-kinds.js';
import { PieceTable } from './piece-table.js';
import { isNumeral, pieceEnd } from './pre-tokenizer.js';
import type { PieceEnd } from './pre-tokenizers.js';

/** Pieces are counted in parts of at most this many UTF-16 units: runs of Han are as unique as they are long. */
const maxPartLength = 16;
/** The rarest pieces are forgotten when there are more than this many, as memory must not grow with the text. */
const maxPieces = 6_000_000;
/** Weights of groups are whole multiples of one over this: sums then do not depend on their order. */
const weightSteps = 1024;

export interface WeighedPieces {
  pieces: PieceTable;
  /** What one sighting counts, in the group where it counts most. */
  unit: number;
}

export class PieceCounter {
  /** UTF-8 bytes read. */
  bytes = 0;
  readonly #groups = new Map<string, PieceTable>();
  readonly #maxPieces: number;
  readonly #pieceEnd: PieceEnd;
  #threshold = 1;
  #sincePause = 0;

  /** @param end the cuts between pieces; default: those of the tokenizers that we train. */
  constructor({ limit = maxPieces, end = pieceEnd }: { limit?: number; end?: PieceEnd } = {}) {
    this.#maxPieces = limit;
    this.#pieceEnd = end;
  }

  async add(text: string, group: string): Promise<void> {
    let table = this.#groups.get(group) ?? new PieceTable();
    this.#groups.set(group, table);
    for (let start = 0; start < text.length; ) {
      const end = this.#pieceEnd(text, start);
      countParts(table, text, start, end);
      start = end;
      if (++this.#sincePause < 100_000) continue;
      this.#sincePause = 0;
      this.#forgetRare();
      table = this.#groups.get(group) ?? table;
      await setImmediate();
    }
    this.bytes += Buffer.byteLength(text);
  }

  /** Every piece with its weight: as often as it was seen, or with the groups' bytes in the proportions of `balance`. */
  take(balance?: Readonly<Record<string, number>>): WeighedPieces {
    const groups = [...this.#groups].filter(([, table]) => table.size > 0);
    this.#groups.clear();
    const factors = groups.map(([group, table]) =>
      balance === undefined ? 1 : (Object.hasOwn(balance, group) ? balance[group] : 1) / table.totalBytes,
    );
    const minFactor = Math.min(...factors.filter((factor) => factor > 0));
    const weights = factors.map((factor) =>
      balance === undefined ? 1 : Math.round((factor / minFactor) * weightSteps),
    );
    const pieces = new PieceTable();
    for (const [i, [, table]] of groups.entries()) if (weights[i] > 0) pieces.addAll(table, weights[i]);
    return { pieces, unit: Math.max(1, ...weights) };
  }

  #forgetRare(): void {
    const size = (): number => [...this.#groups.values()].reduce((sum, table) => sum + table.size, 0);
    if (size() <= this.#maxPieces) return;
    for (const [group, table] of this.#groups) this.#groups.set(group, table.withoutRare(this.#threshold));
    this.#threshold++;
  }
}

/** Numerals one by one, so that no token ever holds two: single digits make arithmetic learnable. */
function countParts(pieces: PieceTable, text: string, start: number, end: number): void {
  const limit = isNumeral(text, start) ? 1 : maxPartLength;
  for (let from = start; from < end; ) {
    let to = Math.min(end, from + limit);
    if (to < end && widthAt(text, to - 1) === 2) to++;
    pieces.add(text, from, to);
    from = to;
  }
}
