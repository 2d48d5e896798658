// Intervals against published values, and that 95 % means 95 %: coverage on data whose truth is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import {
  bootstrapMean,
  type Interval,
  pairedBootstrap,
  ratio,
  tInterval,
  tQuantile,
  type Unit,
} from '../../src/base/statistics.js';

function unitsOf(values: readonly number[]): Unit[] {
  return values.map((value, i) => ({ id: `task-${i}`, value, weight: 1 }));
}

/** Share of `runs` made-up samples whose interval holds `truth`. */
function coverage(runs: number, truth: number, interval: () => Interval): number {
  let held = 0;
  for (let i = 0; i < runs; i++) {
    const { low, high } = interval();
    if (low <= truth && truth <= high) held++;
  }
  return held / runs;
}

test('Student: quantiles as in the tables, and an interval worked out by hand', () => {
  const table = { 1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 5: 2.5706, 9: 2.2622, 30: 2.0423, 120: 1.9799 };
  for (const [degrees, value] of Object.entries(table)) {
    assert.ok(Math.abs(tQuantile(Number(degrees)) - value) < 4e-4, `${degrees}: ${tQuantile(Number(degrees))}`);
  }
  // Mean 2, standard deviation 1, standard error 1/√3.
  const { mean, low, high } = tInterval([1, 2, 3]);
  assert.equal(mean, 2);
  assert.ok(Math.abs(high - (2 + 4.302653 / Math.sqrt(3))) < 1e-6 && Math.abs(mean - low - (high - mean)) < 1e-12);
  assert.ok(Number.isNaN(tInterval([5]).low), 'one run says nothing of the next');
});

test('the same units give the same interval; another seed nearly the same', () => {
  const random = Random.stream(1, 'values');
  const units = unitsOf(Array.from({ length: 80 }, () => random.normal()));
  const one = bootstrapMean(units);
  assert.deepEqual(bootstrapMean(units), one);
  const other = bootstrapMean(units, 2);
  assert.notEqual(other.low, one.low);
  // The textbook half-width is 1.99 standard errors.
  const half = (one.high - one.low) / 2;
  const error = Math.sqrt(units.reduce((sum, { value }) => sum + (value - one.mean) ** 2, 0) / 79 / 80);
  assert.ok(Math.abs(half / error / 1.99 - 1) < 0.08, `${half / error}`);
});

test('an interval holds the truth about 95 times in 100: shares, skewed values, ratios', () => {
  const random = Random.stream(3, 'coverage');
  const share = (p: number): number => Number(random.uniform() < p);
  const sample = (n: number, draw: () => number): Unit[] => unitsOf(Array.from({ length: n }, draw));
  const exponential = (): number => -Math.log(1 - random.uniform());
  const found = {
    half: coverage(300, 0.5, () => bootstrapMean(sample(30, () => share(0.5)))),
    rare: coverage(300, 0.96, () => bootstrapMean(sample(25, () => share(0.96)))),
    skewed: coverage(300, 1, () => bootstrapMean(sample(40, exponential))),
    // Bits per byte: long documents weigh more.
    ratio: coverage(300, 2, () =>
      bootstrapMean(
        sample(40, exponential).map((unit) => ({
          ...unit,
          value: 4 * unit.value * random.uniform(),
          weight: unit.value,
        })),
      ),
    ),
  };
  for (const [name, value] of Object.entries(found)) assert.ok(value > 0.91 && value < 0.995, `${name}: ${value}`);
});

test('a difference is taken task by task: equal hardness cancels, and no difference is rarely seen where none is', () => {
  const random = Random.stream(4, 'pairs');
  const hardness = Array.from({ length: 60 }, () => random.uniform());
  const before = unitsOf(hardness);
  const after = unitsOf(hardness.map((value) => value + 0.02 + 0.01 * random.normal()));
  const paired = pairedBootstrap(before, after);
  assert.ok(paired.low > 0.015 && paired.high < 0.025, JSON.stringify(paired));
  assert.ok(bootstrapMean(after).low < bootstrapMean(before).high, 'unpaired, the intervals overlap');
  const none = coverage(300, 0, () => {
    const pairs = Array.from({ length: 60 }, () => [random.uniform(), random.uniform()].map((x) => Number(x < 0.5)));
    return pairedBootstrap(unitsOf(pairs.map(([a]) => a)), unitsOf(pairs.map(([, b]) => b)));
  });
  assert.ok(none > 0.92 && none < 0.99, `${none}`);
});

test('few changes are no proof: the verdict on right and wrong answers is that of the exact test', () => {
  // McNemar's exact test: 5 of 5 changes for the better, p = 0.0625; 6 of 6, p = 0.031.
  const low = (changed: number): number => {
    const before = unitsOf(Array.from({ length: 120 }, (_, i) => Number(i >= changed)));
    return pairedBootstrap(before, unitsOf(new Array<number>(120).fill(1))).low;
  };
  assert.deepEqual(
    [3, 4, 5, 6, 8].map(low).map((value) => value > 0),
    [false, false, false, true, true],
  );
});

test('twenty right answers out of twenty are not certainty', () => {
  const { mean, low, high } = bootstrapMean(unitsOf(new Array<number>(20).fill(1)));
  assert.equal(mean, 1);
  assert.equal(high, 1);
  assert.ok(low > 0.75 && low < 0.9, `${low}`); // Clopper–Pearson: 0.832
});

test('pairs are matched by id, and what only one side has is left out', () => {
  const before = unitsOf([0.1, 0.2, 0.3, 0.9]);
  const after = [...unitsOf([0.2, 0.3, 0.4])].reverse();
  const { mean, low, high } = pairedBootstrap(before, after);
  assert.ok(Math.abs(mean - 0.1) < 1e-12 && Math.abs(low - 0.1) < 1e-12 && Math.abs(high - 0.1) < 1e-12);
  assert.ok(Number.isNaN(pairedBootstrap(before.slice(0, 1), after).low));
  assert.equal(
    ratio([
      { id: 'a', value: 3, weight: 2 },
      { id: 'b', value: 1, weight: 6 },
    ]),
    0.5,
  );
});
