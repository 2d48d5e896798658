// What the corpus states, for a teacher that may only look answers up. A key with two different values (a word with
// two senses, a line with two continuations) states nothing that could be checked, so it is left out.
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { readJsonl } from '../base/jsonl.js';
import { normalise } from './clean.js';
import { readDataManifest } from './manifest.js';
import type { RawFact } from './sources/raw.js';
import type { Fact } from './types.js';

/** Facts are kept in memory: more than these of one kind are not collected. */
export const maxFactsPerKind = 250_000;

export const factFile = 'facts.jsonl';

const factSchema = z.object({
  kind: z.enum(['translation', 'definition', 'poem-line']),
  key: z.string().min(1),
  value: z.string().min(1),
  source: z.string(),
});

export class FactBook {
  #facts: Record<Fact['kind'], Map<string, Fact>> = {
    translation: new Map(),
    definition: new Map(),
    'poem-line': new Map(),
  };
  #ambiguous: Record<Fact['kind'], Set<string>> = {
    translation: new Set(),
    definition: new Set(),
    'poem-line': new Set(),
  };

  add(kind: Fact['kind'], raw: RawFact, source: string): void {
    const key = normalise(raw.key).text;
    const value = normalise(raw.value).text;
    const known = this.#facts[kind];
    if (key === '' || value === '' || this.#ambiguous[kind].has(key)) return;
    const before = known.get(key);
    if (before !== undefined && before.value !== value) {
      known.delete(key);
      this.#ambiguous[kind].add(key);
    } else if (before === undefined && known.size < maxFactsPerKind) {
      known.set(key, { kind, key, value, source });
    }
  }

  counts(): Record<Fact['kind'], number> {
    const { translation, definition, 'poem-line': poemLine } = this.#facts;
    return { translation: translation.size, definition: definition.size, 'poem-line': poemLine.size };
  }

  *all(): Generator<Fact> {
    for (const known of Object.values(this.#facts)) yield* known.values();
  }
}

/** The facts of a built corpus. @throws UserError where it is none, or is damaged. */
export async function readFacts(path: string): Promise<Fact[]> {
  await readDataManifest(path);
  const facts: Fact[] = [];
  const file = join(path, factFile);
  for await (const { value, line } of readJsonl(file)) {
    const fact = factSchema.safeParse(value);
    if (!fact.success) throw new UserError({ what: 'this is no fact', where: `${file}:${line}` });
    facts.push(fact.data);
  }
  return facts;
}
