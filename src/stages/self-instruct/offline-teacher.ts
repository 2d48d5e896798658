// The built-in teacher: it makes only tasks whose answers it can compute, look up in the corpora, or say in our own
// words. A request's tasks follow from (seed, index, kind, language) alone, so nothing need be recorded to resume.
import { Random } from '../../base/random.js';
import { type TaskKind, taskKinds } from '../../config/pipeline.js';
import type { Fact } from '../../data/types.js';
import type { Family } from './families/family.js';
import { lookupFamilies } from './families/lookup.js';
import { numberFamilies } from './families/numbers.js';
import { talkFamilies } from './families/talk.js';
import { wordFamilies } from './families/words.js';
import type { Drop, Proposal, ProposedTask, Solution, TaskLanguage, TaskRequest, Teacher } from './teacher.js';

export class OfflineTeacher implements Teacher {
  readonly name = 'offline';
  readonly patience = 25;
  readonly notes: readonly string[];
  readonly #families: ReadonlyMap<TaskKind, Family>;
  readonly #seed: number;

  /** `facts` feed translation, definition and poem-line; without them it cannot make these. */
  constructor(seed: number, facts: readonly Fact[]) {
    this.#seed = seed;
    const families = [...numberFamilies, ...wordFamilies, ...lookupFamilies(facts), ...talkFamilies];
    this.#families = new Map(families.map((family) => [family.kind, family]));
    const missing = taskKinds.filter((kind) => !this.#families.has(kind));
    this.notes = [
      `offline teacher: makes tasks that it can compute or look up (${[...this.#families.keys()].join(', ')})`,
      ...(missing.length === 0
        ? []
        : [`offline teacher: cannot make ${missing.join(', ')}: the data stage gave it no facts of that kind`]),
    ];
  }

  can(kind: TaskKind, language: TaskLanguage): boolean {
    return this.#families.get(kind)?.languages.includes(language) ?? false;
  }

  propose(request: TaskRequest): Promise<Proposal> {
    const family = this.#families.get(request.kind);
    const random = Random.stream(this.#seed, `offline-teacher/${request.kind}/${request.language}/${request.index}`);
    const tasks: ProposedTask[] = [];
    for (let i = 0; family !== undefined && i < request.wanted; i++)
      tasks.push({ kind: request.kind, language: request.language, ...family.make(request.language, random) });
    return Promise.resolve({ tasks, dropped: [] });
  }

  answer(task: ProposedTask): Promise<Solution | Drop> {
    return Promise.resolve(task.solution ?? { rule: 'no answer', example: task.turns.join('\n') });
  }
}
