// Everything that bounds how much of a file is held at once, each met by a small file under a limit lowered for it.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readLimits } from '../../src/data/sources/limits.js';
import { readSource } from '../../src/data/sources/read.js';
import { dataSpecSchema } from '../../src/data/spec.js';
import { scratch } from './scratch.js';

const usualLimits = { ...readLimits };
afterEach(() => void Object.assign(readLimits, usualLimits));

const fixture = (name: string) => readFile(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)));
const folder = await scratch();

async function faultsOf(format: string, bytes: Buffer | string): Promise<string[]> {
  const path = join(folder, `a.${format}`);
  await writeFile(path, bytes);
  const spec = dataSpecSchema.parse({ name: 'x', sources: [{ name: 's', from: 'file:x', format, licence: 'x' }] });
  const faults: string[] = [];
  for await (const row of readSource([{ path, name: 'x' }], spec.sources[0], spec)) {
    if ('fault' in row) faults.push(row.fault.message);
  }
  return faults;
}

const rows = JSON.stringify([{ text: 'one' }, { text: 'x'.repeat(3000) }]);
/** Format, content, the limit that it just meets and one that it does not, and what is said. */
const cases: Record<string, [string, Buffer | string, Partial<typeof readLimits>, Partial<typeof readLimits>, RegExp]> =
  {
    'a line': ['txt', `${'x'.repeat(3000)}`, { lineBytes: 2999 }, { lineBytes: 3000 }, /a line is longer/],
    'a line of UTF-16': [
      'txt',
      Buffer.from(`\ufeff${'x'.repeat(3000)}`, 'utf16le'),
      { lineBytes: 5999 },
      { lineBytes: 6000 },
      /a line is longer/,
    ],
    'JSON in one line, packed': [
      'json',
      gzipSync(rows),
      { jsonBytes: rows.length },
      { jsonBytes: rows.length + 1 },
      /JSON file is larger/,
    ],
    'JSON in many lines': [
      'json',
      rows.replaceAll(',', ',\n\n\n'),
      { jsonBytes: rows.length },
      { jsonBytes: rows.length + 7 },
      /JSON file is larger/,
    ],
    'a packed column of Parquet': [
      'parquet',
      await fixture('long.parquet'),
      { columnBytes: 2000 },
      { columnBytes: 30_000 },
      /column text is larger than .* and is not held in memory/,
    ],
    'one read of Parquet': [
      'parquet',
      await fixture('none.parquet'),
      { columnBytes: 6000 },
      { columnBytes: 6500 },
      /it asks for \d+ bytes at once/i,
    ],
    'a packed column of Arrow': [
      'arrow',
      await fixture('long.arrow'),
      { columnBytes: 20_002 },
      { columnBytes: 20_003 },
      /column text has more than .* in one record batch/i,
    ],
    'a column of Arrow as it is': [
      'arrow',
      await fixture('file.arrow'),
      { columnBytes: 200 },
      { columnBytes: 1000 },
      /in one record batch/,
    ],
    'several buffers of views of Arrow': [
      'arrow',
      await fixture('long-views.arrow'),
      { columnBytes: 30_000 },
      { columnBytes: 50_000 },
      /in one record batch/,
    ],
    'rows of a packed batch': [
      'arrow',
      await fixture('zstd.arrow'),
      { columnBytes: 10 },
      { columnBytes: 1000 },
      /it claims 11 rows/i,
    ],
    'a dictionary of Arrow that grows': [
      'arrow',
      await fixture('delta.arrow'),
      { columnBytes: 500 },
      { columnBytes: 2000 },
      /in one record batch/,
    ],
  };
for (const [name, [format, content, low, enough, words]] of Object.entries(cases)) {
  test(`${name} is refused above its limit, and read under it`, async () => {
    Object.assign(readLimits, low);
    assert.match((await faultsOf(format, content)).join('\n'), words);
    Object.assign(readLimits, enough);
    assert.deepEqual(await faultsOf(format, content), []);
  });
}
