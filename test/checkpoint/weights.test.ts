// Weights in one file or in shards, written and read; and indexes that lie.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import type { HostTensor } from '../../src/base/host-tensor.js';
import { describeWeights, readWeights, writeWeights } from '../../src/checkpoint/weights.js';

const indexName = 'model.safetensors.index.json';
let top = '';
before(async () => {
  top = await mkdtemp(join(tmpdir(), 'weights-'));
});
after(() => rm(top, { recursive: true }));

const tensors: HostTensor[] = ['d', 'a', 'c', 'b'].map((name, i) => ({
  name,
  shape: [100],
  data: Float32Array.from({ length: 100 }, (_, j) => i * 100 + j),
}));

async function folderOf(name: string, maxShardBytes?: number): Promise<string> {
  const folder = join(top, name);
  await mkdir(folder);
  await writeWeights(folder, tensors, { maxShardBytes });
  return folder;
}

test('below the limit: one file, no index', async () => {
  const folder = await folderOf('one');
  assert.deepEqual(await readdir(folder), ['model.safetensors']);
  assertSame(await readWeights(folder));
});

test('above it: shards within the limit, and an index that names each tensor', async () => {
  const folder = await folderOf('shards', 800);
  const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  assert.deepEqual((await readdir(folder)).sort(), [...names, indexName]);
  assert.deepEqual(JSON.parse(await readFile(join(folder, indexName), 'utf8')), {
    metadata: { total_size: 1600 },
    weight_map: { a: names[0], b: names[0], c: names[1], d: names[1] },
  });
  assertSame(await readWeights(folder));
  const { files, entries } = await describeWeights(folder);
  assert.deepEqual(files, [...names, indexName]);
  assert.deepEqual(
    entries.map(({ name }) => name),
    ['a', 'b', 'c', 'd'],
  );
});

test('a tensor larger than the limit has a shard of its own; 16-bit tensors count half', async () => {
  assert.equal((await readdir(await folderOf('tiny', 1))).length, 5);
  const folder = join(top, 'half');
  await mkdir(folder);
  const names = Object.keys(await writeWeights(folder, tensors, { dtype: 'bf16', maxShardBytes: 400 }));
  assert.equal(names.length, 3);
  const { metadata } = JSON.parse(await readFile(join(folder, indexName), 'utf8')) as { metadata: object };
  assert.deepEqual(metadata, { total_size: 800 });
  assert.ok((await stat(join(folder, names[0]))).size < 800);
});

test('equal tensors give equal shards, in whatever order they come', async () => {
  const folder = join(top, 'reversed');
  await mkdir(folder);
  await writeWeights(folder, [...tensors].reverse(), { maxShardBytes: 800 });
  for (const name of await readdir(folder)) {
    assert.ok((await readFile(join(folder, name))).equals(await readFile(join(top, 'shards', name))), name);
  }
});

const one = 'model-00001-of-00002.safetensors';
const lies: [string, (folder: string) => Promise<void>, RegExp][] = [
  [
    'a missing shard',
    (folder) => rm(join(folder, one)),
    /1 of 2 files of weights are missing.*names model-00001-of-00002\.safetensors/,
  ],
  [
    'a tensor in another shard',
    (folder) => remap(folder, { a: 'model-00002-of-00002.safetensors' }),
    /tensor a is not in it, though/i,
  ],
  ['a tensor in no shard', (folder) => remap(folder, { ghost: one }), /tensor ghost is not in it/i],
  ['a missing tensor', (folder) => remap(folder, { a: undefined }), /it holds tensor a, which .* places elsewhere/i],
  [
    'a way out of the folder',
    (folder) => remap(folder, { a: '../shards/model-00001-of-00002.safetensors' }),
    /weight_map\.a: not the plain name/,
  ],
  ['an absolute path', (folder) => remap(folder, { a: '/etc/passwd' }), /weight_map\.a: not the plain name/],
  ['a hidden file', (folder) => remap(folder, { a: '.x.safetensors' }), /weight_map\.a: not the plain name/],
  ['no map', (folder) => writeFile(join(folder, indexName), '{"metadata":{}}'), /weight_map/],
  ['an empty map', (folder) => writeFile(join(folder, indexName), '{"weight_map":{}}'), /weight_map is empty/],
  ['no JSON', (folder) => writeFile(join(folder, indexName), '{'), /not valid JSON/],
  [
    'no weights at all',
    (folder) => rm(join(folder, indexName)),
    /several files, but model\.safetensors\.index\.json is missing/,
  ],
  [
    'only a pickle',
    async (folder) => {
      await rm(join(folder, indexName));
      await rename(join(folder, one), join(folder, 'pytorch_model-00001-of-00002.bin'));
    },
    /pytorch_model-00001-of-00002.bin: these weights are a Python pickle.*save_pretrained/s,
  ],
];
for (const [title, spoil, message] of lies) {
  test(`refuses: ${title}`, async () => {
    const folder = await folderOf(title, 800);
    await spoil(folder);
    await assert.rejects(readWeights(folder), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

test('a shard that is a link is read: caches of models are made of links', async () => {
  const folder = await folderOf('links', 800);
  await rename(join(folder, one), join(top, 'blob'));
  await symlink(join(top, 'blob'), join(folder, one));
  assertSame(await readWeights(folder));
});

async function remap(folder: string, changes: Record<string, string | undefined>): Promise<void> {
  const path = join(folder, indexName);
  const index = JSON.parse(await readFile(path, 'utf8')) as { weight_map: Record<string, string> };
  await writeFile(path, JSON.stringify({ ...index, weight_map: { ...index.weight_map, ...changes } }));
}

function assertSame(read: ReadonlyMap<string, HostTensor>): void {
  assert.deepEqual([...read.keys()].sort(), ['a', 'b', 'c', 'd']);
  for (const tensor of tensors) assert.deepEqual(read.get(tensor.name), tensor);
}
