// Hugging Face's tokenizer.json, written and read. What is read came from outside: its size, its types and its
// consistency are checked, and every feature that we would run differently is refused by name.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Fault, UserError } from '../base/errors.js';
import type { Merges } from './bpe.js';
import { byteCharacters, preTokenizerJson, tokenBytes } from './pre-tokenizer.js';
import { specialTokenList } from './special-tokens.js';

export const maxVocabSize = 1_000_000;
const maxTokenLength = 4096;

const addedTokenSchema = z.looseObject({
  id: z.int().min(0).max(maxVocabSize),
  content: z.string().min(1).max(256),
  single_word: z.literal(false, 'single_word tokens are not supported').default(false),
  lstrip: z.literal(false, 'lstrip tokens are not supported').default(false),
  rstrip: z.literal(false, 'rstrip tokens are not supported').default(false),
  special: z.boolean().default(true),
});

const unset = (feature: string) => z.null(`${feature} is not supported; only null is`).optional();
const off = (feature: string) => z.literal([false, null], `${feature} is not supported`).optional();
const byteLevel = (field: string) =>
  z.looseObject({ type: z.literal('ByteLevel', `this ${field} is not supported; only ByteLevel is`) });

const schema = z.looseObject({
  truncation: unset('truncation'),
  padding: unset('padding'),
  added_tokens: z.array(addedTokenSchema).max(10_000).default([]),
  normalizer: unset('a normalizer'),
  pre_tokenizer: z.unknown(),
  post_processor: byteLevel('post_processor').nullish(),
  decoder: byteLevel('decoder'),
  model: z.looseObject({
    type: z.literal('BPE', 'only BPE models are supported').optional(),
    dropout: z.literal([0, null], 'BPE dropout is not supported').optional(),
    unk_token: unset('unk_token'),
    continuing_subword_prefix: z.literal(['', null], 'continuing_subword_prefix is not supported').optional(),
    end_of_word_suffix: z.literal(['', null], 'end_of_word_suffix is not supported').optional(),
    byte_fallback: off('byte_fallback'),
    ignore_merges: off('ignore_merges'),
    vocab: z.record(z.string(), z.int().min(0).max(maxVocabSize)),
    merges: z.array(z.union([z.string().max(2 * maxTokenLength), z.tuple([z.string(), z.string()])])).max(maxVocabSize),
  }),
});

export interface AddedToken {
  id: number;
  content: string;
  special: boolean;
}

/** What a valid tokenizer.json says. Every id from 0 to `bytes.length - 1` has its bytes. */
export interface Vocabulary {
  bytes: Uint8Array[];
  byteIds: Int32Array;
  merges: Merges;
  added: AddedToken[];
}

/** Reads a parsed tokenizer.json; `where` names it in errors. Throws `UserError` with all faults of its shape. */
export function readVocabulary(json: unknown, where: string): Vocabulary {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new UserError(parsed.error.issues.slice(0, 10).map((issue) => toFault(issue, where)));
  const { added_tokens: added, model, pre_tokenizer: preTokenizer } = parsed.data;
  if (!isDeepStrictEqual(preTokenizer, preTokenizerJson)) {
    throw new UserError({
      what: 'this pre_tokenizer is not supported',
      where,
      why: 'only the deepseek-v3 set (three Splits, then ByteLevel) is, and other cuts would give other ids',
      next: 'Train a tokenizer with mossctl tokenizer train',
    });
  }
  const ids = new Map(Object.entries(model.vocab));
  const bytes = readTokens(ids, added, where);
  return { bytes, byteIds: readByteIds(ids, where), merges: readMerges(model.merges, ids, where), added };
}

function toFault(issue: z.core.$ZodIssue, where: string): Fault {
  return { what: issue.message, where: `${where}: ${issue.path.join('.') || 'the top level'}` };
}

function inconsistent(where: string, why: string): UserError {
  return new UserError({ what: 'this tokenizer.json contradicts itself', where, why, next: 'Get or train it again' });
}

function readTokens(ids: ReadonlyMap<string, number>, addedTokens: readonly AddedToken[], where: string): Uint8Array[] {
  const contents = new Map(addedTokens.map((token) => [token.content, token.id]));
  if (contents.size < addedTokens.length) throw inconsistent(where, 'two added tokens have the same content');
  const all = new Map<number, Uint8Array>();
  const put = (id: number, token: string, bytes: Uint8Array | undefined): void => {
    if (bytes === undefined || token === '') {
      throw inconsistent(where, `token ${show(token)} has characters outside the byte alphabet`);
    }
    if (all.has(id)) throw inconsistent(where, `two tokens have the id ${id}`);
    all.set(id, bytes);
  };
  for (const { id, content } of addedTokens) put(id, content, Buffer.from(content));
  for (const [token, id] of ids) {
    if (token.length > maxTokenLength) throw inconsistent(where, `token ${id} is ${token.length} characters long`);
    const added = contents.get(token);
    if (added === undefined) put(id, token, tokenBytes(token));
    else if (added !== id) throw inconsistent(where, `token ${show(token)} has the ids ${added} and ${id}`);
  }
  return Array.from({ length: all.size }, (_, id) => {
    const bytes = all.get(id);
    if (bytes === undefined) throw inconsistent(where, `it has ${all.size} tokens, but none with the id ${id}`);
    return bytes;
  });
}

function readByteIds(ids: ReadonlyMap<string, number>, where: string): Int32Array {
  return Int32Array.from(byteCharacters, (character, byte) => {
    const id = ids.get(character);
    if (id === undefined) throw inconsistent(where, `it has no token for byte ${byte}, so text would be lost`);
    return id;
  });
}

function readMerges(rules: readonly (string | [string, string])[], ids: ReadonlyMap<string, number>, where: string) {
  const left = new Int32Array(rules.length);
  const right = new Int32Array(rules.length);
  const result = new Int32Array(rules.length);
  const seen = new Set<string>();
  const idOf = (token: string, rank: number): number => {
    const id = ids.get(token);
    if (id === undefined) throw inconsistent(where, `merge ${rank} needs token ${show(token)}, which is not there`);
    return id;
  };
  for (const [rank, rule] of rules.entries()) {
    const pair = typeof rule === 'string' ? rule.split(' ') : rule;
    const key = pair.join(' ');
    if (pair.length !== 2 || seen.has(key)) {
      throw inconsistent(where, `merge ${rank}, ${show(key)}, is no pair or comes twice`);
    }
    seen.add(key);
    left[rank] = idOf(pair[0], rank);
    right[rank] = idOf(pair[1], rank);
    result[rank] = idOf(pair[0] + pair[1], rank);
  }
  return { left, right, result };
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/**
 * The tokenizer.json of a vocabulary: special tokens, then the 256 bytes, then one token for each new merge result.
 * `tokens[id]` in the byte alphabet for ids from 0; the first ones are the special tokens as they are.
 */
export function writeTokenizerJson(tokens: readonly string[], merges: readonly (readonly [string, string])[]): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokenList.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: preTokenizerJson,
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map(([left, right]) => `${left} ${right}`),
    },
  };
}
