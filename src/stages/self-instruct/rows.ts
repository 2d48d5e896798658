// From accepted tasks to the two files: conversations for training (seeds among them) and tasks kept apart.
// A task is its prompt and its operands, and tasks of one core stay together: no held-out one can be met in training.
import { groupBy } from '../../base/groups.js';
import { Random } from '../../base/random.js';
import type { Conversation } from '../../data/types.js';
import { checkAnswer } from '../../evaluation/checks.js';
import type { Message } from '../../tokenizer/message.js';
import type { AcceptedTask } from './expansion.js';
import type { SeedTask } from './seed-tasks.js';

/** Seeds that go into training: all, but at most half of it, evenly over families and languages. */
export function seedsForTraining(seeds: readonly SeedTask[], count: number): SeedTask[] {
  return takeEvenly(seeds, Math.floor(count / 2));
}

/**
 * Keeps at most `heldOut` tasks apart, evenly over families and languages, and no more than half of a family as long
 * as others can give; everything in an order that follows from `seed`. Tasks that share a core go the same way, and
 * only those go apart that `mayKeepApart` lets. Where the teacher has made tasks to be held out, these are the ones.
 */
export function splitTasks(
  tasks: readonly AcceptedTask[],
  heldOut: number,
  seed: number,
  teacher: string,
  mayKeepApart: (task: AcceptedTask) => boolean = () => true,
): { train: Conversation[]; heldOut: Conversation[] } {
  const shuffled = Random.stream(seed, 'self-instruct/split').shuffle([...tasks]);
  const groupOf = ({ core, turns }: AcceptedTask): string => core ?? turns.join('\n');
  // The smallest groups first: many questions rather than many wordings of a few.
  const groups = [...groupBy(shuffled, groupOf).values()].sort((a, b) => a.length - b.length);
  const isMarked = tasks.some(({ isHeldOut }) => isHeldOut !== undefined);
  const kept = isMarked
    ? new Set(tasks.filter(({ isHeldOut }) => isHeldOut))
    : chooseGroups(groups, heldOut, mayKeepApart);
  const numbered = tasks.map((task, i) => ({ task, row: toConversation(task, i, teacher) }));
  return {
    train: numbered.filter(({ task }) => !kept.has(task)).map(({ row }) => row),
    heldOut: numbered.filter(({ task }) => kept.has(task)).map(({ row }) => row),
  };
}

/**
 * `wanted` items at most, whole groups of them: from the family that has given least, its next group that fits. First no
 * family gives a larger share than is wanted of all, so that a small one has rows left for each set; then half; then more.
 */
function chooseGroups<T extends InBucket>(
  groups: readonly T[][],
  wanted: number,
  mayKeepApart: (item: T) => boolean = () => true,
): Set<T> {
  const buckets = [...groupBy(groups, ([first]) => bucketOf(first)).values()].map((bucket) => ({
    size: bucket.reduce((sum, group) => sum + group.length, 0),
    candidates: bucket.filter((group) => group.every(mayKeepApart)),
    given: 0,
  }));
  const kept = new Set<T>();
  const all = buckets.reduce((sum, { size }) => sum + size, 0);
  for (const share of [Math.min(0.5, wanted / all), 0.5, 1])
    for (;;) {
      const open = buckets.filter(({ size, candidates: [group], given }) => {
        return group !== undefined && given + group.length <= size * share && kept.size + group.length <= wanted;
      });
      if (open.length === 0) break;
      const least = open.reduce((a, b) => (b.given < a.given ? b : a));
      const group = least.candidates.shift() ?? [];
      least.given += group.length;
      for (const item of group) kept.add(item);
    }
  return kept;
}

/**
 * Sets `count` rows at most that can be checked aside for alignment to sample, evenly over families and languages.
 * Fine-tuning sees neither their answers nor the same question in other words: what is sampled there shows what the
 * model has understood, not what it remembers, and alignment learns from questions as new as the held-out ones.
 */
export function keepPromptsApart(
  rows: readonly Conversation[],
  count: number,
  seed: number,
): { train: Conversation[]; prompts: Conversation[] } {
  const shuffled = Random.stream(seed, 'self-instruct/prompts').shuffle(
    rows.filter(({ check }) => check !== undefined),
  );
  const groupOf = ({ group, id }: Conversation): string => group ?? id;
  const kept = chooseGroups([...groupBy(shuffled, groupOf).values()], count);
  return { train: rows.filter((row) => !kept.has(row)), prompts: rows.filter((row) => kept.has(row)) };
}

export interface InBucket {
  kind?: string;
  language?: string;
}

/** What the output is balanced over. */
export const bucketOf = ({ kind, language }: InBucket): string => `${kind}/${language}`;

/** The first of each group, then the second of each, …: `count` in all. */
function takeEvenly<T extends InBucket>(items: readonly T[], count: number): T[] {
  const groups = [...groupBy(items, bucketOf).values()];
  const taken: T[] = [];
  for (let i = 0; taken.length < count && groups.some((group) => i < group.length); i++)
    for (const group of groups) if (i < group.length && taken.length < count) taken.push(group[i]);
  return taken;
}

export function seedConversation({ id, kind, language, instruction, output, check }: SeedTask): Conversation {
  const messages: Message[] = [
    { role: 'user', content: instruction },
    { role: 'assistant', content: output },
  ];
  return { id, messages, kind, language, ...(check && { check }), provenance: { teacher: 'seed', seeds: [id] } };
}

export function toConversation(task: AcceptedTask, index: number, teacher: string): Conversation {
  const { kind, language, turns, solution, method, seeds, request, core, similarity, nearest } = task;
  const { answer, check: known, final, tools, start } = solution;
  // After worked steps only the number at their end can be checked in the whole.
  const check = final === undefined || (known && checkAnswer(known, answer, language)) ? known : undefined;
  const plain = [...turns, answer].map(
    (content, i): Message => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content,
    }),
  );
  const { messages = plain } = solution;
  const id = `${kind}-${language}-${String(index + 1).padStart(6, '0')}`;
  const optional = {
    ...(tools && { tools }),
    ...(start && { start }),
    ...(check && { check }),
    ...(core && { group: core }),
  };
  const near = { ...(similarity !== undefined && { similarity }), ...(nearest !== undefined && { nearest }) };
  const how = { teacher, ...(method !== undefined && { method }) };
  return { id, messages, kind, language, ...optional, provenance: { ...how, seeds, request, ...near } };
}
