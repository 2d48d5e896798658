// What a busy neighbour costs: training and decoding on one thread and on two while a process of our own keeps one core
// busy. Two threads that wait for each other are then slower than one.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../base/errors.js';
import type { BackendChoice, Precision } from '../config/compute.js';
import { extension } from './child.js';
import { inChild } from './compute.js';
import { spreadOf } from './measure.js';
import type { ShapeName } from './shapes.js';

export interface NeighbourResult {
  work: 'train' | 'decode';
  shape: ShapeName;
  precision: Precision;
  rounds: number;
  /** Of the median round, beside the busy core. */
  tokensPerSecond: { oneThread: number; twoThreads: number };
  /** How many times as fast two threads are as one: the median of the rounds' own ratios, and their quartiles. */
  twoOfOne: number;
  quartiles: [low: number, high: number];
}

interface NeighbourJob {
  shape: ShapeName;
  precision: Precision;
  backend: BackendChoice;
  seed: number;
  /** Timed steps of each measurement. */
  steps?: number;
  rounds: number;
}

/** A decoding batch that has work for two threads. */
const batch = 32;
const context = 128;
const trainSteps = 4;

export async function measureNeighbour(work: NeighbourResult['work'], job: NeighbourJob): Promise<NeighbourResult> {
  const { shape, precision, backend, seed, rounds } = job;
  const measure = async (threads: number): Promise<number> => {
    const shared = { shape, precision, backend, threads, seed };
    const { tokensPerSecond } =
      work === 'train'
        ? await inChild('train', { ...shared, steps: job.steps ?? trainSteps })
        : await inChild('decode', { ...shared, batch, context, temperature: 0, steps: job.steps });
    return tokensPerSecond;
  };
  const speeds: { one: number; two: number }[] = [];
  const stop = await keepBusy();
  try {
    for (let round = 0; round < rounds; round++) {
      const first = await measure(round % 2 === 0 ? 1 : 2); // who comes first turns from round to round
      const second = await measure(round % 2 === 0 ? 2 : 1);
      speeds.push(round % 2 === 0 ? { one: first, two: second } : { one: second, two: first });
    }
  } finally {
    await stop();
  }
  const ratio = spreadOf(speeds.map(({ one, two }) => two / one));
  return {
    ...{ work, shape, precision, rounds },
    tokensPerSecond: {
      oneThread: spreadOf(speeds.map(({ one }) => one)).median,
      twoThreads: spreadOf(speeds.map(({ two }) => two)).median,
    },
    twoOfOne: ratio.median,
    quartiles: [ratio.low, ratio.high],
  };
}

/** Resolves when the core is busy; the result ends that. */
async function keepBusy(): Promise<() => Promise<void>> {
  const child = fork(fileURLToPath(new URL(`./busy-child.${extension}`, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('message', () => resolve());
    const failed = (): void =>
      reject(new UserError({ what: 'the process that keeps a core busy ended' }, { exitCode: 1 }));
    child.once('exit', failed);
    child.send('begin');
  });
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
}
