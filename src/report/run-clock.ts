// Where a run of several stages is, and how long the rest of it takes: from what its plan says of each stage, corrected by how
// long the stages took that are done, and by the pace of the one that runs. What is not known is said, never made up.
import { kebabCase } from '../base/format.js';
import type { Event, PlannedStage } from './event.js';

export interface RemainingTime {
  seconds: number;
  /** Some stage has no estimate: it takes at least that long. */
  isLeast: boolean;
}

/** A stage that is done or runs: what was expected of it, and what it took or will have taken. */
interface Comparison {
  expected: number;
  actual: number;
}

/** Of the machine against the one that the expectation is of. */
const maxScale = 20;

export class RunClock {
  readonly #now: () => number;
  #plan: readonly PlannedStage[] = [];
  readonly #done = new Set<string>();
  readonly #compared = new Map<string, Comparison>();
  #current: { name: string; started: number } | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  follow(event: Event): void {
    if (event.type === 'plan') {
      this.#plan = event.stages;
      this.#done.clear();
      this.#compared.clear();
    }
    if (event.type !== 'stage' || !this.#plan.some(({ name }) => name === event.stage)) return;
    if (event.state === 'started' || event.state === 'resumed') {
      this.#current = { name: event.stage, started: this.#now() };
      // What is resumed is done in part: its time says nothing of the machine.
      if (event.state === 'resumed') this.#compared.delete(event.stage);
      return;
    }
    if (event.state !== 'taken back') this.#done.add(event.stage);
    if (event.state === 'finished' && this.#current?.name === event.stage) this.#compare(event.stage, this.#elapsed());
    if (event.state === 'skipped') this.#compared.delete(event.stage);
    this.#current = undefined;
  }

  /** `3 of 8`; undefined of a stage alone. */
  position(stage: string): string | undefined {
    const at = this.#plan.findIndex(({ name }) => name === stage);
    return at < 0 || this.#plan.length < 2 ? undefined : `${at + 1} of ${this.#plan.length}`;
  }

  /**
   * Of the whole run; undefined where it is one stage, or nothing is known.
   * @param ownSeconds what the work that is shown needs still, NaN where that is not known; `isWhole`: it is all of its stage.
   */
  remaining(stage: string, ownSeconds: number, isWhole: boolean): RemainingTime | undefined {
    if (this.position(stage) === undefined || this.#current?.name !== stage) return undefined;
    if (isWhole && Number.isFinite(ownSeconds)) this.#compare(stage, this.#elapsed() + ownSeconds);
    const rest = this.#plan.filter(({ name }) => name !== stage && !this.#done.has(name));
    let seconds = this.#ownRemaining(stage, ownSeconds, isWhole);
    let isLeast = Number.isNaN(seconds);
    if (isLeast) seconds = Number.isFinite(ownSeconds) ? ownSeconds : 0;
    for (const planned of rest) {
      if (planned.seconds === undefined) isLeast = true;
      else seconds += this.#scaled(planned);
    }
    return seconds > 0 ? { seconds, isLeast } : undefined;
  }

  /** The stages that have no estimate and are yet to come, as a person writes them. */
  unknown(): string[] {
    const open = this.#plan.filter(({ name, seconds }) => seconds === undefined && !this.#done.has(name));
    return open.map(({ name }) => kebabCase(name));
  }

  #ownRemaining(stage: string, ownSeconds: number, isWhole: boolean): number {
    if (isWhole && Number.isFinite(ownSeconds)) return ownSeconds;
    const planned = this.#plan.find(({ name }) => name === stage);
    if (planned?.seconds === undefined) return Number.NaN;
    return Math.max(this.#scaled(planned) - this.#elapsed(), Number.isFinite(ownSeconds) ? ownSeconds : 0);
  }

  #elapsed(): number {
    return this.#current === undefined ? 0 : (this.#now() - this.#current.started) / 1000;
  }

  #compare(stage: string, actual: number): void {
    const planned = this.#plan.find(({ name }) => name === stage);
    if (planned?.seconds === undefined || planned.isMeasured) return;
    this.#compared.set(stage, { expected: planned.seconds, actual });
  }

  /** What was expected without having been measured here is corrected by how this machine compares so far. */
  #scaled({ seconds = 0, isMeasured = false }: PlannedStage): number {
    if (isMeasured) return seconds;
    const all = [...this.#compared.values()];
    const expected = all.reduce((sum, one) => sum + one.expected, 0);
    if (expected === 0) return seconds;
    const scale = all.reduce((sum, one) => sum + one.actual, 0) / expected;
    return seconds * Math.min(maxScale, Math.max(1 / maxScale, scale));
  }
}
