// A step of pairs, of judged answers or of a reward model is the same on several ranks as on one, whatever a loss takes from the
// whole of a micro-batch: its tokens, its sorted gaps, how far the policy has moved; and what is replayed beside it.
import assert from 'node:assert/strict';
import { PackedBatches } from '../../../src/data/packing.js';
import { scoredSequence } from '../../../src/data/scored.js';
import { disposeModel, type Model } from '../../../src/model/model.js';
import { asRewardModel } from '../../../src/model/reward.js';
import { alone, type Communicator } from '../../../src/tensor/communicator.js';
import { memory } from '../../../src/tensor/tf.js';
import { collectMoments } from '../../../src/train/exchange.js';
import type { MicroBatch, Objective } from '../../../src/train/objective.js';
import { labelledObjective, mismatchedAnswers } from '../../../src/train/objectives/labelled.js';
import { type PreferencePair, preferenceObjective } from '../../../src/train/objectives/preference.js';
import { replayedObjective } from '../../../src/train/objectives/replayed.js';
import { rewardObjective } from '../../../src/train/objectives/reward.js';
import { createOptimizer, disposeOptimizer } from '../../../src/train/optimizer.js';
import { type StepResult, trainStep } from '../../../src/train/step.js';
import { onBackend } from '../../conformance/backends.js';
import { memoryRanks } from '../memory-ranks.js';
import { countingPairs, countingSequences, padId, preferenceOf, tinyModel, trainConfig } from '../tiny.js';

type Knobs = Parameters<typeof preferenceOf>[0];

const options = { batchSize: 5, padId, seed: 3 };
const pairs = countingPairs(10).map((pair, i) => ({ ...pair, weight: i % 3 === 0 ? 0.5 : 1 }));
const even = countingPairs(10);
const few = even.map((pair, i) => ({ ...pair, weight: i % 5 === 0 ? 1 : 0 }));
const scored = pairs.map(({ chosen, rejected, weight }) => ({
  chosen: scoredSequence({ id: chosen.id, tokens: chosen.tokens }, padId, Array.from(chosen.loss ?? [])),
  rejected: scoredSequence({ id: rejected.id, tokens: rejected.tokens }, padId),
  ...{ weight, margin: 0.5 },
}));

const ofPairs =
  (knobs: Knobs, rows: readonly PreferencePair[] = pairs) =>
  () =>
    preferenceObjective(rows, { ...options, preference: preferenceOf(knobs) });

function ofLabels(knobs: Knobs) {
  const answers = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const others = mismatchedAnswers(answers);
  const rows = answers.map((sequence, i) => ({
    ...{ sequence, isGood: i % 2 === 0, weight: i % 3 === 0 ? 2 : 1 },
    mismatched: { ...others[i], reference: -40 }, // far enough for z to be above 0
  }));
  return () => labelledObjective(rows, { ...options, preference: preferenceOf(knobs) });
}

function withReplay(rows?: readonly PreferencePair[]) {
  const sequences = countingSequences(9, 14);
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  const batches = new PackedBatches({ source, mode: 'stream', seed: 5, rows: 3, columns: 12, padId });
  return replayedObjective(ofPairs({ method: 'simpo' }, rows)(), [{ name: 'text', batches, weight: 0.3 }]);
}

const cases: { name: string; objective: () => Objective<never>; isScored?: true; figures?: string[] }[] = [
  { name: 'dpo, with likelihood and two losses', objective: ofPairs({ loss: ['sigmoid', 'sft'], sftWeight: 0.2 }) },
  { name: 'cpo', objective: ofPairs({ method: 'cpo' }) },
  { name: 'simpo', objective: ofPairs({ method: 'simpo' }) },
  { name: 'orpo', objective: ofPairs({ method: 'orpo' }) },
  { name: 'aot', objective: ofPairs({ loss: 'aot' }, even) },
  { name: 'kto', objective: ofLabels({ method: 'kto', sftWeight: 0.1 }) },
  { name: 'apo_zero_unpaired', objective: ofLabels({ method: 'kto', loss: 'apo_zero_unpaired' }) },
  { name: 'simpo beside replayed text', objective: () => withReplay() },
  { name: 'the same where few pairs have a weight', objective: () => withReplay(few), figures: ['replay/text'] },
  {
    ...{ name: 'reward model', isScored: true },
    objective: () => rewardObjective(scored, { ...options, centerWeight: 0.01, lmWeight: 0.5 }),
  },
].map((each) => ({ ...each, objective: each.objective as unknown as () => Objective<never> })) as typeof cases;

interface Taken extends StepResult {
  /** First moments, of the first rank: the mean gradient. */
  moments: number[];
}

async function stepOf(
  communicator: Communicator,
  { objective: make, isScored }: (typeof cases)[number],
): Promise<Taken> {
  const model: Model = isScored ? asRewardModel(tinyModel(7, 32), 3) : tinyModel(7, 32);
  const optimizer = createOptimizer(model, 'adamw', communicator);
  const objective = make() as Objective<MicroBatch>;
  const batches = [
    await objective.next({ model, step: 1, communicator }),
    await objective.next({ model, step: 1, communicator }),
  ];
  const config = trainConfig({ beta1: 0, clipNorm: 0 });
  const taken = await trainStep(model, optimizer, objective, batches, config, {
    ...{ step: 1, learningRate: 0.01, communicator },
  });
  const collected = await collectMoments(communicator, optimizer, (_, length) => new Float32Array(length));
  const moments = collected.flatMap(({ name, data }) => (name.startsWith('m.') ? [...data] : []));
  disposeOptimizer(optimizer);
  disposeModel(model);
  return { ...taken, moments };
}

await onBackend('a step of preferences on several ranks is that of one', 'native', {}, async () => {
  const before = memory().numTensors;
  for (const each of cases) {
    const one = await stepOf(alone, each);
    const largest = Math.max(...one.moments.map(Math.abs));
    assert.ok(largest > 1e-3, `${each.name}: ${largest}`);
    for (const size of each === cases[0] ? [2, 3] : [3]) {
      const ranks = await Promise.all(memoryRanks(size).map((communicator) => stepOf(communicator, each)));
      const off = Math.max(...one.moments.map((value, i) => Math.abs(value - ranks[0].moments[i])));
      assert.ok(off <= 3e-6 * Math.max(largest, 0.1), `${each.name}, ${size} ranks: off by ${off} of ${largest}`);
      for (const rank of ranks) {
        const what = `${each.name}, ${size} ranks`;
        assert.ok(Math.abs(rank.loss - one.loss) <= 2e-6 * Math.abs(one.loss), `${what}: ${rank.loss}, ${one.loss}`);
        assert.deepEqual(Object.keys(rank.figures).sort(), Object.keys(one.figures).sort(), what);
        // Where parts weigh nothing: they are not asked for figures.
        for (const [name, figure] of Object.entries(one.figures)) {
          if (each.figures?.includes(name) === false) continue;
          const far = Math.abs(rank.figures[name] - figure);
          assert.ok(far <= 1e-5 * Math.max(1, Math.abs(figure)), `${what}: ${name} ${rank.figures[name]}, ${figure}`);
        }
      }
    }
  }
  assert.equal(memory().numTensors, before);
});
