// A few rows as the teacher really makes them, before the whole is paid for. What is asked is what the whole asks first, so
// that its run finds the answers: one task of each family before a second of any.
import type { ReplyCost } from '../../inference/request-ledger.js';
import type { StagePreview } from '../stage.js';
import { bucketName } from './buckets.js';
import { type EstimateOptions, estimateWhole, type PreviewSample } from './estimate.js';
import { Expander, type FreshTask } from './expand.js';
import type { BucketState, ExpandOptions, PlannedRequest } from './expansion.js';
import { toConversation } from './rows.js';

/** Answers asked for in vain, for each row that is wanted, before it ends with fewer. */
const triesPerRow = 4;

export interface PreviewOptions extends Pick<EstimateOptions, 'prices'> {
  count: number;
  /** Replies of the whole that come side by side; absent: as many as of the preview. */
  concurrency?: number;
  /** What the teacher's replies took, in their order; it grows while the teacher is asked. Absent: it asks nobody. */
  costs?: readonly ReplyCost[];
}

/** @throws what the teacher throws. */
export async function previewRows(
  options: ExpandOptions,
  preview: PreviewOptions,
): Promise<Omit<StagePreview, 'given'>> {
  const previewer = new Previewer(options, preview);
  await previewer.run();
  return previewer.result();
}

class Previewer {
  readonly #expander: Expander;
  readonly #states: BucketState[];
  readonly #options: ExpandOptions;
  readonly #preview: PreviewOptions;
  /** Proposed and not answered. */
  #waiting: FreshTask[] = [];
  readonly #sample = {
    fresh: [] as number[],
    proposals: [] as ReplyCost[],
    answered: 0,
    fruitful: 0,
    waves: 0,
    answers: [] as ReplyCost[],
  };

  constructor(options: ExpandOptions, preview: PreviewOptions) {
    this.#options = options;
    this.#preview = preview;
    this.#expander = new Expander(options);
    // Where tasks are made to be held out, the whole begins with these.
    this.#states = this.#expander.begin(options.teacher.holdsOut);
  }

  async run(): Promise<void> {
    const { teacher, target, heldOut } = this.#options;
    const whole = Math.max(teacher.holdsOut ? heldOut : target + heldOut, this.#preview.count);
    const isAsked = new Set<BucketState>();
    // As the whole does: the first alone, then as many at once as it asks, of which those are asked whose prompts hold no earlier task.
    while (this.#missing > 0 && isAsked.size < this.#states.length) {
      const round = this.#expander.plan(this.#states, whole);
      if (round.length === 0) break;
      const planned: PlannedRequest[] = [];
      for (const each of round) {
        if (isAsked.has(each.state))
          each.state.fruitless++; // it brought nothing: the whole asks it again, and in the end no more
        else if (planned.length < this.#missing) {
          isAsked.add(each.state);
          planned.push(each);
        }
      }
      if (planned.length === 0) continue;
      await this.#propose(planned);
      await this.#answer(({ accepted }) => accepted.length === 0);
    }
    await this.#answer(() => true);
  }

  result(): Omit<StagePreview, 'given'> {
    const { teacher, target, heldOut } = this.#options;
    const { tasks, rejected, stopped, failed } = this.#expander.result;
    const ended = [...(stopped === undefined ? [] : [stopped]), ...failed.map(({ error }) => error)];
    const { costs, count, prices, concurrency } = this.#preview;
    const { waves, ...asked } = this.#sample;
    const sample: PreviewSample = { ...asked, accepted: tasks.length };
    const answers = concurrency ?? sample.answered / waves;
    const atOnce = { proposals: Math.min(teacher.requestsAtOnce, answers), answers };
    const estimate = costs && estimateWhole(sample, { atOnce, prices, rows: target + heldOut });
    return {
      teacher: teacher.name,
      wanted: count,
      rows: tasks.slice(0, count).map((task, i) => toConversation(task, i, teacher.name)),
      rejected,
      ...(ended.length > 0 && { stopped: ended.map(({ message }) => message).join('\n') }),
      unshown: this.#states.filter(({ accepted }) => accepted.length === 0).map(bucketName),
      ...(estimate && { estimate }),
    };
  }

  get #missing(): number {
    const { tasks, stopped } = this.#expander.result;
    const { count } = this.#preview;
    const isHopeless = this.#sample.answered >= triesPerRow * count;
    return stopped !== undefined || isHopeless ? 0 : count - tasks.length;
  }

  async #propose(round: readonly PlannedRequest[]): Promise<void> {
    const fresh = await this.#sum('proposals', () => this.#expander.propose(round));
    this.#sample.fresh.push(...round.map((each) => fresh.filter(({ planned }) => planned === each).length));
    this.#waiting.push(...fresh);
  }

  /** Answers waiting tasks of the families that `isOpen` names, one of each at a time, until there are enough rows. */
  async #answer(isOpen: (state: BucketState) => boolean): Promise<void> {
    for (;;) {
      const next = new Map<BucketState, FreshTask>();
      for (const fresh of this.#waiting) {
        const { state } = fresh.planned;
        if (next.size < this.#missing && isOpen(state) && !next.has(state)) next.set(state, fresh);
      }
      if (next.size === 0) return;
      const tasks = [...next.values()];
      this.#waiting = this.#waiting.filter((each) => !tasks.includes(each));
      this.#sample.answered += tasks.length;
      this.#sample.waves++;
      const fruitful = await this.#sum('answers', () => this.#expander.answer(tasks));
      this.#sample.fruitful += fruitful.size; // one task of each request
    }
  }

  /** Adds what replies took meanwhile. */
  async #sum<T>(phase: 'proposals' | 'answers', work: () => Promise<T>): Promise<T> {
    const { costs = [] } = this.#preview;
    const before = costs.length;
    const result = await work();
    this.#sample[phase].push(...costs.slice(before));
    return result;
  }
}
