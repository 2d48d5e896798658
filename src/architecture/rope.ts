// From a model's rope_parameters to what its rotary embedding turns by: one frequency for each pair of dimensions, and
// one factor. The scaled types stretch the slow frequencies, so that longer contexts stay within the angles trained on.
import { UserError } from '../base/errors.js';
import type { ModelConfig, RopeParameters } from '../config/model.js';

/** What the rotary embedding turns by: tensor/ops/rotary.ts takes it as it is. */
export type Rotation = {
  /** Of each of the D/2 pairs, in radians a position. */
  frequencies: number[];
  /** What cosines and sines are multiplied by: 1, but for YaRN. */
  scale: number;
};

/** What native/kernels/rotary.cc takes, of frequencies and of the factor: beyond it lie only mistakes. */
const maxValue = 1e9;
const rotations = new WeakMap<ModelConfig, Rotation>();

/** The rotation of a model's queries and keys, computed once for each configuration. */
export function rotationOf(config: ModelConfig): Rotation {
  let rotation = rotations.get(config);
  if (rotation === undefined) {
    rotation = ropeFrequencies(config.rope_parameters, config.head_dim);
    rotations.set(config, rotation);
  }
  return rotation;
}

/**
 * D/2 frequencies, in radians a position, and the factor of cosines and sines; in double precision. The formulas are
 * those of Hugging Face transformers 5.23, modeling_rope_utils.py: `_compute_linear_scaling_rope_parameters`,
 * `_compute_llama3_parameters`, `_compute_yarn_parameters` (Peng et al. 2023).
 * @throws UserError where the parameters give no numbers to compute with.
 */
export function ropeFrequencies(parameters: RopeParameters, headDim: number): Rotation {
  const plain = Array.from({ length: headDim / 2 }, (_, i) => parameters.rope_theta ** ((-2 * i) / headDim));
  const rotation = scaled(parameters, plain, headDim);
  if ([...rotation.frequencies, rotation.scale].every((x) => Math.abs(x) <= maxValue)) return rotation;
  throw new UserError({
    what: 'the rotary embedding has no usable frequencies',
    where: 'config.json: rope_parameters',
    why: `${JSON.stringify(parameters)} gives some that are not finite or beyond ${maxValue}`,
    next: 'Correct the numbers',
  });
}

function scaled(parameters: RopeParameters, plain: number[], headDim: number): Rotation {
  switch (parameters.rope_type) {
    case 'default':
      return { frequencies: plain, scale: 1 };
    case 'linear':
      return { frequencies: plain.map((frequency) => frequency / parameters.factor), scale: 1 };
    case 'llama3':
      return { frequencies: plain.map((frequency) => llama3(frequency, parameters)), scale: 1 };
    case 'yarn':
      return { frequencies: yarn(plain, parameters, headDim), scale: parameters.attention_factor };
    default:
      return parameters satisfies never;
  }
}

type Of<T extends RopeParameters['rope_type']> = Extract<RopeParameters, { rope_type: T }>;

/** Waves that fit often into the original context stay, those that fit seldom are stretched, the rest go between. */
function llama3(frequency: number, parameters: Of<'llama3'>): number {
  const {
    factor,
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: original,
  } = parameters;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength > original / low) return frequency / factor;
  if (wavelength < original / high) return frequency;
  const smooth = (original / wavelength - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** Dimensions that turn more than `beta_fast` times in the original context stay, below `beta_slow` they are stretched. */
function yarn(plain: number[], parameters: Of<'yarn'>, headDim: number): number[] {
  const { factor, rope_theta: theta, original_max_position_embeddings: original } = parameters;
  const dimensionThatTurns = (times: number): number =>
    (headDim * Math.log(original / (times * 2 * Math.PI))) / (2 * Math.log(theta));
  const [floor, ceil] = parameters.truncate ? [Math.floor, Math.ceil] : [Number, Number];
  const first = Math.max(floor(dimensionThatTurns(parameters.beta_fast)), 0);
  const bound = Math.min(ceil(dimensionThatTurns(parameters.beta_slow)), headDim - 1);
  const last = bound === first ? bound + 0.001 : bound;
  return plain.map((frequency, i) => {
    const stretched = Math.min(Math.max((i - first) / (last - first), 0), 1);
    return (frequency / factor) * stretched + frequency * (1 - stretched);
  });
}
