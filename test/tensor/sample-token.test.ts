// The definition by which tokens are drawn: frequencies follow the softmax of what each option leaves, nothing else is
// ever drawn, and logits that are no numbers are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { greedy, type Sampling } from '../../src/config/sampling.js';
import { drawToken, notFinite, weightOf } from '../../src/tensor/ops/sample-token.js';

const scores = [1, 3, 2, 0.5];

function sampleToken(logits: Float32Array, seen: ReadonlySet<number>, sampling: Sampling, random: Random): number {
  return drawToken(logits, { sampling, uniform: random.uniform(), seen });
}

/** How often each id is drawn in `draws` draws. */
function frequencies(options: Partial<Sampling>, seen: number[] = [], draws = 20_000): number[] {
  const random = Random.stream(1, 'sampling');
  const counts = scores.map(() => 0);
  const settings = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, ...options };
  for (let i = 0; i < draws; i++) counts[sampleToken(Float32Array.from(scores), new Set(seen), settings, random)]++;
  return counts.map((count) => count / draws);
}

function softmax(values: number[]): number[] {
  const weights = values.map(Math.exp);
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

function assertClose(actual: number[], expected: number[]): void {
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) < 0.015, `${actual} is not near ${expected}`);
  });
}

test('greedy takes the likeliest, the first of equals', () => {
  const random = Random.stream(1, 'x');
  assert.equal(sampleToken(Float32Array.from([1, 3, 3, 2]), new Set(), greedy, random), 1);
});

test('draws follow the softmax at the temperature', () => {
  assertClose(frequencies({}), softmax(scores));
  assertClose(frequencies({ temperature: 2 }), softmax(scores.map((x) => x / 2)));
});

test('what cannot be drawn is not drawn, even where top-k and top-p would reach it', () => {
  const logits = (): Float32Array => Float32Array.from([1, Number.NEGATIVE_INFINITY, 2, Number.NEGATIVE_INFINITY]);
  for (const draw of [0, 0.5, 1 - 2 ** -53, 1]) {
    const random = { uniform: () => draw } as Random;
    for (const settings of [
      { topK: 0, topP: 1, minP: 0 },
      { topK: 4, topP: 1, minP: 0 },
      { topK: 3, topP: 0.999999, minP: 0 },
      { topK: 0, topP: 0.9, minP: 0 },
      { topK: 0, topP: 1, minP: 0.1 },
    ]) {
      const id = sampleToken(logits(), new Set(), { temperature: 1, repetitionPenalty: 1, ...settings }, random);
      assert.ok(id === 0 || id === 2, `${id} at ${draw}, top-k ${settings.topK}, top-p ${settings.topP}`);
    }
  }
});

test('top-k keeps the k likeliest', () => {
  const [, b, c] = softmax([Number.NEGATIVE_INFINITY, 3, 2, Number.NEGATIVE_INFINITY]);
  assertClose(frequencies({ topK: 2 }), [0, b, c, 0]);
});

test('top-p keeps the fewest tokens that reach p', () => {
  // Softmax: .09 .63 .23 .05. Reaching 0.8 takes the first two, 0.5 only one.
  const [, b, c] = softmax([Number.NEGATIVE_INFINITY, 3, 2, Number.NEGATIVE_INFINITY]);
  assertClose(frequencies({ topP: 0.8 }), [0, b, c, 0]);
  assertClose(frequencies({ topP: 0.5 }), [0, 1, 0, 0]);
});

test('the repetition penalty divides positive and multiplies negative logits of seen tokens', () => {
  assertClose(frequencies({ repetitionPenalty: 2 }, [1, 1]), softmax([1, 1.5, 2, 0.5]));
  const random = Random.stream(1, 'x');
  const options = { ...greedy, repetitionPenalty: 2 };
  assert.equal(sampleToken(Float32Array.from([-1, -1.5]), new Set([0]), options, random), 1);
});

test('top-k and top-p agree with an ordering of the whole vocabulary, ties included', () => {
  const random = Random.stream(5, 'vocabulary');
  const logits = Float32Array.from({ length: 1000 }, () => Math.round(random.normal() * 4) / 2);
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b);
  const total = softmax([...logits]);
  for (const [topK, topP] of [
    [1, 1],
    [7, 1],
    [1000, 1],
    [5000, 0.3],
    [200, 0.9],
    [0, 0.01],
    [0, 0.5],
    [0, 0.9],
    [0, 0.999],
  ]) {
    const kept = order.slice(0, topK === 0 ? order.length : topK);
    const mass = kept.reduce((sum, id) => sum + total[id], 0);
    let [allowed, reached] = [0, 0];
    while (allowed < kept.length && reached < topP * mass - 1e-9) reached += total[kept[allowed++]];
    const settings = { temperature: 1, topK, topP, minP: 0, repetitionPenalty: 1 };
    const drawn = new Set<number>();
    for (let i = 0; i < 400; i++) drawn.add(sampleToken(logits.slice(), new Set(), settings, random));
    const expected = new Set(kept.slice(0, allowed));
    assert.deepEqual(
      [...drawn].filter((id) => !expected.has(id)),
      [],
      `topK ${topK}, topP ${topP}`,
    );
    if (allowed <= 10) assert.equal(drawn.size, allowed, `topK ${topK}, topP ${topP}`);
  }
});

test('min-p keeps what is at least that share as likely as the likeliest, after top-p', () => {
  // Relative to the likeliest: .135 1 .368 .082.
  const [a, b, c] = softmax([1, 3, 2, Number.NEGATIVE_INFINITY]);
  assertClose(frequencies({ minP: 0.1 }), [a, b, c, 0]);
  assertClose(frequencies({ minP: 0.37 }), [0, 1, 0, 0]);
  assertClose(frequencies({ minP: 1 }), [0, 1, 0, 0]);
  const [, d, e] = softmax([Number.NEGATIVE_INFINITY, 3, 2, Number.NEGATIVE_INFINITY]);
  assertClose(frequencies({ topP: 0.8, minP: 0.1 }), [0, d, e, 0]);
  assertClose(frequencies({ topK: 3, minP: 0.2 }), [0, d, e, 0]);
});

test('a weight is 2^32 · e^z to a unit of fp32, as a whole number', () => {
  assert.equal(weightOf(0), 2 ** 32);
  for (let i = 1; i < 20_000; i++) {
    const z = Math.fround(-i / 800);
    const [weight, exact] = [weightOf(z), 2 ** 32 * Math.exp(z)];
    assert.ok(Number.isInteger(weight));
    assert.ok(Math.abs(weight - exact) <= 0.5 + 2 ** -23 * exact, `${z}: ${weight}, not ${exact}`);
  }
});

test('logits that are not finite draw nothing', () => {
  const random = Random.stream(3, 'broken');
  const draw = (logits: number[], options: Partial<Sampling>) =>
    sampleToken(Float32Array.from(logits), new Set(), { ...greedy, ...options }, random);
  for (const logits of [
    [3, 9, 1, Number.NaN],
    [1, Number.POSITIVE_INFINITY, 2],
    [Number.NaN, 1, 2],
  ]) {
    for (const options of [{ temperature: 1 }, { temperature: 1, topK: 50, topP: 0.95 }, { temperature: 1, topP: 0.5 }])
      assert.equal(draw(logits, options), notFinite, `${logits} ${JSON.stringify(options)}`);
  }
  assert.equal(draw([Number.NaN, 1, 2], {}), notFinite);
  assert.equal(draw([1, Number.NEGATIVE_INFINITY, 2], { temperature: 1, topK: 1 }), 2);
});
