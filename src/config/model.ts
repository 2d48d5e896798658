// The model's knobs are Hugging Face's config.json fields, so that a checkpoint opens elsewhere.
// One dial (`size`) derives the rest; every field can be overridden.
import { z } from 'zod';

/**
 * The architectures that model/forward.ts can run. They differ by few flags (see `architectureFlags`). Those for sequence
 * classification are reward models: `score.weight` [1, d] in the place of the output projection.
 */
export const architectures = [
  'Qwen3ForCausalLM',
  'Qwen2ForCausalLM',
  'LlamaForCausalLM',
  'Qwen3ForSequenceClassification',
  'Qwen2ForSequenceClassification',
  'LlamaForSequenceClassification',
] as const;
export type Architecture = (typeof architectures)[number];

/** Scores a sequence (`score.weight`) instead of predicting tokens. */
export function isRewardModel({ architectures: [name] }: Pick<ModelConfig, 'architectures'>): boolean {
  return name.endsWith('ForSequenceClassification');
}

const size = z.int().min(1).max(0x1000000);
export const tokenId = z.int().min(0).max(0x7fffffff);
const positive = z.number().min(1e-6).max(1e12);
const theta = z.number().gt(1).max(1e12);

/** How positions turn queries and keys: transformers' `rope_parameters`, every default filled in. */
export const ropeSchema = z.discriminatedUnion('rope_type', [
  z.object({ rope_type: z.literal('default'), rope_theta: theta }),
  z.object({ rope_type: z.literal('linear'), rope_theta: theta, factor: positive }),
  z.object({
    rope_type: z.literal('llama3'),
    rope_theta: theta,
    factor: positive,
    low_freq_factor: positive,
    high_freq_factor: positive,
    original_max_position_embeddings: size,
  }),
  z.object({
    rope_type: z.literal('yarn'),
    rope_theta: theta,
    factor: positive,
    original_max_position_embeddings: size,
    beta_fast: positive,
    beta_slow: positive,
    /** What cosines and sines are multiplied by. */
    attention_factor: positive,
    /** Whether the corrected dimensions are rounded to whole ones. */
    truncate: z.boolean(),
  }),
]);
export type RopeParameters = z.output<typeof ropeSchema>;

/** The fields of config.json that we read and write, and their bounds, whoever wrote it. */
export const modelConfigSchema = z.object({
  architectures: z.tuple([z.enum(architectures)]),
  model_type: z.enum(['qwen3', 'qwen2', 'llama']),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size.max(1024),
  num_attention_heads: size.max(65536),
  num_key_value_heads: size.max(65536),
  head_dim: size.max(65536),
  max_position_embeddings: size,
  rms_norm_eps: z.number().min(0).max(1),
  rope_parameters: ropeSchema,
  tie_word_embeddings: z.boolean(),
  attention_bias: z.boolean(),
  bos_token_id: tokenId.nullable(),
  eos_token_id: tokenId,
  pad_token_id: tokenId,
});
export type ModelConfig = z.output<typeof modelConfigSchema>;

export const sizes = {
  '100k': { hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 2 },
  '1m': { hidden_size: 128, num_hidden_layers: 4, num_attention_heads: 4 },
  '7m': { hidden_size: 256, num_hidden_layers: 6, num_attention_heads: 4 },
  '34m': { hidden_size: 512, num_hidden_layers: 8, num_attention_heads: 8 },
  '120m': { hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12 },
} as const;
export type Size = keyof typeof sizes;

/** `30m`, `1.5b`: so many parameters. `d10`: so many layers, 64 times as wide, as 34m (d8) and 120m (d12) are. */
const otherSizes = /^(?:([1-9]\d{0,8}(?:\.\d{1,6})?|0\.0{0,5}[1-9]\d{0,5})([kmb])|d([1-9]\d{0,2}))$/i;
const units: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, b: 1e9 };
const names = Object.keys(sizes).join(', ');

/** What a size that is no preset asks for. */
export function measureOf(size: string): { parameters: number } | { depth: number } {
  const [, digits, unit = '', depth] = otherSizes.exec(size) ?? [];
  return depth === undefined ? { parameters: Number(digits) * units[unit.toLowerCase()] } : { depth: Number(depth) };
}

const initialHeads = ['induction'] as const;
export type InitialHeads = (typeof initialHeads)[number];

export const modelSchema = z.strictObject({
  size: z
    .string()
    .regex(otherSizes, `must be one of ${names}, or a number of parameters such as 30m or 1.5b, or a depth such as d10`)
    .default('1m')
    .describe(
      `the one dial: ${names}, or parameters (30m, 1.5b), or depth (d10); gives the shape, and how it is trained`,
    ),
  hiddenSize: z.int().min(8).max(65536).optional().describe('width of the residual stream'),
  layers: z.int().min(1).max(512).optional().describe('decoder layers'),
  heads: z.int().min(1).max(512).optional().describe('attention heads'),
  keyValueHeads: z.int().min(1).max(512).optional().describe('key/value heads (grouped-query attention)'),
  headDim: z
    .int()
    .min(2)
    .max(512)
    .optional()
    .describe('numbers of a head, which need not add up to the width; default: hiddenSize / heads'),
  intermediateSize: z.int().min(8).max(1048576).optional().describe('width of the SwiGLU layer'),
  initialHeads: z
    .enum(initialHeads)
    .optional()
    .describe(
      'induction: two heads of each of the first two layers begin as heads that copy, embeddings larger, and what layers add smaller; default: all values at random',
    ),
  contextLength: z.int().min(8).max(1048576).default(128).describe('longest sequence, in tokens'),
  ropeTheta: z.number().min(100).default(10000).describe('base of the rotary frequencies'),
  tieEmbeddings: z.boolean().default(true).describe('share the embedding with the output projection'),
});
export type ModelSettings = z.output<typeof modelSchema>;
