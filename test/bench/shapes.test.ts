// The named shapes are what the benchmark's numbers mean: the same here, in the PyTorch twin and in the formula.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { trainingFlopsPerToken } from '../../src/architecture/cost.js';
import { namedShapes, peakFor, shapeNames, shapeOf, shareOf } from '../../src/bench/shapes.js';

test('the named shapes have the sizes that their results are quoted with', () => {
  const sizes = namedShapes.map((name) => {
    const { config, rows, columns } = shapeOf(name);
    const { num_hidden_layers: layers, hidden_size: width, num_attention_heads: heads } = config;
    return [layers, width, heads, config.intermediate_size, config.vocab_size, columns, rows];
  });
  assert.deepEqual(sizes, [
    [4, 128, 4, 352, 4096, 128, 16],
    [6, 256, 4, 704, 8192, 256, 16],
    [8, 512, 8, 1376, 16384, 512, 4],
  ]);
});

test('a token costs 6N + 12·L·T·d operations, the tied embedding counted once', () => {
  const shape = shapeOf('7m');
  assert.equal(shape.parameters, 6_918_144);
  assert.equal(trainingFlopsPerToken(shape.config, shape.columns), 6 * 6_918_144 + 12 * 6 * 256 * 256);
});

test('the PyTorch twin counts the same parameters, tokens and operations', (context) => {
  const script = fileURLToPath(new URL('../../bench/peers/shapes.py', import.meta.url));
  const found = spawnSync('python3', ['-B', script], { encoding: 'utf8' });
  if (found.error !== undefined) return context.skip('python3 is not installed');
  const ours = shapeNames.map((name) => {
    const shape = shapeOf(name);
    const { parameters, rows, columns } = shape;
    return [
      name,
      { parameters, flopsPerToken: trainingFlopsPerToken(shape.config, shape.columns), tokensPerStep: rows * columns },
    ];
  });
  assert.deepEqual(JSON.parse(found.stdout), Object.fromEntries(ours));
});

test('a share is null where the limit is unknown, and bf16 is held against the faster way to multiply', () => {
  assert.equal(shareOf(50, 200), 0.25);
  assert.equal(shareOf(50, null), null);
  assert.equal(peakFor('fp32', { fp32PeakGflops: 350, bf16PeakGflops: 700 }), 350);
  assert.equal(peakFor('bf16', { fp32PeakGflops: 350, bf16PeakGflops: 700 }), 700);
  assert.equal(peakFor('bf16', { fp32PeakGflops: 350, bf16PeakGflops: 175 }), 350);
  assert.equal(peakFor('bf16', { fp32PeakGflops: null, bf16PeakGflops: null }), null);
});
