// What a training of an adapter resumes from: the adapter's own tensors and moments. Its base is in memory already, and has
// not changed.
import { adapterWeightsName } from '../base/layout.js';
import { readAdapterTensors } from './adapter-tensors.js';
import type { Checkpoint } from './directory.js';
import { readTraining, readVerified } from './own.js';

/** A checkpoint without its base: `weights` are the adapter's, under the names of the parameter table. */
export type AdapterState = Pick<Checkpoint, 'path' | 'digest' | 'manifest' | 'weights'> &
  Required<Pick<Checkpoint, 'training'>>;

/** @throws UserError where a file is missing or changed, or it was saved without its training state. */
export async function readAdapterState(path: string, { verify }: { verify?: boolean } = {}): Promise<AdapterState> {
  return readVerified(path, { verify, training: true }, async (folder) => {
    const { directory, manifest, digest, check } = folder;
    const { pairs } = await readAdapterTensors(directory, (sha256) => check(adapterWeightsName, sha256));
    const tensors = [...pairs.values()].flatMap(({ a, b }) => [a, b].filter((tensor) => tensor !== undefined));
    const weights = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    return { path: directory, digest, manifest, weights, training: await readTraining(folder) };
  });
}
