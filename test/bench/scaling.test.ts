// The fits of the scaling check find the laws that made-up points were made by, and the drawing shows them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestInterval, fitPowerLaw, fitPowerLawWithFloor, fitValley, valueAt } from '../../bench/scaling/fit.js';
import { fitAll } from '../../bench/scaling/fits.js';
import { beyond, type Cell, checks, grid } from '../../bench/scaling/grid.js';
import { scalingPlot } from '../../bench/scaling/plot.js';
import type { Point } from '../../bench/scaling/train-cell.js';

const near = (actual: number, expected: number, within = 1e-6): void =>
  assert.ok(Math.abs(actual / expected - 1) < within, `${actual}, not ${expected}`);

test('a power law is found, with an interval as wide as the scatter about it', () => {
  const exact = fitPowerLaw([1e12, 3e12, 1e13, 3e13].map((x) => [x, 40 * x ** -0.07] as const));
  near(exact.factor, 40);
  near(exact.exponent.mean, -0.07);
  assert.ok(exact.exponent.high - exact.exponent.low < 1e-9);
  // Computed apart, in Python: slope ± 4.302653 (Student's t, 2 degrees) × its standard error.
  const scattered = fitPowerLaw([
    [1, 10],
    [2, 12],
    [4, 33],
    [8, 79],
  ]);
  near(scattered.exponent.mean, 1.0404989578506518);
  near(scattered.exponent.low, 0.2405271307421638);
  near(scattered.exponent.high, 1.8404707849591397);
  near(10 / valueAt(scattered, 1), 1 + scattered.residuals[0]);
});

test('a floor is found where there is one, and none where there is none', () => {
  const points = [1e2, 1e3, 1e4, 1e5, 1e6].map((x) => [x, 2 + 5 * x ** -0.3] as const);
  const law = fitPowerLawWithFloor(points);
  near(law.floor, 2, 0.002);
  near(law.exponent.mean, -0.3, 0.01);
  assert.equal(fitPowerLawWithFloor(points.map(([x]) => [x, 5 * x ** -0.3])).floor, 0);
});

test('the lowest point of a parabola is found, and how far chance can move it', () => {
  const points = [1e5, 2e5, 4e5, 8e5].map((x) => [x, 3 + 0.1 * Math.log(x / 3e5) ** 2] as const);
  const valley = fitValley(points);
  assert.ok(valley);
  near(valley.best, 3e5);
  near(valley.floor, 3);
  near(valley.curvature, 0.1);
  const [quiet, noisy] = [0.001, 0.01].map((noise) => bestInterval(points, noise));
  assert.ok(quiet.low < 3e5 && quiet.high > 3e5 && noisy.low < quiet.low && noisy.high > quiet.high);
  assert.equal(fitValley(points.map(([x, y]) => [x, -y])), undefined);
});

/** L = 12·C^-0.03·(1 + 0.02·ln²(N / best)), best = 3e-2·C^0.55: the grid as it would be measured. */
function madeUp(cell: Cell): Point {
  const parameters = 12 * cell.layers * cell.width ** 2 + 4096 * cell.width;
  const best = 3e-2 * cell.budget ** 0.55;
  const chance = (cell.seed - 43) / 1000;
  const mean = 12 * cell.budget ** -0.03 * (1 + 0.02 * Math.log(parameters / best) ** 2) + chance;
  const flopsPerToken = 6 * parameters;
  const tokens = cell.budget / flopsPerToken;
  const loss = { mean, low: mean - 0.1, high: mean + 0.1 };
  return { ...cell, parameters, flopsPerToken, steps: 1, tokens, loss, bitsPerByte: mean / 2, cpuSeconds: 1 };
}

test('from the points of a grid come its laws, best sizes and a drawing', () => {
  const fits = fitAll([...grid, ...checks, beyond].map(madeUp));
  near(fits.sizeLaw.exponent.mean, 0.55, 1e-3);
  near(fits.lossLaw.exponent.mean, -0.03, 0.01);
  near(fits.noise, 0.001, 1e-6);
  assert.ok(fits.beyond);
  near(fits.beyond.predicted, 12 * 3e13 ** -0.03, 1e-3);
  near(fits.beyond.measured, fits.beyond.predicted, 0.01);
  for (const { budget, parameters, tokensPerParameter } of fits.optima) {
    near(parameters.mean, 3e-2 * budget ** 0.55, 1e-3);
    near(tokensPerParameter, budget / 6 / parameters.mean ** 2, 1e-3);
  }
  const svg = scalingPlot(fits);
  assert.ok(!/NaN|undefined|Infinity/.test(svg));
  assert.equal(svg.match(/<svg /g)?.length, 3);
});
