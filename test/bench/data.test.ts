import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { measureData } from '../../src/bench/data.js';
import { textMakers } from '../../src/bench/data-text.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-bench-data-'));
after(() => rm(folder, { recursive: true }));

test('data: every task gives positive, finite figures, sizes double, and nothing is left behind', async () => {
  const rows = await measureData({ folder, rounds: 1, seed: 1, megabytes: 0.02 });
  assert.deepEqual(
    rows.map(({ work, text }) => `${work} ${text}`),
    [
      'read mixed',
      ...['zh', 'en', 'mixed'].map((text) => `tokenise and pack ${text}`),
      ...['zh', 'en'].flatMap((text) => [`near-duplicates ${text}`, `filters ${text}`]),
      ...['build mixed', 'build mixed', 'build mixed'],
    ],
  );
  for (const { work, megabytesPerSecond, quartiles, ofRead, costOfSmallest } of rows) {
    const figures = [megabytesPerSecond, ...quartiles, ofRead, ...(work === 'build' ? [costOfSmallest] : [])];
    for (const figure of figures) assert.ok(figure !== null && figure > 0 && Number.isFinite(figure), work);
  }
  assert.equal(rows[0].ofRead, 1);
  const builds = rows.filter(({ work }) => work === 'build');
  assert.equal(builds[0].costOfSmallest, 1);
  for (const [i, { bytes }] of builds.entries())
    assert.ok(bytes >= 20_000 * 2 ** i && bytes < 20_000 * 2 ** i + 10_000);
  assert.deepEqual(await readdir(folder), []);
});

test('the made text is the same for the same seed, of its language, and does not repeat itself', async () => {
  const [makers, again, other] = [await textMakers(7), await textMakers(7), await textMakers(8)];
  const zh = makers.zh(20_000);
  const en = makers.en(60_000);
  assert.deepEqual([again.zh(20_000), again.en(60_000)], [zh, en]);
  assert.notEqual(other.zh(20_000), zh);
  assert.ok((zh.match(/\p{Script=Han}/gu) ?? []).length > 12_000);
  const words = en.match(/\p{L}+/gu) ?? [];
  assert.ok(words.length > 8000);
  // About 2,600 words are in the source: the long tail is spelt anew.
  assert.ok(new Set(words).size > 1500, `${new Set(words).size} words`);
  const grams = (text: string, n: number): number => new Set(Array.from(text, (_, i) => text.slice(i, i + n))).size;
  assert.ok(grams(zh, 8) > 0.9 * zh.length, 'eight characters are hardly ever the same');
  assert.ok(grams(en, 40) > 0.9 * en.length);
  const mixed = Array.from({ length: 8 }, () => makers.mixed(300));
  assert.equal(mixed.filter((text) => /\p{Script=Han}/u.test(text)).length, 4);
});
