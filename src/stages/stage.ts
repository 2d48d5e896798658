// What a stage is: a function from its config block and its inputs to a finished output, in a folder of its own.
// It reports through events, can be stopped at any moment, and gives the same result whether or not it was.
import type { ComputeChoice } from '../config/compute.js';
import type { StageName } from '../config/pipeline.js';
import type { Metrics, StageReporter } from '../report/event.js';
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
}

export interface StageOutput {
  /** Absolute path that later stages take as input: a folder, a file, or a checkpoint directory. */
  path: string;
  /** Digest of the content: equal work, equal digest. */
  digest: string;
  metrics: Metrics;
}

/** What a stage does; what else there is to know of it stands in its row of catalog.ts. */
export interface Stage<Config> {
  /** Digest of outside input that the config only names (files, pinned packages), so that a change is noticed. */
  inputDigest?(job: Pick<Job<Config>, 'config' | 'inputs' | 'evaluationSets'>): Promise<string | undefined>;
  /** What can be known before any stage runs. Throws `UserError` where `run` could not but fail. */
  check?(job: Pick<Job<Config>, 'config'>): Promise<void>;
  run(job: Job<Config>): Promise<StageOutput>;
}
