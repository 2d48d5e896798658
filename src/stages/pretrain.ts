// Stage 1: token shards → base model.
import { modelConfig } from '../architecture/config.js';
import { continuedShape } from '../architecture/continued.js';
import { parameterCount } from '../architecture/parameters.js';
import { digestOf, readJsonIfExists } from '../base/files.js';
import { formatCount } from '../base/format.js';
import { corpusManifestName } from '../base/layout.js';
import { Random } from '../base/random.js';
import type { PretrainConfig } from '../config/pipeline.js';
import { samplingAt } from '../config/sampling.js';
import { meanAccumulation } from '../config/train.js';
import { PackedBatches } from '../data/packing.js';
import { openTokens } from '../data/shards.js';
import { chooseHeldOut, measureHeldOut } from '../evaluation/bits-per-byte.js';
import { heldOutFormulas, measureFormulas } from '../evaluation/formulas.js';
import { measureSources, measureTexts, metricsOf } from '../evaluation/measurements.js';
import { type LocalModel, withWeights } from '../inference/local-model.js';
import { initModel } from '../model/model.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { tokenObjective } from '../train/objectives/next-token.js';
import { openContinued } from './continued.js';
import { openCooldown } from './cooldown.js';
import { openMixedText, tellTokensRead } from './mixed-text.js';
import type { Job, Stage } from './stage.js';
import { descent, runTraining, startBackend, stepCount } from './training.js';

/** Held-out tokens per language read at each evaluation during training. */
const evaluationTokens = 4096;
/** Held-out formulas of each form (2+2, 2×1, 3 terms) asked at each evaluation, at most. */
const evaluationFormulas = 64;

export const pretrainStage: Stage<PretrainConfig> = {
  async run(job) {
    const { config, inputs, directory, seed, reporter } = job;
    const compute = await startBackend(job);
    const tokenizer = await Tokenizer.open(inputs.tokenizer ?? '');
    const documents = await openTokens(inputs.tokens ?? '', 'train', tokenizer);
    const validation = await openTokens(inputs.tokens ?? '', 'validation', tokenizer);
    const heldOut = await chooseHeldOut(validation, evaluationTokens);
    const formulas = await heldOutFormulas(validation, tokenizer, evaluationFormulas);
    const ids = {
      vocabSize: tokenizer.vocabSize,
      endOfText: tokenizer.specialId('endOfText'),
      pad: tokenizer.specialId('pad'),
    };
    const { from, ...settings } = config;
    const continued = from === undefined ? undefined : await openContinued(from, tokenizer, { verify: job.verify });
    const model = continued?.model ?? initModel(modelConfig(config.model, ids), seed);
    const { max_position_embeddings: columns } = continued ? continuedShape(config.model, model.config) : model.config;
    const shape = { rows: config.train.batchSize, columns, padId: model.config.pad_token_id };
    const batches = new PackedBatches({ source: documents, mode: 'stream', seed, ...shape });
    const steps = await stepCount(config.train, () => batches.countBatches());
    const inputDigest = digestOf(await readJsonIfExists(`${inputs.tokens}/${corpusManifestName}`));
    const left = await openCooldown(settings, { planned: steps, inputDigest, parent: continued?.parent.digest });
    const tokens = Math.round(steps * meanAccumulation(config.train) * shape.rows * shape.columns);
    const passes = (tokens / documents.tokenCount).toPrecision(2);
    const { batchSize, accumulation, learningRate, weightDecay } = config.train;
    const batch = `${batchSize}${accumulation > 1 ? ` × ${accumulation}` : ''} rows of ${shape.columns}`;
    const text = `${formatCount(parameterCount(model.config))} parameters, ${steps} steps of ${batch}, ${formatCount(tokens)} tokens: ${passes} passes over the corpus; learning rate ${learningRate}, weight decay ${weightDecay}`;
    reporter.note('info', text);
    for (const each of [continued, left]) {
      if (each !== undefined) reporter.note('info', each.text);
    }
    const { mixture, train } = config;
    const mixed = mixture && (await openMixedText(job, documents, { mixture, train, steps, shape }));
    const result = await runTraining(job, {
      model,
      objective: tokenObjective(mixed?.batches ?? batches, config.train),
      config: config.train,
      steps: left?.steps ?? steps,
      cooldown: left?.cooldown,
      directory,
      tokenizerFiles: tokenizer.files(),
      eosTokenId: ids.endOfText,
      manifest: {
        stage: 'pretrain',
        ...descent(left ?? continued?.parent),
        settings: left?.settings ?? settings,
        inputDigest,
        ...compute,
      },
      evaluate: async (current) => {
        const texts = await measureHeldOut(current, heldOut);
        const ask = (model: LocalModel) => measureFormulas(model, formulas);
        const answers = await withWeights({ model: current, tokenizer }, ask);
        return metricsOf(new Map([...measureTexts(texts), ...answers, ...measureSources(texts)]));
      },
      sample: (current, step) =>
        withWeights({ model: current, tokenizer }, (speaker) => printSamples(job, speaker, step)),
    });
    const read = mixed && tellTokensRead(mixed, reporter);
    return { path: result.path, digest: result.digest, metrics: { ...result.metrics, ...read } };
  },
};

const openings = ['', '春', 'The ', '3+4='];

/** A few continuations, so that a person can see it learn. */
async function printSamples({ reporter, seed }: Job<PretrainConfig>, model: LocalModel, step: number): Promise<void> {
  const { tokenizer } = model;
  const asked = openings.map((prompt, i) => {
    const tokens = [tokenizer.documentStart, ...tokenizer.encode(prompt)];
    const own = Random.stream(seed, `samples-${step}-${i}`).uint32();
    return model.generate({ tokens, sampling: { ...samplingAt(0.8), topK: 50 }, maxNewTokens: 40, seed: own });
  });
  for (const [i, [{ tokens }]] of (await Promise.all(asked)).entries()) {
    const completion = tokenizer.decode(tokens);
    reporter.emit({ type: 'sample', step, prompt: openings[i], completion });
  }
}
