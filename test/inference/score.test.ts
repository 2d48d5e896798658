// Scores against the log-softmax of whole logits, on models that transformers made; windows against single contexts;
// and what the chain rule says of sums, of certainty and of shuffled texts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { Random } from '../../src/base/random.js';
import { modelSchema } from '../../src/config/model.js';
import { scoreTexts, sentencesOf, shuffled, tokenLogProbabilities } from '../../src/inference/score.js';
import { disposeModel, initModel, type Model } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory } from '../../src/tensor/tf.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { onEachBackend } from '../conformance/backends.js';
import { architectures, assertClose, type Expected, loadGolden, readJson } from '../golden/fixtures.js';
import { countingObjective, tinyModel, trainConfig } from '../train/tiny.js';

/** log softmax(logits)[target] in double precision. */
function logSoftmax(logits: readonly number[], target: number): number {
  const top = Math.max(...logits);
  return logits[target] - top - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
}

await onEachBackend('scores', async (t) => {
  for (const architecture of architectures) {
    await t.test(`${architecture}: equal to the log-softmax of transformers' logits`, async () => {
      const model = await loadGolden(architecture);
      const { ids, logits, loss } = await readJson<Expected>(`${architecture}/expected.json`);
      const vocabulary = model.config.vocab_size;
      const before = memory().numTensors;
      const scores = await tokenLogProbabilities(model, ids);
      assert.equal(memory().numTensors, before);
      const wanted = ids.map((row, r) =>
        row.slice(1).map((id, i) => {
          const at = (r * row.length + i) * vocabulary;
          return logSoftmax(logits.slice(at, at + vocabulary), id);
        }),
      );
      assertClose(
        scores.flatMap((row) => [...row]),
        wanted.flat(),
        'log-probabilities',
      );
      // The chain rule: what transformers calls the loss is the mean of minus these.
      const sum = scores.flatMap((row) => [...row]).reduce((a, b) => a + b, 0);
      assertClose([-sum / wanted.flat().length], [loss], 'mean');
      disposeModel(model);
    });
  }
});

/** Has learnt to count upwards. */
async function countingModel(): Promise<Model> {
  await openBackend('wasm');
  const model = tinyModel();
  const optimizer = createOptimizer(model);
  const objective = countingObjective();
  const config = trainConfig();
  for (let step = 1; step <= 60; step++) {
    await trainStep(model, optimizer, objective, [await objective.next()], config, { step, learningRate: 0.01 });
  }
  disposeOptimizer(optimizer);
  return model;
}

test('a trained model: in order above shuffled; windows, batches and single texts agree', async () => {
  const model = await countingModel();
  const context = model.config.max_position_embeddings;
  const ordered = Array.from({ length: 12 }, (_, i) => [0, ...Array.from({ length: 12 }, (_, j) => 2 + i + j)]);
  const random = Random.stream(1, 'shuffle');
  const disordered = ordered.map(([first, ...rest]) => [first, ...random.shuffle(rest)]);
  const sum = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);
  const inOrder = (await tokenLogProbabilities(model, ordered)).map(sum);
  const shuffledSums = (await tokenLogProbabilities(model, disordered)).map(sum);
  assert.ok(
    inOrder.every((total, i) => total > shuffledSums[i] + 10),
    `${inOrder} against ${shuffledSums}`,
  );

  // Longer than the context: every token once, with at least half a context before it.
  const long = Array.from({ length: 3 * context + 5 }, (_, i) => 2 + ((i * 7) % 29));
  const [whole, short] = await tokenLogProbabilities(model, [long, ordered[0]]);
  assert.equal(whole.length, long.length - 1);
  assertClose(short, (await tokenLogProbabilities(model, [ordered[0]]))[0], 'beside a long one', 1e-5);
  assertClose(
    whole.subarray(0, context),
    (await tokenLogProbabilities(model, [long.slice(0, context + 1)]))[0],
    'the first window',
    1e-5,
  );
  for (let from = context; from < whole.length; from += context / 2) {
    const end = Math.min(whole.length, from + context / 2);
    const [alone] = await tokenLogProbabilities(model, [long.slice(end - context, end + 1)]);
    assertClose(whole.subarray(from, end), alone.subarray(from - end), `predictions ${from} to ${end}`, 1e-5);
  }
  assert.deepEqual(await tokenLogProbabilities(model, [[3], []]), [new Float32Array(0), new Float32Array(0)]);
  disposeModel(model);
});

test('texts: sentences add up to the total, bytes to the text', async () => {
  await openBackend('wasm');
  const text = '春眠不觉晓。处处闻啼鸟！ One. Two 3.5 three? <|endoftext|>';
  const tokenizer = await trainTokenizer([text, text], { vocabSize: 280 });
  const settings = modelSchema.parse({ size: '100k', contextLength: 16 });
  const ids = { vocabSize: tokenizer.vocabSize, endOfText: tokenizer.specialId('endOfText'), pad: 1 };
  const model = initModel(modelConfig(settings, ids), 3);
  const [scored, nothing] = await scoreTexts({ model, tokenizer }, [text, '']);
  assert.equal(scored.bytes, Buffer.byteLength(text));
  assert.equal(tokenizer.decode(scored.tokens.map(({ id }) => id)), text);
  assert.deepEqual(
    scored.sentences.map((sentence) => sentence.text),
    ['春眠不觉晓。', '处处闻啼鸟！ ', 'One. ', 'Two 3.5 three? ', '<|endoftext|>'],
  );
  const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
  assertClose([sum(scored.tokens.map((token) => token.logProbability))], [scored.total], 'tokens', 1e-6);
  assertClose([sum(scored.sentences.map((each) => each.logProbability))], [scored.total], 'sentences', 1e-6);
  assert.equal(sum(scored.sentences.map((each) => each.tokens)), scored.tokens.length);
  assert.equal(scored.bitsPerByte, -scored.total / (Math.LN2 * scored.bytes));
  assert.ok(scored.tokens.every(({ logProbability }) => logProbability < 0));
  assert.deepEqual([nothing.total, nothing.bytes, nothing.bitsPerByte, nothing.sentences], [0, 0, 0, []]);
  disposeModel(model);
});

test('sentences: joined they are the text; hostile runs take no time', () => {
  for (const text of ['', 'a', '。', '“Yes!” he said. No…\n\nEnd', '!'.repeat(200_000), `${'?'.repeat(200_000)}x`]) {
    assert.equal(sentencesOf(text).join(''), text);
  }
  assert.deepEqual(sentencesOf('他说：“好。”走了。'), ['他说：“好。”', '走了。']);
});

test('shuffling keeps words and bytes', () => {
  const random = Random.stream(3, 'x');
  const sorted = (text: string, by: string | RegExp) => text.split(by).sort();
  assert.deepEqual(sorted(shuffled('the cat sat on the mat', random), ' '), sorted('the cat sat on the mat', ' '));
  assert.deepEqual(sorted(shuffled('床前明月光', random), ''), sorted('床前明月光', ''));
});
