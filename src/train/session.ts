// A training between its steps: weights, moments and position, and the checkpoints that hold them. It resumes from the newest,
// branches off another training's, and rolls back to its last one.
import { isOfCritic } from '../architecture/parameters.js';
import { trainingMetrics } from '../base/metric-names.js';
import { openCheckpoint } from '../checkpoint/directory.js';
import { assignTrained, disposeModel, type Model, modelFromTensors } from '../model/model.js';
import { alone, byFirstRank } from '../tensor/communicator.js';
import { checkSameWeights, seenByAll } from './agreement.js';
import type { MicroBatch } from './objective.js';
import { createOptimizer, disposeOptimizer, type OptimizerState, restoreOptimizer } from './optimizer.js';
import { newestCheckpoint, overridesAt, type ResumeState, reportDifferences, stateAt, stateOf } from './resume.js';
import { type SavedCheckpoint, Saver, type TrainingState } from './saver.js';
import { due } from './schedule.js';
import { SpikePolicy } from './spikes.js';
import { type EarlyStopping, earlyStopping } from './stopping.js';
import type { TrainingRun } from './trainer.js';

/** All that a checkpoint keeps besides tensors and the data cursor. */
type Position = Pick<TrainingState, 'step' | 'tokensSeen' | 'metrics' | 'overrides'>;

/** Call `dispose` in the end, whatever happened. */
export class Session<Batch extends MicroBatch> {
  readonly #run: TrainingRun<Batch>;
  readonly optimizer: OptimizerState;
  /** Where spikes are watched for. */
  readonly spikes: SpikePolicy | undefined;
  /** Where it may end early. */
  readonly stopping: EarlyStopping | undefined;
  model: Model;
  saver: Saver;
  position: Position;

  constructor(run: TrainingRun<Batch>) {
    const { model, config } = run;
    this.#run = run;
    this.model = model;
    this.optimizer = createOptimizer(model, config.optimizer, run.communicator);
    this.spikes = config.spikeLimit > 0 ? new SpikePolicy(config.spikeLimit) : undefined;
    const reported = run.evaluate === undefined ? [] : run.evaluated;
    this.stopping = earlyStopping(config, reported, run.manifest.stage);
    this.saver = new Saver(run);
    this.position = { step: 0, tokensSeen: 0, metrics: {}, overrides: overridesAt(0, [], run.overrides) };
  }

  /** From its own newest checkpoint, or else from where it branches off another training; if neither, it begins. */
  async resume(): Promise<void> {
    await this.#resume();
    const { communicator = alone, manifest } = this.#run;
    const point = { stage: manifest.stage, step: this.position.step, last: this.saver.last };
    await checkSameWeights(communicator, this.model, point);
  }

  async #resume(): Promise<void> {
    const run = this.#run;
    const own = await this.#newestState();
    const found = own ?? (await this.#parentState());
    if (found === undefined) return;
    const { manifest, digest, path } = found.checkpoint;
    const { step } = manifest;
    reportDifferences(run, manifest);
    this.#restore(found);
    if (found.watch !== undefined && run.watch !== undefined) run.watch.state = found.watch;
    if (found.spikes !== undefined && this.spikes !== undefined) this.spikes.state = found.spikes;
    // Other data, which the person has named with --override, are read from their beginning.
    if (manifest.inputDigest === run.manifest.inputDigest) run.objective.restore(found.objective);
    if (own === undefined) return;
    const { unmeasured } = manifest;
    const named = run.overrides?.slice(manifest.overrides?.length ?? 0) ?? [];
    // Figures of other data say nothing beside those that come: the best is looked for afresh.
    if (this.stopping !== undefined && !named.some(({ key }) => key === 'data')) {
      this.stopping.state = found.stopping ?? this.stopping.state;
      // A checkpoint holds what was known before its own evaluation.
      if (!unmeasured && (due(step, run.config.evaluateEvery) || step === run.steps))
        this.stopping.see(step, trainingMetrics(manifest.metrics));
    }
    this.saver = new Saver(run, { path, digest, step, ...(unmeasured && { unmeasured }) });
    if (step > 0) run.reporter.emit({ type: 'stage', state: 'resumed', detail: `from step ${step}` });
  }

  /**
   * Back to the last checkpoint, but not to where its data were: what was read since then is skipped. An interruption
   * leaves a checkpoint too, so a training that was stopped shortly before a spike goes less far back. False where that has
   * been tried often enough: the data are not to blame.
   */
  async rollback(): Promise<boolean> {
    await this.saver.settle();
    const found = (await this.#newestState()) ?? (await this.#parentState());
    const text = found && this.spikes?.rollback(found.checkpoint.manifest.step, found.spikes?.recent);
    if (text === undefined) return false;
    this.#restore(found as ResumeState);
    this.#run.reporter.note('warning', text);
    return true;
  }

  async save(): Promise<void> {
    await this.saver.save(this.#state());
  }

  /** Saves before this step is measured, and waits until that is done or has failed. True where it is saved. */
  async saveUnmeasured(): Promise<boolean> {
    await this.saver.save(this.#state(), { unmeasured: true });
    await this.saver.settle();
    return this.saver.last?.step === this.position.step;
  }

  /** Saves, and waits until it is done. */
  finish(options?: Pick<SavedCheckpoint, 'unmeasured'>): Promise<SavedCheckpoint> {
    return this.saver.finish(this.#state(), options);
  }

  async dispose(): Promise<void> {
    await this.saver.close();
    disposeModel(this.model);
    disposeOptimizer(this.optimizer);
  }

  /** The first rank finds it, and sets aside what is not to be resumed; the others learn which one it is. */
  async #newestState(): Promise<ResumeState | undefined> {
    const run = this.#run;
    const { communicator = alone } = run;
    const found = await byFirstRank(communicator, () => newestCheckpoint(run));
    if (found === undefined) return undefined;
    await seenByAll(communicator, found);
    // Nobody compares shares of weights with those of others: each rank makes sure that it reads what all read.
    return stateAt(found.path, run, { verify: this.model.shards !== undefined });
  }

  /** The training that this one branches off, at that point. */
  async #parentState(): Promise<ResumeState | undefined> {
    const { cooldown } = this.#run;
    return cooldown && stateOf(await openCheckpoint(cooldown.path, { training: true }));
  }

  /** Weights, moments, step and figures of a checkpoint. */
  #restore({ checkpoint, tensors }: ResumeState): void {
    const { manifest, path } = checkpoint;
    const { step, tokensSeen, metrics, overrides = [] } = manifest;
    const { parameters } = this.model;
    const weights = new Map(checkpoint.weights);
    for (const { name } of parameters.filter(isOfCritic)) {
      const stored = tensors.get(name);
      if (stored !== undefined) weights.set(name, stored);
    }
    if (checkpoint.model === undefined || this.model.shards !== undefined) assignTrained(this.model, weights, path);
    else {
      disposeModel(this.model);
      this.model = modelFromTensors(checkpoint.model, weights, path, parameters);
    }
    restoreOptimizer(this.optimizer, tensors, path);
    this.position = {
      ...{ step, tokensSeen, metrics: trainingMetrics(metrics) },
      overrides: overridesAt(step, overrides, this.#run.overrides),
    };
  }

  #state(): TrainingState {
    const { model, optimizer, position, spikes, stopping } = this;
    const { watch } = this.#run;
    const objective = this.#run.objective.state();
    return {
      ...position,
      model,
      optimizer,
      objective,
      ...(spikes && { spikes: spikes.state }),
      ...(stopping && { stopping: stopping.stateBefore(position.step) }),
      ...(watch && { watch: watch.state }),
    };
  }
}
