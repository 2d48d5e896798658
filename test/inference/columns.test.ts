import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { Columns, type Segment } from '../../src/inference/columns.js';

test('stretches in use never overlap, stay within the limit and begin at multiples of 64', () => {
  const columns = new Columns(1024);
  const random = Random.stream(2, 'columns');
  const held: Segment[] = [];
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    if (held.length > 0 && random.uniform() < 0.45) {
      const [segment] = held.splice(random.integer(0, held.length), 1);
      segment.tokens = random.uniform() < 0.5 ? [1, 2, i] : [];
      columns.release(segment);
      continue;
    }
    const segment = columns.allocate(random.integer(1, 300));
    if (segment === undefined) refused++;
    else held.push(segment);
    const sorted = [...held].sort((a, b) => a.start - b.start);
    for (const [j, { start, size }] of sorted.entries()) {
      assert.equal(start % 64, 0);
      assert.ok(start + size <= (sorted[j + 1]?.start ?? 1024));
    }
    assert.ok(columns.extent <= 1024);
  }
  assert.ok(refused > 100 && refused < 2000, `${refused} refused`);
});

test('a finished sequence is found again by its beginning until its room is wanted', () => {
  const columns = new Columns(256);
  const first = columns.allocate(64) as Segment;
  first.tokens = [1, 2, 3, 4];
  columns.release(first);
  assert.deepEqual(columns.longestPrefix([1, 2, 3, 9]), { segment: first, length: 3 });
  assert.deepEqual(columns.longestPrefix([9]), { segment: undefined, length: 0 });
  assert.ok(columns.takeOver(first, 128), 'it grows where nothing is in the way');
  const second = columns.allocate(128) as Segment;
  second.tokens = [1, 2];
  columns.release(first);
  assert.ok(!columns.takeOver(first, 192), 'a neighbour in use is in the way');
  assert.equal(columns.allocate(192, first), undefined);
  assert.ok(columns.holds(first), 'nothing gives way where that would not be enough');
  assert.equal(columns.allocate(128, first)?.start, 0);
  assert.ok(!columns.holds(first), 'even what was to be spared gives way in the end');
});

test('what was read with other weights is found by nobody, and goes with its owner', () => {
  const columns = new Columns(256);
  const [kept, used] = [columns.allocate(10) as Segment, columns.allocate(10) as Segment];
  kept.tokens = [1, 2];
  used.tokens = [1, 2, 3];
  columns.release(kept);
  columns.invalidate();
  assert.deepEqual(columns.longestPrefix([1, 2, 3]), { segment: undefined, length: 0 });
  assert.deepEqual([columns.holds(kept), columns.holds(used)], [false, true]);
  columns.release(used);
  assert.equal(columns.extent, 0);
});
