// What ranks must have in common is compared, and each learns what differs: settings, threads, instruction sets, the newest
// checkpoint, and the bits of their weights.
import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { ParameterSpec } from '../../src/architecture/parameters.js';
import { Interrupted } from '../../src/base/errors.js';
import { type HostTensor, halfTensor } from '../../src/base/host-tensor.js';
import { readManifest } from '../../src/checkpoint/manifest.js';
import { disposeModel, frozenFromTensors, type Model, weight } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import type { HalfMatrix } from '../../src/tensor/matrix.js';
import { tensor1d, tensor2d } from '../../src/tensor/tf.js';
import { checkSameTraining, checkSameWeights, seenByAll } from '../../src/train/agreement.js';
import { onBackend } from '../conformance/backends.js';
import { modelTensors } from '../model-tensors.js';
import { memoryRanks } from './memory-ranks.js';
import { recordingReporter, tinyModel } from './tiny.js';
import { manifest, trainingWorld } from './world.js';

async function agreed(
  given: readonly {
    threads?: number | null;
    engine?: string;
    inputDigest?: string;
    settings?: (typeof manifest)['settings'];
  }[],
) {
  const said: string[] = [];
  const ended = await Promise.allSettled(
    memoryRanks(given.length).map((communicator, rank) => {
      const { engine, ...own } = given[rank];
      const note = (level: string, text: string) => void (rank === 0 && said.push(`${level}: ${text}`));
      return checkSameTraining(communicator, { manifest: { ...manifest, ...own }, reporter: { note } }, engine);
    }),
  );
  return { said, failures: ended.map((each) => (each.status === 'rejected' ? String(each.reason) : '')) };
}

test('who trains together is said; other threads or instructions are a warning, other data or settings an error on all', async () => {
  const same = await agreed([{ threads: 2 }, { threads: 2 }]);
  assert.deepEqual(same.said, ['info: 2 processes over memory, 2 threads each']);
  const unlike = await agreed([
    { threads: 2, engine: 'avx512' },
    { threads: 2, engine: 'avx512' },
    { threads: 4, engine: 'avx2' },
  ]);
  assert.equal(unlike.said[0], 'info: 3 processes over memory');
  assert.match(
    unlike.said[1],
    /^warning: rank 2 computes with 4 threads, rank 0 with 2 threads: .* the same --threads$/,
  );
  assert.match(unlike.said[2], /^warning: rank 2 computes with the instructions avx2, rank 0 with avx512: /);
  assert.equal(unlike.failures.join(''), '');
  const train = { steps: 8, batchSize: 2 };
  const unset = await agreed([{ settings: { train } }, { settings: { train: { ...train, batchSize: 4 } } }]);
  for (const failure of unset.failures)
    assert.match(failure, /the ranks differ in pretrain\.train\.batchSize, so.*Rank 1 was given other settings/);
  const other = await agreed([{}, { inputDigest: 'other' }]);
  for (const failure of other.failures)
    assert.match(failure, /the ranks differ in data.*Rank 1 has other, rank 0 has data/);
});

test('weights of the same bits pass, and one other bit ends it on all ranks, by name', async () => {
  await openBackend('wasm');
  const models = [tinyModel(), tinyModel(), tinyModel()];
  const check = () =>
    Promise.allSettled(
      memoryRanks(3).map((communicator, rank) =>
        checkSameWeights(communicator, models[rank], { stage: 'sft', step: 8, last: { step: 4, path: 'runs/a' } }),
      ),
    );
  assert.ok((await check()).every(({ status }) => status === 'fulfilled'));
  const value = weight(models[2], 'model.norm.weight');
  const values = await value.data<'float32'>();
  const bits = new Uint32Array(values.slice().buffer);
  bits[3] ^= 1;
  const changed = tensor1d(new Float32Array(bits.buffer));
  value.assign(changed);
  changed.dispose();
  for (const each of await check()) {
    const reason = each.status === 'rejected' ? String(each.reason) : '';
    assert.match(reason, /sft, step 8: the weights of the processes are no longer the same/);
    assert.match(reason, /Rank 2 has others than rank 0 in 1 of \d+ tensors, model\.norm\.weight first/);
    assert.match(reason, /resumes from step 4, which all of them read \(runs\/a\)/);
  }
  const read = await Promise.allSettled(
    memoryRanks(3).map((communicator, rank) =>
      checkSameWeights(communicator, models[rank], { stage: 'sft', step: 4, last: { step: 4, path: 'runs/a' } }),
    ),
  );
  for (const each of read) {
    assert.match(String(each.status === 'rejected' && each.reason), /rank 2 has read other weights .* from runs\/a/);
  }
  for (const model of models) disposeModel(model);
});

await onBackend('bf16 matrices are compared too, and where rows are named those alone', 'native', {}, async () => {
  const bases = [frozenHalves(), frozenHalves()];
  const name = 'model.layers.1.mlp.up_proj.weight';
  const check = (rows?: readonly ParameterSpec[]) =>
    Promise.allSettled(
      memoryRanks(2).map((each, rank) => checkSameWeights(each, bases[rank], { stage: 'sft', step: 0 }, rows)),
    );
  assert.ok((await check()).every(({ status }) => status === 'fulfilled'));
  const held = new Map(bases[1].halves);
  const { shape, words } = held.get(name) as HalfMatrix;
  const bits = await words.data<'int32'>();
  bits[5] ^= 1;
  const changed: HalfMatrix = { shape, words: tensor2d(bits, words.shape, 'int32') };
  words.dispose();
  bases[1] = { ...bases[1], halves: held.set(name, changed) };
  for (const each of await check()) {
    const reason = each.status === 'rejected' ? String(each.reason) : '';
    assert.match(reason, /in 1 of \d+ tensors, model\.layers\.1\.mlp\.up_proj\.weight first/);
  }
  const others = bases[0].parameters.filter((row) => row.name !== name);
  assert.ok((await check(others)).every(({ status }) => status === 'fulfilled'));
  for (const base of bases) disposeModel(base);
});

/** The tiny model as one that was stored as bf16. */
function frozenHalves(): Model {
  const model = tinyModel();
  const stored = modelTensors(model).map(({ name, shape, data }): [string, HostTensor] => {
    const bits = new Uint32Array(data.buffer);
    return [
      name,
      halfTensor(
        name,
        shape,
        Uint16Array.from(bits, (each) => each >>> 16),
      ),
    ];
  });
  disposeModel(model);
  const frozen = frozenFromTensors(model.config, new Map(stored), 'the test');
  assert.ok(frozen.halves !== undefined && frozen.halves.size > 0);
  return frozen;
}

describe('two ranks', () => {
  const world = trainingWorld();

  test('that begin with other weights take no step', async () => {
    const ended = await Promise.allSettled(
      memoryRanks(2).map((communicator, rank) => world.run('apart', { communicator, model: tinyModel(7 + rank) })),
    );
    for (const each of ended) {
      assert.match(String(each.status === 'rejected' && each.reason), /pretrain, step 0: the weights .*begins again/);
    }
  });

  test('resume from what the first has found: it alone sets a damaged checkpoint aside, and says so', async () => {
    await world.run('damaged', { steps: 8 });
    const folder = world.pathOf('damaged');
    await writeFile(world.pathOf('damaged', 'step-000008', 'model.safetensors'), 'no weights');
    const reporters = [recordingReporter(), recordingReporter()];
    await Promise.all(
      memoryRanks(2).map((communicator, rank) => world.run('damaged', { communicator, reporter: reporters[rank] })),
    );
    const warned = reporters.map(({ events }) => events.filter((e) => e.type === 'note' && e.level === 'warning'));
    const aside = warned.map((notes) => notes.filter((e) => e.type === 'note' && e.text.includes('damaged')).length);
    assert.deepEqual(aside, [1, 0]);
    assert.ok((await readdir(folder)).includes('step-000008.damaged'));
    for (const { events } of reporters) {
      assert.ok(events.some((e) => e.type === 'stage' && e.detail === 'from step 4'));
    }
    const path = world.pathOf('damaged', 'step-000010');
    const { digest } = await readManifest(path);
    const patience = { seconds: 0, everyMilliseconds: 1 };
    await Promise.all(memoryRanks(2).map((each) => seenByAll(each, { path, digest }, patience)));
    await rm(path, { recursive: true });
    const blind = await Promise.allSettled(memoryRanks(2).map((each) => seenByAll(each, { path, digest }, patience)));
    for (const each of blind) {
      assert.match(String(each.status === 'rejected' && each.reason), /rank 1 does not see this checkpoint/);
    }
  });
});

test('a rank that is interrupted ends the others as interrupted, and not as failed', async () => {
  const [first, second] = memoryRanks(2);
  await second.fail(new Interrupted('stopped while it read text'));
  await assert.rejects(first.gather(1), (error) => error instanceof Interrupted && /read text/.test(error.message));
});
