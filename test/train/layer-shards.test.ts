// Ranks that hold the layers in shares (ZeRO-3) take the steps that one process takes, in threads that wait for each other.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decoderTable, sizeOfTable } from '../../src/architecture/parameters.js';
import { startWorker } from '../../src/base/worker.js';
import { openBackend } from '../../src/tensor/backends.js';
import { alone } from '../../src/tensor/communicator.js';
import {
  runTraining,
  type StepsJob,
  type StepsSaid,
  type TrainingJob,
  type TrainingSaid,
  takeSteps,
} from './shards-rank.js';
import { sharedMemory } from './thread-ranks.js';
import { tinyConfig } from './tiny.js';

/** What each rank says of each job. */
async function onThreads<Said>(size: number, jobs: readonly (StepsJob | TrainingJob)[]): Promise<Said[][]> {
  const shared = sharedMemory(size);
  return Promise.all(
    Array.from({ length: size }, (_, rank) => {
      const thread = startWorker(new URL('./shards-rank.js', import.meta.url), {
        workerData: { shared, rank, size, jobs },
      });
      return new Promise<Said[]>((resolve, reject) => {
        thread.once('message', resolve);
        thread.once('error', reject);
      });
    }),
  );
}

const size = 3;
// 2 rows, so that one of three ranks has nothing to compute; and 8, which make one pass of the first rank and two of the others.
const stepsJobs: StepsJob[] = [
  { kind: 'adamw', count: 1, steps: 2 },
  { kind: 'muon', count: 4, steps: 2 },
];

describe('layers in shares', () => {
  let root: string;
  let steps: StepsSaid[][]; // by rank, then job
  const trained = new Map<string, TrainingSaid>(); // of the first rank
  const directoryOf = (name: string): string => join(root, name);

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'mossctl-shards-'));
    await openBackend('wasm');
    const copies = ['resumed', 'alone'].map(directoryOf);
    const runs: (Omit<TrainingJob, 'directory'> & { name: string })[] = [
      { name: 'undisturbed', shard: 'weights' },
      { name: 'stopped', shard: 'weights', stopAt: 3, copies },
      { name: 'resumed', shard: 'weights' },
      { name: 'unmeasured', shard: 'weights', evaluations: 1 },
    ];
    const trainings = runs.map(({ name, ...run }) => ({ ...run, directory: directoryOf(name) }));
    const said = await onThreads<StepsSaid | TrainingSaid>(size, [...stepsJobs, ...trainings]);
    steps = said.map((each) => each.slice(0, stepsJobs.length) as StepsSaid[]);
    for (const [i, { name }] of runs.entries()) trained.set(name, said[0][stepsJobs.length + i] as TrainingSaid);
  });
  after(() => rm(root, { recursive: true, force: true }));

  test('are stepped as one process steps them, with fewer rows than ranks, and other parts on each', async () => {
    const inLayers = sizeOfTable(decoderTable(tinyConfig()).filter(({ layer }) => layer !== undefined));
    for (const [i, job] of stepsJobs.entries()) {
      const one = await takeSteps(job, alone);
      const [first, ...others] = steps.map((said) => said[i]);
      const what = `${job.kind}: ${first.losses}, ${one.losses}; ${first.norms}, ${one.norms}`;
      assert.equal(one.losses.length, job.steps);
      for (const [step, loss] of one.losses.entries()) {
        assert.ok(Math.abs(first.losses[step] - loss) <= 1e-5 * loss, what);
        assert.ok(Math.abs(first.norms[step] - one.norms[step]) <= 1e-3 * one.norms[step], what);
      }
      assert.ok(one.losses[1] < one.losses[0]);
      const largest = Math.max(...one.moments.map(Math.abs));
      const off = Math.max(...one.moments.map((value, at) => Math.abs(value - first.moments[at])));
      assert.ok(largest > 0.01 && off <= 1e-6, `${job.kind}: off by ${off} of ${largest}`);
      assert.equal(first.weights.length, one.weights.length);
      const apart = Math.max(...one.weights.map((value, at) => Math.abs(value - first.weights[at])));
      assert.ok(apart <= 2e-3, `${job.kind}: weights are ${apart} apart after steps of 0.01`);
      for (const { losses, norms } of others) assert.deepEqual([losses, norms], [first.losses, first.norms]);
      const held = [first, ...others].map((rank) => rank.held);
      const all = held.reduce((sum, own) => sum + own, 0);
      assert.equal(all, inLayers);
      assert.ok(Math.max(...held) <= inLayers / size + 600, `${held} of ${inLayers}`);
      for (const rank of [first, ...others]) {
        assert.equal(rank.tensorsLeft, 0);
        assert.match(rank.refused, /q_norm\.weight is held in shares by several ranks, and its layer is not gathered/);
      }
    }
  });

  test('are saved, evaluated and resumed: on as many ranks to the same digest, and where they are whole again', async () => {
    const { digest, loss, evaluated, outcome } = trained.get('undisturbed') as TrainingSaid;
    assert.equal(outcome, '');
    assert.equal(evaluated.length, 2);
    assert.ok(evaluated.every((sum) => sum > 100)); // of whole weights
    assert.match(trained.get('stopped')?.outcome ?? '', /Interrupted: stopped at step 3 of 6/);
    assert.equal(trained.get('resumed')?.digest, digest);
    const unmeasured = trained.get('unmeasured');
    assert.deepEqual([unmeasured?.outcome, unmeasured?.steps, unmeasured?.loss], ['', 6, loss]); // without the second evaluation
    assert.deepEqual(unmeasured?.evaluated, evaluated.slice(0, 1));
    const again = await runTraining({ directory: directoryOf('alone'), shard: 'moments' }, alone);
    assert.equal(again.steps, 3, again.outcome);
    assert.ok(Math.abs(again.loss - loss) <= 1e-4 * loss, `${again.loss}, ${loss}`);
    assert.ok(Math.abs(again.evaluated[1] - evaluated[1]) <= 1e-3 * evaluated[1]);
  });
});
