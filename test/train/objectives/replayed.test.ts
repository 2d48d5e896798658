// What is replayed beside an objective: how much it counts, and where it goes on.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { UserError } from '../../../src/base/errors.js';
import { PackedBatches } from '../../../src/data/packing.js';
import { disposeModel, type Model } from '../../../src/model/model.js';
import { openBackend } from '../../../src/tensor/backends.js';
import { readResult } from '../../../src/tensor/host.js';
import type { Scalar } from '../../../src/tensor/tf.js';
import { negativeLogLikelihood } from '../../../src/train/objectives/next-token.js';
import { preferenceObjective } from '../../../src/train/objectives/preference.js';
import { replayedObjective } from '../../../src/train/objectives/replayed.js';
import { countingPairs, countingSequences, padId, preferenceOf, tinyModel } from '../tiny.js';

const pairs = () =>
  preferenceObjective(countingPairs(7), { preference: preferenceOf({ sftWeight: 0 }), batchSize: 3, padId, seed: 5 });

function supply(mode: 'stream' | 'whole', seed: number): PackedBatches {
  // In the first tokens nothing is to be learnt of conversations.
  const sequences = countingSequences(9, 11).map((sequence) =>
    mode === 'stream' ? sequence : { ...sequence, loss: Array.from({ length: 11 }, (_, i) => Number(i > 6)) },
  );
  const source = { length: sequences.length, get: (index: number) => sequences[index] };
  return new PackedBatches({ source, mode, seed, rows: 1, columns: 13, padId });
}

const replayed = () =>
  replayedObjective(pairs(), [
    { name: 'text', batches: supply('stream', 1), weight: 0.5 },
    { name: 'instructions', batches: supply('whole', 2), weight: 2 },
  ]);

const valued = async (loss: () => Scalar): Promise<number> => (await readResult(loss))[0];
const silent = { record: () => undefined };

describe('replay beside an objective', () => {
  let model: Model;
  before(async () => {
    await openBackend('wasm');
    model = tinyModel();
  });

  const at = () => ({ model, step: 1 });

  test('its mean loss per token counts as often as there are pairs, times its weight', async () => {
    const objective = replayed();
    const batch = await objective.next(at());
    const [own, text, rows] = [await pairs().next(), await supply('stream', 1).next(), await supply('whole', 2).next()];
    assert.equal(batch.weight, 3);
    assert.equal(batch.tokenCount, own.tokenCount + text.tokenCount + rows.tokenCount);
    assert.deepEqual(batch.ids, [...own.ids, ...text.ids, ...rows.ids]);
    assert.ok(rows.weight < text.weight);
    const figures = new Map<string, number>();
    const context = { record: (name: string, value: Scalar) => figures.set(name, value.dataSync()[0]) };
    const loss = await valued(() => objective.loss(model, batch, context as never));
    const [pairLoss, textLoss, rowLoss] = [
      await valued(() => pairs().loss(model, own, silent)),
      (await valued(() => negativeLogLikelihood(model, text))) / text.weight,
      (await valued(() => negativeLogLikelihood(model, rows))) / rows.weight,
    ];
    const expected = pairLoss + 3 * (0.5 * textLoss + 2 * rowLoss);
    assert.ok(Math.abs(loss - expected) < 1e-4 * expected, `${loss} is not ${expected}`);
    assert.ok(Math.abs((figures.get('replay/text') ?? 0) - 3 * textLoss) < 1e-3);
    assert.ok(Math.abs((figures.get('replay/instructions') ?? 0) - 3 * rowLoss) < 1e-3);
    assert.ok(figures.has('rewards/margins'));
    disposeModel(model);
    model = tinyModel();
  });

  test('while the model learns nothing, nothing is read again', async () => {
    const critical = { ...pairs(), trains: (_: unknown, step: number) => step > 1 };
    const objective = replayedObjective(critical, [{ name: 'text', batches: supply('stream', 1), weight: 0.5 }]);
    assert.deepEqual((await objective.next(at())).replayed, []);
    const { replayed: first } = await objective.next({ ...at(), step: 2 });
    assert.deepEqual(first, [await supply('stream', 1).next()]);
  });

  test('restored, it reads on where it was; a position of something else is refused', async () => {
    const [whole, resumed] = [replayed(), replayed()];
    for (let step = 0; step < 5; step++) await whole.next(at());
    resumed.restore(JSON.parse(JSON.stringify(whole.state())));
    for (let step = 0; step < 5; step++) assert.deepEqual(await resumed.next(at()), await whole.next(at()));
    assert.throws(() => replayed().restore(pairs().state()), UserError);
    assert.throws(() => replayed().restore({ ...whole.state(), text: undefined }), UserError);
  });
});
