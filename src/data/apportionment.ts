// How the rows of the batches are divided among several supplies. Lots are not drawn: at every row the counts are as
// near to the wanted shares as whole rows allow, so a share of 1 % is 10 rows of 1,000 and not 3 or 18.
import { z } from 'zod';
import { parsePosition } from './shuffled.js';

export interface Apportionment {
  /** Rows of each supply in the next batch, which has `rows`. */
  next(rows: number): number[];
  /** Plain JSON. */
  readonly state: object;
  /** Resumes where another instance with the same options stopped. Throws a UserError where the state is of another one. */
  restore(saved: unknown): void;
}

/** A second supply beside a main one: a row of it as soon as a whole one is due. */
export class SecondShare implements Apportionment {
  readonly #share: number;
  #batches = 0;

  /** @param share of the rows, from 0 to 1, without 1. */
  constructor(share: number) {
    this.#share = share;
  }

  get state(): { batches: number } {
    return { batches: this.#batches };
  }

  restore(saved: unknown): void {
    this.#batches = parsePosition(z.object({ batches: z.int().min(0) }), saved).batches;
  }

  next(rows: number): number[] {
    const due = (batches: number): number => Math.floor(batches * rows * this.#share + 1e-9);
    const second = due(this.#batches + 1) - due(this.#batches);
    this.#batches++;
    return [rows - second, second];
  }
}

/** A time of `rows` rows in which supply i has `shares[i]` of them; shares add up to 1. */
export interface Phase {
  rows: number;
  shares: readonly number[];
}

/**
 * Shares that change from phase to phase; the last one has no end. Each row goes to the supply that must have one
 * soonest, of those to which more is due than they have had: after any number of rows of a phase, each supply is less
 * than one row off its share (the schedule of Baruah et al. 1996, "Proportionate progress"). A supply that has had as
 * many rows as `limits` allows gets no more and the others share its part, as long as there is one that may get more.
 */
export class PhasedShares implements Apportionment {
  readonly #phases: readonly Phase[];
  readonly #limits: readonly number[];
  #phase = 0;
  /** First row of the phase after this one. */
  #end: number;
  #drawn = 0;
  /** Rows that each supply has had. */
  #rows: number[];
  /** Rows that are due to each since its share last changed, less those it has had since. */
  #owed: number[];
  /** What holds now. */
  #shares: readonly number[];

  constructor(phases: readonly Phase[], limits: readonly number[]) {
    this.#phases = phases;
    this.#limits = limits;
    this.#end = phases[0].rows;
    this.#rows = limits.map(() => 0);
    this.#owed = limits.map(() => 0);
    this.#shares = this.#openShares();
  }

  get rows(): readonly number[] {
    return this.#rows;
  }

  get state(): { rows: number[]; owed: number[] } {
    return { rows: [...this.#rows], owed: [...this.#owed] };
  }

  restore(saved: unknown): void {
    const length = this.#limits.length;
    const rows = z.array(z.int().min(0)).length(length);
    const owed = z.array(z.number().min(-2).max(2)).length(length);
    const state = parsePosition(z.object({ rows, owed }), saved);
    this.#rows = state.rows;
    this.#owed = state.owed;
    this.#drawn = state.rows.reduce((a, b) => a + b, 0);
    this.#phase = 0;
    this.#end = this.#phases[0].rows;
    while (this.#drawn > this.#end && this.#nextPhase());
    this.#shares = this.#openShares();
  }

  next(rows: number): number[] {
    const counts = this.#limits.map(() => 0);
    for (let row = 0; row < rows; row++) counts[this.#draw()]++;
    return counts;
  }

  #draw(): number {
    while (this.#drawn === this.#end && this.#nextPhase()) this.#startAfresh();
    let chosen = -1;
    let soonest = Number.POSITIVE_INFINITY;
    for (const [i, share] of this.#shares.entries()) {
      if (share === 0) continue;
      this.#owed[i] += share;
      const left = (1 - this.#owed[i]) / share; // rows until one more whole row is due
      if (this.#owed[i] > 1e-9 && left < soonest) [chosen, soonest] = [i, left];
    }
    this.#owed[chosen]--;
    this.#drawn++;
    if (++this.#rows[chosen] === this.#limits[chosen]) this.#startAfresh();
    return chosen;
  }

  /** False in the last one. */
  #nextPhase(): boolean {
    if (this.#phase === this.#phases.length - 1) return false;
    this.#end += this.#phases[++this.#phase].rows;
    return true;
  }

  #startAfresh(): void {
    this.#owed.fill(0);
    this.#shares = this.#openShares();
  }

  #openShares(): readonly number[] {
    const { shares } = this.#phases[this.#phase];
    return openShares(shares, (i) => this.#rows[i] < this.#limits[i]) ?? shares;
  }
}

/** The shares of those that are open, made to add up to 1; undefined where none is. */
export function openShares(shares: readonly number[], isOpen: (index: number) => boolean): number[] | undefined {
  const open = shares.map((share, i) => (isOpen(i) ? share : 0));
  const total = open.reduce((a, b) => a + b, 0);
  return total === 0 ? undefined : open.map((share) => share / total);
}
