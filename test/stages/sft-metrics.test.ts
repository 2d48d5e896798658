// What fine-tuning shows of held-out conversations: the loss against one taken row by row, by source; answers that end and
// are right, by family and language; names that are known before they are measured; no tensor more than before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { modelSchema } from '../../src/config/model.js';
import { PackedBatches } from '../../src/data/packing.js';
import type { Conversation } from '../../src/data/types.js';
import { tokenLogProbabilities } from '../../src/inference/score.js';
import { disposeModel, initModel } from '../../src/model/model.js';
import { HeldOutMetrics, type HeldOutRow } from '../../src/stages/sft/metrics.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory } from '../../src/tensor/tf.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { trainConfig } from '../train/tiny.js';

const row = (id: string, question: string, answer: string, rest: Partial<Conversation> = {}): Conversation => ({
  id,
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
  ...rest,
});

test('loss by source, answers that end and are right by family and language, and their names beforehand', async () => {
  await openBackend('wasm');
  const tokenizer = await trainTokenizer(['一 二 one two'], { vocabSize: 270 });
  const [endOfText, pad] = [tokenizer.specialId('endOfText'), tokenizer.specialId('pad')];
  const settings = modelSchema.parse({ hiddenSize: 24, layers: 1, heads: 2, contextLength: 72 });
  const model = initModel(modelConfig(settings, { vocabSize: tokenizer.vocabSize, endOfText, pad }), 3);
  const template = new ChatTemplate(tokenizer);
  const heldOut = (conversation: Conversation, source: string): HeldOutRow => ({
    conversation,
    source,
    sequences: [{ id: 'the same name for all', ...template.encode(conversation.messages) }],
  });
  const rows = [
    heldOut(row('1', 'one', 'two', { kind: 'next' }), 'a'),
    heldOut(row('2', '一', '二', { kind: 'next' }), 'a'),
    // What is learnt below is not what this one wants, in words that its check does not know.
    heldOut(row('3', 'two', 'one', { kind: 'other', check: { type: 'contains', any: ['three'] } }), 'b'),
    // Too long for its own check: whether it ends still counts.
    heldOut(row('4', 'one two', 'abcdefghijklmnopqrstuv', { kind: 'other' }), 'b'),
  ];
  const shape = { rows: 2, columns: 72, padId: pad };
  const sequences = rows.flatMap((each) => each.sequences);
  const source = { length: sequences.length, get: (i: number) => sequences[i] };
  const objective = tokenObjective(new PackedBatches({ source, mode: 'whole', seed: 1, ...shape }));
  const optimizer = createOptimizer(model);
  for (let step = 1; step <= 60; step++) {
    const at = { step, learningRate: 0.02 };
    await trainStep(model, optimizer, objective, [await objective.next()], trainConfig(), at);
  }

  const figures = new HeldOutMetrics(rows, { tokenizer, shape, seed: 1, parameters: 1e6 });
  const before = memory().numTensors;
  const metrics = await figures.measure(model);
  assert.equal(memory().numTensors, before);
  assert.deepEqual(Object.keys(metrics), figures.names);
  assert.match(figures.note, /loss on 4 held-out conversations and asks 4 of them .*3 of them checked/);

  let [nats, tokens, ofB, tokensOfB] = [0, 0, 0, 0];
  for (const [i, values] of (
    await tokenLogProbabilities(
      model,
      sequences.map((each) => [...Array.from(each.tokens)]),
    )
  ).entries()) {
    values.forEach((value, j) => {
      if (sequences[i].loss?.[j + 1] !== 1) return;
      [nats, tokens] = [nats - value, tokens + 1];
      if (i >= 2) [ofB, tokensOfB] = [ofB - value, tokensOfB + 1];
    });
  }
  assert.ok(Math.abs(metrics.heldOutLoss - nats / tokens) < 1e-5, `${metrics.heldOutLoss} ${nats / tokens}`);
  assert.ok(Math.abs(metrics['heldOutLoss.source.b'] - ofB / tokensOfB) < 1e-5);
  const { heldOutLoss: _, ...rest } = metrics;
  const others = Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith('heldOutLoss')));
  assert.deepEqual(others, {
    ...{ ended: 1, correct: 2 / 3 },
    ...{ 'correct.en': 1 / 2, 'correct.zh': 1 },
    ...{ 'correct.next': 1, 'correct.other': 0 },
  });
  // However many are held out, an evaluation reads a bounded number of tokens.
  const many = new HeldOutMetrics(
    Array.from({ length: 5000 }, () => rows[0]),
    { tokenizer, shape, seed: 1, parameters: 1e6 },
  );
  const measured = Number(/on (\d+) of 5,000/.exec(many.note)?.[1] ?? assert.fail(many.note));
  assert.ok(measured * sequences[0].tokens.length <= 32_768 && (measured + 1) * sequences[0].tokens.length > 32_768);
  // Of a model of half a billion parameters, a part of that.
  const large = new HeldOutMetrics(
    Array.from({ length: 5000 }, () => rows[0]),
    { tokenizer, shape, seed: 1, parameters: 5e8 },
  );
  assert.match(many.note, /asks 64 of them/);
  assert.match(large.note, /asks 8 of them/);
  const measuredOfLarge = Number(/on ([\d,]+) of 5,000/.exec(large.note)?.[1].replace(',', '') ?? 0);
  assert.ok(measuredOfLarge > 0 && measuredOfLarge * sequences[0].tokens.length <= 4096, large.note);
  // Without an answer that can be asked for, the loss alone; without a row that fits, nothing at all.
  const long = heldOut(row('5', 'one', 'two '.repeat(100)), 'a');
  assert.deepEqual(new HeldOutMetrics([long], { tokenizer, shape, seed: 1, parameters: 1e6 }).names, ['heldOutLoss']);
  assert.deepEqual(
    new HeldOutMetrics([{ ...long, sequences: [] }], { tokenizer, shape, seed: 1, parameters: 1e6 }).names,
    [],
  );
  disposeOptimizer(optimizer);
  disposeModel(model);
});
