// A program for native-bits.test.ts: trains 20 steps with each number of threads that is asked for, one after the other,
// and prints for each the digest of the weights' bits and the losses, as JSON.
import { createHash } from 'node:crypto';
import { disposeModel } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { nativeBackend } from '../../src/tensor/native/index.js';
import { modelTensors } from '../model-tensors.js';
import { changingBatches, smallModel, trainSteps } from './native-world.js';

export interface RunOfThreads {
  threads: number;
  digest: string;
  losses: number[];
}

await openBackend('native');
const runs: RunOfThreads[] = [];
for (const threads of process.argv.slice(2).map(Number)) {
  nativeBackend()?.addon.setThreads(threads);
  // Large enough that every kernel divides its work.
  const model = smallModel(2, 128, 96);
  const losses = await trainSteps(model, changingBatches(4, 96), { steps: 20, accumulation: 1 });
  const hash = createHash('sha256');
  for (const { name, data } of modelTensors(model)) hash.update(name).update(new Uint8Array(data.buffer));
  runs.push({ threads, digest: hash.digest('hex'), losses });
  disposeModel(model);
}
console.log(JSON.stringify(runs));
