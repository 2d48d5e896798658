// A model whose matrices are packed once for all the tokens that it will be asked for. The weights stay where they are:
// what is packed is a copy, and follows them when they change.
import { extensionOf } from '../architecture/parameters.js';
import { canPack, packMatrix, repackMatrix } from '../tensor/ops/linear-packed.js';
import { keep } from '../tensor/tf.js';
import { floatMatrixOf, type Model } from './model.js';

/** Every matrix that hidden states are multiplied by, packed; the model as it is where it is packed, or the backend packs none. */
export function packModel(model: Model): Model {
  if (model.packed !== undefined || !canPack()) return model;
  const names = multipliedMatrices(model);
  const packed = new Map(
    names.map((name) => {
      const matrix = packMatrix(floatMatrixOf(model, name));
      keep(matrix.packed);
      return [name, matrix];
    }),
  );
  return { ...model, packed };
}

/** After the weights have changed. */
export function repackModel(model: Model): void {
  for (const [name, matrix] of model.packed ?? []) repackMatrix(floatMatrixOf(model, name), matrix);
}

/**
 * Names of the matrices that hidden states are multiplied by. Embeddings are looked up by row; where there is no head, they are
 * also what hidden states are compared with.
 */
export function multipliedMatrices({ parameters, weights }: Model): string[] {
  const hasHead = parameters.some(({ part }) => part === 'head' || part === 'value');
  return parameters
    .filter(({ shape, part }) => shape.length === 2 && (part !== 'embedding' || !hasHead) && part !== 'value')
    .map(({ name }) => name)
    .filter((name) => weights.has(name) && extensionOf(name) === undefined);
}
