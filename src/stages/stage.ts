// What a stage is: a function from its config block and its inputs to a finished output, in a folder of its own.
// It reports through events, can be stopped at any moment, and gives the same result whether or not it was.
import type { ComputeChoice } from '../config/compute.js';
import type { StageName } from '../config/pipeline.js';
import type { Conversation } from '../data/types.js';
import type { Metrics, StageReporter } from '../report/event.js';
import type { Communicator } from '../tensor/communicator.js';
import type { SettingChange } from '../train/resume.js';

export interface Job<Config> {
  config: Config;
  /** The outputs of the stages this one builds on: absolute paths, by stage name. */
  inputs: Partial<Record<StageName, string>>;
  /** This stage's folder: `runs/<name>/<stage>`, made by the runner. It may hold an interrupted earlier try. */
  directory: string;
  seed: number;
  compute: ComputeChoice;
  reporter: StageReporter;
  /** Aborted when the person asks us to stop; a stage looks at it between units of work. */
  signal?: AbortSignal;
  /** Settings changed by --override since this stage began, in order. */
  overrides?: readonly SettingChange[];
  /** Files of tasks that the pipeline evaluates with, as its file names them. */
  evaluationSets?: readonly string[];
  /** False: checkpoints are opened without comparing the sha256 of their files. */
  verify?: boolean;
  /** Who does this together; default: this process alone. */
  communicator?: Communicator;
  /** Whom `onRanks` calls in for a part of a stage that is otherwise the work of the first one. */
  ranks?: Communicator;
}

export interface StageOutput {
  /** Absolute path that later stages take as input: a folder, a file, or a checkpoint directory. */
  path: string;
  /** Digest of the content: equal work, equal digest. */
  digest: string;
  metrics: Metrics;
}

/** Median of what may be, and the range that holds it in nine cases of ten. */
export interface EstimatedRange {
  estimate: number;
  low: number;
  high: number;
}

/** What the whole takes, by what a few rows took; absent: nothing is known of it. */
export interface WholeEstimate {
  /** That are made, beside those that are there. */
  rows: number;
  requests: EstimatedRange;
  inputTokens?: EstimatedRange;
  outputTokens?: EstimatedRange;
  usd?: EstimatedRange;
  seconds?: EstimatedRange;
  /** False: the endpoint does not say its tokens, these are the most that they can be. */
  isReported: boolean;
}

/** A few of a stage's rows, before it makes them all. */
export interface StagePreview {
  /** Who makes them. */
  teacher: string;
  wanted: number;
  rows: Conversation[];
  /** Kept as they are, beside those that are made. */
  given: number;
  /** What the whole makes too, and no row here is of: `chat/en`. */
  unshown: readonly string[];
  rejected: { rule: string; why?: string; turns?: readonly string[]; answer?: string; said?: string }[];
  /** Why it ended before there were enough. */
  stopped?: string;
  /** Absent: nobody is asked, or nothing follows from what came. */
  estimate?: WholeEstimate;
}

/** What a stage does; what else there is to know of it stands in its row of catalog.ts. */
export interface Stage<Config> {
  /** Digest of outside input that the config only names (files, pinned packages), so that a change is noticed. */
  inputDigest?(job: Pick<Job<Config>, 'config' | 'inputs' | 'evaluationSets'>): Promise<string | undefined>;
  /** What can be known before any stage runs. Throws `UserError` where `run` could not but fail. */
  check?(job: Pick<Job<Config>, 'config'>): Promise<void>;
  run(job: Job<Config>): Promise<StageOutput>;
  /** What other ranks do where the first one calls them in (`onRanks`), by name. Each is given plain values. */
  parts?: Readonly<Record<string, (job: Job<never>, given: never) => Promise<unknown>>>;
  /** So many rows as `run` would make first. What is paid for them, `run` finds paid; nothing else is written. */
  preview?(job: Job<Config>, rows: number): Promise<StagePreview>;
}
