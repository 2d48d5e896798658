// A model that computes with its matrices as GGUF's q8_0 stores them: a quarter of the bytes to read for every token, which
// is what decoding waits for. Norms, biases and activations stay float32, and so do products' sums.
import { UserError } from '../base/errors.js';
import type { Checkpoint } from '../checkpoint/directory.js';
import { decodeQ8, encodeNumbers, q8BlockSize, tooLarge } from '../checkpoint/quantize.js';
import { disposeModel, floatMatrixOf, type Model, modelFromTensors, weight } from '../model/model.js';
import { multipliedMatrices } from '../model/packed.js';
import { canPack, type PackedMatrix, packMatrix, packQ8 } from '../tensor/ops/linear-packed.js';
import { engine, keep, tensor, tidy } from '../tensor/tf.js';

/**
 * The weights of a checkpoint, rounded, on the current backend. What is looked up by row (the embedding) and what losses
 * compare with (the output projection) is there in float32 too, as the rounded numbers. A matrix whose rows are no whole
 * blocks of 32 stays as it is.
 * @throws UserError where the backend multiplies no such matrices, and where a weight is too large for them.
 */
export function quantizedModel({
  model: config,
  weights,
  path,
}: Pick<Checkpoint, 'model' | 'weights' | 'path'>): Model {
  if (!canPack()) {
    throw new UserError({
      what: `the backend ${engine().backendName} multiplies no q8_0 weights`,
      next: 'Omit --quantize, or use `--backend native`',
    });
  }
  const model = modelFromTensors(config, weights, path);
  const packed = new Map<string, PackedMatrix>();
  const multiplied = new Set(multipliedMatrices(model));
  try {
    for (const { name, shape, part } of model.parameters) {
      if (shape.length !== 2) continue;
      const [out, input] = shape;
      const isProduct = multiplied.has(name);
      if (input % q8BlockSize !== 0) {
        if (isProduct) packed.set(name, packMatrix(floatMatrixOf(model, name)));
        continue;
      }
      const values = weights.get(name)?.data as Float32Array;
      const blocks = encodeNumbers(values, 'q8_0');
      if (blocks === undefined) throw tooLarge(name, values, 'q8_0', path, 'Omit --quantize');
      if (isProduct) packed.set(name, packQ8(blocks, [out, input]));
      if (part === 'embedding' || part === 'head' || !isProduct) {
        tidy(() => weight(model, name).assign(tensor(decodeQ8(blocks), shape)));
      } else {
        weight(model, name).dispose();
        model.weights.delete(name);
      }
    }
  } catch (error) {
    disposeModel({ ...model, packed });
    throw error;
  }
  for (const matrix of packed.values()) keep(matrix.packed);
  return { ...model, packed };
}

/** What a person should know of the numbers that such a model computes with. */
export function quantizationNote({ packed }: Model): string {
  const all = [...(packed?.values() ?? [])];
  const kept = all.filter(({ isQ8 }) => !isQ8).length;
  const exception = kept === 0 ? '' : `, except ${kept} of ${all.length}, whose rows are no multiple of ${q8BlockSize}`;
  return `its matrices are rounded to q8_0${exception} (--quantize)`;
}
