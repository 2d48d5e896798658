import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, rmSync } from 'node:fs';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { toJsonl } from '../../src/base/jsonl.js';
import { buildData } from '../../src/data/build.js';
import { inspectData } from '../../src/data/documents.js';
import { readFacts } from '../../src/data/facts.js';
import { readDataManifest } from '../../src/data/manifest.js';
import { readParquetRows } from '../../src/data/sources/parquet.js';
import { stageReporter } from '../../src/report/event.js';
import { smallDisk } from '../small-disk.js';
import { build, documentsOf, scratch } from './scratch.js';

const shipped = (name: string) => fileURLToPath(new URL(`../../data-specs/${name}`, import.meta.url));
const oneSource = (source: Record<string, unknown>, rest: Record<string, unknown> = {}) =>
  JSON.stringify({ name: 'x', sources: [{ name: 'a', licence: 'CC0', ...source }], ...rest });

async function failure(files: Record<string, string | Uint8Array>): Promise<{ message: string; folder: string }> {
  const folder = await scratch(files);
  const error = await build(folder, { strict: true }).then(
    () => assert.fail('it was accepted'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.deepEqual(await readdir(join(folder, 'data')), [], 'something half-done was left');
  return { message: error.message, folder };
}

test('the smoke spec: counts agree with the files, no held-out text is in training, facts come from training', async () => {
  const folder = await scratch({ 'spec.yaml': '' });
  const spec = await readFile(shipped('smoke.yaml'), 'utf8');
  await writeFile(join(folder, 'spec.yaml'), spec.replaceAll('file:smoke/', `file:${shipped('smoke')}/`));
  const { path, digest, metrics } = await build(folder);
  const manifest = await readDataManifest(path);
  const train = await documentsOf(path, 'train');
  const heldOut = await documentsOf(path, 'validation');
  assert.equal(manifest.digest, digest);
  assert.deepEqual(manifest.total, {
    train: { documents: train.length, bytes: train.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) },
    validation: { documents: heldOut.length, bytes: heldOut.reduce((sum, d) => sum + Buffer.byteLength(d.text), 0) },
  });
  assert.equal(metrics['documents.train'], train.length);
  assert.equal(metrics['bytes.zh.train'], manifest.languages.zh.train.bytes);
  assert.equal(new Set([...train, ...heldOut].map(({ id }) => id)).size, train.length + heldOut.length);
  const seen = new Set(train.map(({ text }) => text));
  assert.equal(heldOut.filter(({ text }) => seen.has(text)).length, 0);
  assert.equal(manifest.sources.length, 8);
  for (const { name, total } of manifest.sources) assert.ok(total.validation.documents > 0, name);
  const bytes = manifest.sources.reduce((sum, { total }) => sum + total.train.bytes + total.validation.bytes, 0);
  assert.ok(bytes > 60_000 && bytes < 130_000, `${bytes}`);
  const facts = await readFacts(path);
  const words = new Set(train.filter(({ source }) => source === 'glossary').map(({ text }) => text));
  assert.equal(facts.filter(({ kind }) => kind === 'translation').length, words.size);
  assert.ok(facts.every(({ kind, key, value }) => kind !== 'translation' || words.has(`${key}：${value}`)));
  const inspected = await inspectData(path, { split: 'train', count: 3 });
  assert.deepEqual(
    [...inspected.values()].map((list) => list.length),
    Array(8).fill(3),
  );
});

test('equal input gives equal bytes; another seed gives another split', async () => {
  const rows = Array.from({ length: 300 }, (_, i) => ({ text: `text number ${i}` }));
  const spec = oneSource({ from: 'file:a.jsonl', format: 'jsonl' }, { formulas: { count: 500 } });
  const folder = await scratch({ 'a.jsonl': toJsonl(rows), 'spec.yaml': spec });
  const first = await build(folder);
  const second = await build(folder, { out: 'elsewhere' });
  const third = await build(folder, { out: 'third', seed: 2 });
  assert.equal(second.digest, first.digest);
  assert.notEqual(third.digest, first.digest);
  for (const name of await readdir(first.path)) {
    assert.deepEqual(await readFile(join(second.path, name)), await readFile(join(first.path, name)), name);
  }
  const again = await build(folder);
  assert.deepEqual([again.path, again.digest], [first.path, first.digest]);
  assert.deepEqual(await readdir(join(folder, 'data')), ['corpus']);
});

test('what is dropped is counted by rule, with the first of each', async () => {
  const texts = [
    'good text',
    'x',
    '',
    'good text',
    'good text\r\n',
    'bad \u25a1 text',
    'y'.repeat(200),
    'co\u0007ntrol',
  ];
  const folder = await scratch({
    'a.jsonl': toJsonl(texts.map((text) => ({ body: text }))),
    'b.txt': 'good text\n\nother text\n',
    'spec.yaml': JSON.stringify({
      name: 'x',
      maxCharacters: 100,
      sources: [
        { name: 'a', from: 'file:a.jsonl', format: 'jsonl', licence: 'x', columns: { text: 'body' }, exclude: ['□'] },
        {
          name: 'b',
          from: 'file:b.txt',
          format: 'txt',
          split: 'paragraphs',
          licence: 'x',
          attribution: 'B, by its authors',
        },
      ],
    }),
  });
  const { path, events, metrics } = await build(folder, { validation: 0 });
  const { sources } = await readDataManifest(path);
  assert.deepEqual(sources[0].dropped, {
    short: { documents: 1, example: 'a:a.jsonl:2', examples: ['a:a.jsonl:2: "x"'] },
    empty: { documents: 1, example: 'a:a.jsonl:3' },
    duplicate: {
      documents: 2,
      example: 'a:a.jsonl:4',
      examples: ['a:a.jsonl:4: "good text"', 'a:a.jsonl:5: "good text"'],
    },
    excluded: { documents: 1, example: 'a:a.jsonl:6', examples: ['a:a.jsonl:6: "bad □ text"'] },
    long: { documents: 1, example: 'a:a.jsonl:7', examples: [`a:a.jsonl:7: "${'y'.repeat(80)}…"`] },
  });
  assert.deepEqual(
    [
      sources.map(({ attribution }) => attribution),
      events.flatMap((event) => (event.type === 'licence' ? [event.attribution] : [])),
    ],
    [
      [undefined, 'B, by its authors'],
      [undefined, 'B, by its authors'],
    ],
  );
  assert.equal(sources[0].controlCharacters, 1);
  assert.deepEqual(sources[1].dropped, {
    duplicate: { documents: 1, example: 'b:b.txt:1', examples: ['b:b.txt:1: "good text"'] },
  });
  assert.equal(metrics.duplicates, 3);
  assert.deepEqual((await documentsOf(path, 'train')).map(({ text }) => text).sort(), [
    'control',
    'good text',
    'other text',
  ]);
  const note = events.find((event) => event.type === 'note' && event.text.startsWith('a:'));
  assert.ok(note?.type === 'note' && note.text.includes('2 dropped as duplicate (first: a:a.jsonl:4)'));
});

test('text files become files, paragraphs, lines, or what lies between separators', async () => {
  const text = '\ufeffone\ntwo\n\nthree\n%\nfour\n';
  const texts = async (source: Record<string, unknown>) => {
    const spec = oneSource({ from: 'file:a.txt', format: 'txt', ...source }, { maxCharacters: 24 });
    const { path } = await build(await scratch({ 'a.txt': text, 'spec.yaml': spec }), { validation: 0 });
    return (await documentsOf(path, 'train')).map((d) => `${d.id.slice(8)} ${d.text}`).sort();
  };
  assert.deepEqual(await texts({}), ['1 one\ntwo\n\nthree\n%\nfour']);
  assert.deepEqual(await texts({ split: 'paragraphs' }), ['1 one\ntwo', '4 three\n%\nfour']);
  assert.deepEqual(await texts({ split: 'lines' }), ['1 one', '2 two', '4 three', '6 four']);
  assert.deepEqual(await texts({ separator: '%' }), ['1 one\ntwo\n\nthree', '6 four']);
});

test('few long texts give their ends to be held out, many are held out whole; a line says how long they are', async () => {
  const text = (name: string): string =>
    Array.from({ length: 900 }, (_, i) => `${name} line ${i} of a long text that goes on and on.`).join('\n');
  const built = async (count: number) => {
    const names = Array.from({ length: count }, (_, i) => `t${i}.txt`);
    const files = Object.fromEntries(names.map((name) => [name, text(name)]));
    const spec = oneSource({ from: 'file:*.txt', format: 'txt' });
    const { path, events } = await build(await scratch({ ...files, 'spec.yaml': spec }), { validation: 0.05 });
    const [train, heldOut] = [await documentsOf(path, 'train'), await documentsOf(path, 'validation')];
    return { train, heldOut, notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])) };
  };
  const few = await built(3);
  assert.equal(few.train.length, 3);
  assert.equal(few.heldOut.length, 3);
  for (const { id, text: end } of few.heldOut) {
    const start = few.train.find((document) => document.id === id)?.text ?? '';
    const name = /t\d\.txt/.exec(id)?.[0] ?? '';
    assert.equal(`${start}\n${end}`, text(name)); // whole lines, and nothing lost
    assert.ok(Math.abs(end.length / (start.length + end.length) - 0.05) < 0.005);
  }
  assert.match(few.notes.join('\n'), /^a: 3 files → 3 documents, median 4\d,\d{3} characters$/m);
  const many = await built(20);
  assert.equal(many.train.length + many.heldOut.length, 20);
});

test('a long file becomes several documents, a limit stops, a weight repeats or thins out', async () => {
  const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`);
  const count = async (source: Record<string, unknown>, validation = 0, rest = {}) => {
    const spec = oneSource({ from: 'file:a.txt', format: 'txt', split: 'lines', ...source }, rest);
    const folder = await scratch({ 'a.txt': lines.join('\n'), 'spec.yaml': spec });
    const { path } = await build(folder, { validation });
    return { train: await documentsOf(path, 'train'), heldOut: await documentsOf(path, 'validation') };
  };
  const pieces = (await count({ split: 'file' }, 0, { maxCharacters: 100 })).train;
  assert.deepEqual(pieces.flatMap(({ text }) => text.split('\n')).sort(), lines.toSorted());
  assert.ok(pieces.every(({ text }) => text.length <= 100));
  assert.equal((await count({ limit: { documents: 7 } })).train.length, 7);
  assert.equal((await count({ limit: { bytes: 66 } })).train.length, 10);
  const thinned = (await count({ weight: 0.3 })).train.length;
  assert.ok(thinned > 250 && thinned < 350, `${thinned}`);
  const repeated = await count({ weight: 2 }, 0.2);
  assert.equal(new Set(repeated.train.map(({ text }) => text)).size * 2, repeated.train.length);
  assert.equal(new Set(repeated.train.map(({ id }) => id)).size, repeated.train.length);
  assert.equal(repeated.heldOut.length + repeated.train.length / 2, 1000);
});

test('a key with two values states nothing', async () => {
  const rows = [
    { zh: '行', en: 'to walk' },
    { zh: '行', en: 'row' },
    { zh: '苹果', en: 'apple' },
    { zh: '苹果', en: 'apple', text: 'the same, said otherwise' },
  ];
  const spec = oneSource({
    from: 'file:a',
    format: 'jsonl',
    columns: { key: 'zh', value: 'en' },
    facts: 'translation',
  });
  const { path } = await build(await scratch({ a: toJsonl(rows), 'spec.yaml': spec }), { validation: 0 });
  assert.deepEqual(await readFacts(path), [{ kind: 'translation', key: '苹果', value: 'apple', source: 'a' }]);
});

test('a fact is contradicted by what the corpus leaves out: by a weight, a limit, a filter, another sense', async () => {
  const synset = (words: string[], gloss: string) =>
    `00000001 03 n ${words.length.toString(16).padStart(2, '0')} ${words.map((word) => `${word} 0`).join(' ')} 000 | ${gloss}`;
  const files = {
    'data.noun': [
      synset(['plant'], 'something planted secretly'),
      synset(['heron'], 'a grey or white wading bird'),
      synset(['industrial_plant', 'plant'], '(industry) buildings, where there is an industry'),
    ].join('\n'),
    'spec.yaml': '',
  };
  for (const extra of [{ limit: { documents: 2 } }, { exclude: ['industry'] }, {}]) {
    const source = { from: 'file:data.noun', format: 'wordnet', facts: 'definition', ...extra };
    const folder = await scratch({ ...files, 'spec.yaml': oneSource(source) });
    const { path } = await build(folder, { validation: 0 });
    const facts = await readFacts(path);
    assert.deepEqual(
      facts.map(({ key }) => key),
      ['heron'],
    );
    assert.equal((await readDataManifest(path)).facts.definition, 1);
  }
});

test('a text that one source leaves out is kept from the next', async () => {
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`).join('\n');
  const source = { format: 'txt', licence: 'x', split: 'lines' };
  const spec = {
    name: 'x',
    sources: [
      { ...source, name: 'a', from: 'file:a.txt', weight: 0.3 },
      { ...source, name: 'b', from: 'file:a.txt', limit: { documents: 100 } },
      { ...source, name: 'c', from: 'file:a.txt' },
    ],
  };
  const folder = await scratch({ 'a.txt': lines, 'spec.yaml': JSON.stringify(spec) });
  const { path } = await build(folder, { validation: 0 });
  const texts = (await documentsOf(path, 'train')).map(({ text }) => text);
  assert.deepEqual(texts.toSorted(), lines.split('\n').toSorted());
  const [a, b, c] = (await readDataManifest(path)).sources;
  assert.equal(a.total.train.documents + a.left, 200);
  assert.equal(b.total.train.documents, 100);
  assert.equal(c.dropped.duplicate?.documents, a.total.train.documents + 100);
});

test('a poem under another title, with other marks, is the same poem', async () => {
  const poem = { title: '静夜思', author: '李白', paragraphs: ['床前明月光，疑是地上霜。'] };
  const again = { title: '夜思', author: '佚名', paragraphs: ['牀前明月光', '疑是地上霜！'] };
  const other = { title: '静夜思', author: '李白', paragraphs: ['举头望明月，低头思故乡。'] };
  const spec = oneSource({ from: 'file:a.json', format: 'chinese-poetry', convert: 'simplified' });
  const folder = await scratch({ 'a.json': JSON.stringify([poem, again, other]), 'spec.yaml': spec });
  const { path } = await build(folder, { validation: 0 });
  const ids = (await documentsOf(path, 'train')).map(({ id }) => id);
  assert.deepEqual(ids.toSorted(), ['a:a.json#0', 'a:a.json#2']);
});

test('broken JSON in line 70,000 names the line', async () => {
  const lines = Array.from({ length: 70_010 }, (_, i) => JSON.stringify({ text: `row ${i + 1}` }));
  lines[69_999] = '{"text": "row 70000"';
  const spec = oneSource({ from: 'file:a.jsonl', format: 'jsonl' });
  const { message, folder } = await failure({ 'a.jsonl': lines.join('\n'), 'spec.yaml': spec });
  assert.ok(message.startsWith(`${folder}/a.jsonl:70000: this line is not valid JSON`), message);
});

test('bad input is told with the file and what to do', async () => {
  const txt = oneSource({ from: 'file:a.txt', format: 'txt' });
  const binary = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 10, 0, 1, 2, 3);
  assert.match((await failure({ 'a.txt': binary, 'spec.yaml': txt })).message, /a\.txt:2: this is not a text file/);
  const gbk = Uint8Array.of(0xc4, 0xe3, 0xba, 0xc3, 10);
  assert.match((await failure({ 'a.txt': gbk, 'spec.yaml': txt })).message, /a\.txt:1: this is not UTF-8.*iconv/s);
  assert.match(
    (await failure({ 'spec.yaml': txt })).message,
    /spec\.yaml:\d+:\d+: source a: nothing is found at file:a\.txt/,
  );
  const gbkJson = Buffer.concat([Buffer.from('[\n{"text":"'), gbk, Buffer.from('"}]')]);
  const json = oneSource({ from: 'file:a.json', format: 'json' });
  assert.match(
    (await failure({ 'a.json': gbkJson, 'spec.yaml': json })).message,
    /a\.json:\d: this is not UTF-8.*iconv/s,
  );
  const rows = oneSource({ from: 'file:a', format: 'jsonl' });
  assert.match(
    (await failure({ a: '{"content":"x"}', 'spec.yaml': rows })).message,
    /a:1: the row has no column text.*content/s,
  );
  const list = oneSource({ from: 'file:a', format: 'json' });
  assert.match(
    (await failure({ a: '[{"text":"x"},\n{"text":}]', 'spec.yaml': list })).message,
    /a(:2)?: this is not valid JSON/,
  );
});

test('an empty corpus says what became of the documents', async () => {
  const spec = oneSource({ from: 'file:a.txt', format: 'txt', split: 'paragraphs' }, { minCharacters: 50 });
  const { message } = await failure({ 'a.txt': 'short\n\nalso short\n', 'spec.yaml': spec });
  assert.match(message, /source a keeps no document. 2 read, 2 dropped as short \(first: a:a\.txt:1\)/s);
  const empty = await failure({ 'a.txt': '', 'spec.yaml': oneSource({ from: 'file:a.txt', format: 'txt' }) });
  assert.match(empty.message, /a\.txt: there is no text in this file/);
});

test('a damaged corpus is not read', async () => {
  const rows = [{ zh: '苹果', en: 'apple' }];
  const source = { from: 'file:a', format: 'jsonl', columns: { key: 'zh', value: 'en' }, facts: 'translation' };
  const spec = oneSource(source, { formulas: { count: 100 } });
  const folder = await scratch({ a: toJsonl(rows), 'spec.yaml': spec });
  const { path } = await build(folder);
  const flipMiddle = async (name: string) => {
    const bytes = await readFile(join(path, name));
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(join(path, name), bytes);
  };
  assert.equal((await readFacts(path)).length, 1);
  await flipMiddle('facts.jsonl');
  await assert.rejects(readFacts(path), /facts\.jsonl: this file of the corpus has changed since it was built/);
  await flipMiddle('documents-train.arrow');
  await assert.rejects(documentsOf(path, 'train'), /documents-train\.arrow: this file of the corpus has changed/);
  await truncate(join(path, 'documents-train.arrow'), 100);
  await assert.rejects(documentsOf(path, 'train'), /documents-train\.arrow is cut short/);
  await assert.rejects(readDataManifest(folder), /this is not a built corpus.*no manifest\.json/s);
});

test('an abort stops the build and leaves nothing', async () => {
  const folder = await scratch({ 'spec.yaml': '{ name: x, formulas: { count: 1000000 } }' });
  await assert.rejects(build(folder, { signal: AbortSignal.timeout(200) }), Interrupted);
  assert.deepEqual(await readdir(join(folder, 'data')), []);
});

test('a kill at any moment leaves the old corpus, the new one or none, never a part', async () => {
  const folder = await scratch({ 'spec.yaml': '{ name: x, formulas: { count: 30000 } }' });
  const whole = await build(folder, { out: 'reference' });
  const script = `
    import { build } from ${JSON.stringify(new URL('./scratch.ts', import.meta.url).href)};
    process.stdout.write('ready');
    for (;;) await build(${JSON.stringify(folder)});`;
  for (const delay of [30, 400, 900]) {
    const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    await sleep(delay);
    child.kill('SIGKILL');
    await once(child, 'close');
    const left = await readdir(join(folder, 'data')).catch((): string[] => []);
    if (left.includes('corpus')) {
      assert.equal((await readDataManifest(join(folder, 'data/corpus'))).digest, whole.digest);
      assert.ok((await documentsOf(join(folder, 'data/corpus'), 'train')).length > 3000);
    }
  }
  assert.equal((await build(folder)).digest, whole.digest);
  assert.deepEqual(await readdir(join(folder, 'data')), ['corpus']);
});

test('a source file that is written to or taken away while the corpus is built ends the build by its name', async () => {
  const lines = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${name} line ${i}\n`).join('');
  for (const [change, file, words] of [
    ['append', 'texts/1.txt', /changed while it was being read/],
    ['remove', 'texts/1.txt', /it is no longer there/i],
    ['remove', 'texts/2.txt', /no such file or folder/i],
  ] as const) {
    const folder = await scratch({
      'spec.yaml': oneSource({ from: 'file:texts', format: 'txt', split: 'lines' }),
      'texts/1.txt': lines('first', 1500),
      'texts/2.txt': lines('second', 10),
    });
    const onProgress = (): void => {
      if (change === 'append') appendFileSync(join(folder, file), 'more\n');
      else rmSync(join(folder, file), { force: true });
    };
    await assert.rejects(build(folder, { onProgress }), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, words);
      return error.message.includes(join(folder, file));
    });
  }
  // A reader in a thread of its own says so, too.
  await assert.rejects(readAll(await scratch()), { code: 'EISDIR' });
});

/** What a Parquet reader makes of a path that the system refuses. */
async function readAll(path: string): Promise<void> {
  const columns = { text: 'text' };
  for await (const _ of readParquetRows(path, columns)) assert.fail('it has no rows');
}

test('a disk that is smaller than the sources is a warning; once it is full, the corpus, the mount and what is left are named', async (t) => {
  const disk = await smallDisk(t, '256k');
  if (disk === undefined) return;
  const rows = Array.from({ length: 4000 }, (_, i) => ({
    text: `Line ${i} says that ${(i * 7919) % 4001} comes next.`,
  }));
  const folder = await scratch({
    'spec.yaml': oneSource({ from: 'file:rows.jsonl', format: 'jsonl' }),
    'rows.jsonl': toJsonl([...rows, ...rows]),
  });
  const notes: string[] = [];
  const reporter = stageReporter({ emit: (event) => notes.push(event.type === 'note' ? event.text : '') }, 'data');
  const directory = join(disk, 'data');
  const seed = 1;
  const building = buildData({ specPath: join(folder, 'spec.yaml'), validation: 0.1, directory, seed, reporter });
  await assert.rejects(building, (error: unknown) => {
    assert.ok(error instanceof UserError && error.exitCode === 1, String(error));
    const pattern = new RegExp(`^${join(directory, 'corpus')}: the disk is full\\. ${disk} has .* of 256 KiB left`);
    assert.match(error.message, pattern);
    return true;
  });
  assert.match(notes.join('\n'), /^a has 371 KiB of files, and .* has .* left for the corpus: .*limit\.bytes/m);
  assert.deepEqual(await readdir(directory), []);
});
