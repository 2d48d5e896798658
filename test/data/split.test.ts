import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fingerprint, Splitter } from '../../src/data/split.js';
import { build, scratch } from './scratch.js';

function splitAll(texts: string[], share: number, seed = 1): Map<string, string> {
  const splitter = new Splitter<string>(share);
  const placed = texts.flatMap((text) => [...splitter.add(text, fingerprint(seed, text).draw)]);
  return new Map([...placed, ...splitter.finish()].map(({ item, split }) => [item, split]));
}

const texts = Array.from({ length: 5000 }, (_, i) => `document ${i}`);

test('the held-out share is what was asked for, and every document is placed once', () => {
  const halves = splitAll(texts, 0.1);
  assert.equal(halves.size, 5000);
  const heldOut = [...halves.values()].filter((split) => split === 'validation').length;
  // Three standard deviations of a binomial draw.
  assert.ok(Math.abs(heldOut - 500) < 3 * Math.sqrt(5000 * 0.1 * 0.9), `${heldOut}`);
});

test('the half of a document follows from its text, not from its place or neighbours', () => {
  const forwards = splitAll(texts, 0.1);
  const backwards = splitAll(texts.toReversed(), 0.1);
  const part = splitAll(texts.slice(1000, 3000), 0.1);
  for (const text of texts) assert.equal(backwards.get(text), forwards.get(text));
  for (const text of texts.slice(1000, 3000)) assert.equal(part.get(text), forwards.get(text));
  assert.notDeepEqual([...splitAll(texts, 0.1, 2).values()], [...forwards.values()]);
});

test('two documents make one of each half, whatever they say; one is for training', () => {
  for (let i = 0; i < 200; i++) {
    for (const share of [0.001, 0.5]) {
      assert.deepEqual([...splitAll([`a${i}`, `b${i}`], share).values()].sort(), ['train', 'validation']);
    }
    assert.deepEqual([...splitAll([`a${i}`], 0.5).values()], ['train']);
    assert.deepEqual([...splitAll([`a${i}`, `b${i}`], 0).values()], ['train', 'train']);
  }
});

test('where few documents make far more held out than was asked for, it is said', async () => {
  const folder = await scratch();
  const source = { name: 's', from: 'file:*.txt', format: 'txt', licence: 'x' };
  await writeFile(join(folder, 'spec.yaml'), JSON.stringify({ name: 'x', sources: [source] }));
  const warned = async (validation: number): Promise<string[]> => {
    const { events } = await build(folder, { validation, out: `at-${validation}` });
    return events.flatMap((event) => (event.type === 'note' && event.level === 'warning' ? [event.text] : []));
  };
  for (const name of ['a', 'b']) await writeFile(join(folder, `${name}.txt`), `${name} and no more\n`);
  assert.match((await warned(0.02)).join(), /^50 % of the text is held out, 2 % were asked for/);
  assert.deepEqual(await warned(0), []);
  assert.deepEqual(await warned(0.5), []);
});
