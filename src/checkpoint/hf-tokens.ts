// Which tokens of a foreign model end an answer and which one pads: config.json, generation_config.json and the
// tokenizer's files each say a part of it, and often not the same.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { specialTokensMapName, tokenizerConfigName, tokenizerJsonName } from '../base/layout.js';
import { tokenId } from '../config/model.js';
import { readRoles } from '../tokenizer/roles.js';
import type { ForeignConfig } from './hf-config.js';
import { parseJson, parseJsonAs } from './manifest.js';

/** What the tokenizer's files say; how text becomes ids is for the tokenizer itself to read. */
interface TokenNames {
  /** The largest id, over vocabulary and added tokens. */
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
}

const addedToken = z.looseObject({ id: tokenId, content: z.string(), special: z.boolean().default(true) });
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(addedToken).max(100_000).default([]),
  model: z.looseObject({ vocab: z.record(z.string(), tokenId) }),
});

/** @throws UserError where a file is not JSON or not a tokenizer with a vocabulary by token. */
export function readTokens(files: Readonly<Record<string, string>>, directory: string): TokenNames {
  const path = `${directory}/${tokenizerJsonName}`;
  const unsupported = (where: string, why: string): UserError =>
    new UserError({
      what: 'this tokenizer is not supported',
      where,
      why,
      next: 'Use a model with a byte-level BPE tokenizer, as Llama 3, Qwen2 and Qwen3 have',
    });
  const { added_tokens: added, model } = parseJsonAs(
    tokenizerSchema,
    files[tokenizerJsonName] ?? '',
    path,
    unsupported,
  );
  const idOf = (content: string | undefined): number | undefined => {
    if (content === undefined) return undefined;
    const inVocabulary = Object.hasOwn(model.vocab, content) ? model.vocab[content] : undefined;
    return added.find((token) => token.content === content)?.id ?? inVocabulary;
  };
  const [config, map] = [tokenizerConfigName, specialTokensMapName].map((name) =>
    parseJson(files[name] ?? '{}', `${directory}/${name}`),
  );
  const roles = readRoles(config, map);
  let largest = { id: -1, content: '' };
  for (const [content, value] of Object.entries(model.vocab)) if (value > largest.id) largest = { id: value, content };
  for (const token of added) if (token.id > largest.id) largest = token;
  return {
    largest,
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
  const listed = generation.eos.length > 0 ? generation.eos : config.eosTokenIds;
  const ends = listed.length > 0 ? listed : names.eos === undefined ? [] : [names.eos];
  if (ends.length === 0) {
    throw new UserError({
      what: 'nothing says which token ends a text',
      where: directory,
      why: 'neither config.json nor generation_config.json has eos_token_id, nor tokenizer_config.json an eos_token',
      next: 'Add "eos_token_id" to config.json',
    });
  }
  const eosTokenId = names.eos !== undefined && ends.includes(names.eos) ? names.eos : ends[0];
  return {
    configEos: config.eosTokenIds[0] ?? eosTokenId,
    eosTokenIds: [...new Set([eosTokenId, ...ends])],
    padTokenId: padOf(config, generation.pad, names, eosTokenId, ends),
  };
}

/**
 * As config.json says; else what the other files name, if that does not also end answers; else a token that no text
 * holds. Padding with the end token makes other tools mask the very token that a model must learn.
 */
function padOf(
  config: ForeignConfig,
  generated: number | undefined,
  names: TokenNames,
  eos: number,
  ends: readonly number[],
): number {
  const fits = (pad: number | undefined): pad is number => pad !== undefined && pad < config.vocab_size;
  if (fits(config.padTokenId)) return config.padTokenId;
  const declared = [generated, names.pad].find((pad) => fits(pad) && pad !== eos);
  if (declared !== undefined) return declared;
  const unused = names.special.filter((token) => !ends.includes(token.id) && token.id !== config.bos_token_id);
  for (const pattern of [/pad/i, /reserved|unused/i, /^<unk>$/]) {
    const found = unused.find(({ content }) => pattern.test(content));
    if (found !== undefined) return found.id;
  }
  return eos;
}
