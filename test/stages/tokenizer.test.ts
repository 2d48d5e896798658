import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { TokenizerConfig } from '../../src/config/pipeline.js';
import { silentReporter } from '../../src/report/event.js';
import { tokenizerStage } from '../../src/stages/tokenizer.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { build, scratch } from '../data/scratch.js';

const run = (data: string, directory: string, own: Partial<TokenizerConfig> = {}) =>
  tokenizerStage.run({
    config: { vocabSize: 326, trainBytes: 4000, ...own },
    ...{ inputs: { data }, directory, seed: 1, compute: { backend: 'cpu' }, reporter: silentReporter },
  });

test('with nothing to add, a tokenizer that exists is taken as it is, files beside it and all', async () => {
  const llama = fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url));
  const directory = await scratch({
    'spec.yaml': JSON.stringify({
      name: 'x',
      sources: [{ name: 'a', from: 'file:a.txt', format: 'txt', licence: 'x' }],
    }),
    'a.txt': '床前明月光',
  });
  const { path } = await build(directory);
  // By its file, and by the folder of the model: the same, whichever a person names.
  for (const extend of [join(llama, 'tokenizer.json'), llama]) {
    await tokenizerStage.check?.({ config: { vocabSize: 326, trainBytes: 4000, extend } });
    const { metrics } = await run(path, directory, { extend, add: 0 });
    assert.equal(metrics.vocabSize, 367);
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      assert.equal(await readFile(join(directory, name), 'utf8'), await readFile(join(llama, name), 'utf8'));
    }
  }
  const config = { vocabSize: 326, trainBytes: 4000, extend: join(llama, 'config.json') };
  await assert.rejects(async () => tokenizerStage.check?.({ config }), /this file is no tokenizer\.json/);
});

test('a tokenizer hears every source, however the corpus lists them and however little it may read', async () => {
  const lines = (text: (i: number) => string) => Array.from({ length: 400 }, (_, i) => text(i)).join('\n');
  const source = (name: string) => ({ name, from: `file:${name}.txt`, format: 'txt', licence: 'x', split: 'lines' });
  const folder = await scratch({
    'chinese.txt': lines((i) => `床前明月光，疑是地上霜，${i}`),
    'english.txt': lines((i) => `the quick brown fox jumps over the lazy dog ${i}`),
    'spec.yaml': JSON.stringify({ name: 'x', sources: [source('chinese'), source('english')] }),
  });
  const { path } = await build(folder);
  const train = async (name: string) => {
    const directory = join(folder, name);
    const { digest } = await run(path, directory);
    return { digest, tokenizer: await Tokenizer.open(directory) };
  };
  const { digest, tokenizer } = await train('first');
  assert.equal(tokenizer.encode('床前明月光').length, 1);
  assert.equal(tokenizer.encode(' quick').length, 1);
  assert.equal((await train('second')).digest, digest);
});
