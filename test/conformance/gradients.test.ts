// The plain TensorFlow.js ops that losses are written with: each gradient on the list of src/tensor/gradients.ts against
// central differences, and nothing off the list.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBackend } from '../../src/tensor/backends.js';
import { differentiableOps } from '../../src/tensor/gradients.js';
import { swiglu } from '../../src/tensor/ops/swiglu.js';
import {
  add,
  clone,
  exp,
  getGradient,
  memory,
  mul,
  neg,
  reshape,
  type Scalar,
  softplus,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor,
  tidy,
  variable,
  variableGrads,
} from '../../src/tensor/tf.js';

interface PlainCase {
  kernel: string;
  shapes: number[][];
  run(inputs: Tensor[]): Tensor;
}

const plainCases: readonly PlainCase[] = [
  { kernel: 'Identity', shapes: [[2, 3]], run: ([x]) => clone(x) },
  { kernel: 'Reshape', shapes: [[2, 3]], run: ([x]) => reshape(x, [3, 2]) },
  { kernel: 'Neg', shapes: [[4]], run: ([x]) => neg(x) },
  { kernel: 'Softplus', shapes: [[6]], run: ([x]) => softplus(mul(x, 3)) },
  { kernel: 'Sum', shapes: [[2, 3, 2]], run: ([x]) => sum(x) },
  { kernel: 'Sum', shapes: [[2, 3, 2]], run: ([x]) => sum(x, 1) },
  { kernel: 'Sum', shapes: [[2, 3, 2]], run: ([x]) => sum(x, [0, -1], true) },
  { kernel: 'Sum', shapes: [[]], run: ([x]) => sum(x) },
  ...[
    { kernel: 'Add', run: ([a, b]: Tensor[]) => add(a, b) },
    { kernel: 'Sub', run: ([a, b]: Tensor[]) => sub(a, b) },
    { kernel: 'Multiply', run: ([a, b]: Tensor[]) => mul(a, b) },
  ].flatMap(({ kernel, run }) =>
    [
      [
        [2, 3],
        [2, 3],
      ],
      [[2, 3], [3]],
      [[], [2, 3]],
      [
        [2, 1],
        [1, 3],
      ],
      [[1], [1, 1]],
    ].map((shapes) => ({ kernel, shapes, run })),
  ),
];

const sizeOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
/** Fixed values in −1.5..1.5, all different. */
const valuesOf = (size: number, offset: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => ((i * 7 + offset * 5) % 13) / 4 - 1.5);

/** Σ (1 + i/8) · output[i], so that every element counts differently. */
function projected(one: PlainCase, inputs: Tensor[]): Scalar {
  const output = one.run(inputs);
  const weights = Float32Array.from({ length: output.size }, (_, i) => 1 + i / 8);
  return sum(mul(output, tensor(weights, output.shape))) as Scalar;
}

function check(one: PlainCase): void {
  const values = one.shapes.map((shape, index) => valuesOf(sizeOf(shape), index));
  const variables = one.shapes.map((shape, index) => tidy(() => variable(tensor(values[index], shape, 'float32'))));
  const held = memory().numTensors;
  const { value, grads } = variableGrads(() => projected(one, variables), variables);
  const gradients = variables.map((input) => Float32Array.from(grads[input.name].dataSync() as Float32Array));
  for (const tensor of [value, ...Object.values(grads)]) tensor.dispose();
  assert.equal(memory().numTensors, held);
  for (const input of variables) input.dispose();

  const objective = (): number =>
    tidy(
      () =>
        projected(
          one,
          values.map((data, index) => tensor(data.slice(), one.shapes[index])),
        ).dataSync()[0],
    );
  values.forEach((data, index) => {
    data.forEach((held, at) => {
      data[at] = held + 2 ** -5; // these ops are linear or gently curved: a wide step loses little, fp32 less
      const above = objective();
      data[at] = held - 2 ** -5;
      const below = objective();
      data[at] = held;
      const slope = (above - below) * 2 ** 4;
      const error = Math.abs(gradients[index][at] - slope);
      assert.ok(error < 5e-3, `${one.kernel}, input ${index} [${at}]: ${gradients[index][at]}, not ${slope}`);
    });
  });
}

test('the closed list has no entry without a check, and none is checked that is off it', async () => {
  await openBackend('cpu');
  assert.deepEqual([...new Set(plainCases.map(({ kernel }) => kernel))].sort(), [...differentiableOps].sort());
});

test('differentiating an op off the list throws; it never gives a wrong number', async () => {
  await openBackend('cpu'); // alone: the optional TensorFlow package brings gradients of its own
  const x = variable(tensor([0.5, 1], [2], 'float32'));
  assert.throws(() => variableGrads(() => sum(exp(x)) as Scalar, [x]), /gradient function not found for Exp/);
  x.dispose();
});

test('a tensor used twice gets the sum of both gradients', async () => {
  await openBackend('cpu');
  const x = variable(tensor([0.7], [1, 1], 'float32'));
  const { value, grads } = variableGrads(
    () => sum(swiglu(x as Tensor as Tensor2D, x as Tensor as Tensor2D)) as Scalar,
    [x],
  );
  const sigmoid = 1 / (1 + Math.exp(-0.7));
  const slope = 2 * 0.7 * sigmoid + 0.7 * 0.7 * sigmoid * (1 - sigmoid); // of x² σ(x)
  assert.ok(Math.abs(grads[x.name].dataSync()[0] - slope) < 1e-6);
  for (const tensor of [value, grads[x.name], x]) tensor.dispose();
});

// Not on `tensorflow`, nor after trying it: that package registers gradients of its own for these ops, over ours.
for (const name of ['cpu', 'wasm', 'native'] as const) {
  test(`gradients of the plain ops on ${name}`, async (t) => {
    try {
      await openBackend(name);
    } catch (error) {
      t.skip(String(error));
      return;
    }
    for (const one of plainCases) check(one);
    assert.equal(getGradient('Exp'), undefined, 'somebody else registered gradients: these were not ours');
  });
}
