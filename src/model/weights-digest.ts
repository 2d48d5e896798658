// Which weights a model has, in a word: what was sampled from them is bound to it.
import { createHash } from 'node:crypto';
import { isTrained } from '../architecture/parameters.js';
import { readInto } from '../tensor/host.js';
import { type Model, weight } from './model.js';

/** Of the weights that are trained; the others stay what they are. */
export async function weightsDigest(model: Model): Promise<string> {
  const hash = createHash('sha256');
  const names = model.parameters.filter(isTrained).map(({ name }) => name);
  // One copy after the other in the same place: a step that samples asks for them all.
  const place = new Float32Array(names.reduce((most, name) => Math.max(most, weight(model, name).size), 0));
  for (const name of names) {
    const tensor = weight(model, name);
    const values = place.subarray(0, tensor.size);
    await readInto(tensor, values);
    hash.update(name);
    hash.update(values);
  }
  return hash.digest('hex').slice(0, 16);
}
