import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { IdentityStore } from '../../src/data/identity-set.js';
import { TextStatistics } from '../../src/data/stats.js';
import { scratch } from './scratch.js';

async function statisticsOf(texts: readonly string[], language: 'zh' | 'en' = 'en'): Promise<TextStatistics> {
  const found = new TextStatistics(new IdentityStore(join(await scratch(), 'seen')));
  for (const text of texts) found.add({ text, source: 'a', language });
  return found;
}

test('characters are code points, and Han is a share of the letters', async () => {
  const { total, languages } = await statisticsOf(['你好, ok 😀𠀀'], 'zh');
  assert.deepEqual(total, { documents: 1, bytes: 6 + 2 + 2 + 1 + 4 + 4, characters: 9, letters: 5, han: 3 });
  assert.deepEqual(languages.get('zh'), total);
});

test('percentiles are at most a fifth above, never below, and the histogram has every document in its place', async () => {
  const found = await statisticsOf(Array.from({ length: 1000 }, (_, i) => 'x'.repeat(i + 1)));
  const percentiles = found.percentiles([0.1, 0.5, 0.99]);
  for (const [i, wanted] of [100, 500, 990].entries()) {
    assert.ok(percentiles[i] >= wanted && percentiles[i] <= wanted * 1.2, `${percentiles[i]} for ${wanted}`);
  }
  const histogram = found.histogram();
  assert.deepEqual(
    histogram.slice(0, 9),
    Array.from({ length: 9 }, (_, i) => ({ from: 2 ** i, documents: 2 ** i })),
  );
  assert.deepEqual(histogram.slice(9), [{ from: 512, documents: 1000 - 511 }]);
  assert.deepEqual((await statisticsOf([])).percentiles([0.5]), [1]);
});

test('what stands there twice: whole documents, and lines however many others come between', async () => {
  const line = 'Subscribe to our newsletter today';
  const texts = Array.from(
    { length: 120_000 },
    (_, i) => `a line of its own, number ${i}${i % 100 === 0 ? `\n${line}` : ''}`,
  );
  const found = await statisticsOf([...texts, texts[1], texts[2]]);
  assert.equal(found.duplicates, 2);
  const [first] = found.repeatedLines(5);
  assert.equal(first.line, line);
  // A lower bound, off by one at most for each time the table was full.
  assert.ok(first.times >= 1196 && first.times <= 1200, `${first.times}`);
});
