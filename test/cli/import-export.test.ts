// mossctl import and export as a person runs them: what they print, what they write, what they refuse.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { HostTensor } from '../../src/base/host-tensor.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { writeWeights } from '../../src/checkpoint/weights.js';
import { typeNextSteps } from '../docs/next-steps.js';
import { mossctl } from '../e2e/cli.js';

const llama = fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url));
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'));
});
after(() => rm(folder, { recursive: true }));

test('import says what it read and what to type next; the checkpoint opens by the same path', async () => {
  const out = join(folder, 'model');
  const { code, stdout, stderr } = await mossctl(['import', llama, '--out', out]);
  assert.equal(code, 0, stderr);
  for (const line of [
    /^model +LlamaForCausalLM, .*k parameters stored as (f32|bf16|f16), tied$/m,
    /^context +2,048 tokens; rope llama3 × 32, theta 500,000$/m,
    /^tokenizer +367 tokens/m,
    /^template +from chat_template.jinja$/m,
    /^ends with +<\|eot_id\|> or .*; pads with <\|finetune_right_pad_id\|>$/m,
    new RegExp(`^next +npx mossctl chat ${out}$`, 'm'),
  ])
    assert.match(stdout, line);
  const [source, ours] = [await openCheckpoint(llama), await openCheckpoint(out)];
  assert.equal(ours.path, await realpath(out));
  assert.deepEqual(ours.model, source.model);
  assert.equal(ours.manifest.inputDigest, source.digest);
  assert.equal(ours.manifest.stage, 'import');
  assert.equal(await typeNextSteps(stdout), 1);
  const inspected = await mossctl(['inspect', out]);
  assert.equal(await typeNextSteps(inspected.stdout), 2, inspected.stdout);
});

test('import: again is fine, over anything else or of our own is not', async () => {
  const out = join(folder, 'model');
  const again = await mossctl(['import', llama, '--out', out, '--json']);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(JSON.parse(again.stdout).architecture, 'LlamaForCausalLM');
  const other = join(folder, 'other');
  await cp(llama, other, { recursive: true });
  await writeFile(join(other, 'chat_template.jinja'), '{{ messages[0].content }}');
  const over = await mossctl(['import', llama, '--out', other]);
  assert.equal(over.code, 2);
  assert.match(over.stderr, /something here already.*not an imported model/s);
  const own = await mossctl(['import', out, '--out', join(folder, 'never')]);
  assert.equal(own.code, 2);
  assert.match(own.stderr, /checkpoint of mossctl already/);
});

test('import without a chat template says so; a SentencePiece tokenizer is refused before weights are read', async () => {
  const base = join(folder, 'base');
  await cp(llama, base, { recursive: true });
  await rm(join(base, 'chat_template.jinja'));
  const out = join(folder, 'base-imported');
  const { code, stdout, stderr } = await mossctl(['import', base, '--out', out]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^template +none: to chat or fine-tune, put a chat_template.jinja into .*base$/m);
  assert.match(stdout, new RegExp(`^next +npx mossctl inspect ${out}$`, 'm'));
  const tokenizer = JSON.parse(await readFile(join(base, 'tokenizer.json'), 'utf8'));
  Object.assign(tokenizer.model, { byte_fallback: true, unk_token: '<unk>' });
  const decoder = { type: 'Sequence', decoders: [{ type: 'ByteFallback' }] };
  await writeFile(join(base, 'tokenizer.json'), JSON.stringify({ ...tokenizer, decoder }));
  await writeFile(join(base, 'model.safetensors'), 'not read');
  const refused = await mossctl(['import', base, '--out', join(folder, 'never')]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /byte_fallback is not supported/);
  assert.match(refused.stderr, /SentencePiece/);
});

test('a model whose weights hold NaN, or whose ids no token has, is named wherever it is opened', async () => {
  const spoilt = join(folder, 'spoilt');
  await cp(llama, spoilt, { recursive: true });
  const { weights } = await openCheckpoint(llama);
  (weights.get('model.norm.weight') as HostTensor).data[1] = Number.NaN;
  await writeWeights(spoilt, [...weights.values()], { dtype: 'bf16' });
  const text = join(folder, 'text.txt');
  await writeFile(text, 'One line.');
  const commands = [
    ['import', spoilt, '--out', join(folder, 'never')],
    ['export', spoilt, '--format', 'gguf', '--dtype', 'q8_0', '--out', join(folder, 'never.gguf')],
    ['export', spoilt, '--dtype', 'f16', '--out', join(folder, 'never')],
    ['eval', spoilt, '--text', text],
    ['score', spoilt, 'text'],
    ['chat', spoilt],
  ];
  for (const command of commands) {
    const { code, stderr } = await mossctl(command, { stdin: 'Hi' });
    assert.equal(code, 2, command.join(' '));
    assert.match(stderr, /model\.norm\.weight holds NaN \(1 of \d+\)/, command.join(' '));
  }
  assert.ok(!(await readdir(folder)).some((name) => name.startsWith('never')));
});

test('ids of another model are named, and neither stop, pad nor reach a GGUF', async () => {
  const stale = join(folder, 'stale');
  await cp(llama, stale, { recursive: true });
  await writeFile(join(stale, 'generation_config.json'), JSON.stringify({ eos_token_id: [128001, 128009] }));
  const note =
    /generation_config\.json ends answers with 128001 and 128009, the model has 36\d tokens: they are not used/;
  const imported = await mossctl(['import', stale, '--out', join(folder, 'stale-imported')]);
  assert.match(imported.stdout, note);
  const gguf = join(folder, 'stale.gguf');
  assert.match((await mossctl(['export', stale, '--format', 'gguf', '--out', gguf])).stderr, note);
  const inspected = JSON.parse((await mossctl(['inspect', stale, '--json'])).stdout);
  assert.match(inspected.notes.join(), note);
  const { metadata } = JSON.parse((await mossctl(['inspect', gguf, '--json'])).stdout);
  const { model, eosTokenIds } = await openCheckpoint(join(folder, 'stale-imported'));
  assert.deepEqual(inspected.eosTokenIds, eosTokenIds);
  assert.equal(metadata['tokenizer.ggml.eos_token_id'], eosTokenIds[0]);
  assert.equal(metadata['tokenizer.ggml.padding_token_id'], model.pad_token_id);
  assert.ok([...eosTokenIds, model.pad_token_id].every((id) => id < model.vocab_size));
});

test('export writes a directory or one file, and says how large', async () => {
  const hf = join(folder, 'hf');
  // In a run whose corpus has a licence that asks for a name.
  const model = join(folder, 'run', 'model');
  await cp(llama, model, { recursive: true });
  await writeFile(join(folder, 'run', 'pipeline.yaml'), '');
  const licence = { type: 'licence', stage: 'data', source: 'dict', licence: 'CC-BY-SA-4.0', documents: 1, bytes: 1 };
  const event = { time: 1, ...licence, attribution: 'Dict, by its authors' };
  await writeFile(join(folder, 'run', 'metrics.jsonl'), `${JSON.stringify(event)}\n`);
  const shards = await mossctl(['export', model, '--dtype', 'bf16', '--max-shard-size', '8KB', '--out', hf]);
  assert.equal(shards.code, 0, shards.stderr);
  assert.match(shards.stdout, /^wrote .*hf {2}LlamaForCausalLM, bf16, \d+ KiB$/m);
  assert.match(shards.stdout, /^names {2}dict: Dict, by its authors$/m);
  assert.match(await readFile(join(hf, 'NOTICE'), 'utf8'), /^dict: Dict, by its authors$/m);
  assert.ok((await readdir(hf)).includes('model.safetensors.index.json'));
  assert.equal(JSON.parse(await readFile(join(hf, 'config.json'), 'utf8')).torch_dtype, 'bfloat16');
  const gguf = await mossctl([
    'export',
    llama,
    '--format',
    'gguf',
    '--dtype',
    'f16',
    '--out',
    join(folder, 'm.gguf'),
    '--json',
  ]);
  assert.equal(gguf.code, 0, gguf.stderr);
  assert.equal((await readFile(join(folder, 'm.gguf'))).length, JSON.parse(gguf.stdout).bytes);
});

test('the name of a Modelfile that is taken is refused before the work, and nothing is left of it', async () => {
  const place = join(folder, 'taken');
  await mkdir(place);
  await symlink('nowhere', join(place, 'Modelfile')); // a link that leads nowhere is something, too
  await writeFile(join(place, 'm.Modelfile'), 'FROM ./other.gguf');
  const typed = ['export', llama, '--format', 'gguf', '--out', join(place, 'm.gguf')];
  const refused = await mossctl(typed);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /m\.Modelfile: there is something here already/);
  assert.deepEqual((await readdir(place)).sort(), ['Modelfile', 'm.Modelfile']);
  await rm(join(place, 'm.Modelfile'));
  const again = await mossctl(typed);
  assert.equal(again.code, 0, again.stderr);
  assert.match(await readFile(join(place, 'm.Modelfile'), 'utf8'), /^FROM \.\/m\.gguf$/m);
});

test('an export keeps the dtype that the model came in, through an import too, unless another is named', async () => {
  const bf16 = join(folder, 'bf16');
  await cp(llama, bf16, { recursive: true });
  const { weights } = await openCheckpoint(llama);
  await writeWeights(bf16, [...weights.values()], { dtype: 'bf16' });
  const imported = join(folder, 'bf16-imported');
  assert.equal((await mossctl(['import', bf16, '--out', imported])).code, 0);
  for (const [from, args, dtype] of [
    [bf16, [], 'bf16'],
    [imported, [], 'bf16'],
    [imported, ['--dtype', 'f32'], 'f32'],
    [imported, ['--format', 'gguf'], 'bf16'],
  ] as const) {
    const out = join(folder, 'kept');
    const { code, stdout, stderr } = await mossctl(['export', from, ...args, '--out', out]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`LlamaForCausalLM, ${dtype}, `));
    await rm(out, { recursive: true });
  }
});

test('export refuses what cannot be', async () => {
  const refused: [string[], RegExp][] = [
    [['--dtype', 'q8_0', '--out', 'x'], /hold no q8_0.*--format gguf/],
    [['--format', 'gguf', '--max-shard-size', '1GB', '--out', 'x'], /a GGUF is one file/i],
    [['--max-shard-size', 'much', '--out', 'x'], /must be a size such as 5GB/],
    [['--out', llama], /something here already/],
    [[], /required option '-o, --out/],
  ];
  for (const [args, message] of refused) {
    const { code, stderr } = await mossctl(['export', llama, ...args], { cwd: folder });
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, message);
  }
});
