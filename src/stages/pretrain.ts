// Stage 1: token shards → base model.
import { modelConfig, modelShape } from '../architecture/config.js';
import { continuedShape } from '../architecture/continued.js';
import { decoderTable, type ParameterSpec, parameterCount } from '../architecture/parameters.js';
import { digestOf, readJsonIfExists } from '../base/files.js';
import { countOf, formatCount } from '../base/format.js';
import { corpusManifestName } from '../base/layout.js';
import { trainingMetrics } from '../base/metric-names.js';
import { Random } from '../base/random.js';
import type { PretrainConfig } from '../config/pipeline.js';
import { samplingAt } from '../config/sampling.js';
import { meanAccumulation, type TrainConfig } from '../config/train.js';
import { PackedBatches } from '../data/packing.js';
import type { BatchShape } from '../data/sequences.js';
import { openTokens, type TokenDocuments } from '../data/shards.js';
import { chooseHeldOut, measureHeldOut } from '../evaluation/bits-per-byte.js';
import { heldOutFormulas, measureFormulas } from '../evaluation/formulas.js';
import { measureSources, measureTexts, metricsOf } from '../evaluation/measurements.js';
import { type LocalModel, withWeights } from '../inference/local-model.js';
import { initModel, type Model } from '../model/model.js';
import { alone } from '../tensor/communicator.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { shardedModel } from '../train/layer-shards.js';
import { tokenObjective } from '../train/objectives/next-token.js';
import { openContinued } from './continued.js';
import { openCooldown } from './cooldown.js';
import { openMixedText, reportTokensRead } from './mixed-text.js';
import { checkTrainingMemory, requireTrainingMemory } from './room.js';
import type { Job, Stage } from './stage.js';
import { descent, generationOf, isSharded, reportNotes, runTraining, startBackend, stepCount } from './training.js';

/** Held-out tokens per language read at each evaluation during training. */
const evaluationTokens = 4096;
/** Held-out formulas of each form (2+2, 2×1, 3 terms) asked at each evaluation, at most. */
const evaluationFormulas = 64;

/** The tokenizer may not be there yet: a model of fewer tokens than any has takes less. */
const minTokens = 266;

export const pretrainStage: Stage<PretrainConfig> = {
  async check({ config: { from, model, train } }) {
    if (from === undefined) requireTrainingMemory(modelShape(model, minTokens), train);
  },
  async run(job) {
    const { config, directory, seed, reporter } = job;
    const { from, ...settings } = config;
    const { mixture, train } = config;
    const compute = await startBackend(job);
    const { tokenizer, documents, inputDigest, evaluate } = await openInputs(job);
    const { model, continued, shape } = await makeModel(job, tokenizer);
    const batches = new PackedBatches({ source: documents, mode: 'stream', seed, ...shape });
    const planned = await stepCount(job, train, async () => (await batches.countRows()) / shape.rows);
    const cooldown = await openCooldown(settings, { planned, inputDigest, parent: continued?.parent.digest });
    const size = `${formatCount(parameterCount(model.config))} parameters`;
    reporter.note('info', `${size}, ${planInWords(train, { steps: planned, shape, documents })}`);
    if (continued !== undefined) reportNotes(job, continued.parent);
    for (const each of [continued, cooldown]) if (each !== undefined) reporter.note('info', each.text);
    const mixed = mixture && (await openMixedText(job, documents, { mixture, train, steps: planned, shape }));
    const result = await runTraining(job, {
      model,
      objective: tokenObjective(mixed?.batches ?? batches, train),
      config: train,
      steps: cooldown?.steps ?? planned,
      cooldown: cooldown?.branch,
      directory,
      tokenizerFiles: tokenizer.files(),
      ...generationOf(continued?.parent, tokenizer, 'endOfText'),
      manifest: {
        stage: 'pretrain',
        ...descent(cooldown ?? continued?.parent),
        settings: cooldown?.settings ?? settings,
        inputDigest,
        ...compute,
      },
      evaluate,
      sample: (current, step) => withWeights({ model: current, tokenizer }, (local) => printSamples(job, local, step)),
    });
    const read = mixed && reportTokensRead(mixed, reporter);
    return { path: result.path, digest: result.digest, metrics: { ...result.metrics, ...read } };
  },
};

async function openInputs({ inputs, reporter }: Job<PretrainConfig>) {
  const { tokens = '' } = inputs;
  const tokenizer = await Tokenizer.open(inputs.tokenizer ?? '');
  const documents = await openTokens(tokens, 'train', tokenizer);
  const validation = await openTokens(tokens, 'validation', tokenizer);
  const heldOut = await chooseHeldOut(validation, evaluationTokens);
  const formulas = await heldOutFormulas(validation, tokenizer, evaluationFormulas);
  const nothing = heldOut.length === 0 && formulas.length === 0;
  if (nothing) reporter.note('info', nothingHeldOut(documents.length));
  return {
    tokenizer,
    documents,
    inputDigest: digestOf(await readJsonIfExists(`${tokens}/${corpusManifestName}`)),
    evaluate: nothing
      ? undefined
      : async (model: Model) => {
          const texts = await measureHeldOut(model, heldOut);
          const answers = await withWeights({ model, tokenizer }, (local) => measureFormulas(local, formulas));
          return trainingMetrics(metricsOf(new Map([...measureTexts(texts), ...answers, ...measureSources(texts)])));
        },
  };
}

function nothingHeldOut(documents: number): string {
  return `nothing is held out: all of the corpus (${countOf(documents, 'document')}) is trained on, so no held-out figures follow. data.validation sets a share of the documents apart`;
}

/** A fresh model, or that of the checkpoint that is pretrained further; and the shape of its batches. */
async function makeModel(job: Job<PretrainConfig>, tokenizer: Tokenizer) {
  const { config, seed, verify, reporter, communicator = alone } = job;
  const continued = config.from === undefined ? undefined : await openContinued(config.from, tokenizer, { verify });
  const [endOfText, pad] = [tokenizer.specialId('endOfText'), tokenizer.specialId('pad')];
  const ids = { vocabSize: tokenizer.vocabSize, endOfText, pad };
  const { train } = config;
  const own = continued?.model.config ?? modelConfig(config.model, ids);
  const { max_position_embeddings: columns } = continued ? continuedShape(config.model, own) : own;
  const rows = train.batchSize;
  const isLoaded = continued !== undefined;
  checkTrainingMemory({ stage: 'pretrain', config: own, train, rows, columns, isLoaded, reporter });
  if (continued !== undefined && config.model.initialHeads !== undefined) {
    reporter.note('info', 'pretrain.model.initialHeads is for a fresh model: this one has its weights already');
  }
  const fresh = (table: readonly ParameterSpec[]): Model =>
    initModel(own, seed, { rows: table, heads: config.model.initialHeads });
  const parameters = decoderTable(own);
  const made = () =>
    isSharded(train, communicator)
      ? shardedModel({ config: own, parameters, optimizer: train.optimizer, communicator }, fresh)
      : fresh(parameters);
  const model = continued?.model ?? made();
  return { model, continued, shape: { rows, columns, padId: model.config.pad_token_id } };
}

function planInWords(
  train: TrainConfig,
  { steps, shape, documents }: { steps: number; shape: BatchShape; documents: TokenDocuments },
): string {
  const { batchSize, accumulation, learningRate, weightDecay } = train;
  const tokens = Math.round(steps * meanAccumulation(train) * shape.rows * shape.columns);
  const passes = (tokens / documents.tokenCount).toPrecision(2);
  const rows = accumulation > 1 ? `${batchSize} × ${accumulation} rows` : countOf(batchSize, 'row');
  return `${countOf(steps, 'step')} of ${rows} of ${shape.columns}, ${formatCount(tokens)} tokens: ${passes} passes over the corpus; learning rate ${learningRate}, weight decay ${weightDecay}`;
}

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
