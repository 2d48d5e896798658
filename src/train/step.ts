// One optimizer step: the gradients of every micro-batch summed, over all ranks, scaled to a mean, clipped and applied.
import { setImmediate } from 'node:timers/promises';
import { isTrained, type ParameterSpec } from '../architecture/parameters.js';
import type { TrainConfig } from '../config/train.js';
import { type Model, weight } from '../model/model.js';
import type { Noise } from '../model/noise.js';
import type { Metrics } from '../report/event.js';
import { valueAndGradients } from '../tensor/backward.js';
import { alone, type Communicator } from '../tensor/communicator.js';
import { read, readResult } from '../tensor/host.js';
import { globalNorm } from '../tensor/ops/global-norm.js';
import { add, clone, dispose, keep, type Tensor } from '../tensor/tf.js';
import { reduceGradients, updateWeights, wholeRows } from './exchange.js';
import { shardsOf } from './layer-shards.js';
import type { LossContext, MicroBatch, Objective, RecordMetric, RecordOptions } from './objective.js';
import type { OptimizerState } from './optimizer.js';
import { type FigureSum, ownParts, sumOfRanks } from './ranks.js';
import type { StepStatistics } from './statistics.js';

export interface StepResult {
  /** Mean over the step's tokens (or pairs), in nats. */
  loss: number;
  /** L2 norm of the mean gradient over all parameters, before clipping. */
  gradientNorm: number;
  /** What the objective recorded, as means. */
  figures: Metrics;
}

export interface StepContext {
  step: number;
  /** Of the schedule. */
  learningRate: number;
  statistics?: StepStatistics;
  noise?: NoiseSettings;
  /** Who takes the step together; default: this process alone. */
  communicator?: Communicator;
}

/** What a training adds to its passes, and from which seed. */
export type NoiseSettings = Omit<Noise, 'pass'>;

/**
 * `batches` are those of the whole step, the same on every rank.
 *
 * Leaves the model untouched where the loss or the gradient is not finite. No tensor is left behind. The learning rate is
 * that of the schedule, in the last argument; `config.learningRate`, its peak, is ignored here.
 */
export async function trainStep<Batch extends MicroBatch>(
  model: Model,
  optimizer: OptimizerState,
  objective: Objective<Batch>,
  batches: readonly Batch[],
  config: TrainConfig,
  { statistics, noise: given, communicator = alone, ...at }: StepContext,
): Promise<StepResult> {
  const total = batches.reduce((sum, batch) => sum + batch.weight, 0) || 1; // a weight may be a hundredth
  const rows = model.parameters.filter((row) => isTrained(row) && (objective.trains?.(row, at.step) ?? true));
  const whole = wholeRows(model, rows);
  const shards = shardsOf(model);
  if (shards !== undefined && rows.length < model.parameters.length)
    throw new Error('layers in shares are all trained in each step');
  const gradients = new Map<string, Tensor>();
  const sums = new Map<string, FigureSum>();
  const pass = { recompute: config.recompute, observe: statistics?.observe };
  const noise = given && given.dropout + given.neftune > 0 ? given : undefined;
  let ownLoss = 0;
  try {
    const parts = ownParts(objective, batches, communicator, { isWhole: noise !== undefined });
    for (const part of shards === undefined ? parts : await evenly(communicator, parts)) {
      if (part === undefined) shards?.idlePass();
      else {
        const { index, batch } = part;
        const own = { ...pass, ...(noise && { noise: { ...noise, pass: `step ${at.step}, micro-batch ${index}` } }) };
        ownLoss += await accumulate(model, objective, batch, { rows: whole, gradients, figures: sums, pass: own });
      }
      await setImmediate(); // signals arrive between turns of the event loop; the computation itself never yields
    }
    const all = await sumOfRanks(communicator, { loss: ownLoss, figures: sums });
    await reduceGradients(communicator, optimizer, whole, gradients);
    for (const [name, sum] of shards?.takeSums() ?? []) gradients.set(name, sum);
    const gradientNorm = (await normOfRanks(communicator, [...gradients.values()])) / total;
    const loss = all.loss / total;
    await statistics?.gradients(gradients, total);
    const figures = meanFigures(all.figures, objective);
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) {
      const clip = config.clipNorm > 0 && gradientNorm > config.clipNorm ? config.clipNorm / gradientNorm : 1;
      const update = { ...at, rows, gradientScale: clip / total };
      await updateWeights(communicator, model, optimizer, gradients, config, update);
    }
    return { loss, gradientNorm, figures };
  } finally {
    dispose([...gradients.values(), ...(shards?.takeSums().values() ?? [])]);
  }
}

/** The parts of this rank, and in the place of each that only others have: undefined. One at least. */
async function evenly<Part>({ gather }: Communicator, parts: readonly Part[]): Promise<(Part | undefined)[]> {
  const passes = Math.max(1, ...(await gather(parts.length)));
  return Array.from({ length: passes }, (_, i) => parts[i]);
}

/** L2 norm of what all ranks hold together: the same bits on each, by which all clip, or skip the step. */
async function normOfRanks({ gather }: Communicator, own: readonly Tensor[]): Promise<number> {
  const [norm] = own.length === 0 ? [0] : await readResult(() => globalNorm(own));
  return Math.sqrt((await gather(norm)).reduce((sum, each) => sum + each ** 2, 0));
}

function meanFigures<Batch extends MicroBatch>(
  sums: ReadonlyMap<string, FigureSum>,
  objective: Objective<Batch>,
): Metrics {
  const means: Metrics = {};
  for (const [name, { sum, weight }] of sums) if (weight > 0) means[name] = sum / weight;
  return { ...means, ...objective.summarize?.(means) };
}

interface PassTargets {
  /** That are learnt at this step. */
  rows: readonly ParameterSpec[];
  gradients: Map<string, Tensor>;
  figures: Map<string, FigureSum>;
  pass: Omit<LossContext, 'record'>;
}

/** Adds the gradients of one micro-batch to `gradients`; returns its loss sum. */
async function accumulate<Batch extends MicroBatch>(
  model: Model,
  objective: Objective<Batch>,
  batch: Batch,
  { rows, gradients, figures, pass }: PassTargets,
): Promise<number> {
  const recorded: ({ name: string; values: Tensor } & RecordOptions)[] = [];
  const record: RecordMetric = (name, value, how) => recorded.push({ name, values: keep(clone(value)), ...how });
  try {
    const { value, gradients: fresh } = valueAndGradients(
      () => objective.loss(model, batch, { record, ...pass }),
      rows.map(({ name }) => weight(model, name)),
    );
    rows.forEach(({ name }, index) => {
      const before = gradients.get(name);
      gradients.set(name, before === undefined ? fresh[index] : add(before, fresh[index]));
      if (before !== undefined) dispose([before, fresh[index]]);
    });
    for (const { name, values, each = Number, weights, extreme } of recorded) {
      const figure = figures.get(name) ?? { sum: 0, weight: 0 };
      figures.set(name, figure);
      (await read(values)).forEach((element, i) => {
        const weight = weights?.[i] ?? 1;
        if (extreme !== undefined && weight !== 0) {
          figure.sum = figure.weight === 0 ? each(element) : Math[extreme](figure.sum, each(element));
          figure.weight = 1;
          figure.extreme = extreme;
          return;
        }
        if (weight !== 0) figure.sum += weight * each(element);
        if (weights !== undefined) figure.weight += weight;
      });
      if (weights === undefined && extreme === undefined) figure.weight += batch.weight;
    }
    const [loss] = await read(value);
    value.dispose();
    return loss;
  } finally {
    dispose(recorded.map(({ values }) => values));
  }
}
