// The only training loop. A step: fetch micro-batches, sum their gradients, check, clip, optimize, report.
// Around it: evaluation, samples, checkpoints, and an exact resume from any of them.
import { Interrupted, UserError } from '../base/errors.js';
import { type Checkpoint, openCheckpoint } from '../checkpoint/directory.js';
import { removeTemporary } from '../checkpoint/history.js';
import type { TrainConfig } from '../config/train.js';
import { disposeModel, type Model, modelFromTensors } from '../model/model.js';
import type { Metrics } from '../report/event.js';
import { type MicroBatch, type Objective, soleRank } from './objective.js';
import { createOptimizer, disposeOptimizer, type OptimizerState, restoreOptimizer } from './optimizer.js';
import { newestState, type Override, overridesAt, type State, stateOf, tellDifferences } from './resume.js';
import { type Progress, Saver, type SaverOptions } from './saver.js';
import { accumulationAt, type Cooldown, learningRateAt } from './schedule.js';
import { mostIds, type SpikeState, spikeOf, withStep } from './spikes.js';
import { StepStatistics } from './statistics.js';
import { trainStep } from './step.js';

export interface TrainingRun<Batch extends MicroBatch> extends SaverOptions {
  /** The run's own copy: trained in place, disposed at the end. */
  model: Model;
  objective: Objective<Batch>;
  config: TrainConfig;
  /** Optimizer steps in all. */
  steps: number;
  /** The checkpoint (its folder) of another training that this one goes on from, to end it in a decay of its own. */
  cooldown?: Cooldown & { path: string };
  /** Aborted: saves after the step it is in, and ends. */
  signal?: AbortSignal;
  /** Settings that were changed since this training first began, in order; each counts from the step it is resumed at. */
  overrides?: readonly Override[];
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

/** Where the loop stands: all that a checkpoint keeps besides tensors and the data cursor. */
type Position = Pick<Progress, 'step' | 'tokensSeen' | 'metrics' | 'overrides'>;

/** Times that a training goes back to the same checkpoint before it gives up. */
const mostReturns = 3;

/**
 * Trains to `steps`, going on from the newest whole checkpoint in `directory` if there is one. Checkpoints are written
 * while it trains; whatever ends it waits for the one that is being written.
 * @throws Interrupted after saving, when asked to stop.
 * @throws UserError (exit code 1) on a loss that is not finite, naming step, documents and last checkpoint, and where
 * the last checkpoint cannot be saved.
 */
export async function train<Batch extends MicroBatch>(run: TrainingRun<Batch>): Promise<TrainingResult> {
  await removeTemporary(run.directory);
  const loop = new Loop(run);
  try {
    await loop.resume();
    return await loop.run();
  } finally {
    await loop.dispose();
  }
}

class Loop<Batch extends MicroBatch> {
  readonly #run: TrainingRun<Batch>;
  #model: Model;
  #optimizer: OptimizerState;
  #saver: Saver;
  #at: Position;
  #spikes: SpikeState = { recent: [], skipped: [] };
  /** Documents of the steps since the last checkpoint. */
  #unsaved: { step: number; ids: readonly string[] }[] = [];

  constructor(run: TrainingRun<Batch>) {
    this.#run = run;
    this.#model = run.model;
    this.#optimizer = createOptimizer(run.model, run.config.optimizer);
    this.#saver = new Saver(run);
    this.#at = { step: 0, tokensSeen: 0, metrics: {}, overrides: overridesAt(0, [], run.overrides) };
  }

  get #stage(): string {
    return this.#run.manifest.stage;
  }

  async resume(): Promise<void> {
    const run = this.#run;
    const own = await newestState(run);
    const found = own ?? (await this.#left());
    if (found === undefined) return;
    const { checkpoint, objective, spikes } = found;
    const { manifest, digest, path } = checkpoint;
    const { step } = manifest;
    tellDifferences(run, manifest);
    this.#restore(found);
    this.#spikes = spikes ?? this.#spikes;
    // Other data, which the person has named with --override, are read from their beginning.
    if (manifest.inputDigest === run.manifest.inputDigest) run.objective.restore(objective);
    if (own === undefined) return;
    this.#saver = new Saver(run, { path, digest, step });
    if (step > 0) run.reporter.emit({ type: 'stage', state: 'resumed', detail: `from step ${step}` });
  }

  /** The training that this one leaves, where it stood. */
  async #left(): Promise<State | undefined> {
    const { cooldown } = this.#run;
    return cooldown && stateOf(await openCheckpoint(cooldown.path, { training: true }));
  }

  /** Weights, moments, step and figures of a checkpoint. */
  #restore({ checkpoint, tensors }: Pick<State, 'checkpoint' | 'tensors'>): void {
    const { manifest, path } = checkpoint;
    const { step, tokensSeen, metrics, overrides = [] } = manifest;
    const { parameters } = this.#model;
    disposeModel(this.#model);
    this.#model = modelFromTensors(checkpoint.model, checkpoint.weights, path, parameters);
    restoreOptimizer(this.#optimizer, tensors, path);
    this.#at = { step, tokensSeen, metrics, overrides: overridesAt(step, overrides, this.#run.overrides) };
  }

  async run(): Promise<TrainingResult> {
    const { config, steps, signal, evaluate } = this.#run;
    if (evaluate === undefined) this.#saver.checkBest({ loss: 0 });
    if (config.spikeLimit > 0 && this.#saver.last === undefined) await this.#saver.save(this.#progress());
    while (this.#at.step < steps) {
      if (!(await this.#step())) continue;
      await this.#saver.poll();
      const { step } = this.#at;
      const last = step === steps;
      if (last || due(step, config.evaluateEvery)) await this.#evaluate();
      if (last || due(step, config.sampleEvery)) await this.#run.sample?.(this.#model, step);
      if (last) break;
      if (signal?.aborted) {
        const { path } = await this.#saver.finish(this.#progress());
        throw new Interrupted(`stopped at step ${step} of ${steps}; saved ${path}`);
      }
      if (due(step, config.checkpointEvery)) await this.#saver.save(this.#progress());
      const saved = this.#saver.last?.step ?? 0;
      this.#unsaved = this.#unsaved.filter((unsaved) => unsaved.step > saved);
    }
    const { path, digest } = await this.#saver.finish(this.#progress());
    return { path, digest, metrics: this.#at.metrics, checkpoint: await openCheckpoint(path) };
  }

  #progress(): Progress {
    const { objective, config } = this.#run;
    return {
      ...this.#at,
      model: this.#model,
      optimizer: this.#optimizer,
      objective: objective.state(),
      ...(config.spikeLimit > 0 && { spikes: this.#spikes }),
    };
  }

  /** False: the step was a spike, and the training stands where it last was saved. */
  async #step(): Promise<boolean> {
    const { config, steps, cooldown, objective, reporter, round } = this.#run;
    const step = this.#at.step + 1;
    const started = performance.now();
    const batches: Batch[] = [];
    const count = accumulationAt(step, cooldown?.planned ?? steps, config);
    while (batches.length < count) batches.push(await objective.next({ model: this.#model, step, rank: soleRank }));
    const learningRate = learningRateAt(step, steps, config, cooldown);
    const statistics = due(step, config.statisticsEvery ?? 0) ? new StepStatistics(this.#model) : undefined;
    const at = { step, learningRate, statistics };
    const result = await trainStep(this.#model, this.#optimizer, objective, batches, config, at);
    if (statistics !== undefined) {
      reporter.emit({ type: 'statistics', step, ...statistics.event(), ...(round && { round }) });
    }
    if (config.spikeLimit > 0) {
      this.#unsaved.push({ step, ids: batches.flatMap((batch) => batch.ids) });
      const reason = spikeOf(this.#spikes, [result.loss, result.gradientNorm], config.spikeLimit);
      if (reason !== undefined && (await this.#goBack(step, reason))) return false;
      this.#spikes = withStep(this.#spikes, [result.loss, result.gradientNorm]);
    }
    if (!Number.isFinite(result.loss) || !Number.isFinite(result.gradientNorm))
      throw await this.#notFinite(step, result, batches);
    const tokens = batches.reduce((total, batch) => total + batch.tokenCount, 0);
    const { loss, gradientNorm, figures } = result;
    const { tokensSeen, metrics } = this.#at;
    this.#at = { ...this.#at, step, tokensSeen: tokensSeen + tokens, metrics: { ...metrics, loss } };
    reporter.emit({
      type: 'step',
      step,
      steps,
      loss,
      learningRate,
      gradientNorm,
      tokens,
      tokensPerSecond: (tokens * 1000) / (performance.now() - started),
      ...(Object.keys(figures).length > 0 && { metrics: figures }),
      ...(round && { round }),
    });
    return true;
  }

  /**
   * Back to the last checkpoint, but not to where its data were: what was read since then is left out. An interruption
   * leaves a checkpoint too, so a training that was stopped shortly before a spike goes less far back. False where that has
   * been tried often enough: the data are not to blame.
   */
  async #goBack(step: number, reason: string): Promise<boolean> {
    const { reporter } = this.#run;
    await this.#saver.settle();
    const found = (await newestState(this.#run)) ?? (await this.#left());
    if (found === undefined) return false;
    const backTo = found.checkpoint.manifest.step;
    const { skipped } = this.#spikes;
    if (skipped.filter((spike) => spike.backTo === backTo).length >= mostReturns) return false;
    this.#restore(found);
    const ids = [...new Set(this.#unsaved.flatMap((unsaved) => (unsaved.step > backTo ? unsaved.ids : [])))];
    this.#unsaved = [];
    const spike = { step, backTo, reason, documents: ids.length, ids: ids.slice(0, mostIds) };
    this.#spikes = { recent: found.spikes?.recent ?? [], skipped: [...skipped, spike] };
    const text = `step ${step} is a spike: ${reason}. Back to step ${backTo}, without the data since then: ${firstOf(ids)}`;
    reporter.note('warning', text);
    return true;
  }

  async #evaluate(): Promise<void> {
    const metrics = await this.#run.evaluate?.(this.#model, this.#at.step);
    if (metrics === undefined) return;
    this.#at.metrics = { ...this.#at.metrics, ...metrics };
    this.#run.reporter.emit({ type: 'evaluation', step: this.#at.step, metrics });
    try {
      this.#saver.checkBest(this.#at.metrics);
    } catch (error) {
      await this.#saver.finish(this.#progress()); // known only now, and no reason to lose the steps so far
      throw error;
    }
  }

  async #notFinite(
    step: number,
    result: { loss: number; gradientNorm: number },
    batches: readonly Batch[],
  ): Promise<UserError> {
    await this.#saver.settle().catch(() => undefined); // whatever befell the save must not hide this
    const ids = [...new Set(batches.flatMap((batch) => batch.ids))];
    const last =
      this.#saver.last === undefined
        ? 'No checkpoint was saved yet'
        : `The last good checkpoint is ${this.#saver.last.path}`;
    return new UserError(
      {
        where: `${this.#stage}, step ${step}`,
        what: `the loss is ${result.loss} and the gradient norm ${result.gradientNorm}: training cannot go on`,
        why: `the batch held ${firstOf(ids)}`,
        next: `${last}. Lower the learning rate, or look at those documents`,
      },
      { exitCode: 1 },
    );
  }

  async dispose(): Promise<void> {
    await this.#saver.close();
    disposeModel(this.#model);
    disposeOptimizer(this.#optimizer);
  }
}

function firstOf(ids: readonly string[]): string {
  return ids.slice(0, 20).join(', ') + (ids.length > 20 ? `, … (${ids.length} in all)` : '');
}

function due(step: number, every: number): boolean {
  return every > 0 && step % every === 0;
}
