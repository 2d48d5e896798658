// Third-party rotary settings, old spelling (`rope_theta`, `rope_scaling` with `type` or `rope_type`) and new
// (`rope_parameters`), with every default computed as transformers 5.23 does in modeling_rope_utils.py.
import { z } from 'zod';
import type { Fault } from '../base/errors.js';
import { type RopeParameters, ropeSchema } from '../config/model.js';
import { firstIssue } from './manifest.js';

const number = z.number().nullish();

/** Any other key would change the angles in a way that we do not know. */
const scalingSchema = z.strictObject({
  rope_type: z.string().max(100).nullish(),
  type: z.string().max(100).nullish(),
  rope_theta: number,
  factor: number,
  original_max_position_embeddings: number,
  low_freq_factor: number,
  high_freq_factor: number,
  beta_fast: number,
  beta_slow: number,
  attention_factor: number,
  mscale: number,
  mscale_all_dim: number,
  truncate: z.boolean().nullish(),
  partial_rotary_factor: z.literal(1, 'only 1 is supported').nullish(),
  /** A remark that YaRN's own scripts leave. */
  finetuned: z.boolean().nullish(),
});
type Scaling = z.output<typeof scalingSchema>;

const topSchema = z.looseObject({
  rope_theta: number,
  partial_rotary_factor: z.literal(1, 'only 1 is supported').nullish(),
  original_max_position_embeddings: number,
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
});

const supported = ['default', 'linear', 'llama3', 'yarn'];

/** What a parsed config.json says of its rotary embedding, or what is wrong with it. */
export function ropeOf(config: unknown, maxPositions: number): RopeParameters | Fault {
  const top = topSchema.safeParse(config);
  if (!top.success) return malformed(top.error);
  const { rope_scaling: old, rope_parameters: current } = top.data;
  const written = old !== undefined && old !== null && Object.keys(old).length > 0 ? old : (current ?? {});
  const type = String(written.rope_type ?? written.type ?? 'default');
  if (!supported.includes(type)) {
    return { what: `rope type ${type.slice(0, 100)} is not supported`, why: `only ${supported.join(', ')} are` };
  }
  const scaling = scalingSchema.safeParse(written);
  if (!scaling.success) return malformed(scaling.error);
  const { data } = scaling;
  const filled = ropeSchema.safeParse({
    rope_type: type,
    rope_theta: data.rope_theta ?? top.data.rope_theta ?? 10000,
    // A field beside the block counts for more than one inside it; without either, the context was never stretched.
    original_max_position_embeddings:
      top.data.original_max_position_embeddings ?? data.original_max_position_embeddings ?? maxPositions,
    factor: data.factor ?? undefined,
    low_freq_factor: data.low_freq_factor,
    high_freq_factor: data.high_freq_factor,
    ...(type === 'yarn' ? yarn(data, top.data.original_max_position_embeddings, maxPositions) : {}),
  });
  if (!filled.success) return malformed(filled.error);
  if (filled.data.rope_type === 'llama3' && filled.data.high_freq_factor <= filled.data.low_freq_factor) {
    return { what: 'the rotary settings are malformed', why: 'high_freq_factor is not above low_freq_factor' };
  }
  return filled.data;
}

function yarn(data: Scaling, outer: number | null | undefined, maxPositions: number) {
  const original = outer ?? data.original_max_position_embeddings ?? maxPositions;
  const factor = data.factor ?? maxPositions / original;
  const scale = (m: number): number => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1);
  const inferred = data.mscale && data.mscale_all_dim ? scale(data.mscale) / scale(data.mscale_all_dim) : scale(1);
  return {
    factor,
    attention_factor: data.attention_factor ?? inferred,
    beta_fast: data.beta_fast || 32,
    beta_slow: data.beta_slow || 1,
    truncate: data.truncate ?? true,
  };
}

function malformed(error: z.ZodError): Fault {
  return { what: 'the rotary settings are malformed or not supported', why: firstIssue(error) };
}
