// Texts that hold a task of an evaluation are dropped: what was trained on cannot be measured. A task is found by any
// of its n-grams of words (of characters in Chinese), as GPT-3 and Llama were cleaned.
import { dirname, isAbsolute } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { readLines } from '../../base/jsonl.js';
import { listFiles } from '../sources/files.js';
import { defineFilter } from './filter.js';
import { finish, mix, Units } from './units.js';

/** Tasks that are held at most: 8 bytes of hash each, and the Set around them. */
const maxGrams = 8_000_000;

/** The n-grams of evaluation tasks. A task shorter than n units counts as one n-gram of its own length. */
export class TaskGrams {
  readonly #n: number;
  readonly #fewest: number;
  /** Length in units → hashes of 52 bits. */
  readonly #grams = new Map<number, Set<number>>();
  readonly #units = new Units();
  #size = 0;

  constructor(n: number, fewest: number) {
    this.#n = n;
    this.#fewest = fewest;
  }

  get size(): number {
    return this.#size;
  }

  add(task: string): void {
    const { length } = this.#units.read(task);
    const n = Math.min(this.#n, length);
    if (n < this.#fewest || this.#size >= maxGrams) return;
    const set = this.#grams.get(n) ?? new Set();
    this.#grams.set(n, set);
    const before = set.size;
    for (let at = 0; at + n <= length; at++) set.add(this.#hash(at, n));
    this.#size += set.size - before;
  }

  /** The first n-gram of `text` that a task has too, as it stands there. */
  find(text: string): string | undefined {
    if (this.#size === 0) return undefined;
    const { length, starts, ends } = this.#units.read(text);
    for (const [n, set] of this.#grams) {
      for (let at = 0; at + n <= length; at++) {
        if (set.has(this.#hash(at, n))) return text.slice(starts[at], ends[at + n - 1]);
      }
    }
    return undefined;
  }

  #hash(at: number, n: number): number {
    const { hashes } = this.#units;
    let high = 0x811c9dc5;
    let low = 0x2545f491;
    for (let i = at; i < at + n; i++) {
      high = mix(high, hashes[i]);
      low = mix(low, hashes[i] >>> 7 || i - at);
    }
    return finish(high) * 2 ** 20 + (finish(low) >>> 12);
  }
}

export const decontaminate = defineFilter({
  about: 'drops texts that share an n-gram with a task of an evaluation',
  schema: z.strictObject({
    against: z.array(z.string().min(1)).min(1).describe('files of tasks: JSON lines (every text in a row) or lines'),
    n: z.int().min(4).max(50).default(13).describe('words in the n-gram; characters in Chinese'),
    fewest: z.int().min(1).max(50).default(8).describe('shorter tasks are not looked for'),
  }),
  scope: 'document',
  make: async ({ against, n, fewest }, { folder }) => {
    const grams = new TaskGrams(n, fewest);
    for (const path of against) {
      const files = await listFiles(isAbsolute(path) ? dirname(path) : folder, path);
      if (files.length === 0) throw new UserError({ what: `there are no tasks at ${path}`, where: folder });
      for (const file of files) for await (const task of tasksOf(file.path)) grams.add(task);
    }
    return ({ text }) => {
      const found = grams.find(text);
      return found === undefined ? undefined : { drop: `a task has: ${found.slice(0, 60)}` };
    };
  },
});

/** Every string in a row of JSON lines, else the line. */
async function* tasksOf(path: string): AsyncGenerator<string> {
  for await (const { text } of readLines(path)) {
    const line = text.trim();
    if (line === '') continue;
    let row: unknown = line;
    if (line.startsWith('{') || line.startsWith('[')) {
      try {
        row = JSON.parse(line);
      } catch {
        // It is a line of text that begins with a bracket.
      }
    }
    yield* stringsIn(row, 0);
  }
}

const maxDepth = 20;

function* stringsIn(value: unknown, depth: number): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null && depth < maxDepth) {
    for (const part of Object.values(value)) yield* stringsIn(part, depth + 1);
  }
}
