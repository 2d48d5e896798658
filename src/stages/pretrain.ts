// Stage 1: token shards → base model.
import { digestOf, readJsonIfExists } from '../base/files.js';
import { formatCount } from '../base/format.js';
import { Random } from '../base/random.js';
import type { PretrainConfig } from '../config/pipeline.js';
import { PackedBatches } from '../data/packing.js';
import { openTokens } from '../data/shards.js';
import { generate } from '../inference/engine.js';
import { modelConfig } from '../model/config.js';
import { initModel, type Model, parameterCount } from '../model/parameters.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { meanAccumulation } from '../train/schedule.js';
import { measureHeldOut } from './eval/bits-per-byte.js';
import { heldOutFormulas, measureFormulas } from './eval/formulas.js';
import { measureTexts, metricsOf } from './eval/measurements.js';
import type { Job, Stage } from './stage.js';
import { tokenObjective } from './token-objective.js';
import { descent, runTraining, startBackend, stepCount } from './training.js';

/** Held-out tokens per language read at each evaluation during training. */
const evaluationTokens = 4096;
/** Held-out formulas of each form (2+2, 2×1, 3 terms) asked at each evaluation, at most. */
const evaluationFormulas = 64;

export const pretrainStage: Stage<PretrainConfig> = {
  name: 'pretrain',
  needs: ['tokenizer', 'tokens'],
  async run(job) {
    const { config, inputs, directory, seed, reporter } = job;
    const compute = await startBackend(job, 'pretrain');
    const tokenizer = await Tokenizer.open(inputs.tokenizer ?? '');
    const documents = await openTokens(inputs.tokens ?? '', 'train', tokenizer);
    const validation = await openTokens(inputs.tokens ?? '', 'validation', tokenizer);
    const formulas = await heldOutFormulas(validation, tokenizer, evaluationFormulas);
    const ids = {
      vocabSize: tokenizer.vocabSize,
      endOfText: tokenizer.specialId('endOfText'),
      pad: tokenizer.specialId('pad'),
    };
    const model = modelConfig(config.model, ids);
    const shape = { rows: config.train.batchSize, columns: model.max_position_embeddings, padId: ids.pad };
    const batches = new PackedBatches({ source: documents, mode: 'stream', seed, ...shape });
    const steps = await stepCount(config.train, () => batches.countBatches());
    const tokens = Math.round(steps * meanAccumulation(config.train) * shape.rows * shape.columns);
    const passes = (tokens / documents.tokenCount).toPrecision(2);
    const text = `${formatCount(parameterCount(model))} parameters, ${steps} steps, ${formatCount(tokens)} tokens: ${passes} passes over the corpus`;
    reporter.emit({ type: 'note', stage: 'pretrain', level: 'info', text });
    const result = await runTraining(job, {
      model: initModel(model, seed),
      objective: tokenObjective(batches, config.train),
      config: config.train,
      steps,
      directory,
      tokenizerFiles: tokenizer.files(),
      eosTokenId: ids.endOfText,
      manifest: {
        stage: 'pretrain',
        ...descent(undefined),
        settings: config,
        inputDigest: digestOf(await readJsonIfExists(`${inputs.tokens}/manifest.json`)),
        ...compute,
      },
      evaluate: async (current) => ({
        ...metricsOf(measureTexts(await measureHeldOut(current, validation, evaluationTokens))),
        ...metricsOf(await measureFormulas({ model: current, tokenizer }, formulas)),
      }),
      sample: (current, step) => printSamples(job, current, tokenizer, step),
    });
    return { path: result.path, digest: result.digest, metrics: result.metrics };
  },
};

const openings = ['', '春', 'The ', '3+4='];

/** A few continuations, so that a person can see it learn. */
async function printSamples(
  { reporter, seed }: Job<PretrainConfig>,
  model: Model,
  tokenizer: Tokenizer,
  step: number,
): Promise<void> {
  const start = tokenizer.specialId('endOfText');
  const prompts = openings.map((opening) => [start, ...tokenizer.encode(opening)]);
  const generations = await generate(model, prompts, {
    temperature: 0.8,
    topK: 50,
    topP: 1,
    repetitionPenalty: 1,
    maxNewTokens: 40,
    stopIds: [start],
    seed: Random.stream(seed, `samples-${step}`).uint32(),
  });
  generations.forEach(({ tokens }, i) => {
    reporter.emit({
      type: 'sample',
      stage: 'pretrain',
      step,
      prompt: openings[i],
      completion: tokenizer.decode(tokens),
    });
  });
}
