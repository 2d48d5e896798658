// A journal that was cut at any byte, or changed at any, gives back whole lines from its beginning, and continues from there.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Journal } from '../../src/base/journal.js';

const directory = await mkdtemp(join(tmpdir(), 'journal-'));
after(() => rm(directory, { recursive: true }));
const path = join(directory, 'journal.jsonl');
const values = [{ n: 1 }, { text: '语\n' }, { n: [2.5, -1e-7] }];

const entries = (source = 'a') => Journal.use(path, source, async (journal) => [...journal.entries]);

test('cut anywhere it loses its last line, and continues to the same bytes', async () => {
  await Journal.use(path, 'a', async (journal) => {
    for (const value of values) journal.append(value);
  });
  const whole = await readFile(path);
  assert.deepEqual(await entries(), values);
  for (let size = 0; size < whole.length; size += 5) {
    const cut = whole.subarray(0, size);
    await writeFile(path, cut);
    const lines = cut.toString('latin1').split('\n').length - 1;
    await Journal.use(path, 'a', async (journal) => {
      assert.deepEqual(journal.entries, values.slice(0, Math.max(0, lines - 1)));
      for (const value of values.slice(journal.entries.length)) journal.append(value);
    });
    assert.deepEqual(await readFile(path), whole);
  }
});

test('what changed on the disk is not believed, nor what follows from something else', async () => {
  const whole = await readFile(path);
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] ^= 1;
    await writeFile(path, changed);
    const found = await entries();
    assert.deepEqual(found, values.slice(0, found.length), `byte ${at}`);
    assert.ok(found.length < values.length, `byte ${at}`);
  }
  await writeFile(path, whole);
  assert.deepEqual(await entries('b'), []);
  assert.deepEqual(await entries('a'), []);
});

test('entries that are too many to be held are given one by one; a file of something else is told from a damaged one', async () => {
  const long = [{ text: '长'.repeat(100_000) }, { n: 2 }];
  await writeFile(path, '');
  await Journal.use(path, 'a', async (journal) => {
    for (const value of long) journal.append(value);
  });
  const read: unknown[] = [];
  const held = await Journal.use(
    path,
    'a',
    async ({ entries }) => entries.length,
    (entry) => void read.push(entry),
  );
  assert.deepEqual([held, read], [0, long]);
  assert.deepEqual(await Promise.all(['a', 'b'].map((source) => Journal.isOfAnother(path, source))), [false, true]);
  await writeFile(path, 'damaged\n');
  assert.equal(await Journal.isOfAnother(path, 'b'), false);
  assert.equal(await Journal.isOfAnother(join(directory, 'none'), 'b'), false);
});
