// The added tokens of a folder. tokenizer.json has a table of them; the files beside it name more, or other flags for the
// same. What transformers 5.24 makes of them is done here as it does it (tokenization_utils_base.py, `_from_pretrained`;
// tokenization_utils_tokenizers.py, `__init__`; the Rust library's `add_tokens`). No file but tokenizer.json has a say in
// ids: a token keeps the one that it has there, or gets the next.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';
import { addedTokensName, tokenizerConfigName } from '../base/layout.js';
import type { AddedToken } from './added-token-finder.js';
import {
  andMore,
  flagsSchema,
  listsAdded,
  type NamedToken,
  readNamed,
  type TokenFlags,
  textOf,
} from './named-tokens.js';
import type { RoleTokens } from './roles.js';
import { addedTokenSchema, maxAddedTokens, vocabSchema } from './tokenizer-json.js';

const isBounded = (table: object): boolean => Object.keys(table).length <= maxAddedTokens;
const decoderSchema = z.record(z.string().regex(/^\d{1,7}$/), flagsSchema).refine(isBounded);
const encoderSchema = z.record(z.string().min(1).max(256), z.int().min(0).max(0x7fffffff)).refine(isBounded);

const tableSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).max(maxAddedTokens).default([]),
  padding: z
    .looseObject({ pad_token: z.string().min(1).max(256).optional() })
    .nullish()
    .catch(undefined),
  model: z.looseObject({ vocab: vocabSchema }),
});

export interface TokenizerSources {
  /** Parsed tokenizer.json; tokenizer_config.json, special_tokens_map.json, added_tokens.json where they are there. */
  json: unknown;
  config?: unknown;
  map?: unknown;
  encoder?: unknown;
  /** Of the class that transformers takes: the named tokens that no file mentions. */
  defaults?: Readonly<Record<string, string>>;
  /** Of the embedding, where there is one: a token beyond could not be read. */
  rows?: number;
  /** For a class that takes nothing but the vocabulary from tokenizer.json; `namesSpecial`: it makes all named ones special. */
  rebuilt?: { namesSpecial: boolean };
}

export interface CompleteTokenizer {
  /** tokenizer.json with all added tokens: the same object where it has them already. */
  json: unknown;
  roles: RoleTokens;
  /** What a person must know, a sentence each. */
  notes: string[];
}

/** @throws UserError where a file beside tokenizer.json is malformed. */
export function completeTokenizer(sources: TokenizerSources, directory: string): CompleteTokenizer {
  const table = tableSchema.safeParse(sources.json);
  const padding = table.data?.padding?.pad_token;
  const defaults = { ...(padding !== undefined && { pad_token: padding }), ...sources.defaults };
  const { named, extra, notes, ...read } = readNamed({ ...sources, defaults }, directory);
  const role = (name: string): string | undefined => {
    const found = named.get(`${name}_token`);
    return found === undefined ? undefined : textOf(found);
  };
  const roles = { bos: role('bos'), eos: role('eos'), pad: role('pad'), unk: role('unk') };
  if (!table.success) return { json: sources.json, roles, notes }; // whoever reads it says what is wrong
  const own = table.data.added_tokens;
  const kept = sources.rebuilt === undefined ? own : [];
  const numbering = new Numbering(table.data.model.vocab, sources.rows);
  for (const token of kept) numbering.add(token, { own: token.id });
  const declared = declaredTokens(sources, { own, special: read.special, directory });
  const names = new Set([...named.values()].map(textOf));
  const isNamed = (token: TokenFlags): TokenFlags => ({ ...token, special: token.special || names.has(token.content) });
  for (const token of declared) numbering.add(isNamed(token), { says: token.id });
  const known = new Set([...kept, ...declared].map(({ content }) => content));
  const others = distinct([...named.values(), ...extra]);
  const special = (content: string): TokenFlags => ({ ...plain, content, special: true });
  for (const token of others.filter((each) => !known.has(textOf(each)))) {
    numbering.add(typeof token === 'string' ? special(token) : isNamed(token));
  }
  if (sources.rebuilt?.namesSpecial) for (const token of others) numbering.add(special(textOf(token)));
  notes.push(...numbering.notes(listsAdded(sources.config) ? tokenizerConfigName : addedTokensName));
  const all = numbering.tokens();
  const isSame = JSON.stringify(all) === JSON.stringify(inOrder(own.map(onlyKnown)));
  return { json: isSame ? sources.json : { ...(sources.json as object), added_tokens: all }, roles, notes };
}

const plain = { single_word: false, lstrip: false, rstrip: false };

/** In the order of the ids that the files give them. */
function declaredTokens(
  { config, encoder }: TokenizerSources,
  { own, special, directory }: { own: readonly AddedToken[]; special: ReadonlySet<string>; directory: string },
): (TokenFlags & { id: number })[] {
  if (listsAdded(config)) {
    const { added_tokens_decoder: listed } = config as { added_tokens_decoder: unknown };
    const decoder = readAs(decoderSchema, listed, `${directory}/${tokenizerConfigName}: added_tokens_decoder`);
    return inOrder(Object.entries(decoder).map(([id, token]) => ({ ...token, id: Number(id) })));
  }
  const byId = new Map<number, TokenFlags & { id: number }>();
  for (const [content, id] of Object.entries(readAs(encoderSchema, encoder ?? {}, `${directory}/${addedTokensName}`))) {
    const isSpecial = special.has(content);
    byId.set(id, { ...plain, id, content, normalized: !isSpecial, special: isSpecial });
  }
  for (const token of own) byId.set(token.id, token);
  return inOrder([...byId.values()]);
}

function inOrder<T extends { id: number }>(tokens: readonly T[]): T[] {
  return [...tokens].sort((a, b) => a.id - b.id);
}

function distinct(tokens: readonly NamedToken[]): NamedToken[] {
  return [...new Map(tokens.map((token) => [JSON.stringify(token), token])).values()];
}

function onlyKnown({ id, content, single_word, lstrip, rstrip, normalized, special }: AddedToken): AddedToken {
  return { id, content, single_word, lstrip, rstrip, normalized, special };
}

/** Gives ids as the Rust library does. */
class Numbering {
  readonly #vocab: Readonly<Record<string, unknown>>;
  readonly #rows: number;
  readonly #tokens = new Map<string, AddedToken>();
  readonly #beyond = new Map<string, number>();
  readonly #misplaced: { content: string; says: number; id: number }[] = [];
  #vocabSize: number | undefined;
  #largest = -1;

  constructor(vocab: Readonly<Record<string, unknown>>, rows = Number.POSITIVE_INFINITY) {
    this.#vocab = vocab;
    this.#rows = rows;
  }

  /** `own`: the id in tokenizer.json; `says`: the one that a file beside it gives. */
  add(token: TokenFlags, { own, says }: { own?: number; says?: number } = {}): void {
    const { content } = token;
    const old = this.#tokens.get(content);
    const id = own ?? old?.id ?? this.#inVocabulary(content) ?? this.#beyond.get(content) ?? this.#next();
    if (says !== undefined && says !== id) this.#misplaced.push({ content, says, id });
    if (own === undefined && id >= this.#rows) {
      this.#beyond.set(content, id);
      return;
    }
    const normalized = token.normalized ?? !token.special;
    // Once special, always: the library keeps their contents in a set.
    const special = token.special || old?.special === true;
    this.#tokens.set(content, onlyKnown({ ...token, id, normalized, special }));
    this.#largest = Math.max(this.#largest, id);
  }

  tokens(): AddedToken[] {
    return inOrder([...this.#tokens.values()]);
  }

  notes(file: string): string[] {
    const notes: string[] = [];
    const [wrong] = this.#misplaced;
    if (wrong !== undefined) {
      notes.push(
        `${file} gives ${quoted(wrong.content)} the id ${wrong.says}, by tokenizer.json it is ${wrong.id}${andMore(this.#misplaced.length)}: the latter counts, as in transformers`,
      );
    }
    const [lost] = this.#beyond;
    if (lost !== undefined) {
      notes.push(
        `the files beside tokenizer.json add ${quoted(lost[0])} as token ${lost[1]}${andMore(this.#beyond.size)}, but the model has ${this.#rows} rows: it stays ordinary text`,
      );
    }
    return notes;
  }

  #inVocabulary(content: string): number | undefined {
    const id = Object.hasOwn(this.#vocab, content) ? this.#vocab[content] : undefined;
    return typeof id === 'number' ? id : undefined;
  }

  #next(): number {
    this.#vocabSize ??= Object.keys(this.#vocab).length;
    return Math.max(this.#largest + 1, this.#vocabSize) + this.#beyond.size;
  }
}

function quoted(text: string): string {
  return JSON.stringify(shorten(text, 40));
}

function readAs<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError({
    what: 'this table of added tokens cannot be read',
    where: [where, ...issue.path].join('.'),
    why: issue.message,
    next: 'Correct it, or save the tokenizer again with transformers',
  });
}
