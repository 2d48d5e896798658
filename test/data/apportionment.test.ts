// Rows by share: never a whole row off, phase by phase, with limits; and a position can be restored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { PhasedShares } from '../../src/data/apportionment.js';

const without = (length: number): number[] => new Array<number>(length).fill(Number.POSITIVE_INFINITY);

test('after any number of rows of a phase every supply is less than one row off its share', () => {
  const random = Random.stream(1, 'shares');
  for (let trial = 0; trial < 60; trial++) {
    const supplies = random.integer(1, 20);
    const phases = Array.from({ length: random.integer(1, 4) }, () => {
      // Some supplies have no share; some have a hundred times that of others.
      const weights = Array.from({ length: supplies }, () =>
        random.uniform() < 0.2 ? 0 : 10 ** (2 * random.uniform()),
      );
      weights[random.integer(0, supplies)] += 1;
      const total = weights.reduce((a, b) => a + b, 0);
      return { rows: 1000, shares: weights.map((weight) => weight / total) };
    });
    const apportionment = new PhasedShares(phases, without(supplies));
    for (const { rows, shares } of phases) {
      const counts = shares.map(() => 0);
      for (let row = 1; row <= rows; row++) {
        counts[apportionment.next(1).indexOf(1)]++;
        const off = Math.max(...shares.map((share, i) => Math.abs(counts[i] - share * row)));
        assert.ok(off < 1 + 1e-9, `${supplies} supplies, row ${row}: ${off} off`);
      }
      assert.ok(shares.every((share, i) => share > 0 || counts[i] === 0));
    }
  }
});

test('batches only group the rows; the last phase goes on for ever', () => {
  const phases = [
    { rows: 10, shares: [0.5, 0.5, 0] },
    { rows: 0, shares: [1, 0, 0] },
    { rows: 5, shares: [0.2, 0.2, 0.6] },
  ];
  const counted = (batch: number): number[] => {
    const apportionment = new PhasedShares(phases, without(3));
    for (let row = 0; row < 60; row += batch) assert.equal(sum(apportionment.next(batch)), batch);
    return [...apportionment.rows];
  };
  assert.deepEqual(counted(1), [15, 15, 30]);
  for (const batch of [2, 3, 4, 6, 12, 60]) assert.deepEqual(counted(batch), [15, 15, 30], `batches of ${batch}`);
});

test('a supply at its limit gets no more, its part goes to the others; without any left the shares hold again', () => {
  const apportionment = new PhasedShares([{ rows: 100, shares: [0.5, 0.3, 0.2] }], [10, 40, 25]);
  assert.deepEqual(apportionment.next(20), [10, 6, 4]);
  assert.deepEqual(apportionment.next(50), [0, 30, 20]);
  assert.deepEqual(apportionment.next(5), [0, 4, 1]);
  assert.deepEqual([...apportionment.rows], [10, 40, 25]);
  assert.deepEqual(apportionment.next(10), [5, 3, 2]);
});

test('a position is restored in any row, on the edge of a phase and after a limit too', () => {
  const phases = [
    { rows: 37, shares: [0.7, 0.2, 0.1] },
    { rows: 50, shares: [0.1, 0.45, 0.45] },
  ];
  const limits = [40, 20, Number.POSITIVE_INFINITY];
  for (let at = 0; at < 120; at++) {
    const straight = new PhasedShares(phases, limits);
    straight.next(at);
    const resumed = new PhasedShares(phases, limits);
    resumed.next(3); // where it stood before does not matter
    resumed.restore(JSON.parse(JSON.stringify(straight.state)));
    assert.deepEqual(resumed.state, straight.state);
    for (let i = 0; i < 30; i++) assert.deepEqual(resumed.next(2), straight.next(2), `${at} + ${i}`);
  }
});

test('the state of another mixture is refused', () => {
  const apportionment = new PhasedShares([{ rows: 1, shares: [0.5, 0.5] }], without(2));
  const bad = [undefined, {}, { rows: [1, 2, 3], owed: [0, 0, 0] }, { rows: [-1, 2], owed: [0, 0] }];
  for (const state of [...bad, { rows: [1, 2], owed: [9, -9] }, { rows: [1.5, 2], owed: [0, 0] }]) {
    assert.throws(() => apportionment.restore(state), UserError, JSON.stringify(state));
  }
});

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
