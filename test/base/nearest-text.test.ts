// The index against the definition: the highest ROUGE-L to any known text, each looked at. Texts are built to be near each
// other: edited copies, repeated words, words in another order, both languages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NearestText } from '../../src/base/nearest-text.js';
import { Random } from '../../src/base/random.js';
import { rougeL } from '../../src/base/rouge.js';

const commonHan = [...'的是我你请写一个关于春天秋天猫狗的诗句解释问题怎么什么为什么'];

/** A text of `size` units, few of them different, or an earlier one with units removed, added, doubled or moved. */
function makeText(random: Random, known: readonly string[]): string {
  if (known.length > 0 && random.uniform() < 0.5) {
    const units = random.choose(known).match(/[\p{Script=Han}]|\w+/gu) ?? ['a'];
    for (let edits = random.integer(0, 6); edits > 0; edits--) {
      const at = random.integer(0, units.length);
      const act = random.integer(0, 4);
      if (act === 0 && units.length > 1) units.splice(at, 1);
      else if (act === 1) units.splice(at, 0, units[random.integer(0, units.length)]);
      else if (act === 2) units.splice(at, 0, `w${random.integer(0, 400)}`);
      else units.push(...units.splice(0, at));
    }
    return units.join(' ');
  }
  const isChinese = random.uniform() < 0.5;
  const unit = (): string => (isChinese ? random.choose(commonHan) : `w${Math.floor(400 * random.uniform() ** 3)}`);
  return Array.from({ length: random.integer(1, random.uniform() < 0.1 ? 90 : 25) }, unit).join(isChinese ? '' : ' ');
}

test('the nearest text, its similarity and every decision are those of comparing with all', () => {
  const random = Random.stream(1, 'nearest text');
  const [exact, decides] = [new NearestText(), new NearestText()];
  const known: string[] = [];
  let rejected = 0;
  let pairs = 0;
  for (let i = 0; i < 160; i++) {
    const text = makeText(random, known);
    const similarities = known.map((each) => rougeL(text, each));
    const highest = Math.max(0, ...similarities);
    const found = exact.nearest(text);
    assert.equal(found?.similarity ?? 0, highest, text);
    if (found !== undefined) assert.equal(similarities[found.index], highest, text);
    assert.equal(decides.nearest(text, 0.7)?.similarity ?? 0, highest > 0.7 ? highest : 0, text);
    pairs += known.length;
    if (highest > 0.7) rejected++;
    if (highest > 0.7 && i % 3 !== 0) continue;
    for (const index of [exact, decides]) index.add(text);
    known.push(text);
  }
  assert.ok(rejected > 20 && rejected < 140, `${rejected} were near`);
  assert.equal(exact.size, known.length);
  assert.ok(decides.compared < pairs / 3, `${decides.compared} of ${pairs} pairs were looked at`);
});

test('a text without words is near to nothing, and nothing is near to it', () => {
  const index = new NearestText();
  for (const text of ['……', '', 'a']) index.add(text);
  assert.equal(index.nearest('……'), undefined);
  assert.deepEqual(index.nearest('A!'), { index: 2, similarity: 1 });
});
