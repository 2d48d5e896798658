// The loop of self-instruct: ask the teacher for the family that has fewest tasks, keep what is new and sound, until
// there are enough or the families are exhausted. The same seed and the same teacher give the same tasks.
import { setImmediate } from 'node:timers/promises';
import { stopIfAborted } from '../../base/errors.js';
import { groupBy } from '../../base/groups.js';
import { Random } from '../../base/random.js';
import { wordsOf } from '../../base/words.js';
import type { MethodName } from '../../config/methods.js';
import { BudgetSpent } from '../../inference/request-ledger.js';
import { type Bucket, bucketName, roomOf } from './buckets.js';
import type { AcceptedTask, BucketState, ExpandOptions, Expansion, PlannedRequest } from './expansion.js';
import { contradict } from './filters/answers.js';
import { countByRule, type RejectedTask } from './filters/rejected.js';
import { answerFault, promptFault } from './filters/rules.js';
import { NoveltyFilter } from './novelty.js';
import type { Answers, Example, ProposedTask, RequestShape, Solution, TaskRequest } from './teacher.js';

/** What is asked for and shown where no method says otherwise. */
const familiesShape: RequestShape = { wanted: 8, seeds: 6, made: 2 };

/** Expands the seeds. @throws Interrupted between requests, and what the teacher throws. */
export async function expand(options: ExpandOptions): Promise<Expansion> {
  return new Expander(options).run();
}

/** The loop in its parts, so that a preview can take some of its steps. */
export class Expander {
  readonly #options: ExpandOptions;
  readonly #novelty: NoveltyFilter;
  /** What the seeds ask: a task that asks it in a frame is not new. */
  readonly #seedAsks: ReadonlySet<string>;
  readonly #prompts: Set<string>;
  /** By the words of their prompts. */
  readonly #accepted = new Map<string, AcceptedTask>();
  readonly #states: BucketState[] = [];
  /** Rows that a bucket may still take. */
  #room: (state: BucketState) => number = () => Number.POSITIVE_INFINITY;
  readonly #result: Expansion = {
    ...{ tasks: [], requests: 0, rejected: [], dropped: new Map(), exhausted: [], failed: [] },
  };

  constructor(options: ExpandOptions) {
    this.#options = options;
    this.#novelty = new NoveltyFilter(options.maxSimilarity);
    this.#seedAsks = new Set(options.seeds.map(({ instruction }) => instruction));
    for (const seed of options.seeds) this.#novelty.add(seed.kind, [seed.instruction]);
    this.#prompts = new Set(this.#seedAsks);
  }

  async run(): Promise<Expansion> {
    const { teacher, target, heldOut } = this.#options;
    if (teacher.holdsOut) await this.#fill(heldOut, true);
    await this.#fill(this.#result.tasks.length + target + (teacher.holdsOut ? 0 : heldOut), false);
    return this.result;
  }

  /** Makes tasks until there are `target` in all, evenly over the buckets as long as they can give. */
  async #fill(target: number, isHeldOut: boolean): Promise<void> {
    const { teacher, signal } = this.#options;
    const states = this.begin(isHeldOut);
    const wanted = target - this.#result.tasks.length;
    this.#room = (state) => {
      const all = target - this.#result.tasks.length;
      const able = states.filter((each) => !this.#hasFailed(each));
      return Math.min(all, roomOf(state, able, { wanted, patience: teacher.patience }));
    };
    while (this.#result.tasks.length < target) {
      stopIfAborted(signal, 'stopped; run the same command again to continue');
      const round = this.plan(states, target);
      if (round.length === 0 || this.#result.stopped !== undefined) break;
      await this.#ask(round);
      // Lets signals and timers in: an offline teacher never waits for anything.
      await setImmediate();
    }
    const isExhausted = (state: BucketState): boolean => state.fruitless >= teacher.patience && !this.#hasFailed(state);
    const barren = [...groupBy(states, ({ method }) => method)].filter(
      ([, own]) => own.every(isExhausted) && own.every(({ accepted }) => accepted.length === 0),
    );
    await this.#noteFailures(barren.map(([method]) => method));
    const empty = states.filter(isExhausted);
    const names = empty.map(bucketName);
    this.#result.exhausted = [...new Set([...this.#result.exhausted, ...names])];
  }

  begin(isHeldOut: boolean): BucketState[] {
    const { buckets, teacher } = this.#options;
    const states = buckets.map((bucket): BucketState => {
      const shape = teacher.methods?.get(bucket.method)?.shape ?? familiesShape;
      const share = isHeldOut ? bucket.shareHeldOut : bucket.share;
      return { ...bucket, share, isHeldOut, shape, accepted: [], fruitless: 0 };
    });
    this.#states.push(...states);
    return states;
  }

  /** The requests of a round, each for the family that will then have fewest tasks, and how many of its tasks to keep. */
  plan(states: readonly BucketState[], target: number): PlannedRequest[] {
    const { teacher } = this.#options;
    const active = states.filter((state) => state.fruitless < teacher.patience && !this.#hasFailed(state));
    const expected = new Map(active.map((state) => [state, state.accepted.length]));
    const count = (state: BucketState): number => expected.get(state) ?? 0;
    const round: PlannedRequest[] = [];
    // A wrong key or address shows with the first, before many are asked.
    const atOnce = this.#result.requests === 0 ? 1 : teacher.requestsAtOnce;
    let missing = target - this.#result.tasks.length;
    const shares = active.reduce((sum, { share }) => sum + share, 0);
    const filled = (state: BucketState): number => count(state) / state.share;
    while (active.length > 0 && missing > 0 && round.length < atOnce) {
      const state = active.reduce((least, each) => (filled(each) < filled(least) ? each : least));
      const due = Math.max(1, Math.floor((missing * state.share) / shares));
      const limit = Math.min(due, state.shape.wanted);
      round.push({ state, limit, ...this.#prepare(state) });
      expected.set(state, count(state) + limit);
      missing -= limit;
    }
    return round;
  }

  /** Asks all at once and takes what comes in the order of the plan: how fast it comes changes no result. */
  async #ask(round: readonly PlannedRequest[]): Promise<void> {
    const fruitful = await this.answer(await this.propose(round));
    for (const planned of round) planned.state.fruitless = fruitful.has(planned) ? 0 : planned.state.fruitless + 1;
  }

  /** The new ones of the tasks that the teacher proposes, in the order of the plan. */
  async propose(round: readonly PlannedRequest[]): Promise<FreshTask[]> {
    const { teacher } = this.#options;
    const proposals = await this.#settle(round.map(({ request }) => teacher.propose(request)));
    await this.#noteFailures();
    return round.flatMap((planned, i) => {
      const { state, limit, request, seeds } = planned;
      const drop: DropTask = (rule, row) => this.#drop(rule, { ...state, request: request.index, seeds, ...row });
      for (const { rule, example } of proposals[i]?.dropped ?? []) drop(rule, { said: example });
      return this.#selectNew(proposals[i]?.tasks ?? [], limit, drop).map((each) => ({ ...each, planned, drop }));
    });
  }

  /** Keeps those whose answers are sound. @returns the requests that some of them came from. */
  async answer(fresh: readonly FreshTask[]): Promise<ReadonlySet<PlannedRequest>> {
    const { teacher } = this.#options;
    const answers = await this.#settle(fresh.map(({ task, planned }) => teacher.answer(task, planned.request)));
    await this.#noteFailures();
    const fruitful = new Set<PlannedRequest>();
    for (const [i, { task, planned, drop, ...near }] of fresh.entries()) {
      const solutions = this.#usable(task, answers[i], drop);
      const { state, request, seeds } = planned;
      const method = teacher.methods?.get(state.method)?.label;
      const optional = { ...near, ...(method && { method }), ...(teacher.holdsOut && { isHeldOut: state.isHeldOut }) };
      for (const solution of solutions) {
        const { turns = task.turns } = solution;
        if (this.#room(state) <= 0) {
          drop('more than its share', { turns, answer: solution.answer });
          continue;
        }
        // Several inputs of one instruction are kept together.
        const core = task.core ?? (solutions.length > 1 ? task.turns.join('\n') : undefined);
        const own = { ...task, turns, ...(core !== undefined && { core }) };
        const accepted: AcceptedTask = { ...own, solution, request: request.index, seeds, ...optional };
        state.accepted.push(accepted);
        fruitful.add(planned);
        this.#result.tasks.push(accepted);
        this.#accepted.set(wordsKey(own), accepted);
        this.#options.onProgress?.(this.#result.tasks.length, accepted);
      }
    }
    return fruitful;
  }

  get result(): Expansion {
    return { ...this.#result, dropped: countByRule(this.#result.rejected) };
  }

  /** Once a round has ended, so that how fast replies come decides nothing. */
  async #noteFailures(exhausted: readonly MethodName[] = []): Promise<void> {
    this.#result.failed.push(...((await this.#options.teacher.failures?.(exhausted)) ?? []));
  }

  #hasFailed({ method }: Pick<Bucket, 'method'>): boolean {
    return this.#result.failed.some((each) => each.method === method);
  }

  /** Waits for all; undefined where the budget had no room. @throws the first other error. */
  async #settle<T>(work: readonly Promise<T>[]): Promise<(T | undefined)[]> {
    const ends = await Promise.allSettled(work);
    return ends.map((end) => {
      if (end.status === 'fulfilled') return end.value;
      if (!(end.reason instanceof BudgetSpent)) throw end.reason;
      this.#result.stopped = end.reason;
      return undefined;
    });
  }

  #prepare({ method, kind, language, isHeldOut, shape, accepted }: BucketState): {
    request: TaskRequest;
    seeds: string[];
  } {
    const index = this.#result.requests++;
    const random = Random.stream(this.#options.seed, `self-instruct/examples/${index}`);
    const sameKind = this.#options.seeds.filter((seed) => seed.kind === kind);
    // Most methods have no kind of their own among the seeds: they are shown any.
    const ofKind = sameKind.length > 0 || method === 'families' ? sameKind : this.#options.seeds;
    const ofLanguage = ofKind.filter((seed) => seed.language === language);
    const seeds = random.shuffle([...(ofLanguage.length > 0 ? ofLanguage : ofKind)]).slice(0, shape.seeds);
    const made = accepted.length === 0 ? [] : Array.from({ length: shape.made }, () => random.choose(accepted));
    const examples: Example[] = [
      ...seeds.map(({ instruction, output }) => ({ instruction, output })),
      ...[...new Set(made)].map(({ turns, solution }) => ({
        instruction: turns[turns.length - 1],
        output: solution.answer,
      })),
    ];
    return {
      request: { index, method, kind, language, isHeldOut, wanted: shape.wanted, examples },
      seeds: seeds.map(({ id }) => id),
    };
  }

  #selectNew(tasks: readonly ProposedTask[], limit: number, drop: DropTask): NewTask[] {
    const fresh: NewTask[] = [];
    for (const task of tasks) {
      if (fresh.length === limit) break;
      const fault = promptFault(task);
      const { turns } = task;
      const prompt = turns.join('\n');
      if (fault !== undefined) {
        drop(fault, { turns });
        continue;
      }
      const { isNew, ...near } = this.#judge(task, prompt);
      if (!isNew) {
        const why = near.nearest === undefined ? 'the same question, or its operands, was there before' : undefined;
        if (!this.#dropContradiction(task, drop)) drop('not new', { turns, why, ...near });
        continue;
      }
      // Known from here on, even if its answer fails: to ask it again would fail again.
      this.#prompts.add(prompt);
      if (task.core === undefined) this.#novelty.add(task.kind, task.turns);
      fresh.push({ task, ...near });
    }
    return fresh;
  }

  /** Of one question with two answers that cannot both be right, neither is kept. */
  #dropContradiction(task: ProposedTask, drop: DropTask): boolean {
    const earlier = this.#accepted.get(wordsKey(task));
    if (task.solution === undefined || earlier === undefined || earlier.kind !== task.kind) return false;
    if (!contradict(task, task.solution, earlier.solution)) return false;
    const rule = 'answers contradict each other';
    drop(rule, { turns: task.turns, answer: task.solution.answer, why: `before: ${earlier.solution.answer}` });
    const { turns, solution, request, seeds } = earlier;
    drop(rule, { turns, answer: solution.answer, why: `again: ${task.solution.answer}`, request, seeds });
    this.#accepted.delete(wordsKey(task));
    this.#result.tasks = this.#result.tasks.filter((each) => each !== earlier);
    // Its bucket has room again, and it is shown to no teacher.
    for (const state of this.#states) state.accepted = state.accepted.filter((each) => each !== earlier);
    return true;
  }

  /**
   * A task with a core comes from written wordings, and cores decide what is held out: many clothes for one question are
   * wanted there, and only the very same prompt is not new (docs/decisions/001).
   */
  #judge(task: ProposedTask, prompt: string): ReturnType<NoveltyFilter['judge']> {
    if (this.#prompts.has(prompt)) return { isNew: false };
    if (task.core === undefined) return this.#novelty.judge(task.kind, task.turns);
    return { isNew: !this.#seedAsks.has(task.core) };
  }

  #usable(task: ProposedTask, answers: Answers | undefined, drop: DropTask): Solution[] {
    return [answers ?? []].flat().filter((answer): answer is Solution => {
      if ('rule' in answer) {
        drop(answer.rule, { turns: task.turns, why: answer.example });
        return false;
      }
      const asked = { ...task, turns: answer.turns ?? task.turns };
      const rule = answerFault(asked, answer);
      const fault = rule === undefined ? this.#options.answers?.faultOf(asked, answer) : { rule };
      if (fault !== undefined)
        drop(fault.rule, { turns: asked.turns, answer: answer.answer, ...('why' in fault && { why: fault.why }) });
      return fault === undefined;
    });
  }

  #drop(rule: string, { method, kind, language, request, seeds, ...row }: DropPlace & DropDetails): void {
    const { turns, answer, said, why, similarity, nearest } = row;
    const { teacher } = this.#options;
    const label = teacher.methods?.get(method)?.label;
    const details = Object.entries({ why, turns, answer, said, similarity, nearest });
    this.#result.rejected.push({
      rule,
      kind,
      language,
      ...Object.fromEntries(details.filter(([, value]) => value !== undefined)),
      provenance: { teacher: teacher.name, ...(label && { method: label }), request, seeds },
    });
  }
}

type NewTask = { task: ProposedTask } & Pick<AcceptedTask, 'similarity' | 'nearest'>;
export type FreshTask = NewTask & { planned: PlannedRequest; drop: DropTask };
type DropPlace = Omit<Bucket, 'share'> & DropOrigin;
type DropOrigin = Pick<AcceptedTask, 'request' | 'seeds'>;
type DropDetails = Partial<Pick<RejectedTask, 'why' | 'turns' | 'answer' | 'said' | 'similarity' | 'nearest'>>;
type DropTask = (rule: string, row: DropDetails & Partial<DropOrigin>) => void;

/** Equal for questions that differ in capitals and punctuation alone. */
const wordsKey = ({ kind, turns }: ProposedTask): string => `${kind} ${wordsOf(turns.join(' ')).join(' ')}`;
