// Pairs whose Jaccard similarity is computed exactly, from the sets themselves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../../src/base/random.js';
import { bandsFor, NearDuplicates } from '../../../src/data/filters/near-duplicates.js';

const shingle = 5;
const options = { threshold: 0.8, shingle, mebibytes: 16 };

function randomText(random: Random, words: number, chinese: boolean): string[] {
  return Array.from({ length: words }, () =>
    chinese ? String.fromCharCode(random.integer(0x4e00, 0x5e00)) : `w${random.integer(0, 5000)}`,
  );
}

/** `text` with some of its words replaced. */
function edited(random: Random, text: readonly string[], share: number, chinese: boolean): string[] {
  return text.map((word) => (random.uniform() < share ? randomText(random, 1, chinese)[0] : word));
}

function jaccard(a: readonly string[], b: readonly string[]): number {
  const set = (words: readonly string[]) =>
    new Set(Array.from({ length: words.length - shingle + 1 }, (_, i) => words.slice(i, i + shingle).join(' ')));
  const [left, right] = [set(a), set(b)];
  const common = [...left].filter((each) => right.has(each)).length;
  return common / (left.size + right.size - common);
}

test('pairs well above the threshold are found, pairs well below are not, in both languages', () => {
  for (const chinese of [false, true]) {
    const random = Random.stream(7, `pairs ${chinese}`);
    const join = (words: readonly string[]) => words.join(chinese ? '' : ' ');
    const tally = { above: 0, foundAbove: 0, below: 0, foundBelow: 0 };
    for (let pair = 0; pair < 600; pair++) {
      const text = randomText(random, random.integer(40, 400), chinese);
      const other = edited(random, text, random.uniform() * 0.12, chinese);
      const similarity = jaccard(text, other);
      const index = new NearDuplicates({ ...options, mebibytes: 1 });
      assert.equal(index.seen(join(text)), undefined);
      const found = index.seen(join(other)) !== undefined;
      if (similarity >= 0.9) {
        tally.above++;
        if (found) tally.foundAbove++;
      }
      if (similarity <= 0.7) {
        tally.below++;
        if (found) tally.foundBelow++;
      }
    }
    assert.ok(tally.above > 40 && tally.below > 200, JSON.stringify(tally));
    assert.ok(tally.foundAbove / tally.above >= 0.97, JSON.stringify(tally));
    assert.ok(tally.foundBelow / tally.below <= 0.03, JSON.stringify(tally));
  }
});

test('unrelated texts are not taken for one, however many there are', () => {
  const random = Random.stream(8, 'unrelated');
  const index = new NearDuplicates(options);
  let found = 0;
  for (let i = 0; i < 5000; i++) {
    if (index.seen(randomText(random, 60, i % 2 === 0).join(i % 2 === 0 ? '' : ' ')) !== undefined) found++;
  }
  assert.equal(found, 0);
});

test('memory is bounded: the newest texts are compared with, the oldest are forgotten', () => {
  const index = new NearDuplicates({ ...options, mebibytes: 1 });
  assert.deepEqual(bandsFor(0.8), { bands: 18, rows: 7 });
  assert.equal(index.bytesPerDocument, 128 + 8 * 18);
  assert.equal(index.capacity, 2048);
  const random = Random.stream(9, 'many');
  const texts = Array.from({ length: 3000 }, () => randomText(random, 50, false).join(' '));
  for (const text of texts) assert.equal(index.seen(text), undefined);
  assert.equal(index.forgotten, 3000 - 2048);
  assert.equal(index.seen(texts[0]), undefined);
  assert.ok((index.seen(texts[2999]) ?? 0) > 0.99);
});

test('short texts, one-word texts and empty ones', () => {
  const index = new NearDuplicates(options);
  assert.equal(index.seen('…'), undefined);
  assert.equal(index.seen('one'), undefined);
  assert.equal(index.seen('One!'), 1);
  assert.equal(index.seen('two'), undefined);
  assert.equal(index.seen('床前明月光，疑是地上霜。'), undefined);
  assert.equal(index.seen('床前明月光 疑是地上霜'), 1);
  assert.equal(index.seen('床前看月光，疑是地上霜。'), undefined);
});
