// Adapters against PEFT and torch.optim.AdamW: logits, loss, gradients and steps, kept or recomputed, on the backends
// that train.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type AdapterShape, adaptableModules, withAdapters } from '../../src/architecture/adapters.js';
import { isTrained } from '../../src/architecture/parameters.js';
import { trainSchema } from '../../src/config/train.js';
import { padSequences } from '../../src/data/sequences.js';
import { disposeModel, type Model, weight, withParameters } from '../../src/model/model.js';
import { read } from '../../src/tensor/host.js';
import { memory, tensor } from '../../src/tensor/tf.js';
import { negativeLogLikelihood, tokenObjective } from '../../src/train/objectives/next-token.js';
import { createOptimizer, disposeOptimizer } from '../../src/train/optimizer.js';
import { trainStep } from '../../src/train/step.js';
import { onBackend } from '../conformance/backends.js';
import { columnLogits } from '../inference/answers.js';
import { asSequences, assertClose, type Expected, loadGolden, norm, readJson, trainedGradientsOf } from './fixtures.js';

interface Computed {
  settings: {
    r: number;
    lora_alpha: number;
    use_rslora?: boolean;
    target_modules: 'all-linear' | string[];
    rank_pattern?: Record<string, number>;
    alpha_pattern?: Record<string, number>;
  };
  loss: number;
  /** Of the last position of the first row. */
  logits: number[];
  gradientNorms: Record<string, number>;
  gradients: Record<string, number[]>;
  adamw: Expected['adamw'];
}

const all = await readJson<Record<string, Partial<Computed>>>('lora.json');
const cases = Object.entries(all).filter((entry): entry is [string, Computed] => entry[1].loss !== undefined);
const { ids } = await readJson<Expected>('qwen3/expected.json');
const batch = padSequences(asSequences(ids), { padId: 0 });

/** As scripts/golden/make_lora.py fills them: cosines of their place, in the order of their names. */
async function adaptedModel({ settings }: Computed): Promise<Model> {
  const base = await loadGolden('qwen3');
  const { target_modules: targets } = settings;
  const shape: AdapterShape = {
    ...{ rank: settings.r, alpha: settings.lora_alpha, rslora: settings.use_rslora ?? false },
    targets: targets === 'all-linear' ? adaptableModules(base.parameters) : targets,
    ...{ rankPattern: settings.rank_pattern ?? {}, alphaPattern: settings.alpha_pattern ?? {} },
  };
  const model = withParameters(base, withAdapters(base.parameters, shape), 1);
  const names = model.parameters.filter(isTrained).map(({ name }) => name);
  for (const [index, name] of names.sort().entries()) {
    const variable = weight(model, name);
    const values = Float32Array.from({ length: variable.size }, (_, place) => 0.3 * Math.cos(0.7 * place + index));
    const filled = tensor(values, variable.shape);
    variable.assign(filled);
    filled.dispose();
  }
  return model;
}

async function trainAsRecipe(model: Model, { adamw }: Computed, recompute: boolean): Promise<number[]> {
  const { learningRate, beta1, beta2, epsilon, weightDecay, clipNorm } = adamw;
  const config = trainSchema.parse({ beta1, beta2, epsilon, weightDecay, clipNorm, recompute });
  const optimizer = createOptimizer(model);
  const objective = tokenObjective({ next: () => Promise.resolve(batch), state: null, restore: () => {} });
  const losses: number[] = [];
  for (let step = 1; step <= adamw.steps + 1; step++) {
    const at = { step, learningRate: step > adamw.steps ? 0 : learningRate };
    losses.push((await trainStep(model, optimizer, objective, [batch], config, at)).loss);
  }
  disposeOptimizer(optimizer);
  return losses;
}

assert.equal(cases.length, 3);
const checkAll = async (t: TestContext): Promise<void> => {
  for (const [title, wanted] of cases) {
    await t.test(title, async () => {
      const held = memory().numTensors;
      const model = await adaptedModel(wanted);
      const frozen = model.parameters.filter((row) => !isTrained(row)).map(({ name }) => name);
      const before = await Promise.all(frozen.map((name) => read(weight(model, name))));
      const { vocab_size: vocabulary } = model.config;
      assertClose(columnLogits(model, ids, [0, 12]).slice(11 * vocabulary, 12 * vocabulary), wanted.logits, 'logits');
      for (const recompute of [false, true]) {
        const { loss, gradients } = trainedGradientsOf(model, (m) => negativeLogLikelihood(m, batch, { recompute }));
        assertClose([loss / 22], [wanted.loss], 'loss');
        assert.deepEqual([...gradients.keys()].sort(), Object.keys(wanted.gradientNorms).sort());
        for (const [name, gradient] of gradients) {
          assertClose([norm(gradient) / 22], [wanted.gradientNorms[name]], `norm of the gradient of ${name}`);
          if (name in wanted.gradients)
            assertClose(
              gradient.map((g) => g / 22),
              wanted.gradients[name],
              name,
            );
        }
      }
      assertClose(await trainAsRecipe(model, wanted, title === 'plain'), wanted.adamw.losses, 'losses of the steps');
      const after = await Promise.all(frozen.map((name) => read(weight(model, name))));
      assert.deepEqual(after, before, 'what is frozen keeps every bit');
      disposeModel(model);
      assert.equal(memory().numTensors, held, 'tensors are left behind');
    });
  }
};
for (const name of ['wasm', 'native'] as const) await onBackend('adapters', name, {}, checkAll);
