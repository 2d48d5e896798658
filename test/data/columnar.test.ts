// Parquet and Arrow files as pyarrow writes them (scripts/golden/make_columnar.py): read in full, or refused by name.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readArrowRows } from '../../src/data/sources/arrow.js';
import { readSource } from '../../src/data/sources/read.js';
import { dataSpecSchema } from '../../src/data/spec.js';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));
const expected = Array.from({ length: 30 }, (_, i) =>
  i === 7 || i === 9 ? '' : `第${i}行 row ${i} ${'春眠不觉晓'.repeat(i % 4)}`,
);

/** Texts in order, and the words of each fault. */
async function read(path: string, columns: Record<string, string> = {}) {
  const format = path.endsWith('.parquet') ? 'parquet' : 'arrow';
  const source = { name: 's', from: 'file:x', format, licence: 'x', columns };
  const spec = dataSpecSchema.parse({ name: 'x', sources: [source] });
  const texts: string[] = [];
  const faults: string[] = [];
  for await (const row of readSource([{ path, name: 'x' }], spec.sources[0], spec)) {
    if ('fault' in row) faults.push(row.fault.message);
    else texts.push(row.text);
  }
  return { texts, faults };
}

const whole = [
  ...['none', 'snappy', 'gzip', 'brotli', 'zstd', 'v2-delta', 'delta-length', 'checked', 'checked-v2'].map(
    (name) => `${name}.parquet`,
  ),
  ...['file', 'stream', 'large', 'dictionary', 'delta', 'zstd', 'legacy-stream'].map((name) => `${name}.arrow`),
];
for (const name of whole) {
  test(`${name}: 30 rows over several batches, a null and an empty one among them`, async () => {
    assert.deepEqual(await read(join(fixtures, name)), { texts: expected, faults: [] });
  });
}

test('days, times and decimals are what pyarrow says (scripts/golden/make_times.py)', async () => {
  const rows: unknown[] = [];
  for await (const row of readArrowRows(join(fixtures, 'times.arrow'), (columns) => columns.map(({ name }) => name))) {
    rows.push('record' in row ? row.record : row);
  }
  assert.deepEqual(rows, JSON.parse(await readFile(join(fixtures, 'times.json'), 'utf8')));
});

test('required columns, columns of every kind before the text, empty files, facts without a text', async () => {
  assert.deepEqual((await read(join(fixtures, 'required.parquet'))).texts, ['one', 'two']);
  assert.deepEqual(await read(join(fixtures, 'skipped.arrow')), { texts: ['one', '', 'three'], faults: [] });
  for (const name of ['empty.parquet', 'empty.arrow']) {
    const { texts, faults } = await read(join(fixtures, name));
    assert.deepEqual([texts, faults.length], [[], 1]);
    assert.match(faults[0], /there is no text in this file/);
  }
  const { texts } = await read(join(fixtures, 'snappy.parquet'), { text: 'none', key: 'kind', value: 'text' });
  assert.equal(texts[0], `zh：${expected[0]}`);
});

test('what is not read is refused by name, with what to do', async () => {
  const refused: [string, RegExp, Record<string, string>?][] = [
    ['lz4.parquet', /unsupported compression codec: LZ4/],
    ['lz4.arrow', /compressed with LZ4, which is not read: write it with compression "zstd"/],
    ['feather-v1.arrow', /first Feather format/],
    ['snappy.parquet', /column id is not text but int64.*text \(string\)/s, { text: 'id' }],
    ['snappy.parquet', /column meta is not text but nested/, { text: 'meta' }],
    ['file.arrow', /column meta is not text but struct/, { text: 'meta' }],
    ['file.arrow', /has no column body.*id \(int\), meta \(struct\), text \(utf8\)/s, { text: 'body' }],
    ['snappy.parquet', /has no column body.*id \(int64\)/s, { text: 'body' }],
  ];
  for (const [name, words, columns] of refused) {
    const { texts, faults } = await read(join(fixtures, name), columns);
    assert.deepEqual([texts, faults.length], [[], 1], name);
    assert.match(faults[0], words);
  }
});

test('bytes that are no UTF-8 are a fault of their row', async () => {
  for (const [name, columns] of [
    ['gbk.parquet', undefined],
    ['gbk.arrow', undefined],
    ['snappy.parquet', { text: 'blob' }],
  ] as const) {
    const { texts, faults } = await read(join(fixtures, name), columns);
    assert.equal(faults.length, 1, name);
    assert.match(faults[0], /row (2|4): column (text|blob) is not UTF-8 text/);
    assert.equal(new Set(texts).size, 1);
  }
});

test('a page with a checksum that is not that of its content is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-columnar-'));
  for (const name of ['checked', 'checked-v2']) {
    const bytes = await readFile(join(fixtures, `${name}.parquet`));
    // Within the texts of the first row group.
    bytes[400] ^= 1;
    const path = join(folder, `${name}.parquet`);
    await writeFile(path, bytes);
    const { texts, faults } = await read(path);
    assert.deepEqual([texts, faults.length], [[], 1], name);
    assert.match(faults[0], /row 1: .*checksum of a page is not that of its content/i);
  }
});

test('a file that is cut keeps the rows before; one that is damaged anywhere ends in words, not in a loop', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-columnar-'));
  const cut = join(folder, 'cut.arrow');
  await copyFile(join(fixtures, 'stream.arrow'), cut);
  await truncate(cut, 4000);
  const { texts, faults } = await read(cut);
  assert.deepEqual(texts, expected.slice(0, texts.length));
  assert.ok(texts.length >= 11 && faults.length === 1 && /cut short/.test(faults[0]), faults[0]);
  await copyFile(join(fixtures, 'file.arrow'), cut);
  await truncate(cut, 5000);
  assert.match((await read(cut)).faults[0], /cut short/);
  const parquet = join(folder, 'cut.parquet');
  await copyFile(join(fixtures, 'zstd.parquet'), parquet);
  await truncate(parquet, 3000);
  assert.match((await read(parquet)).faults[0], /does not end as a Parquet file does/);
  await writeFile(parquet, '');
  assert.match((await read(parquet)).faults[0], /no Parquet file, or cut short/);
  const damagedBytes = await readFile(join(fixtures, 'snappy.parquet'));
  damagedBytes.fill(0xff, 200, 260);
  await writeFile(parquet, damagedBytes);
  await read(parquet);
});
