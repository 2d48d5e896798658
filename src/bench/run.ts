// The whole benchmark: the machine's limits first, then everything else as a share of them, in one process and the
// same minutes (training in one child process per shape and precision, so that each peak of memory is its own).
import { cpus } from 'node:os';
import { availableCores } from '../base/cores.js';
import type { BackendChoice, Precision } from '../config/compute.js';
import { openBackend } from '../tensor/backends.js';
import { type MachineLimits, probeMachine } from '../tensor/native/probe.js';
import { type CheckpointResult, measureCheckpoint } from './checkpoint.js';
import { askChild } from './child.js';
import { type DataResult, measureData } from './data.js';
import { type DecodeResult, measureDecode } from './decode.js';
import { type GemmResult, measureGemm, modelProducts, squareProducts } from './gemm.js';
import { measureOps, type OpResult } from './ops.js';
import { namedShapes, peakFor, type ShapeName, shapeOf, shareOf } from './shapes.js';
import type { TrainJob, TrainMeasurement } from './train.js';

export const sections = ['machine', 'gemm', 'ops', 'train', 'decode', 'checkpoint', 'data'] as const;
export type Section = (typeof sections)[number];

export interface BenchSettings {
  sections: readonly Section[];
  /** Without it: all named shapes are trained, `34m` is saved and opened, the rest is measured on `7m`. */
  shapes?: readonly ShapeName[];
  /** Without it: fp32, and bf16 where the processor multiplies it and the native engine runs. */
  precisions?: readonly Precision[];
  backend: BackendChoice;
  /** Of the native engine; without it, all cores. */
  threads?: number;
  /** Timed training and decoding steps, and rounds of checkpoints and data; without it, as many as fit some seconds. */
  steps?: number;
  seed: number;
  /** Of the disk that is measured: checkpoints and corpora are written below it, and deleted. */
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

export interface BenchResult {
  machine: MachineResult;
  gemm: GemmResult[];
  ops: OpResult[];
  train: TrainResult[];
  decode: DecodeResult[];
  checkpoint: CheckpointResult[];
  data: DataResult[];
}

export interface BenchWatcher {
  /** What is being measured now. */
  onStart(what: string): void;
  /** A section is complete. */
  onSection(section: Section, result: BenchResult): void;
}

/** One training measurement in a process of its own, so that its peak of memory is its own too. */
export function trainInChild(job: TrainJob): Promise<TrainMeasurement> {
  return askChild('train-child', job, (how) => ({
    what: `the process that trained ${job.shape} at ${job.precision} ended ${how}`,
    why: how.endsWith('SIGKILL') ? 'the system ends a process this way when memory runs out' : undefined,
    next: 'Measure a smaller one with --shape',
  }));
}

/** Measures the sections asked for; the machine's limits always, because all shares need them. */
export async function runBench(settings: BenchSettings, watcher: BenchWatcher): Promise<BenchResult> {
  const { backend: choice, threads, steps, seed } = settings;
  watcher.onStart('machine');
  const { name: backend } = await openBackend(choice, { threads });
  const limits = probeMachine(threads);
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: availableCores(), backend, ...limits };
  const result: BenchResult = { machine, gemm: [], ops: [], train: [], decode: [], checkpoint: [], data: [] };
  const hasBf16 = backend === 'native' && limits.bf16PeakGflops !== null;
  const precisions = settings.precisions ?? (hasBf16 ? ['fp32', 'bf16'] : ['fp32']);
  const shapes = settings.shapes ?? ['7m'];
  const { bandwidthGBs, ...peaks } = limits;
  const measure: Record<
    Exclude<Section, 'machine' | 'checkpoint' | 'data'>,
    (precision: Precision) => Promise<void> | void
  > = {
    gemm: (precision) => {
      const products = [...squareProducts(), ...shapes.flatMap((name) => modelProducts(shapeOf(name)))];
      result.gemm.push(...measureGemm(products, { precision, peaks }));
    },
    ops: (precision) => {
      for (const name of shapes) result.ops.push(...measureOps(shapeOf(name), { precision, peaks, bandwidthGBs }));
    },
    train: async (precision) => {
      for (const shape of settings.shapes ?? namedShapes) {
        watcher.onStart(`train ${shape} ${precision}`);
        const measured = await trainInChild({ shape, precision, backend: choice, threads, steps, seed });
        result.train.push({ ...measured, ofPeak: shareOf(measured.gflops, peakFor(precision, peaks)) });
      }
    },
    decode: async (precision) => {
      for (const name of shapes) {
        for (const batch of [1, 32]) {
          watcher.onStart(`decode ${name} ${precision}, batch ${batch}`);
          const context = { precision, batch, seed, bandwidthGBs, steps };
          result.decode.push(await measureDecode(shapeOf(name), context));
        }
      }
    },
  };
  watcher.onSection('machine', result);
  for (const section of ['gemm', 'ops', 'train', 'decode'] as const) {
    if (!settings.sections.includes(section)) continue;
    for (const precision of precisions) {
      watcher.onStart(`${section} ${precision}`);
      if (section !== 'train') await openBackend(choice, { precision, threads });
      await measure[section](precision);
    }
    watcher.onSection(section, result);
  }
  if (settings.sections.includes('checkpoint')) {
    for (const name of settings.shapes ?? (['34m'] as const)) {
      watcher.onStart(`checkpoint ${name}`);
      const options = { folder: settings.folder, rounds: steps ?? 5, seed };
      result.checkpoint.push(await measureCheckpoint(shapeOf(name), options));
    }
    watcher.onSection('checkpoint', result);
  }
  if (settings.sections.includes('data')) {
    watcher.onStart('data');
    result.data = await measureData({ folder: settings.folder, rounds: steps ?? 5, seed });
    watcher.onSection('data', result);
  }
  return result;
}
