// A candidate is promoted when it looks better and chance cannot hide that it is worse by more than is tolerated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../../src/base/random.js';
import type { Unit } from '../../../src/base/statistics.js';
import { decide } from '../../../src/stages/align/promotion.js';

function rewards(count: number, gain: number, noise: number, seed = 1): { before: Unit[]; after: Unit[] } {
  const random = Random.stream(seed, 'rewards');
  const before = Array.from({ length: count }, (_, i) => ({
    id: `t${i}`,
    value: 0.3 + 0.4 * random.uniform(),
    weight: 1,
  }));
  // Noise whose mean is exactly zero: every deviation comes with its opposite.
  const after = before.map((unit, i) => ({ ...unit, value: unit.value + gain + (i % 2 === 0 ? noise : -noise) }));
  return { before, after };
}

test('clearly better is promoted, clearly worse and exactly alike are not', () => {
  const better = rewards(100, 0.05, 0.1);
  const decision = decide(better.before, better.after, 0);
  assert.ok(decision.promoted);
  assert.ok(Math.abs(decision.difference.mean - 0.05) < 1e-9 && decision.difference.low > 0);
  assert.ok(Math.abs(decision.after - decision.before - 0.05) < 1e-9);
  assert.match(decision.text, /^held-out reward 0\.\d{4} → 0\.\d{4}, \+0\.050 \[\+0\.0\d\d, \+0\.0\d\d\]: promoted/);
  const worse = rewards(100, -0.001, 0.001);
  assert.equal(decide(worse.before, worse.after, 0.1).promoted, false, 'within the tolerance, but not better');
  assert.equal(decide(better.before, better.before, 0.1).promoted, false);
});

test('a better mean is promoted only where a fall beyond the tolerance is ruled out', () => {
  const noisy = rewards(40, 0.01, 0.15); // standard error 0.024
  const few = decide(noisy.before, noisy.after, 0.02);
  assert.equal(few.promoted, false);
  assert.match(few.text, /better, but a fall of more than 0\.02 is not ruled out, so the earlier policy stays$/);
  assert.ok(decide(noisy.before, noisy.after, 0.05).promoted, 'more is tolerated');
  const many = rewards(1000, 0.01, 0.15); // standard error 0.0047
  assert.ok(decide(many.before, many.after, 0.02).promoted, 'more tasks know better');
});

test('one task proves nothing', () => {
  const { before, after } = rewards(1, 0.5, 0);
  const { promoted, text } = decide(before, after, 1);
  assert.equal(promoted, false);
  assert.doesNotMatch(text, /NaN/);
});
