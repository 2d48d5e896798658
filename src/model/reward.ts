// A reward model: the decoder, and one number for each sequence read from the hidden state of its last token. Named and
// pooled as transformers' …ForSequenceClassification with one label, so that other tools find the head.
import { decoderTable, type ParameterSpec } from '../architecture/parameters.js';
import type { Architecture, ModelConfig } from '../config/model.js';
import { embedding } from '../tensor/ops/embedding.js';
import { reshape, type Tensor1D, type Tensor2D } from '../tensor/tf.js';
import { forward, type ModelInput } from './forward.js';
import { type Model, withParameters } from './model.js';
import { project } from './project.js';

/** The configuration with a score in the place of the output projection. */
export function rewardConfig(config: ModelConfig): ModelConfig {
  const [name] = config.architectures;
  return { ...config, architectures: [name.replace('ForCausalLM', 'ForSequenceClassification') as Architecture] };
}

/**
 * The reward model that begins as this model: of a chat model the score is new, normal with standard deviation 0.02 as
 * transformers initialises it. Replaces `model`, whose weights it takes over.
 * @param tableOf What of the table is trained; default: all.
 */
export function asRewardModel(
  model: Model,
  seed: number,
  tableOf: (table: ParameterSpec[]) => ParameterSpec[] = (table) => table,
): Model {
  const config = rewardConfig(model.config);
  return { ...withParameters(model, tableOf(decoderTable(config)), seed), config };
}

/** The score of each sequence [R], as `score`, where the hidden states [B·T, d] are known. */
export function scoreStates(model: Model, hidden: Tensor2D, lastPositions: Tensor1D): Tensor1D {
  return reshape(project(model, 'score', embedding(hidden, lastPositions)), [lastPositions.size]);
}

/**
 * The score of each sequence [R]. `lastPositions`, int32 [R]: where among the B·T positions its last token lies (several
 * sequences may share a row). transformers takes the rightmost token of a row that is not padding: the same, unless a
 * sequence itself ends in the padding token.
 */
export function score(model: Model, input: ModelInput, lastPositions: Tensor1D): Tensor1D {
  return scoreStates(model, forward(model, input), lastPositions);
}
