// The built-in teacher: it makes only tasks whose answers it can compute, look up in the corpora, or say in our own
// words. A request's tasks follow from (seed, index, kind, language) alone, so nothing need be recorded to resume.
import { Random } from '../../base/random.js';
import type { BuiltInKind, SelfInstructConfig, TaskKind } from '../../config/pipeline.js';
import { readFacts } from '../../data/facts.js';
import type { Job } from '../stage.js';
import type { Sources, TaskMaker } from './families/family.js';
import { families, isBuiltIn } from './families/table.js';
import type { Drop, Proposal, ProposedTask, Solution, TaskRequest, Teacher } from './teacher.js';
import { anyFifth, unseenPairs } from './unseen-sums.js';

/** With what the corpus of a run gives it. */
export async function openOffline({ config, inputs, seed }: Job<SelfInstructConfig>): Promise<OfflineTeacher> {
  const facts = inputs.data === undefined ? [] : await readFacts(inputs.data);
  const isUnseenPair = (await unseenPairs(inputs.data)) ?? anyFifth;
  return new OfflineTeacher(seed, { facts, isUnseenPair, isWorked: config.answers === 'worked' });
}

export class OfflineTeacher implements Teacher {
  readonly name = 'offline';
  readonly requestsAtOnce = 1;
  readonly patience = 25;
  readonly holdsOut = true;
  readonly #makers = new Map<TaskKind, TaskMaker>();
  readonly #seed: number;

  /** Families that look up need facts. */
  constructor(seed: number, sources: Sources) {
    this.#seed = seed;
    for (const [kind, { maker }] of Object.entries(families)) {
      const make = maker?.(sources);
      if (make !== undefined) this.#makers.set(kind as BuiltInKind, make);
    }
  }

  notes(seeds: string, kinds: readonly TaskKind[]): string[] {
    const makes = kinds.filter((kind) => this.#makers.has(kind)).join(', ');
    return [
      `offline teacher: built-in families only, which it computes or looks up (${makes}); ${seeds} kept as written; teacher: openai or checkpoint expands your own`,
      ...this.lacks(kinds),
    ];
  }

  /** What it cannot make of these, and why. */
  lacks(kinds: readonly TaskKind[]): string[] {
    const missing = kinds.filter((kind) => isBuiltIn(kind) && !this.#makers.has(kind));
    if (missing.length === 0) return [];
    return [
      `no facts to make ${missing.join(', ')} of: a data block whose sources hold some is missing; only seeds cover them`,
    ];
  }

  can(kind: TaskKind): boolean {
    return this.#makers.has(kind);
  }

  /** All that it makes has a check. */
  checks(kind: TaskKind): boolean {
    return this.can(kind);
  }

  propose(request: TaskRequest): Promise<Proposal> {
    const make = this.#makers.get(request.kind);
    const random = Random.stream(this.#seed, `offline-teacher/${request.kind}/${request.language}/${request.index}`);
    const tasks: ProposedTask[] = [];
    const { kind, language, isHeldOut } = request;
    for (let i = 0; make !== undefined && i < request.wanted; i++) {
      const task = make({ language, random, isHeldOut });
      if (task !== undefined) tasks.push({ kind, language, ...task });
    }
    return Promise.resolve({ tasks, dropped: [] });
  }

  answer(task: ProposedTask): Promise<Solution | Drop> {
    return Promise.resolve(task.solution ?? { rule: 'no answer', example: task.turns.join('\n') });
  }
}
