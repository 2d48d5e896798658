// Which tokens of a foreign model end an answer and which one pads: config.json, generation_config.json and the
// tokenizer's files each say a part of it, and often not the same.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { formatCount } from '../base/format.js';
import { configName, generationConfigName, tokenizerJsonName } from '../base/layout.js';
import { tokenId } from '../config/model.js';
import { byteOf } from '../tokenizer/pre-tokenizer.js';
import type { TokenizerFiles } from '../tokenizer/tokenizer-files.js';
import type { ForeignConfig } from './hf-config.js';
import { firstIssue } from './manifest.js';

/** What the tokenizer's files say; how text becomes ids is for the tokenizer itself to read. */
interface TokenNames {
  /** By id: vocabulary and added tokens. */
  tokens: ReadonlyMap<number, { content: string; isAdded: boolean }>;
  /** The largest id of them. */
  largest: { id: number; content: string };
  /** Added tokens that are marked special, in id order. */
  special: { id: number; content: string }[];
  eos: number | undefined;
  pad: number | undefined;
}

export interface ForeignTokens {
  /** For config.json. */
  configEos: number;
  /** Every token that ends an answer; first the tokenizer's own choice, where it is one of those that do. */
  eosTokenIds: number[];
  padTokenId: number;
  /** null: none. */
  bosTokenId: number | null;
  /** Ids that are not used because no token has them, and ends of text that are ordinary pieces of text. */
  notes: string[];
}

const addedToken = z.looseObject({ id: tokenId, content: z.string(), special: z.boolean().default(true) });
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedToken).max(100_000).default([]),
  model: z.looseObject({ vocab: z.record(z.string(), tokenId) }),
});

/** @throws UserError where it is not a tokenizer with a vocabulary by token. */
export function readTokens({ json, roles }: Pick<TokenizerFiles, 'json' | 'roles'>, directory: string): TokenNames {
  const path = `${directory}/${tokenizerJsonName}`;
  const unsupported = (where: string, why: string): UserError =>
    new UserError({
      what: 'this tokenizer is not supported',
      where,
      why,
      next: 'Use a model with a byte-level BPE tokenizer, as Llama 3, Qwen2 and Qwen3 have',
    });
  const parsed = tokenizerSchema.safeParse(json);
  if (!parsed.success) throw unsupported(path, firstIssue(parsed.error));
  const { added_tokens: added, model } = parsed.data;
  const idOf = (content: string | undefined): number | undefined => {
    if (content === undefined) return undefined;
    const inVocabulary = Object.hasOwn(model.vocab, content) ? model.vocab[content] : undefined;
    return added.find((token) => token.content === content)?.id ?? inVocabulary;
  };
  const tokens = new Map<number, { content: string; isAdded: boolean }>();
  for (const [content, id] of Object.entries(model.vocab)) tokens.set(id, { content, isAdded: false });
  for (const { id, content } of added) tokens.set(id, { content, isAdded: true });
  let last = -1;
  for (const id of tokens.keys()) if (id > last) last = id;
  return {
    tokens,
    largest: { id: last, content: tokens.get(last)?.content ?? '' },
    special: added.filter((token) => token.special).sort((a, b) => a.id - b.id),
    eos: idOf(roles.eos),
    pad: idOf(roles.pad),
  };
}

/** @throws UserError where no file names a token that ends text, or a token has no row in the embedding. */
export function chooseTokens(
  config: ForeignConfig,
  generation: { eos: readonly number[]; pad: number | undefined },
  names: TokenNames,
  directory: string,
): ForeignTokens {
  if (names.largest.id >= config.vocab_size) {
    throw new UserError({
      what: `the tokenizer has ids up to ${names.largest.id} (${JSON.stringify(names.largest.content.slice(0, 80))}), the model only up to ${config.vocab_size - 1}`,
      where: directory,
      why: `config.json says vocab_size ${config.vocab_size}`,
      next: 'Use the tokenizer that belongs to the model, or give the embedding rows for the tokens that were added',
    });
  }
  const notes: string[] = [];
  const [count, has] = [formatCount(names.tokens.size), (id: number): boolean => names.tokens.has(id)];
  /** Those that are tokens; the others are named. */
  const existing = (ids: readonly number[], file: string, verb: string): number[] => {
    const absent = ids.filter((id) => !has(id));
    const them = absent.length === 1 ? 'it is' : 'they are';
    if (absent.length > 0)
      notes.push(`${file} ${verb} ${absent.join(' and ')}, the model has ${count} tokens: ${them} not used`);
    return ids.filter(has);
  };
  const isOrdinary = (id: number): boolean => names.tokens.get(id)?.isAdded === false && id !== names.eos;
  const generated = existing(generation.eos, generationConfigName, 'ends answers with');
  const configured = existing(config.assumed.eos ? [] : config.eosTokenIds, configName, 'ends text with');
  const assumed = config.assumed.eos ? config.eosTokenIds.filter(has) : [];
  const own = names.eos === undefined ? [] : [names.eos];
  const candidates = [generated, configured, ...(assumed.some(isOrdinary) ? [own, assumed] : [assumed, own])];
  const ends = candidates.find((ids) => ids.length > 0) ?? [];
  if (ends.length === 0) {
    throw new UserError({
      what: 'nothing says which token ends a text',
      where: directory,
      why:
        notes.length > 0
          ? `${notes.join('; ')}, and tokenizer_config.json has no eos_token`
          : 'neither config.json nor generation_config.json has eos_token_id, nor tokenizer_config.json an eos_token',
      next: 'Add "eos_token_id" to config.json',
    });
  }
  const eosTokenId = names.eos !== undefined && ends.includes(names.eos) ? names.eos : ends[0];
  const show = (id: number): string => `${pieceText(names.tokens.get(id))} (${id})`;
  if (notes.length > 0) notes.push(`${notes.splice(0).join('; ')}; answers end with ${ends.map(show).join(' and ')}`);
  const ordinary = ends.filter(isOrdinary);
  if (ordinary.length > 0) {
    const file = ends === generated ? generationConfigName : configName;
    const origin = ends === assumed ? 'the default of LlamaConfig, where no file names one' : `as ${file} says`;
    notes.push(
      `answers end with ${ordinary.map(show).join(' and ')}, ${origin}; that is an ordinary piece of text, so an answer ends wherever it is written. "eos_token_id" in config.json names another`,
    );
  }
  const bos = config.bos_token_id;
  const [begin] =
    bos === null
      ? []
      : config.assumed.bos
        ? [bos].filter((id) => has(id) && !isOrdinary(id))
        : existing([bos], configName, 'begins text with');
  const pad = (id: number | undefined, file: string) => existing(id === undefined ? [] : [id], file, 'pads with')[0];
  const pads = {
    configured: pad(config.padTokenId, configName),
    generated: pad(generation.pad, generationConfigName),
    bos: begin,
  };
  return {
    configEos: configured[0] ?? assumed.find((id) => !isOrdinary(id)) ?? eosTokenId,
    eosTokenIds: [...new Set([eosTokenId, ...ends])],
    padTokenId: padOf(pads, names, eosTokenId, ends),
    bosTokenId: begin ?? null,
    notes,
  };
}

/** A piece of a byte-level vocabulary as text; bytes that are none as numbers. */
function pieceText({ content, isAdded } = { content: '', isAdded: true }): string {
  if (isAdded) return content.slice(0, 80);
  const bytes = Array.from(content, (character) => byteOf(character.charCodeAt(0)));
  if (bytes.some((byte) => byte < 0)) return content.slice(0, 80);
  const text = Buffer.from(bytes).toString();
  const isText = !/[\p{Cc}\ufffd]/u.test(text);
  if (isText) return JSON.stringify(text.slice(0, 80));
  return bytes.map((byte) => `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(' ');
}

/**
 * As config.json says; else what the other files name, if that does not also end answers; else a token that no text
 * holds. Padding with the end token makes other tools mask the very token that a model must learn.
 */
function padOf(
  { configured, generated, bos }: { configured?: number; generated?: number; bos?: number },
  names: TokenNames,
  eos: number,
  ends: readonly number[],
): number {
  if (configured !== undefined) return configured;
  const declared = [generated, names.pad].find((pad) => pad !== undefined && pad !== eos);
  if (declared !== undefined) return declared;
  const unused = names.special.filter((token) => !ends.includes(token.id) && token.id !== bos);
  for (const pattern of [/pad/i, /reserved|unused/i, /^<unk>$/]) {
    const found = unused.find(({ content }) => pattern.test(content));
    if (found !== undefined) return found.id;
  }
  // An ordinary piece of text pads nothing, even where it ends answers.
  return names.tokens.get(eos)?.isAdded === false ? (names.eos ?? eos) : eos;
}
