// One rank of mpi.test.ts and of `npm run test:mpi`: takes steps of the tiny model with the others, and prints as JSON what they came to.
//   rank.ts STEPS OPTIMIZER moments|weights [the step after which the last rank cannot continue, which the others learn]

import { decoderTable } from '../../src/architecture/parameters.js';
import { launchedRank } from '../../src/base/launcher.js';
import type { TokenBatch } from '../../src/data/types.js';
import { openMpi } from '../../src/distributed/mpi.js';
import { initModel } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { alone, type Communicator, reasonOf } from '../../src/tensor/communicator.js';
import { shardedModel } from '../../src/train/layer-shards.js';
import type { Objective } from '../../src/train/objective.js';
import { createOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { countingObjective, tinyConfig, tinyModel, trainConfig } from '../train/tiny.js';

const [steps, failsAfter] = [Number(process.argv[2]), Number(process.argv[5] ?? Number.NaN)];
const kind = process.argv[3] === 'muon' ? 'muon' : 'adamw';
const launched = launchedRank(process.env);
const mpi = launched && (await openMpi(launched));
const communicator: Communicator = mpi ?? alone;
await openBackend('wasm');
const parameters = decoderTable(tinyConfig());
const model =
  process.argv[4] === 'weights'
    ? shardedModel({ config: tinyConfig(), parameters, optimizer: kind, communicator }, (rows) =>
        initModel(tinyConfig(), 7, { rows }),
      )
    : tinyModel();
const counting = countingObjective();
let taken = 0;
const objective: Objective<TokenBatch> = {
  ...counting,
  loss(on, batch, context) {
    // In the midst of a pass: the others wait for this rank, and those that hold layers in shares without awaiting.
    if (taken === failsAfter && communicator.rank === communicator.size - 1) throw new Error('no more');
    return counting.loss(on, batch, context);
  },
};
const optimizer = createOptimizer(model, kind, communicator);
const losses: number[] = [];
let failure = '';
try {
  while (taken < steps) {
    const batches: TokenBatch[] = [await counting.next()];
    const at = { step: taken + 1, learningRate: 0.01, communicator };
    losses.push((await trainStep(model, optimizer, objective, batches, trainConfig(), at)).loss);
    taken++;
  }
} catch (error) {
  failure = reasonOf(error).split('\n')[0];
  await communicator.fail(failure);
}
await mpi?.close();
const { rank, size } = communicator;
process.stdout.write(`${JSON.stringify({ rank, size, losses, failure })}\n`);
