// A third-party config.json: Llama, Qwen2 and Qwen3 in every spelling that transformers has written. What is absent is
// what transformers 5.23 takes it to be; what we would run differently is refused by name, all of it at once.
import { z } from 'zod';
import { type Fault, UserError } from '../base/errors.js';
import {
  type Architecture,
  architectures,
  isRewardModel,
  type ModelConfig,
  modelConfigSchema,
  tokenId,
} from '../config/model.js';
import { ropeOf } from './hf-rope.js';
import { firstIssue, parseJsonAs } from './manifest.js';

/** A model's shape; which token pads is for the tokenizer to say where config.json does not. */
export type ForeignConfig = Omit<ModelConfig, 'eos_token_id' | 'pad_token_id'> & {
  /** As config.json lists them; may be empty. */
  eosTokenIds: number[];
  padTokenId: number | undefined;
  /** Ids that no file names: transformers' defaults for Llama, 1 and 2. */
  assumed: { bos: boolean; eos: boolean };
};

type ModelType = ModelConfig['model_type'];

/** From the configuration classes of transformers: configuration_llama.py, configuration_qwen2.py, configuration_qwen3.py. */
const shared = { hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32 };
const qwen = {
  ...shared,
  vocab_size: 151936,
  intermediate_size: 22016,
  num_key_value_heads: 32,
  max_position_embeddings: 32768,
};
const defaults: Record<ModelType, Record<string, unknown>> = {
  llama: {
    ...shared,
    vocab_size: 32000,
    intermediate_size: 11008,
    max_position_embeddings: 2048,
    bos_token_id: 1,
    eos_token_id: 2,
  },
  qwen2: qwen,
  qwen3: { ...qwen, head_dim: 128 },
};

/** Some write -1 for "none". */
const optionalToken = z.preprocess((value) => (value === -1 ? null : value), tokenId.nullish());
const tokens = z.union([z.array(tokenId).max(1000), optionalToken]);
const labels = z.record(z.string(), z.unknown()).nullish();

/** Fields that the parts below look at; the rest of the bounds are those of our own config. */
const rawSchema = z.looseObject({
  architectures: z.array(z.string().max(200)).max(10).nullish(),
  model_type: z.string().max(200).nullish(),
  hidden_size: z.int().nullish(),
  num_attention_heads: z.int().min(1).nullish(),
  num_hidden_layers: z.int().nullish(),
  num_key_value_heads: z.int().nullish(),
  head_dim: z.int().nullish(),
  max_position_embeddings: z.int().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  hidden_act: z.string().max(200).nullish(),
  use_sliding_window: z.boolean().nullish(),
  layer_types: z.array(z.string().max(200)).max(2000).nullish(),
  quantization_config: z.unknown().optional(),
  compression_config: z.unknown().optional(),
  num_labels: z.int().nullish(),
  id2label: labels,
  bos_token_id: optionalToken,
  eos_token_id: tokens,
  pad_token_id: optionalToken,
});
type Raw = z.output<typeof rawSchema>;

/** @throws UserError naming everything that is not supported, malformed or out of bounds. */
export function parseForeignConfig(text: string, path: string): ForeignConfig {
  const written = parseJsonAs(rawSchema, text, path, unreadable);
  const architecture = architectureOf(written, path);
  const modelType = modelTypeOf(architecture);
  const raw: Raw = { ...defaults[modelType], ...withoutNulls(written) };
  // null is an answer of its own here: as many as heads, and no such token (Llama's defaults are 1 and 2).
  for (const field of ['num_key_value_heads', 'bos_token_id', 'eos_token_id'] as const) {
    if (written[field] === null) delete raw[field];
  }
  const faults = unsupported(raw, architecture).map((fault) => ({ ...fault, where: path }));
  const rope = ropeOf(raw, raw.max_position_embeddings ?? 0);
  if ('what' in rope) faults.push({ ...rope, where: path });
  if (faults.length > 0) throw new UserError(faults);
  const heads = raw.num_attention_heads ?? 0;
  const model = modelConfigSchema.omit({ eos_token_id: true, pad_token_id: true }).safeParse({
    rms_norm_eps: 1e-6,
    ...raw,
    architectures: [architecture],
    model_type: modelType,
    num_key_value_heads: raw.num_key_value_heads ?? heads,
    head_dim: raw.head_dim ?? (raw.hidden_size ?? 0) / heads,
    rope_parameters: rope,
    tie_word_embeddings: raw.tie_word_embeddings ?? false,
    // Qwen2 has its biases whatever the field says
    attention_bias: modelType !== 'qwen2' && (raw.attention_bias ?? false),
    bos_token_id: raw.bos_token_id ?? null,
  });
  if (!model.success) throw unreadable(path, firstIssue(model.error));
  const misfit = shapeFault(model.data);
  if (misfit !== undefined) throw unreadable(path, misfit);
  return {
    ...model.data,
    eosTokenIds: [raw.eos_token_id ?? []].flat(),
    padTokenId: raw.pad_token_id ?? undefined,
    assumed: { bos: written.bos_token_id === undefined, eos: written.eos_token_id === undefined },
  };
}

/** @returns the ids that a generation_config.json names, where it names any. */
export function parseForeignGeneration(text: string, path: string): { eos: number[]; pad: number | undefined } {
  const schema = z.looseObject({ eos_token_id: tokens, pad_token_id: optionalToken });
  const { eos_token_id: eos, pad_token_id: pad } = parseJsonAs(schema, text, path, unreadable);
  return { eos: [eos ?? []].flat(), pad: pad ?? undefined };
}

function architectureOf({ architectures: names, model_type: modelType }: Raw, path: string): Architecture {
  const byType = architectures.find((name) => modelTypeOf(name) === modelType);
  const name = names?.[0] ?? byType;
  const found = architectures.find((known) => known === name);
  const agrees = found !== undefined && (modelType ?? modelTypeOf(found)) === modelTypeOf(found);
  if (found !== undefined && agrees && (names?.length ?? 1) === 1) return found;
  const described = [names?.join(', '), modelType && `model_type ${modelType}`].filter(Boolean).join(', ');
  throw new UserError({
    what: `this architecture is not supported: ${described || 'config.json names none'}`,
    where: path,
    why: `only these are: ${architectures.join(', ')} (model_type llama, qwen2, qwen3)`,
    next: 'Use a Llama, Qwen2 or Qwen3 model',
  });
}

function modelTypeOf(architecture: Architecture): ModelType {
  return architecture.startsWith('Llama') ? 'llama' : architecture.startsWith('Qwen2') ? 'qwen2' : 'qwen3';
}

function unsupported(raw: Raw, architecture: Architecture): Fault[] {
  const faults: Fault[] = [];
  const refuse = (what: string, why?: string, next?: string) => faults.push({ what, why, next });
  const act = raw.hidden_act ?? 'silu';
  if (!['silu', 'swish'].includes(act)) refuse(`hidden_act ${act} is not supported`, 'only silu is');
  if (raw.mlp_bias) refuse('mlp_bias is not supported', 'our MLP has no biases');
  const slides = raw.layer_types?.find((type) => type !== 'full_attention');
  if (slides !== undefined) refuse(`layer_types with ${slides} is not supported`, 'only full_attention is');
  if (raw.use_sliding_window) refuse('a sliding window is not supported', 'use_sliding_window is true');
  for (const field of ['quantization_config', 'compression_config'] as const) {
    if (raw[field] !== undefined && raw[field] !== null)
      refuse(`${field} is not supported`, 'quantized weights are not read', 'Use the unquantized model');
  }
  if (!isRewardModel({ architectures: [architecture] })) return faults;
  const count = raw.id2label ? Object.keys(raw.id2label).length : (raw.num_labels ?? 2);
  if (count !== 1 || (raw.num_labels ?? 1) !== 1) {
    refuse(`${architecture} with ${count} labels is not supported`, 'a reward model has num_labels 1');
  }
  return faults;
}

function shapeFault(model: Pick<ModelConfig, 'num_attention_heads' | 'num_key_value_heads' | 'head_dim'>) {
  const { num_attention_heads: heads, num_key_value_heads: keys, head_dim: dim } = model;
  if (heads % keys !== 0) return `num_attention_heads ${heads} is not a multiple of num_key_value_heads ${keys}`;
  return dim % 2 === 0 ? undefined : `head_dim ${dim} is odd, and rotary embeddings turn pairs`;
}

function withoutNulls(raw: Raw): Raw {
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null && value !== undefined));
}

function unreadable(path: string, why: string): UserError {
  return new UserError({
    what: 'this file does not describe a model that can be opened',
    where: path,
    why,
    next: 'Fetch the model again, or correct the field',
  });
}
