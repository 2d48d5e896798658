// A reward model: the decoder, and one number for each sequence read from the hidden state of its last token. Named and
// pooled as transformers' …ForSequenceClassification with one label, so that other tools find the head.
import { embedding } from '../tensor/ops/embedding.js';
import { reshape, type Tensor1D } from '../tensor/tf.js';
import { forward, type ModelInput } from './forward.js';
import type { Model } from './model.js';
import { project } from './project.js';

/**
 * The score of each sequence [R]. `lastPositions`, int32 [R]: where among the B·T positions its last token lies (several
 * sequences may share a row). transformers takes the rightmost token of a row that is not padding: the same, unless a
 * sequence itself ends in the padding token.
 */
export function score(model: Model, input: ModelInput, lastPositions: Tensor1D): Tensor1D {
  const last = embedding(forward(model, input), lastPositions); // [R, d]
  return reshape(project(model, 'score', last), [lastPositions.size]);
}
