// Formula accuracy: which formulas are asked, and that exactly the right and ended answers count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelConfig } from '../../src/architecture/config.js';
import { modelSchema } from '../../src/config/model.js';
import { PackedBatches } from '../../src/data/packing.js';
import type { TokenDocument } from '../../src/data/shards.js';
import { heldOutFormulas, measureFormulas, parseFormula } from '../../src/evaluation/formulas.js';
import { metricsOf } from '../../src/evaluation/measurements.js';
import { LocalModel } from '../../src/inference/local-model.js';
import { disposeModel, initModel } from '../../src/model/model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { tokenObjective } from '../../src/train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { trainConfig } from '../train/tiny.js';

test('forms: operator and lengths of the operands', () => {
  const form = (line: string): string | undefined => parseFormula(line)?.form;
  assert.deepEqual(['12+3=15', '7×89=623', '1+2+3=6', '(1+2)×3=9', '100-9=91'].map(form), [
    ...['2+1', '1×2', '3 terms', 'brackets', '3-1'],
  ]);
  assert.deepEqual(parseFormula('12+3=15'), { question: '12+3=', answer: '15', form: '2+1', operator: '+' });
  for (const line of ['', 'a+b=c', '12=12', '1+1=', '+1=2', 'see 1+1=2', `${'1+'.repeat(200)}1=201`]) {
    assert.equal(parseFormula(line), undefined, line);
  }
});

test('a model that knows one half by heart is right in one half', async () => {
  await openBackend('wasm');
  const tokenizer = await trainTokenizer(['1+1=2'], { vocabSize: 266 });
  const start = tokenizer.specialId('endOfText');
  const lines = ['1+1=2', '2+3=5', '4+4=8', '2×3=6', '3×3=9', '7+15=22'];
  const document = (text: string, language: string): TokenDocument => ({
    ...{ id: text, source: 'x', language, bytes: text.length },
    tokens: Uint16Array.from([start, ...tokenizer.encode(text), start]),
  });
  const documents = [...lines.map((line) => document(line, 'other')), document('no formula', 'other')];
  documents.push(document('5+5=10', 'zh'), document(`${lines[0]}\n${lines[1]}`, 'other'));
  const split = { length: documents.length, get: async (index: number) => documents[index] };
  const formulas = await heldOutFormulas(split, tokenizer, 100);
  assert.deepEqual(formulas.map(({ question, answer }) => question + answer).sort(), [...lines].sort());
  assert.equal((await heldOutFormulas(split, tokenizer, 2)).length, 5);

  // It learns four of the six as they are, and two with a wrong result.
  const learnt = ['1+1=2', '2+3=5', '4+4=81', '2×3=6', '3×3=7', '7+15=22'].map((line) => document(line, 'other'));
  const ids = { vocabSize: tokenizer.vocabSize, endOfText: start, pad: 1 };
  const model = initModel(modelConfig(modelSchema.parse({ size: '100k', contextLength: 16 }), ids), 1);
  const optimizer = createOptimizer(model);
  const source = { length: learnt.length, get: (index: number) => learnt[index] };
  const objective = tokenObjective(
    new PackedBatches({ source, mode: 'whole', seed: 1, rows: 4, columns: 16, padId: 1 }),
  );
  for (let step = 1; step <= 120; step++) {
    await trainStep(model, optimizer, objective, [await objective.next()], trainConfig(), { step, learningRate: 0.01 });
  }
  const asked = new LocalModel({ model, tokenizer });
  const metrics = metricsOf(await measureFormulas(asked, formulas, { minFormulas: 1 }));
  assert.deepEqual(metrics, {
    formula: 4 / 6,
    'formula.+': 3 / 4,
    'formula.1+1': 2 / 3,
    'formula.1+2': 1,
    'formula.×': 1 / 2,
    'formula.1×1': 1 / 2,
  });
  const order = ['formula', 'formula.+', 'formula.1+1', 'formula.1+2', 'formula.×', 'formula.1×1'];
  assert.deepEqual(Object.keys(metrics), order);
  const reliable = await measureFormulas(asked, formulas, { minFormulas: 3 });
  assert.deepEqual([...reliable.keys()], ['formula', 'formula.+', 'formula.1+1'], 'shares of one or two say nothing');
  await asked.dispose();
  disposeOptimizer(optimizer);
  disposeModel(model);
});
