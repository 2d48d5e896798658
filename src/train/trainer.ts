// The only training loop. A step: fetch micro-batches, sum their gradients, check, clip, AdamW, report.
// Around it: evaluation, samples, checkpoints, and an exact resume from any of them.
import { rename, rm } from 'node:fs/promises';
import { Interrupted, UserError } from '../base/errors.js';
import { formatThreads } from '../base/format.js';
import { type Checkpoint, openCheckpoint } from '../checkpoint/directory.js';
import { newestWholeCheckpoint, pruneCheckpoints, removeTemporary, stepDirectory } from '../checkpoint/history.js';
import type { ManifestFields } from '../checkpoint/manifest.js';
import { saveCheckpoint } from '../checkpoint/save.js';
import type { TrainConfig } from '../config/train.js';
import { disposeModel, type Model, modelFromTensors, modelTensors } from '../model/parameters.js';
import type { Metrics, Reporter } from '../report/event.js';
import type { MicroBatch, Objective } from './objective.js';
import {
  createOptimizer,
  disposeOptimizer,
  type OptimizerState,
  optimizerTensors,
  restoreOptimizer,
} from './optimizer.js';
import { learningRateAt } from './schedule.js';
import { trainStep } from './step.js';

export interface TrainingRun<Batch extends MicroBatch> {
  /** The run's own copy: trained in place, disposed at the end. */
  model: Model;
  objective: Objective<Batch>;
  config: TrainConfig;
  /** Optimizer steps in all. */
  steps: number;
  /** Where checkpoints go: step-000100, … */
  directory: string;
  /** What each checkpoint's manifest says, beside step, tokens and metrics. */
  manifest: Omit<ManifestFields, 'step' | 'tokensSeen' | 'metrics'>;
  tokenizerFiles: Record<string, string>;
  eosTokenId: number;
  reporter: Reporter;
  interrupt: { readonly requested: boolean };
  /** Held-out figures; must leave the model and every random stream as they were. */
  evaluate?(model: Model, step: number): Promise<Metrics>;
  sample?(model: Model, step: number): Promise<void>;
}

export interface TrainingResult {
  /** The last checkpoint. */
  path: string;
  digest: string;
  metrics: Metrics;
  /** Read back from disk: what later stages will see. */
  checkpoint: Checkpoint;
}

/** Where the loop stands: all that a checkpoint keeps besides tensors. */
interface Position {
  step: number;
  tokensSeen: number;
  metrics: Metrics;
}

/**
 * Trains to `steps`, going on from the newest whole checkpoint in `directory` if there is one.
 * @throws Interrupted after saving, when asked to stop.
 * @throws UserError (exit code 1) on a loss that is not finite, naming step, documents and last checkpoint.
 */
export async function train<Batch extends MicroBatch>(run: TrainingRun<Batch>): Promise<TrainingResult> {
  await removeTemporary(run.directory);
  const loop = new Loop(run);
  try {
    await loop.resume();
    return await loop.run();
  } finally {
    loop.dispose();
  }
}

class Loop<Batch extends MicroBatch> {
  readonly #run: TrainingRun<Batch>;
  #model: Model;
  #optimizer: OptimizerState;
  #at: Position = { step: 0, tokensSeen: 0, metrics: {} };
  #saved: { path: string; digest: string; step: number } | undefined;

  constructor(run: TrainingRun<Batch>) {
    this.#run = run;
    this.#model = run.model;
    this.#optimizer = createOptimizer(run.model);
  }

  get #stage(): string {
    return this.#run.manifest.stage;
  }

  async resume(): Promise<void> {
    const { directory, reporter, objective } = this.#run;
    const { path, damaged } = await newestWholeCheckpoint(directory);
    for (const { path: bad, reason } of damaged) {
      reporter.emit({
        type: 'note',
        stage: this.#stage,
        level: 'warning',
        text: `skipped a damaged checkpoint: ${reason}`,
      });
      // Set aside, not deleted: the step will be saved again under its name.
      await rm(`${bad}.damaged`, { recursive: true, force: true });
      await rename(bad, `${bad}.damaged`);
    }
    if (path === undefined) return;
    const checkpoint = await openCheckpoint(path, { training: true });
    if (checkpoint.training === undefined) {
      throw new UserError({
        where: path,
        what: 'it has no training state to resume from',
        next: 'Start in another folder',
      });
    }
    const [now, before] = [computeInWords(this.#run.manifest), computeInWords(checkpoint.manifest)];
    if (now !== before) {
      const text = `resuming with ${now} what began with ${before}: the weights will not be, bit for bit, those of an uninterrupted run`;
      reporter.emit({ type: 'note', stage: this.#stage, level: 'warning', text });
    }
    const state = checkpoint.training.state as { objective: unknown };
    disposeModel(this.#model);
    this.#model = modelFromTensors(checkpoint.model, checkpoint.weights, path);
    restoreOptimizer(this.#optimizer, checkpoint.training.tensors, path);
    objective.restore(state.objective);
    const { step, tokensSeen, metrics } = checkpoint.manifest;
    this.#at = { step, tokensSeen, metrics };
    this.#saved = { path, digest: checkpoint.digest, step };
    if (step > 0) reporter.emit({ type: 'stage', stage: this.#stage, state: 'resumed', detail: `from step ${step}` });
  }

  async run(): Promise<TrainingResult> {
    const { config, steps, interrupt } = this.#run;
    while (this.#at.step < steps) {
      await this.#step();
      const { step } = this.#at;
      const last = step === steps;
      if (last || due(step, config.evaluateEvery)) await this.#evaluate();
      if (last || due(step, config.sampleEvery)) await this.#run.sample?.(this.#model, step);
      if (last || due(step, config.checkpointEvery) || interrupt.requested) await this.#save();
      if (interrupt.requested && !last) {
        await this.#save();
        throw new Interrupted(`stopped at step ${step} of ${steps}; saved ${this.#saved?.path}`);
      }
    }
    if (this.#saved?.step !== steps) await this.#save();
    const { path, digest } = this.#saved as { path: string; digest: string };
    return { path, digest, metrics: this.#at.metrics, checkpoint: await openCheckpoint(path) };
  }

  async #step(): Promise<void> {
    const { config, steps, objective, reporter } = this.#run;
    const step = this.#at.step + 1;
    const started = performance.now();
    const batches: Batch[] = [];
    for (let i = 0; i < config.accumulation; i++) batches.push(await objective.next());
    const learningRate = learningRateAt(step, steps, config);
    const model = { ...this.#model, checkpointing: config.checkpointing };
    const result = await trainStep(model, this.#optimizer, objective, batches, config, { step, learningRate });
    if (!Number.isFinite(result.loss) || !Number.isFinite(result.gradientNorm))
      throw this.#notFinite(step, result, batches);
    const tokens = batches.reduce((total, batch) => total + batch.tokens, 0);
    const { loss, gradientNorm, figures } = result;
    this.#at = { step, tokensSeen: this.#at.tokensSeen + tokens, metrics: { ...this.#at.metrics, loss } };
    reporter.emit({
      type: 'step',
      stage: this.#stage,
      step,
      steps,
      loss,
      learningRate,
      gradientNorm,
      tokens,
      tokensPerSecond: (tokens * 1000) / (performance.now() - started),
      ...(Object.keys(figures).length > 0 ? { metrics: figures } : {}),
    });
  }

  async #evaluate(): Promise<void> {
    const metrics = await this.#run.evaluate?.(this.#model, this.#at.step);
    if (metrics === undefined) return;
    this.#at.metrics = { ...this.#at.metrics, ...metrics };
    this.#run.reporter.emit({ type: 'evaluation', stage: this.#stage, step: this.#at.step, metrics });
  }

  async #save(): Promise<void> {
    const { step, tokensSeen, metrics } = this.#at;
    if (this.#saved?.step === step) return;
    const { directory, tokenizerFiles, eosTokenId, config, objective } = this.#run;
    const path = stepDirectory(directory, step);
    const { digest } = await saveCheckpoint(path, {
      model: this.#model.config,
      eosTokenId,
      tokenizerFiles,
      weights: modelTensors(this.#model),
      training: { tensors: optimizerTensors(this.#optimizer), state: { objective: objective.state() } },
      manifest: { ...this.#run.manifest, step, tokensSeen, metrics },
    });
    this.#saved = { path, digest, step };
    this.#run.reporter.emit({ type: 'checkpoint', stage: this.#stage, step, path, digest });
    await pruneCheckpoints(directory, config.keepLast, [path]);
  }

  #notFinite(step: number, result: { loss: number; gradientNorm: number }, batches: readonly Batch[]): UserError {
    const ids = [...new Set(batches.flatMap((batch) => batch.ids))];
    const shown = ids.slice(0, 20).join(', ') + (ids.length > 20 ? `, … (${ids.length} in all)` : '');
    const last =
      this.#saved === undefined ? 'No checkpoint was saved yet' : `The last good checkpoint is ${this.#saved.path}`;
    return new UserError(
      {
        where: `${this.#stage}, step ${step}`,
        what: `the loss is ${result.loss} and the gradient norm ${result.gradientNorm}: training cannot go on`,
        why: `the batch held ${shown}`,
        next: `${last}. Lower the learning rate, or look at those documents`,
      },
      { exitCode: 1 },
    );
  }

  dispose(): void {
    disposeModel(this.#model);
    disposeOptimizer(this.#optimizer);
  }
}

/** All that the bits of a step follow from, besides model and data: `native, 2 threads, bf16`. */
function computeInWords({
  backend,
  threads,
  precision,
}: Pick<ManifestFields, 'backend' | 'threads' | 'precision'>): string {
  const parts = [
    backend,
    ...(threads === null ? [] : [formatThreads(threads)]),
    ...(precision === 'fp32' ? [] : [precision]),
  ];
  return parts.join(', ');
}

function due(step: number, every: number): boolean {
  return every > 0 && step % every === 0;
}
