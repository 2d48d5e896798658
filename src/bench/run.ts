// The whole benchmark: the machine's limits first, then everything else as a share of them, in one process and the
// same minutes (each training and decoding in a child process, so that its peak of memory is its own).
import { cpus } from 'node:os';
import { availableCores } from '../base/cores.js';
import type { BackendChoice, Precision, Quantization } from '../config/compute.js';
import { openBackend } from '../tensor/backends.js';
import { type MachineLimits, probeMachine } from '../tensor/native/probe.js';
import type { AlignmentMeasurement } from './alignment.js';
import { type CheckpointResult, measureCheckpoint } from './checkpoint.js';
import { askChild } from './child.js';
import { inChild } from './compute.js';
import { type DataResult, measureData } from './data.js';
import { type DecodeResult, decodeShares } from './decode.js';
import type { FilterJob, FilterMeasurement, FilterResult } from './filter.js';
import type { FineTuningMeasurement } from './fine-tuning.js';
import { type GemmResult, measureGemm, modelProducts, squareProducts } from './gemm.js';
import { othersShare, readTicks } from './load.js';
import { measureNeighbour, type NeighbourResult } from './neighbour.js';
import type { OnlineMeasurement } from './online.js';
import { measureOps, type OpResult } from './ops.js';
import { type RolloutResult, rolloutShares } from './rollouts.js';
import { limitsAt } from './roofline.js';
import { measureScale, type ScaleResult, type UnmeasuredScale } from './scale.js';
import { type FineTunedShape, isShapeName, namedShapes, type ShapeName, shapeOf, shareOf } from './shapes.js';
import type { TrainMeasurement } from './train.js';

export const sections = [
  ...([
    'machine',
    'gemm',
    'ops',
    'train',
    'sft',
    'align',
    'online',
    'decode',
    'rollouts',
    'neighbour',
    'scale',
    'checkpoint',
    'data',
    'filter',
  ] as const),
];
export type Section = (typeof sections)[number];

/** Accepted prompts, and judgements that are made again without the index. */
const filterSizes = [12_500, 25_000, 50_000];
const filterSample = 5000;

/** Of the adapters that are measured: the default of sft.lora. */
const adapterRank = 16;

export interface BenchSettings {
  sections: readonly Section[];
  /**
   * Without it: all named shapes are trained, `34m` is saved, `quickstart` samples answers, `7m` is for the rest. What is no
   * `ShapeName` is fine-tuned only.
   */
  shapes?: readonly FineTunedShape[];
  /** Without it: fp32, and bf16 where the processor multiplies it and the native engine runs. */
  precisions?: readonly Precision[];
  backend: BackendChoice;
  /** Of the native engine; without it, all cores. */
  threads?: number;
  /** Tokens in a training row and in a decoding row's cache; without it, the shape's own and 128. */
  context?: number;
  /** Rows that are decoded side by side; without it, 1, 8, 32 and 64. */
  batches?: readonly number[];
  /** Of decoding; without it, greedy and 1. */
  temperatures?: readonly number[];
  /** Of the matrices that decode; without it they are as the precision has them. */
  quantize?: Quantization;
  /** Timed steps, rounds, and prompts of rollouts; without it, as many as fit some seconds, and the quickstart's prompts. */
  steps?: number;
  seed: number;
  /** Of the disk that is measured: checkpoints, corpora and what ranks answer are written below it, and deleted. */
  folder: string;
}

export interface MachineResult extends MachineLimits {
  processor: string;
  cores: number;
  backend: string;
}

export interface TrainResult extends TrainMeasurement {
  /** Share of the multiply-add peak; null where it is not known. */
  ofPeak: number | null;
}

export interface SftResult extends FineTuningMeasurement {
  /** Tokens per second as a share of pretraining's, on rows of the same length; null where that was not measured. */
  ofPretraining: number | null;
}

export interface BenchResult {
  machine: MachineResult;
  gemm: GemmResult[];
  ops: OpResult[];
  train: TrainResult[];
  sft: SftResult[];
  align: AlignmentMeasurement[];
  online: OnlineMeasurement[];
  decode: DecodeResult[];
  rollouts: RolloutResult[];
  /** Empty where the machine has one core, or its backend takes no thread count. */
  neighbour: NeighbourResult[];
  scale: (ScaleResult | UnmeasuredScale)[];
  checkpoint: CheckpointResult[];
  data: DataResult[];
  filter: FilterResult[];
  /** For each section that was measured: the share of all cores' time that other processes took. Null: not known. */
  othersShare: Partial<Record<Section, number | null>>;
}

export interface BenchWatcher {
  /** What is being measured now. */
  onStart(what: string): void;
  /** A section is complete. */
  onSection(section: Section, result: BenchResult): void;
}

/** Measures the sections asked for; the machine's limits always, because all shares need them. */
export async function runBench(settings: BenchSettings, watcher: BenchWatcher): Promise<BenchResult> {
  const { backend: choice, threads, steps, seed } = settings;
  let ticks = readTicks();
  watcher.onStart('machine');
  const { name: backend, threads: ownThreads } = await openBackend(choice, { threads });
  const limits = probeMachine(threads);
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: availableCores(), backend, ...limits };
  const result: BenchResult = {
    ...{ machine, gemm: [], ops: [], train: [], sft: [], align: [], online: [], decode: [] },
    ...{ rollouts: [], neighbour: [], scale: [], checkpoint: [], data: [], filter: [] },
    othersShare: {},
  };
  const isNative = backend === 'native';
  const precisions = settings.precisions ?? (isNative && limits.bf16PeakGflops !== null ? ['fp32', 'bf16'] : ['fp32']);
  const named = settings.shapes?.filter(isShapeName);
  const shapes = named ?? (['7m'] as const);
  const firstPrecision = precisions.slice(0, 1);
  // Of rounded matrices, a precision that nobody asked for changes little.
  const decodePrecisions = settings.quantize === undefined ? precisions : (settings.precisions ?? firstPrecision);
  const each = async (
    among: readonly Precision[],
    names: readonly ShapeName[],
    measure: (shape: ShapeName, precision: Precision) => Promise<void>,
  ): Promise<void> => {
    for (const precision of among) for (const shape of names) await measure(shape, precision);
  };
  const rounds = steps ?? 5;
  const measure: Record<Section, () => Promise<void> | void> = {
    machine: () => undefined,
    gemm: async () => {
      for (const precision of precisions) {
        watcher.onStart(`gemm ${precision}`);
        await openBackend(choice, { precision, threads });
        const products = [...squareProducts(), ...shapes.flatMap((name) => modelProducts(shapeOf(name)))];
        result.gemm.push(...measureGemm(products, { precision, peaks: limits }));
      }
    },
    ops: () =>
      each(precisions, shapes, async (shape, precision) => {
        watcher.onStart(`ops ${shape} ${precision}`);
        await openBackend(choice, { precision, threads });
        result.ops.push(...measureOps(shapeOf(shape), { precision, limits: limitsAt(precision, limits) }));
      }),
    train: () =>
      each(precisions, named ?? namedShapes, async (shape, precision) => {
        watcher.onStart(`train ${shape} ${precision}`);
        const job = { shape, precision, backend: choice, threads, steps, seed, columns: settings.context };
        const measured = await inChild('train', job);
        const { peakGflops } = limitsAt(precision, limits);
        result.train.push({ ...measured, ofPeak: shareOf(measured.gflops, peakGflops) });
      }),
    sft: async () => {
      for (const shape of settings.shapes ?? (['7m'] as const)) {
        const job = { precision: precisions[0], backend: choice, threads, steps, seed, columns: settings.context };
        watcher.onStart(`train ${shape}`);
        const pretraining = isShapeName(shape) ? await inChild('train', { ...job, shape }) : undefined;
        // The others are there for adapters alone: all of their weights would not fit where adapters do.
        for (const rank of isShapeName(shape) ? [0, adapterRank] : [adapterRank]) {
          watcher.onStart(`sft ${shape}${rank === 0 ? '' : `, adapters of rank ${rank}`}`);
          const measured = await inChild('fine-tune', { ...job, shape, rank });
          const ofPretraining = shareOf(measured.tokensPerSecond, pretraining?.tokensPerSecond ?? null);
          result.sft.push({ ...measured, ofPretraining });
        }
      }
    },
    align: () =>
      each(firstPrecision, shapes, async (shape, precision) => {
        watcher.onStart(`align ${shape}`);
        const job = { shape, precision, backend: choice, threads, steps, seed, columns: settings.context };
        result.align.push(await inChild('align', job));
      }),
    online: () =>
      each(firstPrecision, shapes, async (shape, precision) => {
        watcher.onStart(`online ${shape}`);
        const job = { shape, precision, backend: choice, threads, steps, seed };
        result.online.push(await inChild('online', job));
      }),
    decode: () =>
      each(decodePrecisions, shapes, async (shape, precision) => {
        for (const temperature of settings.temperatures ?? [0, 1]) {
          for (const batch of settings.batches ?? [1, 8, 32, 64]) {
            watcher.onStart(`decode ${shape} ${precision}, batch ${batch}, temperature ${temperature}`);
            const { context = 128, quantize } = settings;
            const compute = { shape, precision, backend: choice, threads, seed };
            const job = { ...compute, steps, batch, context, temperature, quantize };
            result.decode.push(decodeShares(await inChild('decode', job), limitsAt(precision, limits)));
          }
        }
      }),
    rollouts: () =>
      each(firstPrecision, named ?? ['quickstart'], async (shape, precision) => {
        watcher.onStart(`rollouts ${shape} ${precision}`);
        const job = { shape, precision, backend: choice, threads, prompts: steps, seed };
        result.rollouts.push(rolloutShares(await inChild('rollouts', job), limitsAt(precision, limits)));
      }),
    neighbour: async () => {
      if (!isNative || machine.cores < 2) return;
      await each(firstPrecision, shapes, async (shape, precision) => {
        for (const work of ['train', 'decode'] as const) {
          watcher.onStart(`${work} ${shape} beside a busy core`);
          const job = { shape, precision, backend: choice, seed, steps, rounds: 3 };
          result.neighbour.push(await measureNeighbour(work, job));
        }
      });
    },
    scale: () =>
      each(firstPrecision, named ?? ['34m'], async (shape, precision) => {
        watcher.onStart(`train ${shape} on two processes`);
        const compute = { precision, backend: choice, takesThreads: ownThreads !== null };
        const job = { ...compute, shape, seed, folder: settings.folder, steps: steps ?? 4, rounds: 3 };
        result.scale.push(await measureScale(job));
      }),
    checkpoint: async () => {
      for (const name of named ?? (['34m'] as const)) {
        watcher.onStart(`checkpoint ${name}`);
        const options = { folder: settings.folder, rounds, seed };
        result.checkpoint.push(await measureCheckpoint(shapeOf(name), options));
      }
    },
    data: async () => {
      watcher.onStart('data');
      result.data = await measureData({ folder: settings.folder, rounds, seed });
    },
    filter: async () => {
      for (const accepted of filterSizes) {
        watcher.onStart(`filter, ${accepted} rows`);
        const job: FilterJob = { accepted, sample: filterSample, seed };
        const measured = await askChild<FilterMeasurement>('filter-child', job, (how) => ({
          what: `the filter of ${accepted} rows ended ${how}`,
        }));
        const smallest = result.filter[0] ?? measured;
        const costOf = ({ seconds, judged }: FilterMeasurement): number => seconds / judged;
        result.filter.push({ ...measured, costOfSmallest: costOf(measured) / costOf(smallest) });
      }
    },
  };
  for (const section of sections) {
    if (section !== 'machine' && !settings.sections.includes(section)) continue;
    await measure[section]();
    const now = readTicks();
    result.othersShare[section] = othersShare(ticks, now);
    ticks = now;
    watcher.onSection(section, result);
  }
  return result;
}
