// From a number of parameters to a shape. Arithmetic only.
import { UserError } from '../base/errors.js';
import { formatShort } from '../base/format.js';
import type { ModelConfig } from '../config/model.js';

export type DecoderSize = Pick<ModelConfig, 'hidden_size' | 'num_hidden_layers' | 'num_attention_heads'>;

/**
 * Width, depth and heads of about `parameters`, at 64 to 128 of width for each layer, as published models have.
 * @throws UserError where no shape comes near: the embeddings alone are larger, or 160 layers of 16,384 are smaller.
 */
export function shapeFor(parameters: number, { vocabulary, tied }: { vocabulary: number; tied: boolean }): DecoderSize {
  let best = { width: 64, layers: 1, count: 0, misfit: Number.POSITIVE_INFINITY };
  for (let layers = 1; layers <= 160; layers++) {
    for (let width = 64; width <= 16384; width += width < 1024 ? 64 : 128) {
      const count = layers * 12 * width ** 2 + (tied ? 1 : 2) * vocabulary * width;
      const wanted = Math.min(128, 32 + width / 16);
      const misfit = 20 * Math.abs(Math.log(count / parameters)) + Math.abs(Math.log(width / layers / wanted));
      if (misfit < best.misfit) best = { width, layers, count, misfit };
    }
  }
  const { width, layers, count } = best;
  if (Math.abs(Math.log(count / parameters)) > 0.25) {
    throw new UserError({
      where: 'pretrain.model.size',
      what: `no model with ${formatShort(vocabulary)} tokens has about ${formatShort(parameters)} parameters`,
      why: `the nearest has ${formatShort(count)}`,
      next: 'Choose another size',
    });
  }
  return { hidden_size: width, num_hidden_layers: layers, num_attention_heads: width / (width < 1024 ? 64 : 128) };
}
