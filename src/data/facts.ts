// What the corpus states, for a teacher that may only look answers up. A key with two different values (a word with
// two senses, a line with two continuations) states nothing that could be checked, so it is skipped.
import { hash } from 'node:crypto';
import { UserError } from '../base/errors.js';
import { factsName } from '../base/layout.js';
import { normalise } from './clean.js';
import type { IdentitySet, IdentityStore } from './identity-set.js';
import { checkedFile } from './manifest.js';
import { readRows } from './rows.js';
import type { RawFact } from './sources/raw.js';
import { type Fact, factSchema } from './types.js';

/** Facts are kept in memory: more than these of one kind, and longer ones, are not collected. */
export const maxFactsPerKind = 250_000;
const maxFactCharacters = 1000;

type Kind = Fact['kind'];
const kinds = factSchema.shape.kind.options;

export class FactBook {
  readonly #facts = new Map<Kind, Map<string, Fact>>(kinds.map((kind) => [kind, new Map()]));
  // What was stated, as hashes: far more is stated than may be used.
  readonly #keys: IdentitySet;
  readonly #statements: IdentitySet;
  readonly #ambiguous: IdentitySet;

  constructor(identities: IdentityStore) {
    this.#keys = identities.open();
    this.#statements = identities.open();
    this.#ambiguous = identities.open();
  }

  /** Takes note of what a source states, in any document: also in those that the corpus does not show. */
  observe(kind: Kind, raw: RawFact): void {
    const { key, value } = cleanFact(raw);
    if (!this.#statements.add(identityOf(kind, key, value))) return;
    const subject = identityOf(kind, key);
    if (!this.#keys.add(subject)) this.#ambiguous.add(subject);
  }

  /** A fact that may be used, if nothing that was stated by the end contradicts it. */
  add(kind: Kind, raw: RawFact, source: string): void {
    this.observe(kind, raw);
    const { key, value } = cleanFact(raw);
    const known = this.#facts.get(kind);
    if (known === undefined || key === '' || value === '' || known.has(key) || known.size >= maxFactsPerKind) return;
    if (key.length + value.length > maxFactCharacters) return;
    known.set(key, { kind, key, value, source });
  }

  counts(): Record<Kind, number> {
    const counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
    for (const { kind } of this.all()) counts[kind]++;
    return counts;
  }

  *all(): Generator<Fact> {
    for (const known of this.#facts.values()) {
      for (const fact of known.values()) if (!this.#ambiguous.has(identityOf(fact.kind, fact.key))) yield fact;
    }
  }
}

function cleanFact({ key, value }: RawFact): RawFact {
  return { key: normalise(key).text, value: normalise(value).text };
}

function identityOf(...parts: string[]): Uint8Array {
  return hash('sha256', parts.join('\0'), 'buffer').subarray(0, 16);
}

/** The facts of a built corpus. @throws UserError where it is none, or is damaged. */
export async function readFacts(path: string): Promise<Fact[]> {
  const facts: Fact[] = [];
  const file = await checkedFile(path, factsName);
  for await (const { value, where } of readRows(file)) {
    const fact = factSchema.safeParse(value);
    if (!fact.success) throw new UserError({ what: 'this is no fact', where });
    facts.push(fact.data);
  }
  return facts;
}
