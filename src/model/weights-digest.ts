// Which weights a model has, in a word: what was sampled from them is bound to it.
import { createHash } from 'node:crypto';
import { isTrained } from '../architecture/parameters.js';
import { read } from '../tensor/host.js';
import { type Model, weight } from './model.js';

/** Of the weights that are trained; the others stay what they are. */
export async function weightsDigest(model: Model): Promise<string> {
  const hash = createHash('sha256');
  for (const { name } of model.parameters.filter(isTrained)) {
    hash.update(name);
    hash.update(await read(weight(model, name)));
  }
  return hash.digest('hex').slice(0, 16);
}
