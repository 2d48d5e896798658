// Hugging Face's tokenizer.json, written and read. What is read came from outside: its size, its types and its
// consistency are checked, and every feature that we would run differently is refused by name.
import { z } from 'zod';
import { type Fault, UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';
import { isRecord } from '../base/objects.js';
import type { AddedToken } from './added-token-finder.js';
import { findNormalizer, type Normalize } from './normalizer.js';
import type { Merges } from './pair-ranks.js';
import { type Affixes, readAffixes } from './post-processor.js';
import { byteCharacters, byteOf, preTokenizerJson } from './pre-tokenizer.js';
import { findPreTokenizer, type PreTokenizer, preTokenizerNames } from './pre-tokenizers.js';

export const maxVocabSize = 1_000_000;
export const maxTokenLength = 4096;
/** Bytes of all tokens together. */
const maxTokenBytes = 1 << 26;

export const addedTokenSchema = z.looseObject({
  id: z.int().min(0).max(maxVocabSize),
  content: z.string().min(1).max(256),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
  special: z.boolean().default(true),
}) satisfies z.ZodType<AddedToken>;
export const maxAddedTokens = 10_000;

const unset = (feature: string) => z.null(`${feature} is not supported; only null is`).optional();
const off = (feature: string) => z.literal([false, null], `${feature} is not supported`).optional();

/** The two large tables, which are checked entry by entry where they are read. */
export const vocabSchema = z.custom<Record<string, unknown>>(isRecord, 'an object from tokens to ids was expected');
const mergesSchema = z.custom<readonly unknown[]>(
  (value) => Array.isArray(value) && value.length <= maxVocabSize,
  `a list of at most ${maxVocabSize} merges was expected`,
);

const schema = z.looseObject({
  // `truncation` and `padding` are settings of a batch that fine-tunes leave behind; transformers turns both off, too.
  added_tokens: z.array(addedTokenSchema).max(maxAddedTokens).default([]),
  normalizer: z.unknown().optional(),
  pre_tokenizer: z.unknown().optional(),
  post_processor: z.unknown().optional(),
  decoder: z.looseObject({
    type: z.literal(
      'ByteLevel',
      'this decoder is not supported; only ByteLevel is (SentencePiece models, as Llama 2 and TinyLlama, have another)',
    ),
  }),
  model: z.looseObject({
    type: z.literal('BPE', 'only BPE models are supported').optional(),
    dropout: z.literal([0, null], 'BPE dropout is not supported').optional(),
    unk_token: unset('unk_token'),
    continuing_subword_prefix: z.literal(['', null], 'continuing_subword_prefix is not supported').optional(),
    end_of_word_suffix: z.literal(['', null], 'end_of_word_suffix is not supported').optional(),
    byte_fallback: off('byte_fallback'),
    ignore_merges: z.boolean().nullish(),
    vocab: vocabSchema,
    merges: mergesSchema,
  }),
});

/** What a valid tokenizer.json says. Every id from 0 to `size - 1` has its bytes. */
export interface Vocabulary {
  size: number;
  /** All tokens one after the other; token i ends before `ends[i]`. */
  bytes: Uint8Array;
  ends: Uint32Array;
  /** [256]; -1 for a rare byte that has no token. */
  byteIds: Int32Array;
  merges: Merges;
  added: AddedToken[];
  normalize: Normalize;
  preTokenizer: PreTokenizer;
  affixes: Affixes;
  /** With `ignore_merges`: the tokens of `model.vocab` in the byte alphabet, which a whole piece may be at once. */
  wholePieces?: ReadonlyMap<string, number>;
}

/** Reads a parsed tokenizer.json; `where` names it in errors. Throws `UserError` with all faults of its shape. */
export function readVocabulary(json: unknown, where: string): Vocabulary {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new UserError(parsed.error.issues.slice(0, 10).map((issue) => toFault(issue, where)));
  const { added_tokens: added, model } = parsed.data;
  const ids = readIds(model.vocab, where);
  const normalize = supportedOnly(findNormalizer(parsed.data.normalizer), 'normalizer', ['none', 'NFC'], where);
  checkDistinct(added, normalize, where);
  return {
    ...readTokens(ids, added, where),
    byteIds: readByteIds(ids, where),
    merges: readMerges(model.merges, ids, where),
    added,
    normalize,
    preTokenizer: supportedOnly(findPreTokenizer(parsed.data.pre_tokenizer), 'pre_tokenizer', preTokenizerNames, where),
    affixes: supportedOnly(
      readAffixes(parsed.data.post_processor),
      'post_processor',
      ['ByteLevel', 'TemplateProcessing', 'a Sequence of these'],
      where,
    ),
    ...(model.ignore_merges ? { wholePieces: withoutAdded(ids, added) } : {}),
  };
}

function supportedOnly<T>(found: T | undefined, field: string, supported: readonly string[], where: string): T {
  if (found !== undefined) return found;
  throw new UserError({
    what: `this ${field} is not supported`,
    where,
    why: `supported are: ${supported.join(', ')}; another would give other ids`,
    next: 'Use a model with one of these, or train a tokenizer with mossctl tokenizer train',
  });
}

/** Which of two that are one text after normalization is meant, nothing says: in Hugging Face's library it is chance. */
function checkDistinct(added: readonly AddedToken[], normalize: Normalize, where: string): void {
  const found = new Map<string, string>();
  for (const { content, normalized } of added) {
    if (!normalized) continue;
    const other = found.get(normalize(content));
    found.set(normalize(content), content);
    if (other === undefined || other === content) continue;
    throw inconsistent(where, `the added tokens ${quoted(other)} and ${quoted(content)} are one text once normalized`);
  }
}

/** A piece of ordinary text must never become a token that was added. */
function withoutAdded(ids: ReadonlyMap<string, number>, added: readonly AddedToken[]): ReadonlyMap<string, number> {
  const pieces = new Map(ids);
  for (const { content } of added) pieces.delete(content);
  return pieces;
}

function toFault(issue: z.core.$ZodIssue, where: string): Fault {
  return { what: issue.message, where: `${where}: ${issue.path.join('.') || 'the top level'}` };
}

function inconsistent(where: string, why: string): UserError {
  return new UserError({ what: 'this tokenizer.json contradicts itself', where, why, next: 'Get or train it again' });
}

function readIds(vocab: Record<string, unknown>, where: string): Map<string, number> {
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > maxVocabSize) {
      throw new UserError({
        what: `an id from 0 to ${maxVocabSize} was expected`,
        where: `${where}: model.vocab.${shorten(token, 40)}`,
      });
    }
    ids.set(token, id as number);
  }
  if (ids.size > maxVocabSize) throw new UserError({ what: `more than ${maxVocabSize} tokens`, where });
  return ids;
}

function readTokens(ids: ReadonlyMap<string, number>, addedTokens: readonly AddedToken[], where: string) {
  const addedIds = new Map(addedTokens.map((token) => [token.content, token.id]));
  if (addedIds.size < addedTokens.length) throw inconsistent(where, 'two added tokens have the same content');
  for (const [content, added] of addedIds) {
    const id = ids.get(content) ?? added;
    if (id !== added) throw inconsistent(where, `token ${quoted(content)} has the ids ${added} and ${id}`);
  }
  // Hugging Face's library numbers those by their order, whatever ids they have.
  const others = addedTokens.filter(({ content }) => !ids.has(content));
  const early = others.find(({ id }, i) => i > 0 && id < others[i - 1].id);
  if (early !== undefined) {
    throw inconsistent(where, `added_tokens are not in the order of their ids: ${quoted(early.content)} comes late`);
  }
  const names: string[] = [];
  let count = 0;
  for (const table of [addedIds, ids]) {
    for (const [token, id] of table) {
      if (table === ids && addedIds.has(token)) continue;
      if (token.length > maxTokenLength) throw inconsistent(where, `token ${id} is ${token.length} characters long`);
      if (names[id] !== undefined) throw inconsistent(where, `two tokens have the id ${id}`);
      names[id] = token;
      count++;
    }
  }
  let total = 0;
  for (let id = 0; id < count; id++) {
    if (names[id] === undefined) throw inconsistent(where, `it has ${count} tokens, but none with the id ${id}`);
    total += addedIds.has(names[id]) ? Buffer.byteLength(names[id]) : names[id].length;
  }
  if (total > maxTokenBytes) throw inconsistent(where, `its tokens have more than ${maxTokenBytes} bytes`);
  return { size: count, ...packTokens(names, addedIds, total, where) };
}

/** The bytes of all tokens, one after the other: an array of a hundred thousand small ones would be slow and large. */
function packTokens(names: readonly string[], added: ReadonlyMap<string, number>, total: number, where: string) {
  const bytes = new Uint8Array(total);
  const ends = new Uint32Array(names.length);
  const encoder = new TextEncoder();
  let end = 0;
  for (const [id, token] of names.entries()) {
    if (added.has(token)) {
      end += encoder.encodeInto(token, bytes.subarray(end)).written;
    } else {
      for (let i = 0; i < token.length; i++) {
        const byte = byteOf(token.charCodeAt(i));
        if (byte < 0) throw inconsistent(where, `token ${quoted(token)} has characters outside the byte alphabet`);
        bytes[end++] = byte;
      }
      if (token === '') throw inconsistent(where, `token ${id} is empty`);
    }
    ends[id] = end;
  }
  return { bytes, ends };
}

function readByteIds(ids: ReadonlyMap<string, number>, where: string): Int32Array {
  return Int32Array.from(byteCharacters, (character, byte) => {
    const id = ids.get(character);
    if (id === undefined && !isRare(byte)) {
      throw inconsistent(where, `it has no token for byte ${byte}, so text would be lost`);
    }
    return id ?? -1;
  });
}

/**
 * Bytes that no written language needs: control characters, those that UTF-8 never uses, and the first bytes of planes
 * without a character. A vocabulary learnt without an alphabet lacks some (SmolLM2's 0x04 and 0xF1, for example).
 */
function isRare(byte: number): boolean {
  const isControl = byte < 0x20 && ![9, 10, 13].includes(byte);
  return isControl || byte === 0x7f || byte === 0xc0 || byte === 0xc1 || (byte > 0xf0 && byte !== 0xf3);
}

function readMerges(rules: readonly unknown[], ids: ReadonlyMap<string, number>, where: string): Merges {
  const left = new Int32Array(rules.length);
  const right = new Int32Array(rules.length);
  const result = new Int32Array(rules.length);
  const seen = new Set<number>();
  const idOf = (token: string, rank: number): number => {
    const id = ids.get(token);
    if (id === undefined) throw inconsistent(where, `merge ${rank} needs token ${quoted(token)}, which is not there`);
    return id;
  };
  for (const [rank, rule] of rules.entries()) {
    const pair: unknown = typeof rule === 'string' ? rule.split(' ', 3) : rule;
    if (!isPair(pair)) throw inconsistent(where, `merge ${rank} is no pair of tokens`);
    left[rank] = idOf(pair[0], rank);
    right[rank] = idOf(pair[1], rank);
    result[rank] = idOf(pair[0] + pair[1], rank);
    if (seen.size === seen.add(left[rank] * 2 ** 20 + right[rank]).size) {
      throw inconsistent(where, `merge ${rank}, ${quoted(pair.join(' '))}, comes twice`);
    }
  }
  return { left, right, result };
}

function isPair(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((token) => typeof token === 'string' && token.length <= maxTokenLength)
  );
}

function quoted(text: string): string {
  return JSON.stringify(shorten(text, 40));
}

export type AddedContent = Pick<AddedToken, 'content' | 'special'>;

/**
 * The tokenizer.json of a vocabulary: added tokens, then the 256 bytes, then one token for each new merge result.
 * `tokens[id]` in the byte alphabet for ids from 0; the first are the added ones, as they are.
 */
export function writeTokenizerJson(
  added: readonly AddedContent[],
  tokens: readonly string[],
  merges: readonly (readonly [string, string])[],
): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.map(({ content, special }, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special,
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
