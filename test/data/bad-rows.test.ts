// Each kind of source with rows that are truncated, mis-encoded, of another shape, empty or too large: counted,
// reported with their place, and fatal only where asked for.
import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { UserError } from '../../src/base/errors.js';
import { readDataManifest } from '../../src/data/manifest.js';
import { readRawLines } from '../../src/data/sources/lines.js';
import { build, documentsOf, scratch } from './scratch.js';

const gbk = Buffer.from([0xc4, 0xe3, 0xba, 0xc3]);
const lines = (...parts: (string | Buffer)[]) =>
  Buffer.concat(parts.flatMap((part) => [Buffer.from(part), Buffer.from('\n')]));

async function outcome(
  name: string,
  content: Buffer,
  source: Record<string, unknown>,
  prepare?: (path: string) => Promise<void>,
) {
  const spec = { name: 'x', sources: [{ name: 'a', from: `file:${name}`, licence: 'x', ...source }] };
  const folder = await scratch({ [name]: content, 'spec.yaml': JSON.stringify(spec) });
  await prepare?.(join(folder, name));
  const { path, events } = await build(folder, { validation: 0 });
  const [{ dropped, read, total, left }] = (await readDataManifest(path)).sources;
  const lost = Object.values(dropped).reduce((sum, rule) => sum + (rule?.documents ?? 0), 0);
  assert.equal(read, total.train.documents + lost + left, 'every row is accounted for');
  const strict = await build(folder, { validation: 0, strict: true, out: 'strict' }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const texts = (await documentsOf(path, 'train')).map(({ text }) => text);
  return { texts, dropped, strict, warned: events.some((event) => event.type === 'note' && event.level === 'warning') };
}

test('JSON lines: broken, mis-encoded, wrong shape, empty, too large', async () => {
  const bytes = lines(
    '{"text":"first"}',
    '{"text":"cut',
    Buffer.concat([Buffer.from('{"text":"'), gbk, Buffer.from('"}')]),
    '[1, 2]',
    '{"content":"x"}',
    '{"text":7}',
    '{"text":""}',
    '',
    JSON.stringify({ text: 'x'.repeat(3 << 20) }),
    '{"text":"last"}',
  );
  const { texts, dropped, strict, warned } = await outcome('a.jsonl', bytes, { format: 'jsonl' });
  assert.deepEqual(texts.toSorted(), ['first', 'last']);
  assert.equal(dropped.unreadable?.documents, 5);
  assert.equal(dropped.unreadable?.example, 'a:a.jsonl:2');
  assert.equal(dropped.unreadable?.examples?.length, 3);
  assert.match(dropped.unreadable?.examples?.[1] ?? '', /a:a\.jsonl:3: .*this is not UTF-8/s);
  assert.deepEqual([dropped.empty?.documents, dropped.long?.documents], [1, 1]);
  assert.ok(warned);
  assert.ok(strict instanceof UserError && /a\.jsonl:2: this line is not valid JSON/.test(strict.message));
});

test('text: a bad line ends its document, and the rest is read', async () => {
  const bytes = lines('one', gbk, 'two', '', 'three', 'a\0b', 'four');
  const { texts, dropped, strict } = await outcome('a.txt', bytes, { format: 'txt', split: 'paragraphs' });
  assert.deepEqual(texts.toSorted(), ['four', 'one', 'three', 'two']);
  assert.deepEqual([dropped.unreadable?.documents, dropped.unreadable?.example], [2, 'a:a.txt:2']);
  assert.ok(strict instanceof UserError && /a\.txt:2: this is not UTF-8/.test(strict.message));
});

test('CSV: quotes over lines, other shapes, mis-encoded rows, a cell that never ends', async () => {
  const bytes = lines(
    '\ufeffid,text',
    '1,plain',
    '2,"with ""quotes"", a comma',
    'and a second line"',
    '3,too,many',
    '4',
    Buffer.concat([Buffer.from('5,'), gbk]),
    '6,""',
    '7,last',
    '8,"never closed',
    'x',
  );
  const { texts, dropped, strict } = await outcome('a.csv', bytes, { format: 'csv' });
  assert.deepEqual(texts.toSorted(), ['last', 'plain', 'with "quotes", a comma\nand a second line']);
  assert.deepEqual([dropped.unreadable?.documents, dropped.empty?.documents], [4, 1]);
  assert.ok(strict instanceof UserError && /a\.csv:5: this row has another shape/.test(strict.message));
  const tabs = await outcome('b.tsv', lines('text\tid', 'one, two\t1', '"a\tb"\t2'), { format: 'csv' });
  assert.deepEqual(tabs.texts.toSorted(), ['a\tb', 'one, two']);
});

test('gzip: read as it is, whatever its name; a cut file is reported, what stood before is kept', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ text: `row ${i} ${Math.sin(i)}` }));
  const packed = gzipSync(rows.join('\n'));
  const whole = await outcome('a.jsonl.gz', packed, { format: 'jsonl' });
  assert.equal(whole.texts.length, 20_000);
  assert.equal(whole.strict, undefined);
  const cut = await outcome('a.jsonl', packed, { format: 'jsonl' }, (path) => truncate(path, packed.length >> 1));
  assert.ok(cut.texts.length > 5000 && cut.texts.length < 20_000, `${cut.texts.length}`);
  assert.equal(cut.dropped.unreadable?.documents, 1);
  assert.ok(cut.strict instanceof UserError && /damaged or cut short/.test(cut.strict.message));
});

test('zstd: read, told where it is cut or asks for too much memory', async () => {
  // for i in 1 2 3: {"text":"row i, packed by zstd 1.5"} | zstd -19
  const packed = Buffer.from(
    'KLUv/QRonQEAdAJ7InRleHQiOiJyb3cgMSwgcGFja2VkIGJ5IHpzdGQgMS41In0KMjMDAKCWgLxFh3oC/k+Vdw==',
    'base64',
  );
  const whole = await outcome('a.jsonl.zst', packed, { format: 'jsonl' });
  assert.deepEqual(
    whole.texts.toSorted(),
    [1, 2, 3].map((i) => `row ${i}, packed by zstd 1.5`),
  );
  const folder = await scratch({ 'cut.zst': packed.subarray(0, -9), 'huge.zst': Buffer.from('28b52ffd00ff', 'hex') });
  const read = async (name: string) => {
    for await (const line of readRawLines(join(folder, name))) void line;
  };
  await assert.rejects(read('cut.zst'), /damaged or cut short/);
  await assert.rejects(read('huge.zst'), /asks for a window of more than 128 MiB/);
});

test('a line of any length costs no more memory than the bound, and the next lines are read', async () => {
  const folder = await scratch({ 'a.txt': `one\n${'x'.repeat(5 << 20)}\ntwo\n${'y'.repeat(3 << 20)}` });
  const seen: string[] = [];
  for await (const line of readRawLines(join(folder, 'a.txt'), { maxBytes: 1 << 20 })) {
    seen.push(`${line.number} ${'fault' in line ? line.fault.message.replace(/^.*: /, '') : line.text}`);
  }
  assert.deepEqual(seen, ['1 one', '2 a line is longer than 1 MiB.', '3 two', '4 a line is longer than 1 MiB.']);
});

test('a hostile CSV costs linear time', async () => {
  const start = process.cpuUsage();
  const { dropped } = await outcome('a.csv', Buffer.from(`text\nfine\n${'"\n""\n'.repeat(50_000)}`), {
    format: 'csv',
  });
  assert.ok(process.cpuUsage(start).user < 8e6);
  assert.ok(
    (dropped.unreadable?.documents ?? 0) +
      (dropped.duplicate?.documents ?? 0) +
      (dropped.short?.documents ?? 0) +
      (dropped.empty?.documents ?? 0) >
      0,
  );
});

test('a broken file of a folder does not hide the others', async () => {
  const spec = { name: 'x', sources: [{ name: 'a', from: 'file:t', format: 'json', licence: 'x' }] };
  const folder = await scratch({
    't/1.json': '[{"text":"one"}]',
    't/2.json': '[{"text":"two"}',
    't/3.json': '{"text":"three"}',
    't/4.json': '[{"text":"four"},{"body":"x"}]',
    'spec.yaml': JSON.stringify(spec),
  });
  const { path } = await build(folder, { validation: 0 });
  const [{ dropped }] = (await readDataManifest(path)).sources;
  assert.deepEqual((await documentsOf(path, 'train')).map(({ text }) => text).toSorted(), ['four', 'one']);
  assert.equal(dropped.unreadable?.documents, 3);
});

test('a damaged file is named, however many of its rows are bad', async () => {
  const packed = gzipSync(`${'7\n'.repeat(5)}{"text":"one"}\n`).subarray(0, -1);
  const spec = { name: 'x', sources: [{ name: 's', from: 'file:a.gz', format: 'jsonl', licence: 'x' }] };
  const { events } = await build(await scratch({ 'a.gz': packed, 'spec.yaml': JSON.stringify(spec) }), {
    validation: 0,
  });
  const warnings = events.flatMap((event) => (event.type === 'note' && event.level === 'warning' ? [event.text] : []));
  assert.equal(warnings.length, 2);
  assert.match(warnings[0], /^s: \S+a\.gz: this compressed file is damaged or cut short.*Fetch it again/);
  assert.match(warnings[1], /^s: 1 documents kept, 6 dropped as unreadable/);
});

test('a corpus with bad rows and files is the same from wherever it is built', async () => {
  const bad = {
    'a.jsonl': '{"text":"one"}\n7\n{"text":"two"}\n',
    'b.json': '[{"text":"three"},{"text":7}]',
    'c.gz': gzipSync(`${'x'.repeat(1 << 20)}\n\nfour\n\n${'y'.repeat(1 << 20)}`).subarray(0, -1),
  };
  const sources = Object.keys(bad).map((file, i) => {
    return { name: `s${i}`, from: `file:${file}`, format: ['jsonl', 'json', 'txt'][i], licence: 'x' };
  });
  const spec = JSON.stringify({ name: 'x', sources });
  const [one, two] = await Promise.all(
    [1, 2].map(async () => build(await scratch({ ...bad, 'spec.yaml': spec }), { validation: 0 })),
  );
  assert.equal(one.digest, two.digest);
  const { sources: reports } = await readDataManifest(one.path);
  assert.deepEqual(
    reports.map(({ dropped }) => dropped.unreadable?.example),
    ['s0:a.jsonl:2', 's1:b.json#1', 's2:c.gz'],
  );
});
