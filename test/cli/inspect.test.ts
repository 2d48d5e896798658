// mossctl inspect as a person sees it, on real checkpoints: a run of three stages whose first was deleted, a damaged file,
// a third-party model, a GGUF file; and the tokens of rows, with what is learnt.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CheckpointContent } from '../../src/checkpoint/directory.js';
import { writeGguf } from '../../src/checkpoint/gguf.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { ggufCheckpoint } from '../checkpoint/fixtures/gguf-checkpoint.js';
import { mossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-inspect-'));
after(() => rm(folder, { recursive: true }));

const pretrain = join(folder, 'run/pretrain/step-000004');
const sft = join(folder, 'run/sft/step-000003');
const align = join(folder, 'other/align/round-01/step-000002');
const digests: Record<string, string> = {};

before(async () => {
  const checkpoint = await ggufCheckpoint('qwen3');
  const { model, tokenizerFiles } = checkpoint;
  const weights = [...checkpoint.weights.values()];
  const content = (manifest: Partial<CheckpointContent['manifest']>, eosTokenId: number): CheckpointContent => ({
    ...{ model, eosTokenIds: [eosTokenId], tokenizerFiles, weights },
    training: { tensors: weights, state: { step: 4 } },
    manifest: {
      ...{ stage: 'pretrain', step: 4, tokensSeen: 2048, parent: null, lineage: [], settings: {}, inputDigest: 'x' },
      ...{ metrics: { loss: 2.5, bitsPerByte: 2.71432 }, backend: 'native', threads: 2, precision: 'fp32' },
      ...manifest,
    },
  });
  digests.pretrain = (await saveCheckpoint(pretrain, content({}, 0))).digest;
  const lineage = [{ stage: 'pretrain' as const, step: 4, digest: digests.pretrain }];
  const ofSft = { stage: 'sft' as const, step: 3, tokensSeen: 4096, parent: digests.pretrain, lineage };
  digests.sft = (await saveCheckpoint(sft, content(ofSft, 3))).digest;
  // As `--from` does it: another run, whose oldest ancestor is gone.
  const gone = { stage: 'pretrain' as const, step: 900, digest: 'ab'.repeat(32) };
  const line = [gone, { stage: 'sft' as const, step: 3, digest: digests.sft }];
  const ofAlign = { stage: 'align' as const, step: 2, tokensSeen: 5000, parent: digests.sft, lineage: line };
  const overrides = [{ step: 1, key: 'train.batchSize', from: '8', to: '16' }];
  digests.align = (await saveCheckpoint(align, content({ ...ofAlign, overrides }, 3))).digest;
});

const inspect = (...words: string[]) => mossctl(['inspect', ...words], { env: { NO_COLOR: '1' } });

test('a checkpoint says what it is, where it comes from and what is in it', async () => {
  const { code, stdout, stderr } = await inspect(align);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  const lines = stdout.split('\n').map((line) => line.trimEnd());
  const short = (name: string): string => digests[name].slice(0, 12);
  for (const line of [
    'align step 2, 129k parameters, 5,000 tokens seen',
    `digest       ${digests.align}`,
    'lineage      pretrain step 900   abababababab  not here',
    `             └─ sft step 3       ${short('sft')}  ${sft}`,
    `                └─ align step 2  ${short('align')}  this one`,
    'model        Qwen3ForCausalLM: 2 layers, width 64, SwiGLU 80',
    '             4 heads of 16, 2 for keys and values',
    '             context 128, rope default, base 10,000',
    '             vocabulary 576, head of its own',
    '             stops at 3 <|im_end|>',
    'parameters   129,408, f32',
    '             embedding  36,864  28.5 %  embed_tokens 576×64',
    '             head       36,864  28.5 %  lm_head 576×64',
    'metrics      bitsPerByte 2.714',
    '             loss 2.500',
    'overrides    at step 1: train.batchSize 8 → 16',
    'tokenizer    560 tokens, pre-tokenizer deepseek-v3',
    '             control 0 <|endoftext|>, 1 <|pad|>, 2 <|im_start|>, 3 <|im_end|>',
    'template     marks what the assistant says',
    `next         npx mossctl chat ${align}`,
  ]) {
    assert.ok(lines.includes(line), `${line}\n---\n${stdout}`);
  }
  assert.match(stdout, /^computed by {2}native, 2 threads, fp32; mossctl \d+\.\d+\.\d+, TensorFlow\.js 4\.22\.0$/m);
  assert.match(stdout, /^ +model\.safetensors +\d+ KiB {2}[0-9a-f]{12} {2}verified$/m);
  assert.match(stdout, /^ +training\/state\.json +\d+ B {2}[0-9a-f]{12} {2}verified$/m);
});

test('--json is the same for a program, and no tensor library is loaded for it', async () => {
  const log = join(folder, 'imports.log');
  const hook = `import { appendFileSync } from 'node:fs';
    export const resolve = (name, context, next) => { appendFileSync(${JSON.stringify(log)}, name + '\\n'); return next(name, context); };`;
  const register = `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))});`;
  const { code, stdout, stderr } = await mossctl(['inspect', join(folder, 'run/sft'), '--json'], {
    env: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(register)}` },
  });
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout);
  assert.equal(result.type, 'result');
  assert.deepEqual(
    [result.path, result.digest, result.manifest.stage, result.manifest.tokensSeen],
    [sft, digests.sft, 'sft', 4096],
  );
  const text = await readFile(join(sft, 'mossctl.json'));
  assert.equal(result.digest, createHash('sha256').update(text).digest('hex'));
  assert.deepEqual(
    result.ancestors.map(({ stage, path }: { stage: string; path: string }) => [stage, path]),
    [['pretrain', pretrain]],
  );
  const { groups, parameters } = result.parameters;
  assert.deepEqual(
    groups.map((group: { name: string; parameters: number }) => [group.name, group.parameters]),
    // 576·64; 2 layers of 64·64 queries and output, 32·64 keys and values; of 3·80·64; norms 2·(2·64 + 2·16) + 64
    [
      ['embedding', 36_864],
      ['attention', 24_576],
      ['mlp', 30_720],
      ['norms', 384],
      ['head', 36_864],
    ],
  );
  assert.equal(parameters, 129_408);
  assert.ok(result.files.every(({ state }: { state: string }) => state === 'verified'));
  assert.deepEqual([result.resumable, result.faults, result.weightBytes > 4 * parameters], [true, [], true]);
  const imported = await readFile(log, 'utf8');
  assert.match(imported, /^zod$/m, 'the hook saw the imports');
  assert.doesNotMatch(imported, /@tensorflow|apache-arrow|openai/);
});

test('a damaged file and a missing one are named, and the rest is described all the same; --no-verify does not hash', async () => {
  const damaged = join(folder, 'damaged/step-000003');
  await cp(sft, damaged, { recursive: true });
  const handle = await open(join(damaged, 'model.safetensors'), 'r+');
  await handle.write(Buffer.from([7]), 0, 1, 100_000);
  await handle.close();
  await rm(join(damaged, 'generation_config.json'));
  const { code, stdout, stderr } = await inspect(damaged);
  assert.equal(code, 2);
  assert.match(stdout, /^ +model\.safetensors .* damaged$/m);
  assert.match(stdout, /^ +generation_config\.json +– +missing$/m);
  assert.match(stdout, /^ +tokenizer\.json .* verified$/m);
  assert.match(stdout, /^parameters +129,408, f32$/m);
  const errors = stderr.trim().split('\n');
  assert.equal(errors.length, 2, stderr);
  assert.match(stderr, /model\.safetensors: this checkpoint is damaged\. Its \d+ bytes .*sha256 differs/);
  assert.match(stderr, /generation_config\.json: this checkpoint is damaged\. The file is missing/);
  await cp(join(sft, 'generation_config.json'), join(damaged, 'generation_config.json'));
  const quick = await inspect(damaged, '--no-verify', '--json');
  assert.equal(quick.code, 0, quick.stderr);
  const { files } = JSON.parse(quick.stdout);
  assert.ok(files.every(({ state, sha256 }: { state: string; sha256: null }) => state === 'not checked' && !sha256));
});

test('a third-party model and a GGUF file are described as far as they can be', async () => {
  const { code, stdout, stderr } = await inspect('test/interop/fixtures/qwen3');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^a third-party model, 11k parameters\ntest\/interop\/fixtures\/qwen3$/m);
  assert.match(stdout, /^parameters +10,992, bf16$/m);
  assert.match(stdout, /^ +stops at 348 <\|im_end\|>, 346 <\|endoftext\|>$/m);
  assert.match(stdout, /^tokenizer +368 tokens, pre-tokenizer qwen2$/m);
  assert.doesNotMatch(stdout, /lineage|computed by/);
  const file = join(folder, 'model.gguf');
  await writeGguf(file, await ggufCheckpoint('llama'), { dtype: 'bf16' });
  const gguf = JSON.parse((await inspect(file, '--json')).stdout);
  assert.equal(gguf.metadata['llama.embedding_length'], 64);
  assert.equal(gguf.metadata['tokenizer.ggml.tokens'], '[<|endoftext|>, <|pad|>, <|im_start|>, … 576 in all]');
  assert.deepEqual(Object.keys(gguf.parameters.dtypes).sort(), ['bf16', 'f32']);
  const shown = await inspect(file);
  assert.match(
    shown.stdout,
    /^ +attention +24,960 +19\.2 % {2}2 × \(attn_q, attn_output 64×64; attn_k, attn_v 32×64; attn_q\.bias/m,
  );
  const blob = join(folder, 'sha256-0123');
  await rename(file, blob);
  assert.equal(JSON.parse((await inspect(blob, '--json')).stdout).version, gguf.version);
  const refused = await inspect(blob, '--text', 'x');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /a GGUF file makes no tokens here/);
});

test('--row shows what a fine-tune learns, --text what a question becomes', async () => {
  const rows = join(folder, 'rows.jsonl');
  const messages = [
    { role: 'user', content: 'cat <|im_end|> \u001b[31m\u202e' },
    { role: 'assistant', content: 'I\nam' },
  ];
  await writeFile(rows, `\n${JSON.stringify({ messages })}\n`);
  const row = await inspect(sft, '--row', `${rows}:2`);
  assert.equal(row.code, 0, row.stderr);
  assert.equal(row.stderr, '');
  const lines = row.stdout.split('\n');
  assert.equal(lines[0], `${rows}:2, 2 messages: user, assistant`);
  assert.match(lines[2], /^<\|im_start\|> .* ↵$/);
  assert.match(lines[3], /␣< \| i m _ e nd \|> ␣ <0x1B> \[ 3 1 m <0xE2><0x80> <0xAE> <\|im_end\|> ↵$/);
  assert.match(row.stdout, /\n⟦I ↵\na m <\|im_end\|>⟧ ↵\n/);
  assert.match(row.stdout, /\n41 tokens, 5 with loss \(12 %\), in ⟦ ⟧\n$/);
  const steering = [...row.stdout].filter((character) => character !== '\n' && /[\p{Cc}\p{Cf}]/u.test(character));
  assert.deepEqual(steering, []);
  const colours = await mossctl(['inspect', sft, '--row', `${rows}:2`], { env: { NO_COLOR: '', FORCE_COLOR: '1' } });
  assert.ok(colours.stdout.includes('\u001b[32mI\u001b[39m'), colours.stdout);
  const json = JSON.parse((await inspect(sft, '--row', `${rows}:2`, '--json')).stdout);
  const learnt = json.sequences[0].filter(({ loss }: { loss: boolean }) => loss);
  assert.deepEqual(
    learnt.map(({ text, control }: { text: string; control: boolean }) => [text, control]),
    [
      ['I', false],
      ['↵', false],
      ['a', false],
      ['m', false],
      ['<|im_end|>', true],
    ],
  );
  assert.deepEqual([json.withLoss, json.warnings], [5, []]);
  const asked = await inspect(sft, '--text', 'am');
  assert.match(asked.stdout, /^one user's turn, /);
  assert.match(asked.stdout, /\d+ tokens, 0 with loss/);
  const read = await inspect(pretrain, '--text', 'am');
  assert.match(read.stdout, /\n<\|endoftext\|> ⟦a m⟧\n\n3 tokens, 2 with loss \(67 %\)/);
  for (const [words, message] of [
    [['--row', rows], /names no row/],
    [['--row', `${rows}:1`], /there is no row 1/],
    [['--row', `${rows}:9`], /there is no row 9\. The nearest row before it is 2/],
    [['--row', `${rows}:2`, '--text', 'x'], /cannot be used with option/],
  ] as const) {
    const { code, stderr } = await inspect(sft, ...words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});
