// Texts that hold a task of an evaluation are dropped: what was trained on cannot be measured. A task is found by any
// of its n-grams of words (of characters in Chinese), as GPT-3 and Llama were cleaned.
import { basename, dirname, isAbsolute } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { formatCount } from '../../base/format.js';
import { listFiles, type SourceFile } from '../sources/files.js';
import { readLines } from '../sources/lines.js';
import { readRecords, textFormatOf } from '../sources/records.js';
import { defineFilter } from './filter.js';
import { finish, mix, Units } from './units.js';

/** N-grams that are held at most: 18 to 36 bytes each. */
const maxGrams = 8_000_000;

/** The n-grams of evaluation tasks. A task shorter than n units counts as one n-gram of its own length. */
export class TaskGrams {
  readonly #n: number;
  readonly #minUnits: number;
  /** Lengths of n-grams that are there. */
  readonly #lengths: number[] = [];
  readonly #units: Units;
  /** Slots of two words, the rolling hash and a second one of the same units: 64 bits distinguish two n-grams. */
  #table = new Uint32Array(2 << 10);
  /** One bit for each hash that is there, 4 for each word of the table: nearly all that is not there ends here. */
  #marks = new Uint32Array(2 << 7);
  size = 0;
  /** Tasks that there was no room for. */
  left = 0;

  constructor(n: number, minUnits: number, units = new Units()) {
    this.#n = n;
    this.#minUnits = minUnits;
    this.#units = units;
  }

  add(task: string): void {
    const { length } = this.#units.read(task);
    const n = Math.min(this.#n, length);
    if (n < this.#minUnits) return;
    if (this.size + length > maxGrams) {
      this.left++;
      return;
    }
    if (!this.#lengths.includes(n)) this.#lengths.push(n);
    const grams = this.#units.grams(n);
    for (let at = 0; at < grams.length; at++) this.#put(grams[at], this.#secondHash(at, n));
  }

  /** The first n-gram of `text` that a task has too, as it is written there. */
  find(text: string): string | undefined {
    const { value } = this.#matches(text).next();
    return value && text.slice(this.#units.starts[value.at], this.#units.ends[value.at + value.n - 1]);
  }

  /** Adds to `shared` what `text` has in common with these. */
  collect(text: string, shared: TaskGrams): void {
    for (const { hash, at, n } of this.#matches(text)) {
      if (!shared.#lengths.includes(n)) shared.#lengths.push(n);
      shared.#put(hash, this.#secondHash(at, n));
    }
  }

  *#matches(text: string): Generator<{ hash: number; at: number; n: number }, undefined> {
    if (this.size === 0) return;
    this.#units.read(text);
    for (const n of this.#lengths) {
      const grams = this.#units.grams(n);
      for (let at = 0; at < grams.length; at++) {
        if (this.#has(grams[at], at, n)) yield { hash: grams[at], at, n };
      }
    }
  }

  #has(hash: number, at: number, n: number): boolean {
    const table = this.#table;
    if ((this.#marks[(hash >>> 5) & (this.#marks.length - 1)] & (1 << (hash & 31))) === 0) return false;
    let second = 0;
    for (let slot = this.#home(hash); table[slot + 1] !== 0; slot = (slot + 2) & (table.length - 1)) {
      if (table[slot] !== hash) continue;
      second ||= this.#secondHash(at, n);
      if (table[slot + 1] === second) return true;
    }
    return false;
  }

  #put(hash: number, second: number): void {
    const table = this.#table;
    let slot = this.#home(hash);
    for (; table[slot + 1] !== 0; slot = (slot + 2) & (table.length - 1)) {
      if (table[slot] === hash && table[slot + 1] === second) return;
    }
    table[slot] = hash;
    table[slot + 1] = second;
    this.#marks[(hash >>> 5) & (this.#marks.length - 1)] |= 1 << (hash & 31);
    this.size++;
    if (this.size * 4 > table.length) this.#grow();
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    this.#marks = new Uint32Array(old.length / 4);
    this.size = 0;
    for (let slot = 0; slot < old.length; slot += 2) if (old[slot + 1] !== 0) this.#put(old[slot], old[slot + 1]);
  }

  #home(hash: number): number {
    return (hash << 1) & (this.#table.length - 1);
  }

  /** Never 0, which marks a free slot. */
  #secondHash(at: number, n: number): number {
    const { hashes } = this.#units;
    let hash = n;
    for (let i = at; i < at + n; i++) hash = mix(hash, hashes[i] >>> 7) ^ (i - at);
    return finish(hash) || 1;
  }
}

export const decontaminate = defineFilter({
  about:
    'drops texts that share an n-gram with a task of an evaluation: of those that the pipeline names, and of files',
  schema: z.strictObject({
    auto: z
      .boolean()
      .optional()
      .describe("default true: against the pipeline's own sets (eval.tasks, align.prompts, selfInstruct.seeds)"),
    against: z
      .array(z.string().min(1))
      .default([])
      .describe('files of more tasks: JSON lines (every text in a row) or lines'),
    heldOut: z
      .boolean()
      .optional()
      .describe('default false: also drops held-out documents that share an n-gram with one for training'),
    n: z.int().min(4).max(50).default(13).describe('words in the n-gram; characters in Chinese'),
    fewest: z.int().min(1).max(50).default(8).describe('shorter tasks are not looked for'),
  }),
  scope: 'document',
  make: async ({ against, auto, n, fewest }, context) => {
    const grams = new TaskGrams(n, fewest, context.units);
    const sets = [...(auto === false ? [] : context.evaluationSets), ...against];
    for (const set of sets) await addTasks(grams, set, context.folder);
    context.notes.push(() => whatWasChecked(grams, sets));
    return ({ text }) => {
      const found = grams.find(text);
      return found === undefined ? undefined : { drop: `a task has: ${found.slice(0, 60)}` };
    };
  },
});

async function addTasks(grams: TaskGrams, path: string, folder: string): Promise<void> {
  const files = await listFiles(isAbsolute(path) ? dirname(path) : folder, path);
  if (files.length === 0) throw new UserError({ what: `there are no tasks at ${path}`, where: folder });
  for (const file of files) for await (const task of tasksOf(file)) grams.add(task);
}

/** Tasks that are made later, out of the seeds or of this corpus, cannot be looked for: the report says so. */
function whatWasChecked(grams: TaskGrams, sets: readonly string[]): string {
  const left = grams.left === 0 ? '' : `, ${formatCount(grams.left)} tasks found no room`;
  if (sets.length === 0) return 'decontaminate: the pipeline names no set of tasks, so nothing was looked for';
  return `decontaminate: ${formatCount(grams.size)} n-grams of ${sets.map((set) => basename(set)).join(', ')}${left}; tasks that are generated later are not among them`;
}

/** Every string in a row, else the line: plain text may have lines that begin with a bracket. */
async function* tasksOf(file: SourceFile): AsyncGenerator<string> {
  const format = await textFormatOf(file);
  if (format === 'txt') {
    for await (const line of readLines(file.path)) if (line.trim() !== '') yield line.trim();
    return;
  }
  for await (const record of readRecords(file, format)) {
    if ('fault' in record) throw record.fault;
    yield* stringsIn(record.value, 0);
  }
}

const maxDepth = 20;

/** Every string in a row, at any depth up to 20. */
export function* stringsIn(value: unknown, depth = 0): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null && depth < maxDepth) {
    for (const part of Object.values(value)) yield* stringsIn(part, depth + 1);
  }
}
