// How fast a checkpoint is saved and opened, beside plain writing and reading of as many bytes on the same disk in the
// same minutes, and how much memory opening takes.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decoderTable } from '../architecture/parameters.js';
import { systemErrorCode, UserError } from '../base/errors.js';
import { type HostTensor, sizeOf } from '../base/host-tensor.js';
import { tokenizerJsonName } from '../base/layout.js';
import { Random } from '../base/random.js';
import { type CheckpointContent, openCheckpoint } from '../checkpoint/directory.js';
import { saveCheckpoint } from '../checkpoint/save.js';
import { disposeModel, initModel } from '../model/model.js';
import { silentReporter } from '../report/event.js';
import { createOptimizer, disposeOptimizer } from '../train/optimizer.js';
import { Saver } from '../train/saver.js';
import { askChild } from './child.js';
import { spreadOf } from './measure.js';
import type { Shape, ShapeName } from './shapes.js';

/** In 10⁶ bytes per second: of the median round, and the quartiles. */
export interface DiskSpeed {
  megabytesPerSecond: number;
  quartiles: [low: number, high: number];
}

export interface CheckpointResult {
  shape: ShapeName;
  rounds: number;
  /** Of the weights; and of all that is saved: the weights and two moments of each. */
  weightBytes: number;
  bytes: number;
  /** Whole: hashed, fsynced, renamed. */
  save: DiskSpeed;
  /** Whole, as a resume opens it: every sha256 compared. Like all reading here, from the system's cache. */
  open: DiskSpeed;
  /** The same with --no-verify. */
  openUnverified: DiskSpeed;
  /** As many zeros by `dd bs=1M conv=fsync`; null where there is no dd. */
  dd: DiskSpeed | null;
  /** The same tensors as one plain file, written and fsynced by Node; that file read; their sha256 on one thread. */
  write: DiskSpeed;
  read: DiskSpeed;
  hash: DiskSpeed;
  /** Speeds as multiples of another: medians of the rounds' own ratios. */
  saveOfDd: number | null;
  saveOfWrite: number;
  openOfRead: number;
  openUnverifiedOfRead: number;
  /**
   * How long a save beside training keeps the training loop waiting, at the median; and that as a share of the whole
   * save, from its beginning until it is known to be on disk.
   */
  stallMilliseconds: number;
  stallOfSave: number;
  /** Most memory that opening for use (no training state) takes, as a multiple of the weights' bytes. */
  openPeakOfWeights: number;
}

type Work = 'save' | 'write' | 'dd' | 'open' | 'openUnverified' | 'read' | 'hash';

/** Saves and opens a model of this shape below `folder`; what it writes there it deletes. */
export async function measureCheckpoint(
  shape: Shape,
  { folder, rounds, seed }: { folder: string; rounds: number; seed: number },
): Promise<CheckpointResult> {
  const content = randomContent(shape, seed);
  const directory = join(folder, 'step-000001');
  const file = join(folder, 'plain');
  const zeros = join(folder, 'zeros');
  const tensors = [...content.weights, ...(content.training?.tensors ?? [])];
  const weightBytes = bytesOf(content.weights);
  const bytes = bytesOf(tensors);
  const work: Record<Work, () => Promise<unknown>> = {
    save: () => saveCheckpoint(directory, content),
    write: () => writePlain(file, tensors),
    dd: () => dd(zeros, bytes),
    open: () => openCheckpoint(directory, { training: true }),
    openUnverified: () => openCheckpoint(directory, { training: true, verify: false }),
    read: () => readFile(file),
    hash: async () => hashOf(tensors),
  };
  const clear = async (): Promise<void> => {
    for (const path of [directory, file, zeros]) await rm(path, { recursive: true, force: true });
  };
  const writers: Work[] = ['save', 'write', 'dd'];
  const readers: Work[] = ['open', 'openUnverified', 'read', 'hash'];
  const seconds: Record<Work, number[]> = {
    ...{ save: [], write: [], dd: [], open: [], openUnverified: [], read: [], hash: [] },
  };
  let openPeak: number;
  let background: { stall: number; share: number };
  try {
    for (let round = 0; round < rounds; round++) {
      await clear();
      // Who comes first may find the disk or the cache better: the order turns from round to round.
      for (const names of [writers, readers]) {
        for (let i = 0; i < names.length; i++) {
          const name = names[(round + i) % names.length];
          const start = performance.now();
          if ((await work[name]()) !== false) seconds[name].push((performance.now() - start) / 1000);
        }
      }
    }
    openPeak = (await peakOfOpening(directory)) / weightBytes;
    await clear();
    background = await saveBesideTraining(content, folder, rounds);
  } finally {
    await clear();
  }
  const speed = (name: Work): DiskSpeed => speedOf(bytes, seconds[name]);
  /** How many times as fast as `other`. */
  const times = (name: Work, other: Work): number =>
    spreadOf(seconds[name].map((value, round) => seconds[other][round] / value)).median;
  const hasDd = seconds.dd.length > 0;
  return {
    ...{ shape: shape.name, rounds, weightBytes, bytes },
    ...{ save: speed('save'), open: speed('open'), openUnverified: speed('openUnverified') },
    ...{ dd: hasDd ? speed('dd') : null, write: speed('write'), read: speed('read'), hash: speed('hash') },
    saveOfDd: hasDd ? times('save', 'dd') : null,
    saveOfWrite: times('save', 'write'),
    openOfRead: times('open', 'read'),
    openUnverifiedOfRead: times('openUnverified', 'read'),
    stallMilliseconds: background.stall * 1000,
    stallOfSave: background.share,
    openPeakOfWeights: openPeak,
  };
}

/** Bytes of resident memory at the most while a process opens the checkpoint for use, less those before. */
export function peakOfOpening(path: string): Promise<number> {
  return askChild('open-child', path, (how) => ({ what: `the process that opened it ended ${how}`, where: path }));
}

/** Seconds that the loop waits, and their share of the save. The first save, which makes the buffers, does not count. */
async function saveBesideTraining(
  { model: config, eosTokenIds, tokenizerFiles, manifest }: CheckpointContent,
  folder: string,
  rounds: number,
): Promise<{ stall: number; share: number }> {
  const directory = join(folder, manifest.stage);
  const model = initModel(config, 1);
  const optimizer = createOptimizer(model);
  const options = {
    directory,
    runDirectory: folder,
    config: { keep: 'last=1' },
    manifest,
    tokenizerFiles,
    eosTokenIds,
  };
  const saver = new Saver({ ...options, reporter: silentReporter });
  const times: { stall: number; whole: number }[] = [];
  try {
    for (let step = 1; step <= rounds + 1; step++) {
      const start = performance.now();
      await saver.save({ model, optimizer, objective: null, step, tokensSeen: 0, metrics: {}, overrides: [] });
      const stall = (performance.now() - start) / 1000;
      await saver.settle();
      if (saver.last?.step !== step) throw new UserError({ what: 'a save failed', where: directory }, { exitCode: 1 });
      times.push({ stall, whole: (performance.now() - start) / 1000 });
    }
  } finally {
    await saver.close();
    disposeOptimizer(optimizer);
    disposeModel(model);
    await rm(directory, { recursive: true, force: true });
  }
  const counted = times.slice(1);
  return {
    stall: spreadOf(counted.map(({ stall }) => stall)).median,
    share: spreadOf(counted.map(({ stall, whole }) => stall / whole)).median,
  };
}

function speedOf(bytes: number, seconds: readonly number[]): DiskSpeed {
  const { median, low, high } = spreadOf(seconds);
  const rate = (time: number): number => bytes / 1e6 / time;
  return { megabytesPerSecond: rate(median), quartiles: [rate(high), rate(low)] };
}

/** Weights and moments of random bits (no disk can squeeze them), with the smallest files around them. */
function randomContent({ config }: Shape, seed: number): CheckpointContent {
  const table = decoderTable(config);
  const named = (prefix: string): HostTensor[] =>
    table.map(({ name, shape }) => ({ name: `${prefix}${name}`, shape, data: randomBits(shape, seed, prefix + name) }));
  return {
    model: config,
    eosTokenIds: [config.eos_token_id],
    tokenizerFiles: { [tokenizerJsonName]: '{}\n' },
    weights: named(''),
    training: { tensors: [...named('m.'), ...named('v.')], state: { step: 1 } },
    manifest: {
      ...{ stage: 'pretrain', step: 1, tokensSeen: 0, parent: null, lineage: [], settings: null, inputDigest: '' },
      ...{ metrics: {}, backend: 'none', threads: null, precision: 'fp32' },
    },
  };
}

function randomBits(shape: readonly number[], seed: number, name: string): Float32Array {
  const random = Random.stream(seed, name);
  const bits = new Uint32Array(sizeOf(shape));
  for (let i = 0; i < bits.length; i++) bits[i] = random.uint32();
  return new Float32Array(bits.buffer);
}

async function writePlain(path: string, tensors: readonly HostTensor[]): Promise<void> {
  const handle = await open(path, 'w');
  try {
    for (const { data } of tensors) await handle.writeFile(viewOf(data));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whole mebibytes of zeros, at least `bytes`; false where there is no dd. */
function dd(path: string, bytes: number): Promise<boolean> {
  const count = Math.ceil(bytes / (1 << 20));
  const child = spawn('dd', ['if=/dev/zero', `of=${path}`, 'bs=1M', `count=${count}`, 'conv=fsync'], {
    stdio: 'ignore',
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => (systemErrorCode(error) === 'ENOENT' ? resolve(false) : reject(error)));
    child.once('exit', (code) => {
      if (code === 0) resolve(true);
      else reject(new UserError({ what: `dd ended with code ${code}`, where: path }, { exitCode: 1 }));
    });
  });
}

function hashOf(tensors: readonly HostTensor[]): string {
  const hash = createHash('sha256');
  for (const { data } of tensors) hash.update(viewOf(data));
  return hash.digest('hex');
}

function bytesOf(tensors: readonly HostTensor[]): number {
  return tensors.reduce((total, { data }) => total + data.byteLength, 0);
}

function viewOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
