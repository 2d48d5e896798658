// The one dial: how a model of this size is trained, where nobody says otherwise. Tokens from its parameters, the batch
// and the learning rate from both, the weight decay from all of them: published power laws, and what a person wrote wins.
import { meanAccumulation, type TrainConfig, trainSchema, type WrittenTrainConfig } from '../config/train.js';
import { tunedBatchSize } from '../config/tuning.js';
import type { ModelShape } from './config.js';
import { tokensPerParameter, trainingMemory } from './cost.js';
import { parameterCount } from './parameters.js';

/** Rows of a step, at most: no law was fitted on more, and the settings hold no more micro-batches. */
const maxRows = 2 ** 16;
/** Activations of one micro-batch, at most, where more than one row has a choice. */
const microBatchBytes = 2e9;
/** Where small models stop following the law, which was fitted from 60M parameters up (docs/lab-book.md). */
const maxLearningRate = 2e-2;
const maxWeightDecay = 0.3;
/**
 * Of the best peak for a whole training, where a model continues: about where its own training ended (Parmar et al. 2024, "Reuse,
 * Don't Retrain"). The law for the few tokens that follow would begin higher than its first training did, and it would forget.
 */
const continuedShare = 0.1;

/** The best tokens of a step for `tokens` in all: 0.58 D^0.571 (Li et al. 2025, "Step Law", eq. 2). */
function lawBatch(tokens: number): number {
  return 0.58 * tokens ** 0.571;
}

/** The tokens that so many steps take, each of the size that is best for that many tokens. */
function tokensOfSteps(steps: number): number {
  return (0.58 * steps) ** (1 / (1 - 0.571));
}

/** The best peak learning rate: 1.79 N^-0.713 D^0.307 (the same), N without the embeddings. */
function lawLearningRate(parameters: number, tokens: number): number {
  return 1.79 * parameters ** -0.713 * tokens ** 0.307;
}

/**
 * The weight decay that makes the weights an average over the right share of the training (Wang & Aitchison 2024):
 * 1.084 (D/N)^-0.527 of it (Bergsma et al. 2025, "Power Lines", §3), when that share is 1 / (learning rate · decay · steps).
 */
function lawWeightDecay(tokensEach: number, learningRate: number, steps: number): number {
  return 1 / (learningRate * steps * 1.084 * tokensEach ** -0.527);
}

/**
 * The settings of a training, with every number that `written` does not give.
 * @param isContinued the model has been trained before.
 */
export function resolvedTraining(
  model: ModelShape,
  { tokens, ...given }: WrittenTrainConfig,
  isContinued = false,
): TrainConfig {
  const written = isContinued && tokens === undefined ? withPasses(given) : given;
  const columns = model.max_position_embeddings;
  const parameters = parameterCount(model);
  const embeddings = (model.tie_word_embeddings ? 1 : 2) * model.vocab_size * model.hidden_size;
  const length = lengthOf(written, columns) ?? tokens ?? tokensPerParameter * parameters;
  const best = lawBatch(length);
  const batch = batchOf(model, written, best);
  const perStep = batch.batchSize * columns * meanAccumulation({ ...batch, batchWarmup: written.batchWarmup });
  const steps = Math.min(1e9, Math.max(1, Math.ceil(length / perStep)));
  const whole = isContinued ? Math.max(length, tokensPerParameter * parameters) : length;
  // Adam's best learning rate goes with the root of the batch (Malladi et al. 2022).
  const offBatch = Math.sqrt((batch.batchSize * batch.accumulation * columns) / lawBatch(whole));
  const law = lawLearningRate(parameters - embeddings, whole) * offBatch;
  const peak = Math.min(law, maxLearningRate) * (isContinued ? continuedShare : 1);
  const learningRate = written.learningRate ?? rounded(peak);
  const decay = lawWeightDecay(length / parameters, learningRate, steps);
  return trainSchema.parse({
    ...written,
    ...batch,
    learningRate,
    weightDecay: written.weightDecay ?? rounded(Math.min(decay, maxWeightDecay)),
    ...(written.steps === undefined && written.epochs === undefined && { steps }),
  });
}

/**
 * A model that continues reads its text once, unless more is asked for: of the length that its size asks for it has had its share
 * before, and few texts would be read again for months. Where passes decide on the length, how many tokens they are is not known
 * yet: rows are as many as in fine-tuning.
 */
function withPasses(written: Omit<WrittenTrainConfig, 'tokens'>): Omit<WrittenTrainConfig, 'tokens'> {
  if (written.steps !== undefined) return written;
  return { ...written, batchSize: written.batchSize ?? tunedBatchSize, epochs: written.epochs ?? 1 };
}

/** The tokens that written steps take; undefined where there are none. */
function lengthOf({ steps, ...written }: WrittenTrainConfig, columns: number): number | undefined {
  if (steps === undefined) return undefined;
  const { batchSize, accumulation = 1, batchWarmup } = written;
  if (batchSize === undefined) return tokensOfSteps(steps);
  return steps * batchSize * columns * meanAccumulation({ accumulation, batchWarmup });
}

/** About `tokens` in a step, as a power of two of rows, in as few micro-batches as memory allows. */
function batchOf(
  model: ModelShape,
  { batchSize, accumulation, recompute, batchWarmup }: WrittenTrainConfig,
  tokens: number,
): Pick<TrainConfig, 'batchSize' | 'accumulation'> {
  if (batchSize !== undefined) return { batchSize, accumulation: accumulation ?? 1 };
  const columns = model.max_position_embeddings;
  const rows = Math.min(maxRows, 2 ** Math.max(0, Math.round(Math.log2(tokens / columns))));
  if (accumulation !== undefined) return { batchSize: Math.ceil(rows / accumulation), accumulation };
  const { activations, recomputedActivations } = trainingMemory(model, { rows: 1, columns });
  const maxMicro = microBatchBytes / (recompute ? recomputedActivations : activations);
  const whole = batchWarmup > 0 ? Math.ceil(rows / 8) : rows; // a batch that warms up grows by micro-batches
  const micro = Math.min(whole, 2 ** Math.max(0, Math.floor(Math.log2(maxMicro))));
  return { batchSize: micro, accumulation: rows / micro };
}

function rounded(value: number): number {
  return Number(value.toPrecision(2));
}
