// Which conversations are held out: a share, by hash, so that rows that are added move none of the others into it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldOut } from '../../src/data/hold-out.js';

function split(keys: readonly string[], { share = 0.05, seed = 1, most = 1000, atLeast = 0 } = {}) {
  const holdOut = new HoldOut<string>(share, { seed, most, atLeast });
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

test('where a decision hangs on them, up to a quarter of few rows is held out', () => {
  const of = (count: number) => split(keys.slice(0, count), { atLeast: 20 }).heldOut;
  const share = (count: number) => of(count).length / count;
  assert.ok(share(100) > 0.1 && share(100) < 0.3, String(share(100))); // 20 are wanted
  assert.ok(share(40) > 0.1 && share(40) <= 0.45, String(share(40))); // a quarter is 10
  assert.deepEqual(of(4000), split(keys).heldOut, 'of many rows the share decides');
  for (let count = 40; count < 1000; count += 160) {
    const grown = new Set(of(count + 160));
    const before = new Set(of(count));
    const isTaken = keys.slice(0, count).some((key) => grown.has(key) && !before.has(key));
    assert.equal(isTaken, false, 'no row that was learnt is held out when others come');
  }
});
