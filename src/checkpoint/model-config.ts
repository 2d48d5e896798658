// config.json and generation_config.json as we write them, in the field names of Hugging Face. Both spellings that
// transformers has used for the rotary embedding and the dtype are written, so that old and new readers agree.
// Our own are read strictly; third-party ones through hf-config.ts, which fills in what is absent.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';
import { isRecord } from '../base/objects.js';
import { isRewardModel, type ModelConfig, modelConfigSchema, tokenId } from '../config/model.js';
import type { FloatDtype } from './float16.js';
import { canonicalJson, damagedFile, parseJson, parseJsonAs } from './manifest.js';

export const embeddingName = 'model.embed_tokens.weight';

const generationSchema = z.object({ eos_token_id: z.union([tokenId, z.array(tokenId).min(1).max(1000)]) });

const fraction = z.number().min(0).max(1);
const count = z.int().min(0).max(1e9);
/** Some tools write -1 for all tokens. */
const countOrAll = z.int().min(-1e9).max(1e9);

/** What is known of sampling, and what such a field may be. */
const samplingFields = {
  do_sample: z.boolean(),
  temperature: z.number().min(0).max(100),
  // 0 would divide by nothing; transformers refuses it too.
  repetition_penalty: z.number().positive().max(100),
  ...{ top_p: fraction, min_p: fraction, typical_p: fraction },
  ...{ top_k: countOrAll, max_new_tokens: count, max_length: count },
};
type SamplingDefaults = { [Name in keyof typeof samplingFields]?: z.output<(typeof samplingFields)[Name]> };

/**
 * How a model's makers would have it sampled: generation_config.json without the ids of bos, eos and pad. Fields that are not
 * known are kept for other tools.
 */
export type GenerationConfig = Readonly<SamplingDefaults & Record<string, unknown>>;

const torchNames = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const satisfies Record<FloatDtype, string>;

/** The text of config.json, for weights stored as `dtype`. */
export function modelConfigText(model: ModelConfig, dtype: FloatDtype = 'f32'): string {
  const { rope_theta, ...scaling } = model.rope_parameters;
  return canonicalJson({
    ...model,
    hidden_act: 'silu',
    rope_theta,
    rope_scaling: scaling.rope_type === 'default' ? null : scaling,
    torch_dtype: torchNames[dtype],
    dtype: torchNames[dtype],
    ...(isRewardModel(model) ? { num_labels: 1, id2label: { 0: 'LABEL_0' }, label2id: { LABEL_0: 0 } } : {}),
  });
}

/** The text of generation_config.json: where generation ends, and how it samples. */
export function generationConfigText(
  model: ModelConfig,
  eosTokenIds: readonly number[],
  generationConfig: GenerationConfig = {},
): string {
  return canonicalJson({
    ...generationConfig,
    bos_token_id: model.bos_token_id,
    eos_token_id: eosTokenIds.length === 1 ? eosTokenIds[0] : eosTokenIds,
    pad_token_id: model.pad_token_id,
  });
}

/** Our own config.json. @throws UserError naming the field that is missing or out of bounds. */
export function parseModelConfig(text: string, path: string): ModelConfig {
  return parseJsonAs(modelConfigSchema, text, path);
}

/** Our own generation_config.json: the ids that end generation, the most frequent one first, and the rest of it. */
export function parseGenerationConfig(text: string, path: string) {
  const eosTokenIds = [parseJsonAs(generationSchema, text, path).eos_token_id].flat();
  return { eosTokenIds, generationConfig: parseGenerationFields(text, path).generationConfig };
}

/** Anyone's generation_config.json. `skipped`: fields that hold what is no value for them, as `name value`. */
export function parseGenerationFields(text: string, path: string) {
  const value = parseJson(text, path);
  const kept: [string, unknown][] = [];
  const skipped: string[] = [];
  for (const [name, field] of Object.entries(isRecord(value) ? value : {})) {
    if (['bos_token_id', 'eos_token_id', 'pad_token_id'].includes(name) || field === null) continue;
    const schema = Object.hasOwn(samplingFields, name) ? samplingFields[name as keyof SamplingDefaults] : undefined;
    if (isJson(field) && (schema === undefined || schema.safeParse(field).success)) kept.push([name, field]);
    else skipped.push(`${name} ${shorten(JSON.stringify(field), 40)}`);
  }
  return { generationConfig: Object.fromEntries(kept) as GenerationConfig, skipped };
}

/** Whether it can be written as it is: JSON.parse makes infinity of 1e999. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isJson);
}

/** @throws UserError where an id that ends, begins or pads has no row in the embedding. */
export function checkTokenIds(model: ModelConfig, eosTokenIds: readonly number[], path: string): void {
  const ids = [...eosTokenIds, model.eos_token_id, model.bos_token_id ?? 0, model.pad_token_id];
  const beyond = [...new Set(ids)].filter((id) => id >= model.vocab_size);
  if (beyond.length === 0) return;
  throw new UserError({
    what: `token ${beyond.join(' and ')} ends, begins or pads text, and the model has ${model.vocab_size} rows`,
    where: path,
    why: 'an earlier version took it from the files of the model that was imported',
    next: 'Import that model again: mossctl import FOLDER --out FOLDER',
  });
}

/** @throws UserError where the embedding has another number of rows than `vocab_size` says. */
export function checkVocabulary(model: ModelConfig, rows: number | undefined, path: string): void {
  if (rows === model.vocab_size) return;
  if (rows === undefined) throw damagedFile(path, 'model.embed_tokens.weight is not in it');
  throw new UserError({
    what: 'wrong vocabulary size',
    where: path,
    why: `config.json says vocab_size ${model.vocab_size}, the embedding (model.embed_tokens.weight) has ${rows} rows`,
    next: 'Use config.json and the weights of the same model',
  });
}

/** @throws UserError where a token has no row in the embedding; the other way round, rows pad it. */
export function checkTokenRows(model: ModelConfig, { vocabSize }: { vocabSize: number }, where: string): void {
  if (vocabSize <= model.vocab_size) return;
  throw new UserError({
    what: `the tokenizer has ${vocabSize} tokens, the model's embedding ${model.vocab_size} rows`,
    where,
    next: 'Use the tokenizer.json that the model was trained with',
  });
}
