import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { sizeOf } from '../../src/base/host-tensor.js';
import { Random } from '../../src/base/random.js';
import { openBackend } from '../../src/tensor/backends.js';
import { valueAndGradients } from '../../src/tensor/backward.js';
import { differentiableOps } from '../../src/tensor/gradients.js';
import {
  add,
  clone,
  concat,
  cos,
  exp,
  expm1,
  log,
  mul,
  neg,
  relu,
  reshape,
  type Scalar,
  sigmoid,
  softplus,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  variable,
} from '../../src/tensor/tf.js';
import { chosenBackend } from '../conformance/backends.js';

type Case = { op: string; shapes: number[][]; apply(...inputs: Tensor[]): Tensor };

const cases: Case[] = [
  { op: 'Identity', shapes: [[3, 2]], apply: (x) => clone(x) },
  { op: 'Reshape', shapes: [[3, 2]], apply: (x) => reshape(x, [2, 3]) },
  {
    op: 'Add',
    shapes: [
      [3, 2],
      [3, 2],
    ],
    apply: add,
  },
  {
    op: 'Add',
    shapes: [
      [4, 3, 2],
      [3, 1],
    ],
    apply: add,
  },
  { op: 'Sub', shapes: [[3, 2], [2]], apply: sub },
  {
    op: 'Multiply',
    shapes: [
      [3, 2],
      [3, 1],
    ],
    apply: mul,
  },
  {
    op: 'Concat',
    shapes: [
      [2, 1],
      [2, 3],
      [2, 2],
    ],
    apply: (...parts) => concat(parts, 1),
  },
  { op: 'Neg', shapes: [[5]], apply: neg },
  { op: 'Softplus', shapes: [[5]], apply: softplus },
  { op: 'Sigmoid', shapes: [[5]], apply: sigmoid },
  { op: 'Exp', shapes: [[5]], apply: exp },
  { op: 'Expm1', shapes: [[5]], apply: expm1 },
  { op: 'Log', shapes: [[5]], apply: (x) => log(exp(x)) },
  { op: 'Relu', shapes: [[5]], apply: relu },
  { op: 'Sum', shapes: [[3, 4]], apply: (x) => sum(x, 1) },
  { op: 'Sum', shapes: [[3, 4, 2]], apply: (x) => sum(x, [0, -1]) },
  { op: 'Sum', shapes: [[3, 4]], apply: (x) => sum(x) },
];

describe('gradients of plain ops equal finite differences', () => {
  const random = Random.stream(1, 'gradients');
  const normals = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  before(() => openBackend(chosenBackend('cpu')));

  for (const { op, shapes, apply } of cases) {
    test(`${op} ${JSON.stringify(shapes)}`, () => {
      const values = shapes.map((shape) => normals(sizeOf(shape)));
      const outputSize = tidy(() => apply(...values.map((v, i) => tensor(v, shapes[i]))).size);
      const direction = normals(outputSize);
      const scalarOf = (inputs: Tensor[]): Scalar => {
        const output = apply(...inputs);
        return sum(mul(output, tensor(direction, output.shape))) as Scalar;
      };
      const variables = values.map((v, i) => variable(tensor(v, shapes[i])));
      const { gradients } = valueAndGradients(() => scalarOf(variables), variables);
      values.forEach((v, input) => {
        const gradient = gradients[input].dataSync();
        assert.deepEqual(gradients[input].shape, shapes[input]);
        for (let i = 0; i < v.length; i++) {
          const at = (shift: number): number =>
            tidy(() => {
              const moved = values.map((each) => each.slice());
              moved[input][i] += shift;
              return scalarOf(moved.map((each, j) => tensor(each, shapes[j]))).dataSync()[0];
            });
          const numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
          assert.ok(
            Math.abs(gradient[i] - numeric) < 2e-3 * Math.max(1, Math.abs(numeric)),
            `${gradient[i]} ${numeric}`,
          );
        }
      });
    });
  }

  test('every op on the list has a case here', () => {
    assert.deepEqual([...new Set(cases.map(({ op }) => op))].sort(), [...differentiableOps].sort());
  });

  test('an op that is not on the list refuses to be differentiated', () => {
    const x = variable(tensor([1, 2]));
    assert.throws(() => valueAndGradients(() => sum(cos(x)), [x]), /gradient/i);
  });
});
