// Nothing that a training, alignment, evaluation or decoding step computes falls back to JavaScript: slow work there
// would not fail, it would only take a hundred times as long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplingAt } from '../../src/config/sampling.js';
import { disposeModel, type Model } from '../../src/model/model.js';
import { cos, memory, tensor, tidy } from '../../src/tensor/tf.js';
import { sequenceLogProbabilities } from '../../src/train/objectives/sequence-log-probabilities.js';
import { answersOf } from '../inference/answers.js';
import { distillationObjective, policyOf, sampledObjective } from '../train/objectives/sampled.js';
import {
  changingBatches,
  labels,
  openNative,
  preferences,
  scoredPairs,
  smallModel,
  trainSteps,
} from './native-world.js';

/** These give a tensor another shape or name. */
const touchNoData = ['Identity', 'Reshape'];

const steps: Record<string, (model: Model) => Promise<unknown>> = {
  'training, two micro-batches, clipped': (model) => trainSteps(model, changingBatches(), { steps: 2 }),
  'training with recomputed layers': (model) => trainSteps(model, changingBatches(), { steps: 2, recompute: true }),
  'training with Muon': (model) => trainSteps(model, changingBatches(), { steps: 2, optimizer: 'muon' }),
  'training with z-loss': (model) => trainSteps(model, changingBatches(2, 32, 1e-4), { steps: 2 }),
  'preferences (DPO)': async (model) => trainSteps(model, preferences(await scoredPairs(model)), { steps: 2 }),
  // aot sorts, the other two need exponentials and powers of the divergence.
  'preferences (three losses at once)': async (model) =>
    trainSteps(model, preferences(await scoredPairs(model), { loss: ['aot', 'bco_pair', 'sft'] }), { steps: 1 }),
  'preferences (an α-divergence)': async (model) =>
    trainSteps(
      model,
      preferences(await scoredPairs(model), { loss: ['hinge', 'discopop'], fDivergence: 'alpha_divergence' }),
      { steps: 1 },
    ),
  'preferences (ORPO)': async (model) =>
    trainSteps(model, preferences(await scoredPairs(model), { method: 'orpo' }), { steps: 1 }),
  'preferences (KTO)': async (model) => trainSteps(model, labels(await scoredPairs(model)), { steps: 1 }),
  'sampled answers (clipped, with what keeps the policy near its reference)': (model) =>
    trainSteps(model, sampledObjective(policyOf({ klWeight: 0.1, entropyWeight: 0.01 })), { steps: 1 }),
  'sampled answers (GSPO)': (model) =>
    trainSteps(model, sampledObjective(policyOf({ policyLoss: 'grpo', ratioLevel: 'sequence' })), { steps: 1 }),
  'sampled answers (SAPO)': (model) =>
    trainSteps(model, sampledObjective(policyOf({ policyLoss: 'sapo' })), { steps: 1 }),
  'sampled answers (VESPO)': (model) =>
    trainSteps(model, sampledObjective(policyOf({ policyLoss: 'vespo' })), { steps: 1 }),
  distillation: async (model) => {
    const teacher = smallModel(1, 16);
    await trainSteps(model, distillationObjective(teacher, 0.5), { steps: 1 });
    disposeModel(teacher);
  },
  evaluation: async (model) => {
    const batch = await changingBatches().next();
    tidy(() => void sequenceLogProbabilities(model, batch).logProbabilities.dataSync());
  },
  'decoding one prompt': (model) => decode(model, [[3, 4, 5]]),
  'decoding three prompts': (model) => decode(model, [[3, 4, 5], [4], [5, 6, 7, 8, 9, 10, 11]]),
};

function decode(model: Model, prompts: number[][]): Promise<unknown> {
  return answersOf(model, prompts, { sampling: samplingAt(0.7), maxNewTokens: 6, samples: 2 });
}

for (const [name, run] of Object.entries(steps)) {
  test(`${name} runs no JavaScript kernel that touches data, and leaves nothing behind`, async (t) => {
    const backend = await openNative(t);
    if (backend === undefined) return;
    const { javaScriptKernels, arena } = backend;
    const [before, tensors] = [arena.figures.used, memory().numTensors];
    const model = smallModel();
    javaScriptKernels.clear();
    await run(model);
    assert.deepEqual(
      [...javaScriptKernels].filter((kernel) => !touchNoData.includes(kernel)),
      [],
    );
    disposeModel(model);
    assert.deepEqual([arena.figures.used, memory().numTensors], [before, tensors]);
  });
}

test('a JavaScript kernel is noticed when it runs', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  backend.javaScriptKernels.clear();
  tidy(() => cos(tensor([1, 2])));
  assert.deepEqual([...backend.javaScriptKernels], ['Cos']);
});

test('every fused op has its kernels, forward and backward', async (t) => {
  const backend = await openNative(t);
  if (backend === undefined) return;
  const differentiable = ['Attention', 'CrossEntropy', 'Embedding', 'Linear', 'RmsNorm', 'Swiglu'];
  const wanted = [...differentiable.flatMap((op) => [op, `${op}Grad`]), 'AdamW', 'Copy', 'GlobalNorm', 'Rotary'];
  assert.deepEqual(
    wanted.filter((kernel) => !backend.addon.kernels.includes(kernel)),
    [],
  );
});
