// Adapters whose files come from anybody (test/golden/adapters, with one thing changed): what does not belong to the base, cannot
// be computed here or is meant to do harm is refused by name; the base is found where the file, or a person, says it is.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import type { HostTensor } from '../../src/base/host-tensor.js';
import { baseReference } from '../../src/checkpoint/adapter-base.js';
import { adapterDtype, exportPeft, openAdapterAlone } from '../../src/checkpoint/adapter-export.js';
import { identifyCheckpoint, openCheckpoint } from '../../src/checkpoint/directory.js';
import { writeGgufAdapter } from '../../src/checkpoint/gguf-adapter.js';
import { readGguf } from '../../src/checkpoint/gguf-read.js';
import { readSafetensors, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';

const golden = fileURLToPath(new URL('../golden/adapters/', import.meta.url));
const bases = fileURLToPath(new URL('../interop/fixtures/', import.meta.url));
let scratch = '';
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'adapter-'));
  process.env.MOSSCTL_CACHE = join(scratch, 'cache');
  process.env.HF_HUB_CACHE = join(scratch, 'hub');
});
after(() => rm(scratch, { recursive: true }));

let copies = 0;
/** A copy of a golden adapter, its base named by the whole path; `tensors` changes the file of weights. */
async function copyOf(
  name: string,
  config: Record<string, unknown> = {},
  tensors?: (all: Map<string, HostTensor>) => void,
): Promise<string> {
  const path = join(scratch, `${name}-${copies++}`);
  await mkdir(path);
  const text = await readFile(join(golden, name, 'adapter_config.json'), 'utf8');
  const written = JSON.parse(text) as { base_model_name_or_path: string };
  const base = join(golden, name, written.base_model_name_or_path);
  const changed = { ...written, base_model_name_or_path: base, ...config };
  await writeFile(join(path, 'adapter_config.json'), JSON.stringify(changed));
  const weights = join(path, 'adapter_model.safetensors');
  if (tensors === undefined) await cp(join(golden, name, 'adapter_model.safetensors'), weights);
  else {
    const all = await readSafetensors(join(golden, name, 'adapter_model.safetensors'));
    tensors(all);
    await writeSafetensors(weights, [...all.values()]);
  }
  return path;
}

async function refuses(path: string, message: RegExp, options: Parameters<typeof openCheckpoint>[1] = {}) {
  const error = await openCheckpoint(path, options).then(
    () => assert.fail(`${path} was opened`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.match(error.message, message);
}

const query = 'base_model.model.model.layers.0.self_attn.q_proj';
const rename = (from: string, to: string) => (all: Map<string, HostTensor>) => {
  const tensor = all.get(from);
  assert.ok(tensor !== undefined, from);
  all.delete(from);
  all.set(to, { ...tensor, name: to });
};
const set =
  (name: string, shape: number[], value = 0.5) =>
  (all: Map<string, HostTensor>) => {
    all.set(name, { name, shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value) });
  };

test('fields that would change what is computed are refused by name, all at once', async () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ r: undefined, lora_alpha: null }, /has no r\..*silently take 8.*\n.*has no lora_alpha/s],
    [{ peft_type: 'ADALORA' }, /adapter of the kind ADALORA, and only LORA is read/],
    [{ task_type: 'SEQ_2_SEQ_LM', bias: 'all' }, /task_type SEQ_2_SEQ_LM.*\n.*bias all is not supported/s],
    [{ fan_in_fan_out: true }, /fan_in_fan_out true is not supported/],
    [{ layer_replication: [[0, 2]] }, /layer_replication is not supported.*several times/],
    [{ init_lora_weights: 'pissa_niter_16' }, /pissa_niter_16 is not supported.*weights its training has changed/],
    [{ lora_bias: true, use_bdlora: {}, alora_invocation_tokens: [1] }, /aLoRA.*\n.*BD-LoRA/s],
    [{ r: 1e9 }, /does not describe an adapter.*r: /],
    [{ rank_pattern: { '(.+)+!': 2 } }, /tries too many ways/],
    [{ target_modules: '(?P<x>q_proj)(' }, /cannot be used/],
    [{ rank_pattern: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`a${i}[.]b`, 1])) }, /too many ways/],
    [{ target_modules: Array.from({ length: 20_001 }, (_, i) => `m${i}`) }, /target_modules/],
    [{ base_model_name_or_path: 'x'.repeat(5000) }, /base_model_name_or_path/],
  ];
  for (const [config, message] of cases) await refuses(await copyOf('plain', config), message);
  const deep = await copyOf('plain');
  await writeFile(join(deep, 'adapter_config.json'), `${'['.repeat(200)}${']'.repeat(200)}`);
  await refuses(deep, /nested more than 100 levels/);
});

test('a tokenizer with more tokens than the base has rows is that of another model', async () => {
  const path = await copyOf('plain');
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await cp(join(bases, 'qwen3', name), join(path, name));
  await refuses(path, /the tokenizer has ids up to 367 .* the model only up to 366/);
});

test('unknown fields are reported, and a __proto__ among the patterns is a name like any other', async () => {
  const path = await copyOf('plain', { use_novelty: true });
  const text = await readFile(join(path, 'adapter_config.json'), 'utf8');
  await writeFile(
    join(path, 'adapter_config.json'),
    text.replace('"rank_pattern":{}', '"rank_pattern":{"__proto__":9}'),
  );
  const { notes } = await openCheckpoint(path);
  assert.ok(
    notes?.some((note) => /fields that are not known here: use_novelty/.test(note)),
    String(notes),
  );
});

test('what does not belong to the base is named, tensor by tensor', async () => {
  const a = `${query}.lora_A.weight`;
  const cases: [string, Record<string, unknown>, (all: Map<string, HostTensor>) => void, RegExp][] = [
    ['plain', {}, set(a, [4, 24]), /lora_A\.weight is \[4, 24\], and the base asks for \[4, 16\].*--base/],
    ['plain', {}, set(a, [8, 16]), /lora_A\.weight is \[8, 16\], and the base asks for \[4, 16\]/],
    ['plain', {}, (all) => all.delete(`${query}.lora_B.weight`), /q_proj has A and no B/],
    ['plain', {}, (all) => all.delete(a), /q_proj has B and no A/],
    [
      'plain',
      { target_modules: ['q_proj', 'v_proj'] },
      () => {},
      /down_proj has an adapter in the file, and .* does not/,
    ],
    [
      'plain',
      { target_modules: ['q_proj', 'v_proj', 'down_proj', 'k_proj'] },
      () => {},
      /k_proj is a target, and the file/,
    ],
    [
      'plain',
      {},
      rename(a, a.replace('layers.0', 'layers.7')),
      /layers\.7\.self_attn\.q_proj has an adapter.*no such module/,
    ],
    ['plain', {}, set('base_model.model.model.visual.weight', [2]), /model\.visual\.weight is unknown/],
    ['plain', {}, set(`${query}.lora_A.default.weight`, [4, 16]), /twice, under two names/],
    ['plain', {}, set(a, [4, 16], Number.NaN), /q_proj\.lora_A\.weight of this adapter holds NaN or infinity/],
    ['plain', { use_dora: true }, () => {}, /no lora_magnitude_vector, and use_dora is true/],
    ['dora', { use_dora: false }, () => {}, /has a lora_magnitude_vector, and use_dora is not true/],
    ['tokens', { trainable_token_indices: [300, 17, 400] }, () => {}, /row for token 400, and the model 368 tokens/],
    ['tokens', { trainable_token_indices: [300] }, () => {}, /delta is \[3, 16\], and the base asks for \[1, 16\]/],
    ['tokens', { trainable_token_indices: null }, () => {}, /does not say of which/],
    ['head', {}, (all) => all.delete('base_model.model.lm_head.weight'), /modules_to_save names lm_head, and the file/],
    ['score', {}, (all) => all.delete('base_model.model.score.weight'), /neither the adapter nor its base has a score/],
    [
      'untied',
      {},
      (all) => set('base_model.model.model.embed_tokens.base_layer.weight', [400, 16])(all),
      /embed_tokens\.lora_embedding_A is \[2, 368\]/,
    ],
  ];
  for (const [name, config, tensors, message] of cases) await refuses(await copyOf(name, config, tensors), message);
});

test('a name with the adapter in it, or without the prefix of PEFT, is the same tensor', async () => {
  const wanted = (await openCheckpoint(join(golden, 'plain'))).weights;
  const path = await copyOf('plain', {}, (all) => {
    for (const name of [...all.keys()])
      rename(name, name.replace('base_model.model.', '').replace(/(lora_[AB])/, '$1.my'))(all);
  });
  const opened = await openCheckpoint(path);
  for (const [name, tensor] of wanted) assert.deepEqual(opened.weights.get(name), tensor);
  const out = join(scratch, 'spelled');
  await exportPeft(out, await openAdapterAlone(path), { dtype: 'f32' });
  assert.ok((await readSafetensors(join(out, 'adapter_model.safetensors'))).has(`${query}.lora_A.weight`));
});

test('a base in the same run is named from the adapter, in a round too: a run that moves takes it along', () => {
  const base = { name: '/runs/x/sft/step-000009', digest: 'd' };
  const named = (directory: string): string => baseReference(directory, base).name;
  assert.equal(named('/runs/x/align/step-000001'), '../../sft/step-000009');
  for (const round of ['round-01', 'round-02-alpha-0.25'])
    assert.equal(named(`/runs/x/align/${round}/step-000001`), '../../../sft/step-000009');
  assert.equal(named('/runs/y/align/round-01/step-000001'), base.name);
});

test('a base is what is typed, or what lies where the file says, and only ever a model folder', async () => {
  const qwen3 = join(bases, 'qwen3');
  await symlink(bases, join(scratch, 'bases'));
  const relative = await copyOf('rslora', { base_model_name_or_path: '../bases/qwen3' });
  const typed = await copyOf('rslora', { base_model_name_or_path: null });
  const [one, other] = [await openCheckpoint(relative), await openCheckpoint(typed, { base: qwen3 })];
  assert.deepEqual(one.weights, other.weights);
  await refuses(typed, /base model of this adapter is not here.*names none.*--base FOLDER/);
  const cases: [string, RegExp][] = [
    ['/etc/passwd', /this is not a mossctl checkpoint|this is a file/i],
    ['/dev/zero', /this is a file|not a mossctl checkpoint/i],
    ['../../../nothing', /nothing at this path/],
    ['a\u0000b', /none that could be a path/],
    ['hf:org/name', /only for a name that a person types/],
    ['https://example.com/model', /nothing at this path/],
    ['Qwen/Qwen3-0.6B', /only for a name that a person types.*--base hf:Qwen\/Qwen3-0\.6B/],
    [golden.replace(/\/$/, '/plain'), /base of this adapter is an adapter itself.*export .*--merge/],
  ];
  for (const [name, message] of cases) {
    await refuses(await copyOf('rslora', { base_model_name_or_path: name }), message);
  }
});

test('a tokenizer beside an adapter that gives tokens of its base other ids is refused; new tokens are not', async () => {
  const path = await copyOf('rslora');
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await cp(join(bases, 'qwen3', name), join(path, name));
  const json = JSON.parse(await readFile(join(path, 'tokenizer.json'), 'utf8'));
  await writeFile(join(path, 'tokenizer.json'), JSON.stringify(json, undefined, 1));
  await openCheckpoint(path);
  const { vocab } = json.model as { vocab: Record<string, number> };
  [vocab['!'], vocab['#']] = [vocab['#'], vocab['!']];
  await writeFile(join(path, 'tokenizer.json'), JSON.stringify(json));
  await refuses(
    path,
    /tokenizer beside this adapter is not that of its base\. 2 of 3\d\d tokens have another id there/,
  );
});

test('a published base is found in the cache of Hugging Face tools, and never fetched', async () => {
  const [home, commit] = [join(scratch, 'hub/models--org--tiny'), 'a'.repeat(40)];
  await mkdir(join(home, 'refs'), { recursive: true });
  await writeFile(join(home, 'refs/main'), commit);
  await cp(join(bases, 'qwen3'), join(home, 'snapshots', commit), { recursive: true });
  const path = await copyOf('rslora', { base_model_name_or_path: 'org/tiny' });
  assert.deepEqual((await openCheckpoint(path)).weights, (await openCheckpoint(join(golden, 'rslora'))).weights);
  await refuses(
    await copyOf('rslora', { base_model_name_or_path: 'org/tiny', revision: '../..' }),
    /nothing at this path/,
  );
  const out = join(scratch, 'named');
  await exportPeft(out, await openAdapterAlone(path), { dtype: 'f32' });
  const config = JSON.parse(await readFile(join(out, 'adapter_config.json'), 'utf8'));
  assert.equal(config.base_model_name_or_path, 'org/tiny');
});

test('ours know their base by its digest; a copy that a person names is taken, and said', async () => {
  const base = join(scratch, 'own-base');
  await cp(join(bases, 'qwen3'), base, { recursive: true });
  const { adapter, ...opened } = await openCheckpoint(await copyOf('rslora', { base_model_name_or_path: base }), {
    adapter: 'apart',
  });
  assert.ok(adapter !== undefined);
  const path = join(scratch, 'run/sft/step-000003');
  await saveCheckpoint(path, { ...opened, weights: [...adapter.tensors.values()], adapter, training: undefined });
  const { digest } = await identifyCheckpoint(path);
  await writeFile(join(base, 'chat_template.jinja'), 'other');
  await refuses(path, /not the model that it was trained on.*was trained on the checkpoint .* and this one is/);
  const { notes, ...typed } = await openCheckpoint(path, { base: join(bases, 'qwen2.5') }).catch(() =>
    openCheckpoint(path, { base }),
  );
  assert.ok(
    notes?.some((note) => /fits only if it holds the same weights/.test(note)),
    String(notes),
  );
  assert.equal(typed.digest, digest);
  await writeFile(join(path, 'adapter_model.safetensors'), 'x'.repeat(100));
  await refuses(path, /this checkpoint is damaged.*sha256 differs/);
});

test('an adapter is exported as it is: PEFT opens the folder, llama.cpp the file, and what that cannot hold is named', async () => {
  const out = join(scratch, 'peft');
  const directory = join(golden, 'dora');
  const dtype = await adapterDtype(directory);
  assert.equal(dtype, 'bf16');
  const files = await exportPeft(out, await openAdapterAlone(directory), { dtype });
  assert.deepEqual((await readdir(out)).sort(), files);
  assert.deepEqual((await openCheckpoint(out)).weights, (await openCheckpoint(directory)).weights);

  const path = join(scratch, 'adapter.gguf');
  await writeGgufAdapter(path, await openAdapterAlone(join(golden, 'patterns')), { dtype: 'f32', name: 'patterns' });
  const { metadata, tensors } = await readGguf(path);
  assert.deepEqual(Object.fromEntries(metadata), {
    'general.architecture': 'qwen3',
    'general.type': 'adapter',
    'general.name': 'patterns',
    'general.quantization_version': 2,
    'adapter.type': 'lora',
    'adapter.lora.alpha': 16, // 8 · √4
  });
  assert.deepEqual(
    tensors.filter(({ name }) => name.startsWith('blk.1.attn_q')).map(({ name, shape }) => [name, shape]),
    [
      ['blk.1.attn_q.weight.lora_a', [2, 16]],
      ['blk.1.attn_q.weight.lora_b', [32, 2]],
    ],
  );
  const refused: [string, RegExp][] = [
    ['dora', /DoRA cannot be written.*--merge --format gguf/],
    ['score', /adapter of a reward model/],
    ['tokens', /rows of single tokens/],
    ['head', /lm_head\.weight, which this adapter has of its own|input_layernorm/],
    ['tied-head', /on lm_head of a tied base/],
    ['embedding', /on model\.embed_tokens of a tied base/],
  ];
  for (const [name, message] of refused) {
    const alone = await openAdapterAlone(join(golden, name));
    await assert.rejects(writeGgufAdapter(join(scratch, 'x.gguf'), alone, { dtype: 'f32', name }), message);
  }
});

test('what training here does not know is merged, and not continued', async () => {
  const cases: [string, RegExp][] = [
    ['dora', /cannot be trained further.*DoRA.*--merge/],
    ['tokens', /rows of single tokens/],
    ['embedding', /model\.embed_tokens.* of its own/],
    ['head', /lm_head\.weight of its own/],
  ];
  for (const [name, message] of cases) await refuses(join(golden, name), message, { adapter: 'apart' });
});
