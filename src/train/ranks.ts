// A step that several ranks take together. All have read the same micro-batches; each computes its own part of them, and what
// came of it is summed, so that loss, gradients and figures, and hence the weights of every rank, are those of the whole step.
import { UserError } from '../base/errors.js';
import type { ManifestFields } from '../checkpoint/manifest.js';
import type { TrainConfig } from '../config/train.js';
import type { Noise } from '../model/noise.js';
import type { StageReporter } from '../report/event.js';
import type { Communicator } from '../tensor/communicator.js';
import { type Division, type MicroBatch, type Objective, undivided } from './objective.js';

/** A micro-batch, or a part of one, and which of the step's it is. */
export interface OwnPart<Batch> {
  index: number;
  batch: Batch;
}

/**
 * What this rank computes of a step: the units of all micro-batches in a row, cut into as many equal runs as there are ranks.
 * @param isWhole no micro-batch is cut: what is drawn at random in a pass follows from a place in the whole of it.
 * @throws UserError where the objective cannot be divided.
 */
export function ownParts<Batch extends MicroBatch>(
  { division }: Pick<Objective<Batch>, 'division'>,
  batches: readonly Batch[],
  { rank, size }: Pick<Communicator, 'rank' | 'size'>,
  { isWhole }: { isWhole: boolean },
): OwnPart<Batch>[] {
  if (size === 1) return batches.map((batch, index) => ({ index, batch }));
  if (division === undefined) throw notDivided();
  const { units, part, counts = hasWeight }: Division<Batch> = isWhole ? undivided : division;
  const total = batches.reduce((sum, batch) => sum + units(batch), 0);
  const [from, to] = [Math.floor((total * rank) / size), Math.floor((total * (rank + 1)) / size)];
  const own: OwnPart<Batch>[] = [];
  let first = 0; // of this micro-batch's units, among all
  for (const [index, whole] of batches.entries()) {
    const count = units(whole);
    const [begin, end] = [Math.max(0, from - first), Math.min(count, to - first)];
    first += count;
    if (begin >= end) continue;
    const batch = part(whole, begin, end);
    if (counts(batch)) own.push({ index, batch });
  }
  return own;
}

const hasWeight = ({ weight }: MicroBatch): boolean => weight > 0;

/** @throws UserError where it could not be divided over these ranks. */
export function checkDivision<Batch extends MicroBatch>(
  { division }: Pick<Objective<Batch>, 'division'>,
  { size }: Pick<Communicator, 'size'>,
): void {
  if (size > 1 && division === undefined) throw notDivided();
}

interface DividedRun {
  config: Pick<TrainConfig, 'accumulation' | 'batchSize' | 'statisticsEvery'>;
  noise?: Pick<Noise, 'dropout' | 'neftune'>;
  objective: { division?: { units: unknown; isWhole?: true } };
  manifest: Pick<ManifestFields, 'stage'>;
  reporter: Pick<StageReporter, 'note'>;
}

/** Warns where some ranks have nothing to compute. @throws UserError where what is asked for would be that of one rank. */
export function checkShares(
  { config, noise, objective, manifest: { stage }, reporter }: DividedRun,
  { size }: Pick<Communicator, 'size'>,
): void {
  if (size === 1) return;
  checkStatistics(stage, config, { size });
  const isWhole = (noise !== undefined && noise.dropout + noise.neftune > 0) || objective.division?.isWhole === true;
  const shares = config.accumulation * (isWhole ? 1 : config.batchSize);
  if (shares >= size) return;
  const text = `only ${shares} of ${size} processes have something to compute in a step: set ${stage}.train.accumulation to ${Math.ceil((config.accumulation * size) / shares)}, or start fewer`;
  reporter.note('warning', text);
}

/** @throws UserError where statistics are asked for that would be those of one rank. */
export function checkStatistics(
  stage: string,
  { statisticsEvery = 0 }: Pick<TrainConfig, 'statisticsEvery'>,
  { size }: Pick<Communicator, 'size'>,
): void {
  if (size === 1 || statisticsEvery === 0) return;
  throw new UserError({
    where: `${stage}.train.statisticsEvery`,
    what: 'statistics of a step are not collected from several processes yet',
    why: 'they would be those of the rows of the first one',
    next: `Set ${stage}.train.statisticsEvery=0, or run it without mpirun`,
  });
}

function notDivided(): UserError {
  return new UserError({
    what: 'this training cannot be divided over several processes yet',
    why: 'its steps sample answers, or compare more than one micro-batch',
    next: 'Run it without mpirun: one process uses all cores of a machine',
  });
}

/** A figure so far, as a sum and the weight that it is divided by in the end; or the least or greatest value. */
export interface FigureSum {
  sum: number;
  weight: number;
  extreme?: 'min' | 'max';
}

/** What the parts of this rank come to, or those of all. */
export interface StepSums {
  /** In nats. */
  loss: number;
  figures: Map<string, FigureSum>;
}

/** The sums over all ranks, in their order: the same on each. */
export async function sumOfRanks(communicator: Communicator, own: StepSums): Promise<StepSums> {
  const all = await communicator.gather({ loss: own.loss, figures: [...own.figures] });
  if (all.length === 1) return own;
  const figures: StepSums['figures'] = new Map();
  for (const [name, { sum, weight, extreme }] of all.flatMap((each) => each.figures)) {
    const before = figures.get(name);
    const kind = extreme ?? before?.extreme; // one of which nothing counted has none
    if (before === undefined || (kind !== undefined && before.weight === 0))
      figures.set(name, { sum, weight, extreme });
    else if (kind === undefined) figures.set(name, { sum: before.sum + sum, weight: before.weight + weight });
    else if (weight > 0) before.sum = Math[kind](before.sum, sum);
  }
  return { loss: all.reduce((sum, { loss }) => sum + loss, 0), figures };
}
