// Trainings of the tiny model on the wasm backend, in a folder that goes when the tests have ended.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { TokenBatch } from '../../src/data/types.js';
import { openBackend } from '../../src/tensor/backends.js';
import { type TrainingResult, type TrainingRun, train } from '../../src/train/trainer.js';
import { abortedWhen } from '../signals.js';
import { countingObjective, recordingReporter, tinyModel, trainConfig } from './tiny.js';

type Run = TrainingRun<TokenBatch>;

export const manifest: Run['manifest'] = {
  ...{ stage: 'pretrain', parent: null, lineage: [], settings: {}, inputDigest: 'data' },
  ...{ backend: 'wasm', threads: null, precision: 'fp32' },
};

/** To be called where the tests are described. */
export function trainingWorld() {
  let root: string;
  before(async () => {
    await openBackend('wasm');
    root = await mkdtemp(join(tmpdir(), 'mossctl-training-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  const pathOf = (...names: string[]): string => join(root, ...names);

  /** Trains 10 steps in the folder `name`, or what `own` says. */
  const run = (name: string, own: Partial<Run> = {}): Promise<TrainingResult> =>
    train({
      ...{ model: tinyModel(), objective: countingObjective(), config: trainConfig(), steps: 10 },
      ...{ directory: pathOf(name), runDirectory: root, tokenizerFiles: { 'tokenizer.json': '{}' }, eosTokenIds: [0] },
      ...{ manifest, reporter: recordingReporter() },
      ...own,
    });

  /** As `run`, stopped after `stopAt` of the steps that it does: what it came to, be it an error, and what it reported. */
  async function attempt(name: string, own: Partial<Run> = {}, stopAt = Number.POSITIVE_INFINITY) {
    const reporter = recordingReporter();
    const steps = () => reporter.events.flatMap((event) => (event.type === 'step' ? [event] : []));
    const signal = abortedWhen(() => steps().length >= stopAt);
    const outcome: unknown = await run(name, { reporter, signal, ...own }).catch((error: unknown) => error);
    const notes = reporter.events.flatMap((event) => (event.type === 'note' ? [event] : []));
    return { outcome, steps: steps(), notes, events: reporter.events, directory: own.directory ?? pathOf(name) };
  }

  return { pathOf, run, attempt };
}
