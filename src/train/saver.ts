// The checkpoints of one training, saved beside it: what is to be saved is copied at once, and written in another thread
// while training continues, one save at a time. A save that fails is reported, and the next save point tries again. Of ranks that
// train together the first one writes, with moments that it collects from all; the others learn how it went when they settle.
//
// The copy costs the memory of trained weights and moments once more, from the first save to the end of the training.
import { setTimeout } from 'node:timers/promises';
import { isOfCritic, isTrained, type ParameterSpec } from '../architecture/parameters.js';
import { describeFault, UserError } from '../base/errors.js';
import type { HostTensor } from '../base/host-tensor.js';
import type { AdapterContent } from '../checkpoint/adapter.js';
import { BackgroundSaver, type SaveResult } from '../checkpoint/background-save.js';
import type { CheckpointContent } from '../checkpoint/directory.js';
import { removeTemporary, stepDirectory } from '../checkpoint/history.js';
import type { ManifestFields } from '../checkpoint/manifest.js';
import type { GenerationConfig } from '../checkpoint/model-config.js';
import type { Retention } from '../checkpoint/retention.js';
import { keepRule } from '../config/keep.js';
import type { TrainConfig } from '../config/train.js';
import { type Model, weight } from '../model/model.js';
import type { Metrics, StageReporter } from '../report/event.js';
import { meaningOf } from '../report/meaning.js';
import { alone, byFirstRank, type Communicator } from '../tensor/communicator.js';
import { readInto } from '../tensor/host.js';
import { checkSameWeights } from './agreement.js';
import { collectMoments, collectWeights } from './exchange.js';
import type { OptimizerState } from './optimizer.js';
import type { SpikeState } from './spikes.js';
import type { StoppingState } from './stopping.js';

export interface SaverOptions {
  /** Where checkpoints go: step-000100, … */
  directory: string;
  /** `runs/<name>`: what its checkpoints descend from, and its `latest`, is never pruned. */
  runDirectory: string;
  config: Pick<TrainConfig, 'keep'>;
  /** What each checkpoint's manifest says, beside step, tokens and metrics. */
  manifest: Omit<ManifestFields, 'step' | 'tokensSeen' | 'metrics' | 'unmeasured' | 'overrides' | 'skipped'>;
  tokenizerFiles: Record<string, string>;
  /** As `CheckpointContent` has them. */
  eosTokenIds: readonly number[];
  generationConfig?: GenerationConfig;
  /** Where only an adapter is trained: its checkpoints hold no more than that. */
  adapter?: AdapterContent;
  reporter: StageReporter;
  /** Of a stage that trains in rounds. */
  round?: number;
  /** Who trains together; default: this process alone. */
  communicator?: Communicator;
}

/** All that a checkpoint keeps of a training. */
export interface TrainingState {
  model: Model;
  optimizer: OptimizerState;
  /** Plain JSON: where the objective is in its data. */
  objective: unknown;
  /** Where they are watched for. */
  spikes?: SpikeState;
  /** Where it may end early. */
  stopping?: StoppingState;
  /** Where its steps are watched: of `TrainingRun.watch`. */
  watch?: unknown;
  step: number;
  tokensSeen: number;
  metrics: Metrics;
  overrides: NonNullable<ManifestFields['overrides']>;
}

export interface SavedCheckpoint {
  path: string;
  digest: string;
  step: number;
  /** Its evaluation and samples are not done yet: the digest changes when they are. */
  unmeasured?: true;
}

interface PendingSave extends Omit<SavedCheckpoint, 'digest'> {
  done: Promise<SaveResult>;
  /** Known before anybody waits for it. */
  hasFailed: boolean;
}

/** Call `close` in the end, whatever happened. */
export class Saver {
  readonly #options: SaverOptions;
  readonly #retention: Retention;
  readonly #thread = new BackgroundSaver();
  #pending: PendingSave | undefined;
  #last: SavedCheckpoint | undefined;
  #failure = '';

  /** `last`: the checkpoint that the training resumes from. */
  constructor(options: SaverOptions, last?: SavedCheckpoint) {
    this.#options = options;
    this.#retention = retentionOf(options.config.keep);
    this.#last = last;
  }

  /** The newest checkpoint known to be whole; a pending one is not. */
  get last(): SavedCheckpoint | undefined {
    return this.#last;
  }

  /** @throws UserError where `keep` names a metric that is not one of these. */
  checkBest(reported: readonly string[]): void {
    const best = keepRule(this.#options.config.keep).best;
    const names = reported.filter((name) => meaningOf(name) !== undefined);
    if (best === undefined || names.includes(best)) return;
    throw new UserError({
      where: `${this.#stage}.train.keep`,
      what: `there is no metric ${best} here, so none of its checkpoints could be the best`,
      why: `${this.#stage} reports ${names.join(', ')}`,
      next: 'Name one of these: best=METRIC',
    });
  }

  /** A save that has failed is reported now, and not only at the next save point. */
  async poll(): Promise<void> {
    if (this.#pending?.hasFailed) await this.#settleOwn();
  }

  /**
   * Waits for the pending save, copies what is to be saved, and returns while it is being written. `unmeasured`: figures of
   * this very step come later, and saving the step again then adds them to what is there.
   */
  async save(state: TrainingState, { unmeasured }: Pick<SavedCheckpoint, 'unmeasured'> = {}): Promise<void> {
    await this.settle();
    const { step } = state;
    const isSaved = this.#last?.step === step;
    if (isSaved && (unmeasured || !this.#last?.unmeasured)) return;
    const { directory, runDirectory, communicator = alone } = this.#options;
    let moments: HostTensor[] = [];
    let shared: ReadonlyMap<string, HostTensor> = new Map();
    if (!isSaved) {
      const point = { stage: this.#stage, step, last: this.#last };
      await checkSameWeights(communicator, state.model, point, state.optimizer.rows);
      moments = await collectMoments(communicator, state.optimizer, this.#roomFor);
      shared = await collectWeights(communicator, state.model, this.#roomFor);
    }
    if (communicator.rank > 0) return;
    const path = stepDirectory(directory, step);
    const best = state.stopping?.best === undefined ? [] : [stepDirectory(directory, state.stopping.best.step)];
    const done = this.#thread.save({
      directory: path,
      content: isSaved ? { metrics: state.metrics } : await this.#contentOf(state, { moments, shared }, unmeasured),
      prune: unmeasured
        ? undefined
        : { stageDirectory: directory, rule: this.#retention, runDirectory, protect: [path, ...best] },
    });
    const pending: PendingSave = { path, step, done, hasFailed: false, ...(unmeasured && { unmeasured }) };
    done.then(
      (result) => {
        pending.hasFailed = !('digest' in result);
      },
      () => {
        pending.hasFailed = true;
      },
    );
    this.#pending = pending;
  }

  /** Waits for the pending save, and reports how it went. All ranks do it at the same point. */
  async settle(): Promise<void> {
    this.#last = await byFirstRank(this.#options.communicator ?? alone, async () => {
      await this.#settleOwn();
      return this.#last;
    });
  }

  async #settleOwn(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const result = await pending.done;
    const { path, step, unmeasured } = pending;
    if (!('digest' in result)) return this.#fail(path, result);
    const { digest, notPruned } = result;
    this.#last = { path, digest, step, ...(unmeasured && { unmeasured }) };
    const { reporter, round } = this.#options;
    if (!unmeasured) reporter.emit({ type: 'checkpoint', step, path, digest, ...(round && { round }) });
    if (notPruned !== undefined) this.#warn(`old checkpoints could not be deleted: ${notPruned}`);
  }

  /**
   * Saves, and waits until it is done; tries twice.
   * @throws UserError (exit code 1) where it cannot be.
   */
  async finish(state: TrainingState, options: Pick<SavedCheckpoint, 'unmeasured'> = {}): Promise<SavedCheckpoint> {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (attempt > 0) await setTimeout(secondTryMilliseconds); // what filled the disk may be gone by then
      await this.save(state, options);
      await this.settle();
      const last = this.#last;
      if (last?.step === state.step && (options.unmeasured || !last.unmeasured)) return last;
    }
    const last = this.#last === undefined ? 'No checkpoint was saved' : `The last whole one is ${this.#last.path}`;
    throw new UserError(
      {
        where: stepDirectory(this.#options.directory, state.step),
        what: 'the last checkpoint could not be saved, so the stage cannot end',
        why: this.#failure,
        next: `${last}. When that is fixed, run the same command again: it resumes from there`,
      },
      { exitCode: 1 },
    );
  }

  /** Waits for the pending save and ends the thread. Never throws: it must not hide why a training ended. */
  async close(): Promise<void> {
    await this.#settleOwn().catch(() => undefined);
    await this.#thread.close();
  }

  get #stage(): string {
    return this.#options.manifest.stage;
  }

  async #fail(path: string, { faults, code }: { faults: readonly { what: string; why?: string }[]; code?: string }) {
    await removeTemporary(this.#options.directory).catch(() => undefined);
    this.#failure = faults.map(({ what, why }) => describeFault({ what, why })).join(' ');
    const what = `this checkpoint could not be saved: ${this.#failure}`;
    const next = `${adviceOn(code)} It is tried again at the next save point; the run fails in the end`;
    this.#warn(describeFault({ where: path, what, next }), path);
  }

  #warn(text: string, unsaved?: string): void {
    this.#options.reporter.note('warning', text, unsaved === undefined ? {} : { unsaved });
  }

  async #contentOf(
    state: TrainingState,
    { moments, shared }: { moments: readonly HostTensor[]; shared: ReadonlyMap<string, HostTensor> },
    unmeasured?: true,
  ): Promise<CheckpointContent> {
    const { model, objective, step, tokensSeen, metrics, overrides, spikes, stopping, watch } = state;
    const { manifest, tokenizerFiles, eosTokenIds, generationConfig, adapter } = this.#options;
    const critic = model.parameters.filter(isOfCritic);
    const own = model.parameters.filter((row) => !isOfCritic(row));
    const rows = adapter === undefined ? own : own.filter(isTrained);
    return {
      model: model.config,
      ...{ eosTokenIds, generationConfig, tokenizerFiles, adapter },
      weights: await this.#copy(model, rows, shared),
      training: {
        // A critic is there to train with: the model's folder has none of it.
        tensors: [...moments, ...(await this.#copy(model, critic))],
        state: {
          objective,
          ...(spikes && { spikes: { recent: spikes.recent } }),
          ...(stopping && { stopping }),
          ...(watch !== undefined && { watch }),
        },
      },
      manifest: {
        ...{ ...manifest, step, tokensSeen, metrics },
        ...(unmeasured && { unmeasured }),
        ...(overrides.length > 0 && { overrides }),
        ...(spikes && spikes.skipped.length > 0 && { skipped: spikes.skipped }),
      },
    };
  }

  /** @param shared copies that are there already. */
  async #copy(
    model: Model,
    rows: readonly ParameterSpec[],
    shared: ReadonlyMap<string, HostTensor> = new Map(),
  ): Promise<HostTensor[]> {
    const copies: HostTensor[] = [];
    for (const { name } of rows) {
      let copy = shared.get(name);
      if (copy === undefined) {
        const value = weight(model, name);
        copy = { name, shape: [...value.shape], data: this.#roomFor(name, value.size) };
        await readInto(value, copy.data);
      }
      copies.push(copy);
    }
    return copies;
  }

  /** The buffer that the last save gave back, where there was one. */
  readonly #roomFor = (name: string, size: number): Float32Array =>
    this.#thread.spare.get(name) ?? new Float32Array(size);
}

/** Between the two tries of the last save. */
const secondTryMilliseconds = 3000;

function retentionOf(keep: string): Retention {
  const { best, ...rule } = keepRule(keep);
  const better = best === undefined ? undefined : meaningOf(best)?.better;
  return best === undefined || better === undefined ? rule : { ...rule, best: { metric: best, better } };
}

function adviceOn(code = ''): string {
  if (['ENOSPC', 'EDQUOT'].includes(code)) return 'Free some space.';
  if (code === 'EFBIG') return 'Raise the limit (ulimit -f unlimited).';
  if (['EMFILE', 'ENFILE'].includes(code)) return 'Raise the limit (ulimit -n 4096).';
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return 'Make the folder writable.';
  return 'Look at the disk and the folder.';
}
