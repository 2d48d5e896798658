// Folders and files that people name where a model is wanted, and what they are told: each by what really lies in such a
// folder, tried through the one door that every command uses.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { readWeights } from '../../src/checkpoint/weights.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kinds-'));
});
after(() => rm(folder, { recursive: true }));

const adapter = JSON.stringify({ peft_type: 'LORA', r: 8, lora_alpha: 16, base_model_name_or_path: "org/it's" });
const index = JSON.stringify({
  weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
});
const llama = JSON.stringify({ architectures: ['LlamaForCausalLM'], vocab_size: 10, hidden_size: 4 });

/** Name → the files of its folder; what is said, `~` for the folder; what is named, where it is not the folder. */
const cases: [name: string, files: Record<string, string>, message: RegExp, named?: string][] = [
  [
    'adapter without its base',
    { 'adapter_config.json': adapter, 'adapter_model.safetensors': '' },
    /base model of this adapter is not here.*org\/it's, and there is nothing at this path.*--base/,
  ],
  [
    'adapter without weights',
    { 'adapter_config.json': adapter, 'tokenizer.json': '{}' },
    /an adapter \(PEFT\) without its weights.*no adapter_model\.safetensors/,
  ],
  [
    'adapter as a pickle',
    { 'adapter_config.json': adapter, 'adapter_model.bin': '' },
    /Python pickle.*PeftModel\.from_pretrained/,
  ],
  [
    'adapter beside a model',
    { 'adapter_config.json': '[1', 'config.json': llama, 'model.safetensors': '' },
    /an adapter \(PEFT\) and a whole model.*hether the one is merged.*move adapter_config\.json away/,
  ],
  [
    'trainer',
    { 'checkpoint-9/config.json': llama, 'checkpoint-100/config.json': llama, 'checkpoint-20/config.json': llama },
    /folder of a trainer.*checkpoint-9, checkpoint-20, checkpoint-100.*latest: ~\/checkpoint-100/,
  ],
  [
    'models--org--name',
    { 'refs/main': 'abc', 'snapshots/abc/config.json': llama, 'snapshots/def/config.json': llama, 'blobs/1': '' },
    /cache of the Hugging Face Hub.*its snapshot: ~\/snapshots\/abc/,
  ],
  [
    'hub',
    { 'models--org--name/snapshots/a/config.json': llama },
    /cache of the Hugging Face Hub, and not one model.*models--org--name.*Name a snapshot: ~\/models--org--name\/snapshots\/a\b/,
  ],
  ['diffusers', { 'model_index.json': '{}', 'unet/config.json': '{}' }, /pipeline of the diffusers library/],
  [
    'sentences',
    { 'modules.json': '[]', 'config.json': llama, 'model.safetensors': '' },
    /sentence-transformers model.*modules\.json/,
  ],
  ['one level down', { 'final/config.json': llama, 'README.md': '' }, /Name one of these: ~\/final/],
  ['no config', { 'model.safetensors': '', 'tokenizer.json': '{}' }, /no config\.json.*hf:ORG\/NAME/],
  ['pickle', { 'config.json': llama, 'pytorch_model.bin': '' }, /pytorch_model\.bin: .*Python pickle.*save_pretrained/],
  ['meta', { 'params.json': '{}', 'consolidated.00.pth': '' }, /consolidated\.00\.pth: .*Python pickle/],
  ['onnx', { 'config.json': llama, 'onnx/model.onnx': '' }, /exported for another library.*It has onnx/],
  ['flax', { 'config.json': llama, 'flax_model.msgpack': '' }, /exported for another library.*flax_model\.msgpack/],
  ['gguf folder', { 'model-Q8_0.gguf': '' }, /GGUF file.*model-Q8_0\.gguf was made from/],
  [
    'zero',
    { 'config.json': llama, 'zero_to_fp32.py': '', 'global_step5/x.pt': '' },
    /DeepSpeed.*zero_to_fp32\.py ~ ~-whole/,
  ],
  [
    'fsdp',
    { 'pytorch_model_fsdp_0/__0_0.distcp': '' },
    /FSDP.*accelerate merge-weights ~\/pytorch_model_fsdp_0 ~-whole/,
  ],
  [
    'other name',
    { 'config.json': llama, 'weights.safetensors': '' },
    /not called model\.safetensors.*mv ~\/weights\.safetensors ~\/model\.safetensors/,
  ],
  [
    'no index',
    { 'config.json': llama, 'model-00001-of-00002.safetensors': '' },
    /model\.safetensors\.index\.json is missing/,
  ],
  ['a gguf', { 'm.gguf': 'GGUF' }, /GGUF file/, 'm.gguf'],
  ['a gguf by its bytes', { blob: 'GGUF\u0003' }, /GGUF file/, 'blob'],
  [
    'a file of a model',
    { 'config.json': llama, 'model.safetensors': '' },
    /a file of a model.*Name its folder: ~\./,
    'model.safetensors',
  ],
  ['weights alone', { 'x.safetensors': '' }, /a file of a model.*hf:ORG\/NAME/, 'x.safetensors'],
  ['a pickle', { 'x.pt': '' }, /Python pickle/, 'x.pt'],
  ['an archive', { 'x.tar.gz': '' }, /an archive.*Unpack/, 'x.tar.gz'],
  ['another file', { 'notes.txt': '' }, /This is a file; a checkpoint is a folder/, 'notes.txt'],
];
for (const [name, files, message, named = ''] of cases) {
  test(`named for what it is: ${name}`, async () => {
    const path = join(folder, name.replaceAll(' ', '-'));
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    }
    const error = await errorOf(join(path, named));
    assert.match(error.message.replaceAll(path, '~'), message);
  });
}

test('a link is what it leads to; a socket is read from by nobody', async () => {
  const path = join(folder, 'linked');
  await mkdir(join(path, 'adapter'), { recursive: true });
  await writeFile(join(path, 'adapter/adapter_config.json'), adapter);
  await symlink('adapter', join(path, 'latest-adapter'));
  assert.match((await errorOf(join(path, 'latest-adapter'))).message, /an adapter \(PEFT\) without its weights/);
  const server = createServer().listen(join(path, 's'));
  await once(server, 'listening');
  assert.match((await errorOf(join(path, 's'))).message, /This is a file; a checkpoint is a folder/);
  server.close();
});

test('weights that are not all there are counted and named before any is read', async () => {
  const path = join(folder, 'shards');
  await mkdir(join(path, 'x'), { recursive: true });
  await writeFile(join(path, 'config.json'), llama);
  await assert.rejects(readWeights(path), /no weights.*It has config\.json, but no model\.safetensors.*hf:ORG\/NAME/);
  await writeFile(join(path, 'x/config.json'), llama);
  await assert.rejects(readWeights(path), /no weights.*Name one of these: .*shards\/x/);
  await writeFile(join(path, 'model.safetensors.index.json'), index);
  await writeFile(join(path, 'model-00001-of-00002.safetensors'), 'not read');
  await assert.rejects(readWeights(path), /1 of 2 files of weights are missing.*model-00002-of-00002\.safetensors/);
});

test("a model's name on a hub, or its address, is no path: how it is written is said", async () => {
  for (const [typed, meant] of [
    ['Qwen/Qwen3-0.6B', 'hf:Qwen/Qwen3-0.6B'],
    ['Qwen/Qwen3-0.6B@v1', 'hf:Qwen/Qwen3-0.6B@v1'],
    ['huggingface:Qwen/Qwen3-0.6B', 'hf:Qwen/Qwen3-0.6B'],
    ['hf:/Qwen/Qwen3-0.6B/', 'hf:Qwen/Qwen3-0.6B'],
    ['hf:Qwen/Qwen3-0.6B#sub/model', 'hf:Qwen/Qwen3-0.6B:sub/model'],
    ['https://huggingface.co/Qwen/Qwen3-0.6B', 'hf:Qwen/Qwen3-0.6B'],
    ['hf.co/Qwen/Qwen3-0.6B/tree/main', 'hf:Qwen/Qwen3-0.6B'],
    ['https://huggingface.co/Qwen/Qwen3-0.6B/tree/v1', 'hf:Qwen/Qwen3-0.6B@v1'],
    ['https://modelscope.cn/models/Qwen/Qwen3-0.6B/files', 'ms:Qwen/Qwen3-0.6B'],
  ]) {
    const { message } = await errorOf(typed);
    assert.ok(message.startsWith(`${typed}: this is not`) && message.includes(` ${meant}`), message);
  }
  assert.match((await errorOf('hf:Qwen3-0.6B')).message, /written hf:ORG\/NAME.*huggingface\.co\/models/);
  assert.doesNotMatch((await errorOf(join(folder, 'none'))).message, /hf:/);
});

async function errorOf(path: string): Promise<UserError> {
  const error: unknown = await openCheckpoint(path).then(
    () => assert.fail('it opened'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof UserError, String(error));
  return error;
}
