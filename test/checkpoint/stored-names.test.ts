// What others store beside and around the weights: buffers of any dtype, which are skipped, and prefixes of every name, which
// are taken off where only one reading is possible.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isBuffer, plainNames } from '../../src/architecture/stored-names.js';
import { sha256File } from '../../src/base/files.js';
import { describeWeights, readWeights } from '../../src/checkpoint/weights.js';

let top = '';
before(async () => {
  top = await mkdtemp(join(tmpdir(), 'stored-names-'));
});
after(() => rm(top, { recursive: true }));

type Stored = [name: string, dtype: string, shape: number[], bytes: Buffer];
const float = (name: string, ...values: number[]): Stored => [
  name,
  'F32',
  [values.length],
  Buffer.from(Float32Array.from(values).buffer),
];

async function folderOf(name: string, stored: readonly Stored[], index?: readonly string[]): Promise<string> {
  const folder = join(top, name);
  await mkdir(folder);
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [tensor, dtype, shape, bytes] of stored) {
    header[tensor] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = index === undefined ? 'model.safetensors' : 'model-00001-of-00001.safetensors';
  await writeFile(join(folder, file), Buffer.concat([length, json, ...stored.map(([, , , bytes]) => bytes)]));
  if (index !== undefined) {
    const weight_map = Object.fromEntries(index.map((tensor) => [tensor, file]));
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
  }
  return folder;
}

const rotary = 'model.layers.0.self_attn.rotary_emb.inv_freq';
const withBuffers: Stored[] = [
  ['model.embeddings.position_ids', 'I64', [1, 4], Buffer.alloc(32, 9)],
  float('model.norm.weight', 1, 2, 3),
  [rotary, 'F32', [2], Buffer.alloc(8, 7)],
  ['model.layers.0.self_attn.bias', 'BOOL', [1, 1, 2, 2], Buffer.alloc(4, 1)],
  ['model.layers.0.mlp._extra_state', 'U8', [0], Buffer.alloc(0)],
  float('model.layers.0.self_attn.o_proj.bias', 4, 5),
  ['model.layers.0.self_attn.masked_bias', 'F8_E4M3', [], Buffer.alloc(1)],
];

test('buffers of any dtype are skipped wherever they lie; the weights between them, and the sha256, are those of the file', async () => {
  const folder = await folderOf('buffers', withBuffers);
  const digests: Record<string, string> = {};
  const read = await readWeights(folder, (file, sha256) => {
    digests[file] = sha256;
  });
  assert.deepEqual(
    [...read.values()].map(({ name, data }) => [name, ...data]),
    [
      ['model.norm.weight', 1, 2, 3],
      ['model.layers.0.self_attn.o_proj.bias', 4, 5],
    ],
  );
  assert.deepEqual(digests, { 'model.safetensors': await sha256File(join(folder, 'model.safetensors')) });
  const { entries, notes } = await describeWeights(folder);
  assert.deepEqual(
    entries.map(({ name }) => name),
    [...read.keys()],
  );
  assert.deepEqual(notes, []);
});

test('an index may name buffers or not', async () => {
  const weights = ['model.norm.weight', 'model.layers.0.self_attn.o_proj.bias'];
  for (const [name, index] of Object.entries({ without: weights, with: [...weights, rotary, 'x.attn.bias'] })) {
    assert.equal((await readWeights(await folderOf(`index-${name}`, withBuffers, index))).size, 2);
  }
});

test('a bias that is a weight is none of the buffers, and a dtype that is not read stays refused', async () => {
  for (const name of ['model.layers.0.self_attn.q_proj.bias', 'model.layers.0.self_attn.inv_freq.weight', 'bias']) {
    assert.equal(isBuffer(name, [1, 1, 2, 2]), false, name);
  }
  assert.equal(isBuffer('h.0.attn.bias', [4]), false);
  const folder = await folderOf('quantized', [['model.norm.weight', 'I8', [4], Buffer.alloc(4)]]);
  await assert.rejects(readWeights(folder), /has dtype I8.*quantized/);
});

const names = ['model.embed_tokens.weight', 'model.layers.0.mlp.up_proj.weight', 'lm_head.weight'];
const prefixed: [string, (name: string) => string, RegExp][] = [
  ['torch.compile', (name) => `_orig_mod.${name}`, /without _orig_mod\. \(torch\.compile\)$/],
  [
    'torch.compile under DDP',
    (name) => `module._orig_mod.${name}`,
    /_orig_mod\. .* and module\. \(DistributedDataParallel/,
  ],
  ['a compiled layer', (name) => name.replace('layers.0.', 'layers.0._orig_mod.'), /_orig_mod\./],
  [
    'FSDP',
    (name) => `_fsdp_wrapped_module.${name.replace('.mlp.', '._checkpoint_wrapped_module.mlp.')}`,
    /FSDP.*activation/,
  ],
  ['PEFT', (name) => `base_model.model.${name}`, /base_model\.model\. \(PEFT\)$/],
  ['a decoder saved alone', (name) => name.replace(/^model\./, ''), /with model\. before them/],
];
for (const [title, change, note] of prefixed) {
  test(`prefixes are taken off: ${title}`, async () => {
    const found = plainNames(names.map(change));
    assert.deepEqual(
      [...found.names],
      names.map((name) => [change(name), name]),
    );
    assert.equal(found.notes.length, 1);
    assert.match(found.notes[0], note);
    const folder = await folderOf(
      title,
      names.map((name, i) => float(change(name), i)),
    );
    assert.deepEqual(
      [...(await readWeights(folder)).values()].map(({ name, data }) => [name, data[0]]),
      names.map((name, i) => [name, i]),
    );
    assert.deepEqual((await describeWeights(folder)).notes, found.notes);
  });
}

test('what could be read in two ways stays as it is', () => {
  for (const stored of [
    names,
    ['module.model.norm.weight', 'model.norm.weight'],
    ['_orig_mod.model.norm.weight', 'model.norm.weight'],
    ['norm.weight', 'model.norm.weight'],
    ['transformer.h.0.weight'],
  ]) {
    const found = plainNames(stored);
    assert.deepEqual([...found.names.values()], stored);
    assert.deepEqual(found.notes, []);
  }
});
