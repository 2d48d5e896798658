// Questions against others who ask them: multiple choice as lm-evaluation-harness has it, choice by choice; chrF2 as sacrebleu
// has it, to the digit; ROUGE-L as rouge_score has it (scripts/golden/make_questions.py).
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { rougeL } from '../../src/base/rouge.js';
import { bestChrF, chrF } from '../../src/evaluation/chrf.js';
import { metricsOf } from '../../src/evaluation/measurements.js';
import { evaluateQuestions } from '../../src/evaluation/questions/evaluate.js';
import { readQuestions } from '../../src/evaluation/questions/read.js';
import { LocalModel } from '../../src/inference/local-model.js';
import { openBackend } from '../../src/tensor/backends.js';
import { memory } from '../../src/tensor/tf.js';
import { readJson } from './fixtures.js';

interface Harness {
  acc: number;
  acc_norm: number;
  logLikelihoods: number[][];
  right: [acc: number, accNorm: number][];
}
interface Golden {
  rows: { question: string; choices: string[]; right: number }[];
  shown: [question: string, answer: string][];
  zeroShot: Harness;
  twoShot: Harness;
  chrF: [answer: string, reference: string, score: number][];
  rougeL: [answer: string, reference: string, score: number][];
}
const golden = await readJson<Golden>('questions.json');

test("chrF2 is sacrebleu's, ROUGE-L is rouge_score's", () => {
  assert.equal(golden.chrF.length, 12);
  for (const [answer, reference, score] of golden.chrF) {
    assert.ok(
      Math.abs(100 * chrF(answer, reference) - score) < 1e-9,
      `${answer}: ${100 * chrF(answer, reference)} ${score}`,
    );
  }
  assert.equal(bestChrF('the cat', ['a dog', 'the cat']), 1);
  assert.ok(golden.rougeL.length >= 5);
  for (const [answer, reference, score] of golden.rougeL) {
    assert.ok(Math.abs(rougeL(answer, reference) - score) < 1e-9, `${answer}: ${rougeL(answer, reference)} ${score}`);
  }
});

test('multiple choice: every log-likelihood, acc and acc_norm of lm-evaluation-harness, with and without examples', async () => {
  await openBackend('wasm');
  const directory = await mkdtemp(join(tmpdir(), 'questions-'));
  const path = join(directory, 'own.jsonl');
  const examples = golden.shown.map(([question, answer]) => ({ question, answer }));
  const settings = { ask: 'text', template: 'Question: {question}\nAnswer: {answer}' };
  const rows = golden.rows.map(({ right, ...row }) => ({ ...row, answer: right }));
  const model = await LocalModel.open(fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url)));
  const before = memory().numTensors;
  for (const [expected, own] of [
    [golden.zeroShot, settings],
    [golden.twoShot, { ...settings, examples }],
  ] as const) {
    await writeFile(path, toJsonl([{ settings: own }, ...rows]));
    const { measurements, records, warnings } = await evaluateQuestions(
      model,
      await readQuestions([path], { seed: 1 }),
    );
    assert.deepEqual(warnings, []);
    for (const [i, { candidates = [], scores }] of records.entries()) {
      const found = candidates.map(({ logProbability }) => logProbability);
      const gap = Math.max(...found.map((value, j) => Math.abs(value - expected.logLikelihoods[i][j])));
      assert.ok(gap < 1e-3 && found.length === expected.logLikelihoods[i].length, `question ${i + 1}: ${found}`);
      assert.deepEqual([scores.accuracy, scores.accuracyNormalized], expected.right[i], `question ${i + 1}`);
    }
    assert.deepEqual(metricsOf(measurements), {
      'accuracy.own': expected.acc,
      'accuracyNormalized.own': expected.acc_norm,
    });
  }
  assert.equal(memory().numTensors, before);
  await model.dispose();
  await rm(directory, { recursive: true });
});
