// The sets of questions that come with mossctl, by name: files in data-specs/tasks, and those that are made by rule.
import { readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../data-specs/tasks/', import.meta.url));
const files = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => [parse(name).name, join(folder, name)]),
);

export const packagedSets: readonly string[] = [...files.keys(), 'memory'];

/** The file of a set; undefined where there is none of this name. */
export function packagedSet(name: string): string | undefined {
  return files.get(name);
}
