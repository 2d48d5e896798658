// Reward models against …ForSequenceClassification of Hugging Face transformers (scripts/golden/make_reward.py).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decoderTable, parameterCount } from '../../src/architecture/parameters.js';
import { forward, logits, outputWeight } from '../../src/model/forward.js';
import { disposeModel, type Model } from '../../src/model/model.js';
import { score } from '../../src/model/reward.js';
import { dispose, memory, mul, sum, type Tensor1D, tensor1d, tensor3d, tidy } from '../../src/tensor/tf.js';
import { onEachBackend } from '../conformance/backends.js';
import { architectures, assertClose, configOf, gradientsOf, loadGolden, norm, readJson } from './fixtures.js';

interface Expected {
  rows: number[][];
  /** Of each row. */
  scores: number[];
  /** Of the scores, in the sum that `gradientNorms` differentiate. */
  weights: number[];
  gradientNorms: Record<string, number>;
  parameters: number;
}

type Layout = 'right' | 'left' | 'packed';

/** The rows padded on one side, or one after the other in a single row. */
function scoresOf(model: Model, rows: number[][], layout: Layout): Tensor1D {
  const width = Math.max(...rows.map(({ length }) => length));
  const columns = layout === 'packed' ? rows.flat().length : width;
  const height = layout === 'packed' ? 1 : rows.length;
  const tokens = new Int32Array(height * columns).fill(model.config.pad_token_id);
  const positions = new Int32Array(tokens.length);
  const ranges = Int32Array.from({ length: 2 * tokens.length }, (_, i) => (i >> 1) % columns);
  let after = 0;
  const last = rows.map((row, r) => {
    const start = { right: r * columns, left: (r + 1) * columns - row.length, packed: after }[layout];
    row.forEach((token, i) => {
      tokens[start + i] = token;
      positions[start + i] = i;
      ranges[2 * (start + i)] = start % columns;
    });
    after += row.length;
    return start + row.length - 1;
  });
  const input = {
    tokens: tensor1d(tokens, 'int32'),
    positions: tensor1d(positions, 'int32'),
    ranges: tensor3d(ranges, [height, columns, 2], 'int32'),
  };
  return score(model, input, tensor1d(last, 'int32'));
}

function checkScores(model: Model, { rows, scores }: Expected): void {
  const held = memory().numTensors;
  for (const layout of ['right', 'left', 'packed'] as const) {
    const found = tidy(() => scoresOf(model, rows, layout));
    assert.deepEqual(found.shape, [rows.length]);
    assertClose(found.dataSync(), scores, `padding: ${layout}`);
    found.dispose();
  }
  assert.equal(memory().numTensors, held, 'scoring leaves tensors behind');
}

function checkGradients(model: Model, { rows, scores, weights, gradientNorms }: Expected): void {
  const { loss, gradients } = gradientsOf(model, (m) => sum(mul(scoresOf(m, rows, 'right'), tensor1d(weights))));
  assertClose([loss], [scores.reduce((total, each, i) => total + each * weights[i], 0)], 'weighted sum');
  assert.deepEqual([...gradients.keys()].sort(), Object.keys(gradientNorms).sort());
  for (const [name, wanted] of Object.entries(gradientNorms)) {
    assertClose([norm(gradients.get(name) as Float32Array)], [wanted], `norm of the gradient of ${name}`);
  }
}

/** It says so instead of reading the embedding as if it were tied. */
function checkNoText(model: Model): void {
  const error = {
    name: 'UserError',
    message: /a reward model cannot predict text.*ForSequenceClassification has a score/,
  };
  assert.throws(() => outputWeight(model), error);
  const hidden = forward(model, {
    tokens: tensor1d([5], 'int32'),
    positions: tensor1d([0], 'int32'),
    ranges: tensor3d([0, 0], [1, 1, 2], 'int32'),
  });
  assert.throws(() => logits(model, hidden), error);
  dispose(hidden);
}

test('the head is one matrix beside the decoder, tied or not', async () => {
  for (const architecture of architectures) {
    const config = configOf(await readJson(`reward/${architecture}/config.json`));
    const { parameters } = await readJson<Expected>(`reward/${architecture}/expected.json`);
    assert.equal(parameterCount(config), parameters);
    for (const tie of [true, false]) {
      const table = decoderTable({ ...config, tie_word_embeddings: tie });
      const head = table.filter(({ name }) => !name.startsWith('model.'));
      assert.deepEqual(
        head.map(({ name, shape, part, update }) => [name, shape, part, update]),
        [['score.weight', [1, config.hidden_size], 'value', 'adamw']],
      );
    }
  }
});

await onEachBackend('reward models', async (t) => {
  for (const architecture of architectures) {
    const model = await loadGolden(`reward/${architecture}`);
    const expected = await readJson<Expected>(`reward/${architecture}/expected.json`);
    await t.test(`${architecture}: scores`, () => checkScores(model, expected));
    await t.test(`${architecture}: gradients`, () => checkGradients(model, expected));
    await t.test(`${architecture}: no text`, () => tidy(() => checkNoText(model)));
    disposeModel(model);
  }
});
