// Three steps of Muon against float64 arithmetic written from the papers (scripts/golden/make_muon.py).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { muon } from '../../src/tensor/muon.js';
import { dispose, memory, tensor, type Variable, variable } from '../../src/tensor/tf.js';
import { onEachBackend } from '../conformance/backends.js';
import { assertClose, readJson } from './fixtures.js';

interface Expected {
  settings: { learningRates: number[]; gradientScales: number[]; weightDecay: number };
  /** Matrices [out, in]: before, the gradients of each step, and after, with the momentum then. */
  cases: { shape: [number, number]; start: number[]; gradients: number[][]; weight: number[]; m: number[] }[];
}

const { settings, cases } = await readJson<Expected>('muon.json');

await onEachBackend('three steps on square, wide and tall matrices, all in one call', async () => {
  const before = memory().numTensors;
  const parameters = cases.map(({ shape, start }) => ({
    variable: variableOf(start, shape),
    m: variableOf(
      start.map(() => 0),
      shape,
    ),
    weightDecay: settings.weightDecay,
  }));
  const held = memory().numTensors;
  settings.learningRates.forEach((learningRate, step) => {
    const gradients = cases.map(({ shape, gradients }) => tensor(gradients[step], shape));
    muon(
      parameters.map((parameter, i) => ({ ...parameter, gradient: gradients[i] })),
      { learningRate, gradientScale: settings.gradientScales[step] },
    );
    dispose(gradients);
  });
  assert.equal(memory().numTensors, held);
  cases.forEach(({ shape, weight, m }, i) => {
    assertClose(parameters[i].m.dataSync(), m, `momentum of ${shape}`, 1e-6);
    assertClose(parameters[i].variable.dataSync(), weight, `weight of ${shape}`, 1e-5);
    dispose([parameters[i].m, parameters[i].variable]);
  });
  assert.equal(memory().numTensors, before);
});

function variableOf(values: number[], shape: number[]): Variable {
  const initial = tensor(values, shape);
  const made = variable(initial, true);
  initial.dispose();
  return made;
}

test('the shapes take both ways through the products', () => {
  const ratios = cases.map(({ shape }) => Math.max(...shape) / Math.min(...shape));
  assert.ok(ratios.some((ratio) => ratio < 1.5) && ratios.some((ratio) => ratio > 1.5));
});
