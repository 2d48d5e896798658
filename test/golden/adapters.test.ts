// Adapters that PEFT 0.21.2 saved (scripts/golden/make_adapters.py), opened with their bases: the logits of the merged model are
// those that PEFT computes with the adapter beside it. Ours, written and opened again, are the same.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decoderTable } from '../../src/architecture/parameters.js';
import { identifyCheckpoint, openCheckpoint, readModel } from '../../src/checkpoint/directory.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { isRewardModel } from '../../src/config/model.js';
import { checkTensors } from '../../src/model/check-tensors.js';
import { disposeModel, type Model, modelFromTensors } from '../../src/model/model.js';
import { score } from '../../src/model/reward.js';
import { openBackend } from '../../src/tensor/backends.js';
import { tensor1d, tensor3d, tidy } from '../../src/tensor/tf.js';
import { columnLogits } from '../inference/answers.js';
import { assertClose } from './fixtures.js';

interface Expected {
  base: string;
  /** [2, 10] */
  ids: number[][];
  /** Positions whose logits are kept. */
  kept: number[];
  /** How much the adapter changes the logits at most. */
  change: number;
  /** [2, kept, V]; of a reward model the score of each row. */
  logits: number[];
}

const folder = fileURLToPath(new URL('adapters/', import.meta.url));
const names = (await readdir(folder)).sort();
await openBackend('auto');
const scratch = await mkdtemp(join(tmpdir(), 'adapters-'));
after(() => rm(scratch, { recursive: true }));

function outputsOf(model: Model, { ids, kept }: Expected): number[] {
  const length = ids[0].length;
  if (isRewardModel(model.config)) {
    const positions = ids.flatMap((row) => row.map((_, i) => i));
    return tidy(() => {
      const input = {
        tokens: tensor1d(ids.flat(), 'int32'),
        positions: tensor1d(positions, 'int32'),
        ranges: tensor3d(
          positions.flatMap((position) => [0, position]),
          [ids.length, length, 2],
          'int32',
        ),
      };
      const last = tensor1d(
        ids.map((_, row) => (row + 1) * length - 1),
        'int32',
      );
      return [...score(model, input, last).dataSync()];
    });
  }
  const all = columnLogits(model, ids, [0, length]);
  const vocabulary = model.config.vocab_size;
  return ids.flatMap((_, row) =>
    kept.flatMap((position) => {
      const at = (row * length + position) * vocabulary;
      return [...all.subarray(at, at + vocabulary)];
    }),
  );
}

async function checkAdapter(path: string, expected: Expected): Promise<void> {
  const checkpoint = await openCheckpoint(path);
  checkTensors(decoderTable(checkpoint.model), checkpoint.weights, path);
  const model = modelFromTensors(checkpoint.model, checkpoint.weights, path);
  assertClose(outputsOf(model, expected), expected.logits, path, 1e-5);
  disposeModel(model);
}

const expectedOf = async (name: string): Promise<Expected> =>
  JSON.parse(await readFile(join(folder, name, 'expected.json'), 'utf8'));

test('there are adapters of every kind, and each changes what its base says', async () => {
  assert.equal(names.length, 13);
  for (const name of names) assert.ok((await expectedOf(name)).change > 1, name);
});

for (const name of names) {
  test(`${name}: merged into its base, the logits are those of PEFT`, async () => {
    await checkAdapter(join(folder, name), await expectedOf(name));
    const { model } = await readModel(join(folder, name));
    const merged = await openCheckpoint(join(folder, name));
    assert.equal(model.vocab_size, merged.model.vocab_size);
    assert.equal((await identifyCheckpoint(join(folder, name))).digest, merged.digest);
    assert.match(merged.notes?.[0] ?? '', /^an adapter of rank \d on .*fixtures.*, merged$/);
  });
}

for (const name of ['plain', 'rslora', 'patterns', 'layers', 'score']) {
  test(`${name}: apart, saved as ours and opened again, it is the same adapter`, async () => {
    const expected = await expectedOf(name);
    const { adapter, ...opened } = await openCheckpoint(join(folder, name), { adapter: 'apart' });
    assert.ok(adapter !== undefined);
    const run = join(scratch, name);
    const base = join(run, 'base');
    await cp(adapter.base.name, base, { recursive: true });
    const path = join(run, 'sft', 'step-000001');
    await saveCheckpoint(path, {
      ...opened,
      weights: [...adapter.tensors.values()],
      adapter: { ...adapter, base: { ...adapter.base, name: base } },
      training: { tensors: [], state: { step: 1 } },
    });
    assert.deepEqual((await readdir(path)).sort(), [
      'adapter_config.json',
      'adapter_model.safetensors',
      ...['chat_template.jinja', 'generation_config.json', 'mossctl.json', 'special_tokens_map.json'],
      ...['tokenizer.json', 'tokenizer_config.json', 'training'],
    ]);
    const config = JSON.parse(await readFile(join(path, 'adapter_config.json'), 'utf8'));
    assert.equal(config.base_model_name_or_path, '../../base', 'a base in the same run is named from the adapter');
    await checkAdapter(path, expected);
    const again = await openCheckpoint(path, { adapter: 'apart', training: true });
    assert.deepEqual(again.adapter?.shape, adapter.shape);
    assert.deepEqual([...(again.adapter?.tensors.keys() ?? [])].sort(), [...adapter.tensors.keys()].sort());
    for (const [key, tensor] of adapter.tensors) assert.deepEqual(again.adapter?.tensors.get(key), tensor);
    assert.deepEqual(again.training?.state, { step: 1 });
    assert.equal(again.adapter?.base.digest, (await identifyCheckpoint(base)).digest);
  });
}
