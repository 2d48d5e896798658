// Three steps of Muon against float64 arithmetic written from the papers (scripts/golden/make_muon.py).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { muon } from '../../src/tensor/ops/muon.js';
import { dispose, memory, tensor, type Variable, variable } from '../../src/tensor/tf.js';
import { onBackend, onEachBackend } from '../conformance/backends.js';
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

// The native kernel has each small matrix on one thread and a large one on all. Columns of zeros change no other's step.
await onBackend('a large matrix is stepped as a small one', 'native', { threads: 3 }, async () => {
  const [side, columns] = [510, 520];
  const random = Random.stream(6, 'muon');
  const small = Float32Array.from({ length: side * side }, () => random.normal());
  const large = Float32Array.from({ length: side * columns }, (_, i) =>
    i % columns < side ? small[Math.floor(i / columns) * side + (i % columns)] : 0,
  );
  const [some, all] = [small, large].map((values) => {
    const shape = [side, values.length / side];
    const [zero, m] = [0, 0].map(() => variableOf(new Array(values.length).fill(0), shape));
    const gradient = tensor(values, shape);
    const learningRate = 1 / Math.sqrt(Math.max(...shape));
    muon([{ variable: zero, gradient, m, weightDecay: 0 }], { learningRate, gradientScale: 1 });
    const result = zero.dataSync();
    dispose([zero, m, gradient]);
    return result;
  });
  assertClose(
    all.filter((_, i) => i % columns < side),
    some,
    'step',
    1e-4,
  );
  assert.ok(all.every((value, i) => i % columns < side || value === 0));
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
