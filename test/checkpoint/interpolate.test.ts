// Between two checkpoints every weight is the weighted mean of the two, the ends are the two themselves, and an adapter
// moves by its scale.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { adapterShape, withAdapters } from '../../src/architecture/adapters.js';
import { decoderTable, isTrained } from '../../src/architecture/parameters.js';
import { UserError } from '../../src/base/errors.js';
import { type HostTensor, sizeOf } from '../../src/base/host-tensor.js';
import { Random } from '../../src/base/random.js';
import { type Checkpoint, openCheckpoint } from '../../src/checkpoint/directory.js';
import { openLine, saveInterpolated } from '../../src/checkpoint/interpolate.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { loraSchema } from '../../src/config/lora.js';
import { checkpointContent } from './fixtures/content.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interpolate-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const bitsOf = ({ weights }: Pick<Checkpoint, 'weights'>): string =>
  [...weights.values()]
    .map(({ name, data }) => name + Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'))
    .sort()
    .join();

async function open(name: string, options: Parameters<typeof openCheckpoint>[1] = {}): Promise<Checkpoint> {
  return openCheckpoint(join(folder, name), options);
}

test('all weights: the ends to the bit, the mean between, the same digest again', async () => {
  const start = checkpointContent(200);
  await saveCheckpoint(join(folder, 'sft/step-000200'), start);
  const policy = await open('sft/step-000200');
  const end = checkpointContent(300);
  const manifest = { ...end.manifest, stage: 'align', parent: policy.digest, lineage: [] };
  await saveCheckpoint(join(folder, 'align/round-01/step-000300'), { ...end, manifest });
  const line = await openLine(policy, join(folder, 'align/round-01/step-000300'));
  const save = (alpha: number) =>
    saveInterpolated(join(folder, `align/round-01-alpha-${alpha}/step-000300`), { line, start: policy, alpha });
  const points = [];
  for (const alpha of [0, 0.25, 1]) points.push(await save(alpha));
  const [zero, quarter, one] = await Promise.all(
    [0, 0.25, 1].map((alpha) => open(`align/round-01-alpha-${alpha}/step-000300`)),
  );
  assert.equal(bitsOf(zero), bitsOf(policy));
  assert.equal(bitsOf(one), bitsOf({ weights: new Map(end.weights.map((tensor) => [tensor.name, tensor])) }));
  for (const { name, data } of end.weights) {
    const from = policy.weights.get(name)?.data ?? assert.fail();
    const expected = data.map((value, i) => from[i] + 0.25 * (value - from[i]));
    assert.deepEqual(quarter.weights.get(name)?.data, expected);
  }
  const { parent, stage, step, settings, metrics } = quarter.manifest;
  assert.deepEqual([parent, stage, step, metrics], [policy.digest, 'align', 300, {}]);
  assert.deepEqual(settings, { ...(end.manifest.settings as object), alpha: 0.25 });
  assert.equal(quarter.training, undefined);
  assert.deepEqual(await save(0.25), points[1]);
  const other = { ...policy, weights: new Map([...policy.weights].slice(1)) };
  await assert.rejects(openLine(other, line.end.path), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /model\.embed_tokens\.weight is in one of them alone/);
    return true;
  });
});

test('adapters: a new one is scaled, which is the line itself; a continued one goes from the old to the new', async () => {
  const base = await openCheckpoint(fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url)));
  const shape = adapterShape(decoderTable(base.model), loraSchema.parse({ rank: 2, alpha: 6 }));
  const rows = withAdapters(decoderTable(base.model), shape).filter(isTrained);
  const adapter = { shape, dropout: 0, base: { name: base.path, digest: base.digest } };
  const save = async (name: string, seed: number, parent: string): Promise<string> => {
    const weights = rows.map((row): HostTensor => {
      const random = Random.stream(seed, row.name);
      const data = Float32Array.from({ length: sizeOf(row.shape) }, () => 0.1 * random.normal());
      return { name: row.name, shape: [...row.shape], data };
    });
    const { model, eosTokenIds, tokenizerFiles } = base;
    const manifest = { ...checkpointContent(4).manifest, stage: 'align', step: 4, parent };
    const path = join(folder, name);
    await saveCheckpoint(path, { ...{ model, eosTokenIds, tokenizerFiles, weights, adapter, manifest } });
    return path;
  };
  const first = await save('lora/round-01/step-000004', 1, base.digest);
  const line = await openLine(base, first);
  const at = async (alpha: number, from: Checkpoint, along: typeof line): Promise<Checkpoint> => {
    const path = join(folder, `lora/alpha-${alpha}-${along.end.digest.slice(0, 8)}/step-000004`);
    await saveInterpolated(path, { line: along, start: from, alpha });
    return openCheckpoint(path);
  };
  const original = await openCheckpoint(base.path);
  const merged = await openCheckpoint(first);
  const half = await at(0.5, base, line);
  assert.equal(bitsOf(await at(0, base, line)), bitsOf(original));
  assert.equal(bitsOf(await at(1, base, line)), bitsOf(merged));
  let moved = 0;
  for (const [name, { data }] of merged.weights) {
    const from = original.weights.get(name)?.data ?? assert.fail();
    const between = half.weights.get(name)?.data ?? assert.fail();
    for (let i = 0; i < data.length; i++) {
      assert.ok(Math.abs(between[i] - (from[i] + data[i]) / 2) < 1e-6, `${name}[${i}]`);
      moved = Math.max(moved, Math.abs(data[i] - from[i]));
    }
  }
  assert.ok(moved > 0.01);
  assert.equal((await openCheckpoint(half.path, { adapter: 'apart' })).adapter?.shape.rank, 2);

  const policy = await openCheckpoint(first);
  const second = await save('lora/round-02/step-000004', 2, policy.digest);
  const continued = await openLine(policy, second);
  assert.equal(bitsOf(await at(0, policy, continued)), bitsOf(policy));
  assert.equal(bitsOf(await at(1, policy, continued)), bitsOf(await openCheckpoint(second)));
  const [a, b] = [line, continued].map(({ end }) => end.adapter?.tensors.get(rows[1].name)?.data ?? assert.fail());
  assert.deepEqual(
    continued.at(0.25).find(({ name }) => name === rows[1].name)?.data,
    b.map((value, i) => a[i] + 0.25 * (value - a[i])),
  );
});
