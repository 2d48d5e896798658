// From accepted tasks to the two files: conversations for training (seeds among them) and tasks kept apart.
// A task is its prompt and its operands, so no held-out one can be met in training.
import { Random } from '../../base/random.js';
import type { Conversation, Message } from '../../data/types.js';
import type { AcceptedTask } from './expand.js';
import type { SeedTask } from './seed-tasks.js';

export interface Split {
  train: Conversation[];
  heldOut: Conversation[];
}

/** Seeds that go into training: all, but at most half of it, evenly over families and languages. */
export function seedsForTraining(seeds: readonly SeedTask[], count: number): SeedTask[] {
  return takeEvenly(seeds, Math.floor(count / 2));
}

/**
 * Keeps `heldOut` tasks apart, evenly over families and languages, and no more than half of a family as long as
 * others can give; everything in an order that follows from `seed`.
 */
export function splitTasks(tasks: readonly AcceptedTask[], heldOut: number, seed: number, teacher: string): Split {
  const random = Random.stream(seed, 'self-instruct/split');
  const shuffled = random.shuffle([...tasks]);
  const halves = groupByBucket(shuffled).flatMap((group) => group.slice(0, Math.floor(group.length / 2)));
  const kept = new Set(takeEvenly(halves, heldOut));
  if (kept.size < heldOut) {
    const others = shuffled.filter((task) => !kept.has(task));
    for (const task of takeEvenly(others, heldOut - kept.size)) kept.add(task);
  }
  const numbered = tasks.map((task, i) => ({ task, row: toConversation(task, i, teacher) }));
  return {
    train: numbered.filter(({ task }) => !kept.has(task)).map(({ row }) => row),
    heldOut: numbered.filter(({ task }) => kept.has(task)).map(({ row }) => row),
  };
}

interface InBucket {
  kind: string;
  language: string;
}

function groupByBucket<T extends InBucket>(items: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = `${item.kind}/${item.language}`;
    const group = groups.get(key) ?? [];
    group.push(item);
    groups.set(key, group);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** The first of each group, then the second of each, …: `count` in all. */
function takeEvenly<T extends InBucket>(items: readonly T[], count: number): T[] {
  const groups = groupByBucket(items);
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

function toConversation(task: AcceptedTask, index: number, teacher: string): Conversation {
  const { kind, language, turns, solution, seeds, request } = task;
  const messages: Message[] = [...turns, solution.answer].map((content, i) => ({
    role: i % 2 === 0 ? 'user' : 'assistant',
    content,
  }));
  const id = `${kind}-${language}-${String(index + 1).padStart(6, '0')}`;
  const provenance = { teacher, seeds, request };
  return { id, messages, kind, language, ...(solution.check && { check: solution.check }), provenance };
}
