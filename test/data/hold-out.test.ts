// Which conversations are held out: a share, by hash, so that rows that are added move none of the others into it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldOut } from '../../src/data/hold-out.js';

function split(keys: readonly string[], { share = 0.05, seed = 1, most = 1000 } = {}) {
  const holdOut = new HoldOut<string>(share, { seed, most });
  const learnt = keys.flatMap((key) => holdOut.add(key.replace(/ of a group.*/, ''), key));
  const end = holdOut.finish();
  return { heldOut: end.heldOut, learnt: [...learnt, ...end.learnt].sort() };
}

const keys = Array.from({ length: 4000 }, (_, i) => `row ${i}`);

test('about the share is held out, the rest is learnt, each once, and another seed chooses others', () => {
  const { heldOut, learnt } = split(keys);
  assert.ok(Math.abs(heldOut.length - 200) < 45, String(heldOut.length)); // 3 standard deviations
  assert.deepEqual([...heldOut, ...learnt].sort(), [...keys].sort());
  assert.deepEqual(split([...keys].reverse()).heldOut.sort(), [...heldOut].sort(), 'the order of the rows is nothing');
  const shared = split(keys, { seed: 2 }).heldOut.filter((key) => heldOut.includes(key)).length;
  assert.ok(shared < 30, String(shared));
});

test('of more than the bound those with the lowest hashes stay; rows that are added take none into the held-out ones', () => {
  const few = split(keys.slice(0, 1000), { most: 20 });
  const many = split(keys, { most: 20 });
  assert.deepEqual([few.heldOut.length, many.heldOut.length], [20, 20]);
  assert.ok(
    many.heldOut.every((key) => !few.learnt.includes(key)),
    'what was learnt is never measured with later',
  );
  const whole = split(keys.slice(0, 1000));
  assert.ok(split(keys).heldOut.every((key) => !whole.learnt.includes(key)));
});

test('rows of one group go one way; of few rows none is held out, and a group that is everything is learnt', () => {
  const groups = Array.from({ length: 600 }, (_, i) => `g${i % 60} of a group, row ${i}`);
  const { heldOut } = split(groups);
  const names = new Set(heldOut.map((key) => key.split(' ')[0]));
  assert.equal(heldOut.length, names.size * 10);
  assert.ok(names.size > 0 && names.size < 10, String(names.size));
  for (let seed = 0; seed < 50; seed++) assert.deepEqual(split(keys.slice(0, 19), { seed }).heldOut, []);
  for (let seed = 0; seed < 50; seed++) {
    const one = split(
      keys.slice(0, 50).map((key) => `g of a group, ${key}`),
      { seed, most: 20 },
    );
    assert.deepEqual([one.heldOut.length, one.learnt.length], [0, 50]);
  }
});
