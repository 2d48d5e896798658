import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { greedy, type SamplingOptions, sampleToken } from '../../src/inference/sampling.js';

const scores = [1, 3, 2, 0.5];

/** How often each id is drawn in `draws` draws. */
function frequencies(options: Partial<SamplingOptions>, seen: number[] = [], draws = 20_000): number[] {
  const random = Random.stream(1, 'sampling');
  const counts = scores.map(() => 0);
  const settings = { temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1, ...options };
  for (let i = 0; i < draws; i++) counts[sampleToken(Float32Array.from(scores), seen, settings, random)]++;
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
  assert.equal(sampleToken(Float32Array.from([1, 3, 3, 2]), [], greedy, random), 1);
});

test('draws follow the softmax at the temperature', () => {
  assertClose(frequencies({}), softmax(scores));
  assertClose(frequencies({ temperature: 2 }), softmax(scores.map((x) => x / 2)));
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
  assert.equal(sampleToken(Float32Array.from([-1, -1.5]), [0], options, random), 1);
});
