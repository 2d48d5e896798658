// Groups and shapes from the names of tensors, Hugging Face's and GGUF's; and ancestors found by their digest alone.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../../src/base/files.js';
import { findAncestors } from '../../src/inspect/lineage.js';
import { summarise } from '../../src/inspect/parameters.js';

const tensor = (name: string, shape: number[], dtype = 'f32') => ({ name, shape, dtype });

test('every tensor is in one group, what layers share is one entry', () => {
  const ours = summarise([
    tensor('model.embed_tokens.weight', [10, 4]),
    ...[0, 1].flatMap((layer) => [
      tensor(`model.layers.${layer}.self_attn.q_proj.weight`, [4, 4], 'bf16'),
      tensor(`model.layers.${layer}.self_attn.q_proj.bias`, [4]),
      tensor(`model.layers.${layer}.self_attn.q_norm.weight`, [2]),
      tensor(`model.layers.${layer}.mlp.up_proj.weight`, [6, 4]),
      tensor(`model.layers.${layer}.input_layernorm.weight`, [4]),
    ]),
    tensor('model.norm.weight', [4]),
    tensor('score.weight', [1, 4]),
    tensor('strange', []),
  ]);
  assert.deepEqual(
    ours.groups.map(({ name, parameters }) => [name, parameters]),
    [
      ['embedding', 40],
      ['attention', 40],
      ['mlp', 48],
      ['norms', 16],
      ['head', 4],
      ['other', 1],
    ],
  );
  assert.equal(ours.parameters, 149);
  assert.deepEqual(ours.dtypes, { f32: 117, bf16: 32 });
  assert.deepEqual(ours.groups[1].shapes, [
    { name: 'q_proj', shape: [4, 4], count: 2 },
    { name: 'q_proj.bias', shape: [4], count: 2 },
  ]);
  const gguf = summarise([
    tensor('token_embd.weight', [10, 4], 'q8_0'),
    tensor('blk.0.attn_q.weight', [4, 4]),
    tensor('blk.0.attn_q_norm.weight', [2]),
    tensor('blk.0.ffn_up.weight', [6, 4]),
    tensor('output_norm.weight', [4]),
    tensor('output.weight', [10, 4]),
  ]);
  assert.deepEqual(
    gguf.groups.map(({ name, parameters }) => [name, parameters]),
    [
      ['embedding', 40],
      ['attention', 16],
      ['mlp', 24],
      ['norms', 6],
      ['head', 40],
    ],
  );
});

test('ancestors are found in the stage, in the run and in the runs beside it, and only there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-lineage-'));
  try {
    const place = async (path: string, text: string) => {
      await mkdir(join(folder, path), { recursive: true });
      await writeFile(join(folder, path, 'mossctl.json'), text);
      return { stage: 'sft' as const, step: 1, digest: sha256(text) };
    };
    const lineage = [
      await place('runs/b/pretrain/step-000001', 'beside'),
      await place('runs/a/sft/step-000001', 'run'),
      await place('runs/a/.tmp-step-000009', 'unfinished'),
      await place('far/away/from/all/of/it', 'far'),
    ];
    await place('runs/a/align/round-01/step-000002', 'own');
    const found = await findAncestors(join(folder, 'runs/a/align/round-01/step-000002'), lineage);
    assert.deepEqual(
      found.map(({ path }) => path),
      [join(folder, 'runs/b/pretrain/step-000001'), join(folder, 'runs/a/sft/step-000001'), null, null],
    );
    assert.deepEqual(found[0], { ...lineage[0], path: join(folder, 'runs/b/pretrain/step-000001') });
  } finally {
    await rm(folder, { recursive: true });
  }
});
