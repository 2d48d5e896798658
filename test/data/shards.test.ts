// Token shards: documents → Arrow files → the same tokens, at both widths; damage and other tokenizers are noticed.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { PackedBatches } from '../../src/data/packing.js';
import { openTokens, type TokenizeOptions, tokenizeDocuments } from '../../src/data/shards.js';
import type { Document } from '../../src/data/types.js';
import { silentReporter, stageReporter } from '../../src/report/event.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { writeCorpus } from './corpus-folder.js';

/** A tokenizer with more ids than 16 bits hold: a character's id is its code point plus one; 0 separates. */
const codePoints: TokenizeOptions['tokenizer'] = {
  vocabSize: 0x110001,
  json: { kind: 'code points' },
  encodeView: (text) => Array.from(text, (character) => (character.codePointAt(0) ?? 0) + 1),
  specialId: () => 0,
  documentStart: 0,
};

const random = Random.stream(1, 'shards');
const alphabet = [...'abcdefgh 春眠不觉晓处处闻啼鸟𠀀😀'];
const randomText = (length: number) => Array.from({ length }, () => random.choose(alphabet)).join('');
const train: Document[] = Array.from({ length: 900 }, (_, i) => ({
  id: `poems:${i}`,
  text: randomText(random.integer(1, 400)),
  source: i % 3 === 0 ? 'letters' : '诗',
  language: i % 2 === 0 ? 'zh' : 'en',
}));
const validation: Document[] = [{ id: 'v:1', text: 'ab春', source: '诗', language: 'zh' }];
const quiet = { reporter: silentReporter };

let directory: string;
let dataPath: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shards-'));
  dataPath = join(directory, 'data');
  await writeCorpus(dataPath, { train, validation });
});
after(() => rm(directory, { recursive: true }));

function tokenize(name: string, tokenizer: TokenizeOptions['tokenizer'], options: Partial<TokenizeOptions> = {}) {
  return tokenizeDocuments({ dataPath, tokenizer, directory: join(directory, name), ...quiet, ...options });
}

for (const width of [16, 32] as const) {
  test(`documents come back whole from uint${width} shards, in any order`, async () => {
    const texts = train.map(({ text }) => text);
    const tokenizer = width === 16 ? await trainTokenizer(texts, { vocabSize: 600 }) : codePoints;
    const { path, metrics, digest } = await tokenize(`u${width}`, tokenizer);
    const separator = tokenizer.specialId('endOfText');
    const expected = train.map(({ text }) => [separator, ...Array.from(tokenizer.encodeView(text)), separator]);
    const tokens = await openTokens(path, 'train', tokenizer);
    assert.equal(tokens.length, train.length);
    const total = expected.reduce((sum, each) => sum + each.length, 0);
    assert.equal(tokens.tokenCount, total);
    for (const i of Random.stream(2, 'order').shuffle([...train.keys()])) {
      const { tokens: found, ...rest } = await tokens.get(i);
      assert.ok(width === 16 ? found instanceof Uint16Array : found instanceof Uint32Array);
      assert.deepEqual([...found], expected[i]);
      const { id, source, language, text } = train[i];
      assert.deepEqual(rest, { id, source, language, bytes: Buffer.byteLength(text) });
    }
    await assert.rejects(tokens.get(train.length), RangeError);
    assert.equal(metrics['train.tokens'], total);
    assert.equal(metrics['validation.tokens'], tokenizer.encodeView('ab春').length + 2);
    assert.equal(metrics['validation.bytes'], 5);
    // Another program sees the same columns.
    const table = tableFromIPC(await readFile(join(path, 'train-00000.arrow')));
    assert.deepEqual(
      table.schema.fields.map((field) => `${field.name}: ${field.type}`),
      ['id: Utf8', 'source: Utf8', 'language: Utf8', 'bytes: Uint32', `tokens: List<Uint${width}>`],
    );
    assert.deepEqual([table.numRows, table.batches.length], [train.length, tokens.manifest.shards[0].batches.length]);
    assert.ok(table.batches.length > 1, 'the corpus spans several record batches');
    // The same corpus again: the same digest, over what an interrupted try left.
    await mkdir(join(directory, `u${width}`, '.tmp-corpus-0000'));
    assert.equal((await tokenize(`u${width}`, tokenizer)).digest, digest);
    assert.deepEqual(await readdir(join(directory, `u${width}`)), ['corpus']);
  });
}

test('the manifest counts documents, tokens and bytes by split, source and language', async () => {
  const { path } = await tokenize('counts', codePoints);
  const { counts, vocabSize } = (await openTokens(path, 'validation')).manifest;
  assert.equal(vocabSize, 0x110001);
  assert.deepEqual(counts.at(-1), {
    split: 'validation',
    source: '诗',
    language: 'zh',
    documents: 1,
    tokens: 5,
    bytes: 5,
  });
  const letters = train.filter(({ source, language }) => source === 'letters' && language === 'en');
  assert.deepEqual(
    counts.find(({ source, language }) => source === 'letters' && language === 'en'),
    {
      split: 'train',
      source: 'letters',
      language: 'en',
      documents: letters.length,
      tokens: letters.reduce((sum, { text }) => sum + [...text].length + 2, 0),
      bytes: letters.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    },
  );
});

test('packed batches run over shards', async () => {
  const { path } = await tokenize('packed', codePoints);
  const source = await openTokens(path, 'train');
  const packed = new PackedBatches({ source, rows: 4, columns: 256, padId: 0, seed: 3, mode: 'stream' });
  assert.equal(await packed.countRows(), (source.tokenCount - source.length) / 256);
  const batches = Math.ceil((await packed.countRows()) / 4);
  let weights = 0;
  for (let i = 0; i < batches; i++) weights += (await packed.next()).weights.reduce((sum, weight) => sum + weight, 0);
  assert.equal(weights, batches * 1024);
  assert.equal(packed.epoch, 1);
});

test('the tokens of another tokenizer are refused', async () => {
  const { path } = await tokenize('other', codePoints);
  await assert.rejects(openTokens(path, 'train', { vocabSize: 300, json: {} }), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /belongs to another tokenizer.*tokenised with 1114113 ids, the tokenizer has 300/);
    return true;
  });
  const sameSize = { vocabSize: codePoints.vocabSize, json: { kind: 'other' } };
  await assert.rejects(openTokens(path, 'train', sameSize), /the sizes are equal, the merges are not/i);
});

test('missing, cut and garbled files are named', async () => {
  const { path } = await tokenize('whole', codePoints);
  const broken = async (name: string, damage: (file: string) => Promise<void>, file = 'train-00000.arrow') => {
    const copy = join(directory, name);
    await cp(path, copy, { recursive: true });
    await damage(join(copy, file));
    const error = await openTokens(copy, 'train').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof UserError, String(error));
    return error.message.slice(copy.length + 1);
  };
  assert.match(await broken('missing', unlink), /^train-00000\.arrow: .*damaged.*the file is missing/i);
  assert.match(await broken('cut', (file) => truncate(file, 5000)), /^train-00000\.arrow: .*it was cut or changed/);
  const flip = async (file: string) => {
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(file, bytes);
  };
  assert.match(await broken('flipped', flip), /^train-00000\.arrow: .*it was cut or changed/);
  const manifest = 'manifest.json';
  assert.match(await broken('json', (file) => truncate(file, 100), manifest), /^manifest\.json: .*damaged.*JSON/);
  assert.match(
    await broken('field', (file) => writeFile(file, '{"format": 2}'), manifest),
    /^manifest\.json: .*format/,
  );
  await assert.rejects(openTokens(directory, 'train'), /this is not a folder of tokenised text/);
  // A file that changes after it was opened.
  const open = await openTokens(path, 'train');
  await writeFile(join(path, 'train-00000.arrow'), 'ARROW1\0\0 but no more');
  await assert.rejects(open.get(0), /train-00000\.arrow: the tokenised text is damaged/);
});

test('an interrupted run leaves nothing behind', async () => {
  const controller = new AbortController();
  const reporter = stageReporter({ emit: () => controller.abort() }, 'tokens');
  await assert.rejects(tokenize('interrupted', codePoints, { signal: controller.signal, reporter }), Interrupted);
  assert.deepEqual(await readdir(join(directory, 'interrupted')), []);
});
