// The sets of questions that come with mossctl, by name: files in data-specs/tasks, and those that are made by rule.
import { readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../data-specs/tasks/', import.meta.url));

export function packagedSets(): string[] {
  return [...packagedFiles().keys(), 'memory'];
}

/** The file of a set; undefined where there is none of this name. */
export function packagedSet(name: string): string | undefined {
  return packagedFiles().get(name);
}

function packagedFiles(): Map<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  return new Map(names.sort().map((name) => [parse(name).name, join(folder, name)]));
}
