// A checkpoint comes back to the bit, and one that is damaged, foreign or missing is named.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { sha256File } from '../../src/base/files.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { linkLatest, newestWholeCheckpoint, stepDirectory } from '../../src/checkpoint/history.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { checkpointContent } from './fixtures/content.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('round trip: every number, text and field', async () => {
  const path = join(folder, 'round/pretrain/step-000200');
  const content = checkpointContent(200);
  const { digest } = await saveCheckpoint(path, content);
  const opened = await openCheckpoint(path, { training: true });
  assert.equal(opened.digest, digest);
  assert.equal(digest, await sha256File(join(path, 'mossctl.json')));
  assert.deepEqual(opened.model, content.model);
  assert.deepEqual(opened.eosTokenIds, [3]);
  assert.deepEqual(opened.tokenizerFiles, content.tokenizerFiles);
  assert.deepEqual(opened.training?.state, content.training?.state);
  for (const { name, shape, data } of content.weights)
    assert.deepEqual(opened.weights.get(name), { name, shape, data });
  for (const tensor of content.training?.tensors ?? [])
    assert.deepEqual(opened.training?.tensors.get(tensor.name), tensor);
  const { format, files, versions, ...fields } = opened.manifest;
  assert.deepEqual(fields, content.manifest);
  assert.equal(format, 1);
  assert.equal(Object.keys(files).length, 7);
  assert.match(versions.tfjs, /^\d+\.\d+\.\d+$/);
  assert.deepEqual((await readdir(join(folder, 'round/pretrain'))).sort(), ['step-000200']);
});

test('equal content gives an equal digest anywhere, other content another', async () => {
  const content = checkpointContent(100);
  const shuffled = {
    ...content,
    weights: [...content.weights].reverse(),
    manifest: { ...content.manifest, metrics: { seed: 100, loss: 2.5 } },
  };
  const first = await saveCheckpoint(join(folder, 'a/step-000100'), content);
  const second = await saveCheckpoint(join(folder, 'elsewhere/b/step-000100'), shuffled);
  assert.equal(first.digest, second.digest);
  const weights = content.weights.map((w) => ({ ...w, data: w.data.slice() }));
  weights[1].data[0] = Math.fround(weights[1].data[0] * (1 + 2 ** -23)); // one unit in the last place
  const third = await saveCheckpoint(join(folder, 'c/step-000100'), { ...content, weights });
  assert.notEqual(first.digest, third.digest);
});

test('config.json speaks both dialects of transformers', async () => {
  const path = join(folder, 'dialects/step-000001');
  await saveCheckpoint(path, checkpointContent(1));
  const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'));
  assert.equal(config.rope_theta, 10000);
  assert.deepEqual(config.rope_parameters, { rope_theta: 10000, rope_type: 'default' });
  assert.equal(config.dtype, 'float32');
  assert.equal(config.torch_dtype, 'float32');
  assert.equal(JSON.parse(await readFile(join(path, 'generation_config.json'), 'utf8')).eos_token_id, 3);
});

const damages: [string, string, (path: string) => Promise<void>, RegExp][] = [
  ['a flipped bit', 'model.safetensors', flipLastBit, /sha256 differs/],
  ['a truncated file', 'model.safetensors', async (p) => truncate(p, (await stat(p)).size - 100), /sha256 differs/],
  ['a missing file', 'tokenizer.json', (p) => rm(p), /the file is missing/i],
  ['an edited config', 'config.json', (p) => writeFile(p, '{}'), /its 2 bytes are not the ones that were saved/i],
  ['a torn manifest', 'mossctl.json', (p) => truncate(p, 100), /not valid JSON/],
  [
    'a byte-order mark',
    'mossctl.json',
    async (p) => writeFile(p, `\uFEFF${await readFile(p, 'utf8')}`),
    /begins with a byte-order mark/,
  ],
  ['damaged optimizer', 'training/optimizer.safetensors', flipLastBit, /sha256 differs/],
];
for (const [title, name, damage, message] of damages) {
  test(`refuses ${title}, by name; resuming falls back to the step before`, async () => {
    const stage = join(folder, title, 'pretrain');
    await saveCheckpoint(stepDirectory(stage, 1), checkpointContent(1));
    const path = stepDirectory(stage, 2);
    await saveCheckpoint(path, checkpointContent(2));
    await damage(join(path, name));
    await refuses(openCheckpoint(path, { training: true }), [message, name]);
    const newest = await newestWholeCheckpoint(stage);
    assert.equal(newest.path, stepDirectory(stage, 1));
    assert.deepEqual(
      newest.damaged.map((d) => basename(d.path)),
      ['step-000002'],
    );
    assert.match(newest.damaged[0].reason, message);
  });
}

test('all damaged files are named at once', async () => {
  const path = join(folder, 'two/step-000001');
  await saveCheckpoint(path, checkpointContent(1));
  await rm(join(path, 'tokenizer.json'));
  await flipLastBit(join(path, 'model.safetensors'));
  await refuses(openCheckpoint(path), [/tokenizer\.json/, /model\.safetensors/]);
});

test('without verification a truncated file is still named', async () => {
  const path = join(folder, 'unverified/step-000001');
  await saveCheckpoint(path, checkpointContent(1));
  await truncate(join(path, 'model.safetensors'), 1000);
  await refuses(openCheckpoint(path, { verify: false }), [/truncated/, 'model.safetensors']);
  await rm(join(path, 'model.safetensors'));
  await refuses(openCheckpoint(path, { verify: false }), [/missing/, 'model.safetensors']);
});

test('chat needs no training state; resuming does', async () => {
  const path = join(folder, 'light/step-000001');
  await saveCheckpoint(path, checkpointContent(1));
  await rm(join(path, 'training'), { recursive: true });
  assert.equal((await openCheckpoint(path)).weights.size, 3);
  await refuses(openCheckpoint(path, { training: true }), [/training\/state\.json/]);
  const { training: _, ...content } = checkpointContent(2);
  await saveCheckpoint(join(folder, 'light/step-000002'), content);
  await refuses(openCheckpoint(join(folder, 'light/step-000002'), { training: true }), [/without its training state/]);
});

test('wrong vocabulary size', async () => {
  const content = checkpointContent(1);
  const wrong = { ...content, model: { ...content.model, vocab_size: 300 } };
  const message = /vocab_size 300, the embedding \(model\.embed_tokens\.weight\) has 260 rows/;
  await refuses(saveCheckpoint(join(folder, 'vocab/step-000001'), wrong), [/wrong vocabulary size/, message]);
  const path = join(folder, 'vocab/step-000002');
  await saveCheckpoint(path, checkpointContent(2));
  const config = join(path, 'config.json');
  await writeFile(config, (await readFile(config, 'utf8')).replace('"vocab_size": 260', '"vocab_size": 300'));
  await refuses(openCheckpoint(path, { verify: false }), [/wrong vocabulary size/, message]);
});

test('a newer format asks for an upgrade; a path out of the folder is refused', async () => {
  const path = join(folder, 'newer/step-000001');
  await saveCheckpoint(path, checkpointContent(1));
  const manifest = join(path, 'mossctl.json');
  const text = await readFile(manifest, 'utf8');
  const { seal: _, ...newer } = { ...JSON.parse(text), format: 2 };
  await writeFile(manifest, JSON.stringify(newer));
  await refuses(openCheckpoint(path), [/format 2, this mossctl reads format 1/, /npm install/]);
  // It is whole: going on must never set it aside and begin again.
  await refuses(newestWholeCheckpoint(join(folder, 'newer')), [/npm install/]);
  await writeFile(manifest, text.replace('"format": 1', '"format": 2'));
  await refuses(openCheckpoint(path), [/checkpoint is damaged/, 'mossctl.json']);
  await writeFile(manifest, text.replace('"tokenizer.json"', '"../../secret"'));
  await refuses(openCheckpoint(path), [/checkpoint is damaged/, 'mossctl.json']);
});

test('run, stage and latest all lead to a step; anything else says what was expected', async () => {
  const run = join(folder, 'run');
  for (const step of [100, 200, 1000000]) {
    await saveCheckpoint(stepDirectory(join(run, 'pretrain'), step), checkpointContent(step));
  }
  await linkLatest(run, stepDirectory(join(run, 'pretrain'), 200));
  const at = async (path: string) => basename((await openCheckpoint(path)).path);
  assert.equal(await at(run), 'step-000200');
  assert.equal(await at(join(run, 'latest')), 'step-000200');
  assert.equal(await at(join(run, 'pretrain')), 'step-1000000');
  await refuses(openCheckpoint(folder), [/not a mossctl checkpoint/, 'step-']);
  await refuses(openCheckpoint(join(run, 'pretrain/step-000300')), [/nothing at this path/, /step-000200/]);
  await refuses(openCheckpoint(join(run, 'pretrain/step-000200/config.json')), [/is a file/, /Name .*step-000200/]);
  await mkdir(join(folder, 'alone/empty'), { recursive: true });
  await refuses(openCheckpoint(join(folder, 'alone/empty')), [/holds no mossctl\.json/, /runs\/<name>\/latest/]);
});

test('a folder that holds something else is never replaced', async () => {
  const path = join(folder, 'precious');
  await mkdir(path);
  await writeFile(join(path, 'thesis.txt'), 'years of work');
  await refuses(saveCheckpoint(path, checkpointContent(1)), [/holds something else/]);
  assert.deepEqual(await readdir(path), ['thesis.txt']);
  const other = join(folder, 'other/step-000001');
  await saveCheckpoint(other, checkpointContent(1));
  const content = checkpointContent(1);
  const sft = { ...content, manifest: { ...content.manifest, stage: 'sft' as const } };
  await refuses(saveCheckpoint(other, sft), [/another stage/]);
});

test('state that JSON would change is refused, and leaves nothing behind', async () => {
  const content = checkpointContent(1);
  for (const state of [{ best: Infinity }, { moments: new Float32Array(2) }]) {
    const tensors = content.training?.tensors ?? [];
    await assert.rejects(
      saveCheckpoint(join(folder, 'json/step-000001'), { ...content, training: { tensors, state } }),
    );
  }
  assert.deepEqual(await readdir(join(folder, 'json')), []);
});

test('a full disk: a clear error, and the checkpoint before stays whole', async (t) => {
  const disk = join(folder, 'disk');
  await mkdir(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'pipe' });
  } catch {
    t.skip('mounting a small tmpfs is not permitted here');
    return;
  }
  try {
    await saveCheckpoint(stepDirectory(disk, 1), checkpointContent(1)); // about 40 KB
    await refuses(saveCheckpoint(stepDirectory(disk, 2), checkpointContent(2)), [/the disk is full/, 'step-000002']);
    assert.equal((await newestWholeCheckpoint(disk)).path, stepDirectory(disk, 1));
    assert.deepEqual(await readdir(disk), ['step-000001']);
  } finally {
    execFileSync('umount', [disk]);
  }
});

async function flipLastBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(path, bytes);
}

async function refuses(work: Promise<unknown>, messages: (RegExp | string)[]): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    for (const message of messages)
      assert.ok(
        typeof message === 'string' ? error.message.includes(message) : message.test(error.message),
        error.message,
      );
    return true;
  });
}
