// config.json: the model's shape, in the field names of Hugging Face. Both spellings that transformers has used for the
// rotary base and the dtype are written, so that old and new readers agree; both are read.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { architectures, type ModelConfig } from '../config/model.js';
import { canonicalJson, damagedFile, firstIssue, parseJson } from './manifest.js';

const size = z
  .int()
  .min(1)
  .max(2 ** 24);
const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const ropeTheta = z.number().min(1).max(1e12);

const configSchema = z.object({
  architectures: z.tuple([z.enum(architectures)]),
  model_type: z.enum(['qwen3', 'qwen2', 'llama']),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size,
  head_dim: size,
  max_position_embeddings: size,
  rms_norm_eps: z.number().min(0).max(1),
  rope_theta: ropeTheta.optional(),
  rope_parameters: z.object({ rope_theta: ropeTheta, rope_type: z.literal('default') }).optional(),
  tie_word_embeddings: z.boolean(),
  attention_bias: z.boolean().default(false),
  bos_token_id: tokenId.nullable(),
  eos_token_id: tokenId,
  pad_token_id: tokenId,
});

const generationSchema = z.object({ eos_token_id: tokenId });

/** The text of config.json. */
export function modelConfigText(model: ModelConfig): string {
  return canonicalJson({
    ...model,
    hidden_act: 'silu',
    rope_theta: model.rope_parameters.rope_theta,
    torch_dtype: 'float32',
    dtype: 'float32',
  });
}

/** The text of generation_config.json: where generation ends, for other tools that open the checkpoint. */
export function generationConfigText(model: ModelConfig, eosTokenId: number): string {
  return canonicalJson({
    bos_token_id: model.bos_token_id,
    eos_token_id: eosTokenId,
    pad_token_id: model.pad_token_id,
  });
}

/** @throws UserError naming the field that is missing or out of bounds. */
export function parseModelConfig(text: string, path: string): ModelConfig {
  const parsed = configSchema.safeParse(parseJson(text, path));
  if (!parsed.success) throw damagedFile(path, firstIssue(parsed.error));
  const { rope_parameters, ...model } = parsed.data;
  const theta = model.rope_theta ?? rope_parameters?.rope_theta;
  if (theta === undefined) throw damagedFile(path, 'rope_theta: missing');
  const { rope_theta: _, ...rest } = model;
  return { ...rest, rope_parameters: { rope_type: 'default', rope_theta: theta } };
}

/** @returns the id that ends generation. */
export function parseGenerationConfig(text: string, path: string): number {
  const parsed = generationSchema.safeParse(parseJson(text, path));
  if (!parsed.success) throw damagedFile(path, firstIssue(parsed.error));
  return parsed.data.eos_token_id;
}

/** @throws UserError where the embedding has another number of rows than `vocab_size` says. */
export function checkVocabulary(model: ModelConfig, rows: number | undefined, path: string): void {
  if (rows === model.vocab_size) return;
  if (rows === undefined) throw damagedFile(path, 'model.embed_tokens.weight is not in it');
  throw new UserError({
    what: 'wrong vocabulary size',
    where: path,
    why: `config.json says vocab_size ${model.vocab_size}, the embedding (model.embed_tokens.weight) has ${rows} rows`,
    next: 'Use config.json and model.safetensors of the same checkpoint',
  });
}
