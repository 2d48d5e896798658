// What is read of a tensor is the reader's own, on every backend.
import assert from 'node:assert/strict';
import { read, readInto, readResult } from '../../src/tensor/host.js';
import { memory, mul, tensor1d, tidy, variable } from '../../src/tensor/tf.js';
import { onEachBackend } from '../conformance/backends.js';

await onEachBackend('host reads', async (t) => {
  await t.test('what was read neither changes the tensor nor changes with it', async () => {
    const { numTensors } = memory();
    const weights = tidy(() => variable(tensor1d([1, 2, 3])));
    const [first, second] = [await read(weights), new Float32Array(3)];
    first[0] = 9;
    await readInto(weights, second);
    assert.deepEqual([...second], [1, 2, 3]);
    second[1] = 9;
    assert.deepEqual([...(await read(weights))], [1, 2, 3]);
    tidy(() => void weights.assign(tensor1d([4, 5, 6])));
    assert.deepEqual([...first, ...second], [9, 2, 3, 1, 9, 3]);
    weights.dispose();
    assert.equal(memory().numTensors, numTensors);
  });

  await t.test('a result leaves nothing behind', async () => {
    const { numTensors } = memory();
    const values = await readResult(() => mul(mul(tensor1d([1, 2]), 2), tensor1d([1, 3])));
    assert.deepEqual([...values], [2, 12]);
    assert.equal(memory().numTensors, numTensors);
  });
});
