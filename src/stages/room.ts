// What a training will need of memory and disk, compared with what there is before its first step: what surely cannot
// suffice is refused, what may not is a warning.
import type { ModelShape } from '../architecture/config.js';
import { type TrainingKind, trainingMemory } from '../architecture/cost.js';
import { isTrained, type ParameterSpec } from '../architecture/parameters.js';
import { rankMemory } from '../architecture/rank-plan.js';
import { ranksInAll, ranksOfHost } from '../base/cores.js';
import { diskAt } from '../base/disk.js';
import { countOf, formatBytes } from '../base/format.js';
import { memoryRoom } from '../base/memory.js';
import { requireDisk, requireMemory } from '../base/room.js';
import { listCheckpoints } from '../checkpoint/history.js';
import { keepRule } from '../config/keep.js';
import type { TrainConfig } from '../config/train.js';
import type { StageReporter } from '../report/event.js';
import { memoryFactor } from '../tensor/tensorflow.js';

interface MemoryNeed {
  stage: string;
  config: ModelShape;
  train: Pick<TrainConfig, 'optimizer' | 'accumulation' | 'recompute' | 'shard'>;
  /** What is trained and what is frozen, and whether frozen matrices stay in bf16; default: all is trained. */
  table?: readonly ParameterSpec[];
  hasHalves?: boolean;
  /** Of a micro-batch. */
  rows: number;
  columns: number;
  /** Rows of it that several processes do not part: 2 of a pair, all of them where it is not cut; default: 1. */
  together?: number;
  /** The weights are in memory already. */
  isLoaded?: boolean;
  /** Bytes of frozen models that stay beside it, and of the cache while it samples; default: 0. */
  beside?: number;
  cache?: number;
  /** A critic whose passes are part of the same step; `table` has its rows. */
  critic?: ModelShape;
  reporter: StageReporter;
}

/**
 * Before the weights are made, where that is possible: the system may end a process without notice. `room`, `factor`: given only by tests.
 * @throws UserError (exit code 1) where what no setting can do without is more than all there is.
 */
export function checkTrainingMemory(need: MemoryNeed, room = memoryRoom(), factor = memoryFactor()): void {
  const {
    stage,
    config,
    train,
    table,
    hasHalves,
    rows,
    columns,
    together,
    isLoaded = false,
    beside = 0,
    cache = 0,
    critic,
    reporter,
  } = need;
  const kind = { ...train, table, hasHalves };
  requireTrainingMemory(config, kind, room, beside);
  const one = rankMemory(config, { rows, columns, together }, { ...kind, ranks: ranksInAll() });
  const { weights, moments, exchange, saved } = one;
  const more = critic && trainingMemory(critic, { rows: one.rows, columns }, train);
  const peak = one.peak + (more?.activations ?? 0);
  const recomputedPeak = one.recomputedPeak + (more?.recomputedActivations ?? 0);
  // A cache is there before the step begins, and gone by then.
  const ranks = ranksOfHost(); // of which one saves
  const own = (most: number): number => beside + Math.max(most, weights + moments + exchange + cache);
  const withCopy = (most: number): number => factor * (saved + ranks * (own(most) - (isLoaded ? weights : 0)));
  const step = withCopy(train.recompute ? recomputedPeak : peak);
  if (step <= room.available) return;
  const recomputed = formatBytes(withCopy(recomputedPeak));
  const isSharded = train.shard === 'weights' && ranksInAll() > 1;
  const canShard = ranksInAll() > 1 && ['pretrain', 'sft'].includes(stage) && table?.every(isTrained) !== false;
  const ways = [
    ...(train.recompute || isSharded ? [] : [`${stage}.train.recompute=true (then about ${recomputed})`]),
    ...(canShard && !isSharded ? [`${stage}.train.shard=weights`] : []),
    'fewer rows or shorter ones (batchSize, contextLength)',
    ...(cache > 0 ? ['fewer answers at once or shorter ones (promptsPerStep, samplesPerPrompt, maxNewTokens)'] : []),
    ...(stage === 'sft' && table?.every(isTrained)
      ? ['adapters (--lora), which need no gradients and moments of all weights']
      : []),
    ...(factor > 1 ? ['--backend native'] : []),
  ];
  const times = factor > 1 ? ` (on TensorFlow, about ${factor} times what it takes on native)` : '';
  const text = `training takes about ${formatBytes(step)} of memory${times}, and ${formatBytes(room.available)} are available: it may become slow, or be ended by the system. It takes less with ${ways.join(', or ')}`;
  reporter.note('warning', text);
}

/** Weights and moments, and what goes with them: gradients in a step, the copy that is written in a save, `beside` bytes of other models. */
export function requireTrainingMemory(
  config: ModelShape,
  kind: TrainingKind & Partial<Pick<TrainConfig, 'shard'>>,
  room = memoryRoom(),
  beside = 0,
): void {
  const others = beside > 0 ? ', the frozen models beside them' : '';
  const what = `weights, moments of ${kind.optimizer} and the copy of both that is saved${others}`;
  const next = 'Use a smaller model; `mossctl plan` says what each part takes, and on which hardware it would fit';
  const one = rankMemory(config, { rows: 1, columns: 1 }, { ...kind, ranks: ranksInAll() });
  const { weights, moments, exchange, saved } = one;
  requireMemory(saved + ranksOfHost() * (weights + moments + exchange + beside), { what, next }, room);
}

interface DiskNeed {
  config: ModelShape;
  train: TrainConfig;
  /** Default: all is trained. */
  table?: readonly ParameterSpec[];
  steps: number;
  /** The folder of the checkpoints. */
  directory: string;
  reporter: StageReporter;
}

/** @throws UserError (exit code 1) where the checkpoints that are kept do not fit on the disk. */
export async function checkTrainingDisk(need: DiskNeed): Promise<void> {
  const { config, train, table, steps, directory, reporter } = need;
  const { saved: size } = trainingMemory(config, { rows: 1, columns: 1 }, { ...train, table });
  const { best } = keepRule(train.keep);
  const there = (await listCheckpoints(directory)).length;
  const count = Math.max(1, checkpointsAtOnce(steps, train) - there);
  const keepFewer = 'Free some space, choose another folder with --out, or keep fewer (--keep last=1)';
  requireDisk(directory, count * size, { what: words(count, size), next: keepFewer });
  const disk = diskAt(directory);
  const likely = (count + (best === undefined ? 0 : 1)) * size;
  if (disk === undefined || disk.freeBytes >= 1.1 * likely) return;
  const text = `${words(count, size)} will hardly fit on the disk: ${disk.mount} has ${formatBytes(disk.freeBytes)} left. ${keepFewer}`;
  reporter.note('warning', text);
}

function words(count: number, size: number): string {
  return `${countOf(count, 'checkpoint')} of ${formatBytes(size)}`;
}

/** The most that are on the disk at a time: those that are kept before the last save, and that one. Without the best. */
export function checkpointsAtOnce(
  steps: number,
  { checkpointEvery, keep }: Pick<TrainConfig, 'checkpointEvery' | 'keep'>,
): number {
  const { last, every } = keepRule(keep);
  const before = Math.ceil(steps / checkpointEvery) - 1;
  const older = Math.max(0, before - last);
  const marked =
    every === undefined ? 0 : Math.floor((older * checkpointEvery) / commonMultiple(checkpointEvery, every));
  return Math.min(before, last) + marked + 1;
}

/** The least. */
function commonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
