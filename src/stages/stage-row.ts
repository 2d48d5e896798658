// What the pipeline and the command line know of a stage: its row of the catalog, by type.
import type { Fault } from '../base/errors.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import type { Stage } from './stage.js';

/** What each stage takes as `job.config`: its block of the pipeline file. */
export type StageConfigs = { [Name in StageName]-?: Exclude<PipelineConfig[Name], undefined> };

export interface StageRow<Name extends StageName = StageName> {
  /** What a person types to have its output, in messages too. It exists where `help` or cli/program.ts declares it. */
  command: string;
  commandArgument?: string;
  /** Makes the command, where it needs no declaration of its own (`ownCommands` of cli/program.ts). */
  help?: StageHelp;
  /** `reward`: a checkpoint that later models are not made from, and `latest` never is. */
  output: 'checkpoint' | 'reward' | 'folder';
  /** It computes with tensors. */
  needsBackend?: boolean;
  /**
   * Ranks that were started together train it together. `whole`: each runs it, and what it writes beside checkpoints the first
   * one does; `parts`: the first runs it, and calls the others in for parts of it.
   */
  onRanks?: 'whole' | 'parts';
  /** Why ranks cannot train it with these settings. */
  aloneBecause?(config: PipelineConfig): string | undefined;
  /** Asked for alone, it changes neither the settings of a run nor what the run's models were made from. */
  onlyMeasures?: true;
  /** Each inner list: the output of one of these must be there. */
  requires?(config: PipelineConfig): StageName[][];
  /** Its block may name, as `from`, a checkpoint in the place of the model stage before it. */
  hasStart?: true;
  /** What it also reads where it is there. */
  uses?: readonly StageName[];
  /** Default: where its block is there. */
  isConfigured?(config: PipelineConfig): boolean;
  /** A file of tasks that is measured with: the corpus is kept clear of it. */
  evaluationSet?(config: PipelineConfig): string | undefined;
  /** The setting that an input is required for, and what to give in its place, for the message where it is missing. */
  requiredBySetting?: Partial<Record<StageName, string>>;
  alternatives?: Partial<Record<StageName, string>>;
  /** What to give where not even a run is named: texts, for stages that begin with them. */
  textsAlternative?: string;
  /** What that message says instead where this stage lacks an input. */
  missingInputFault?(runDirectory: string): Fault;
  /** What that message says instead where another stage lacks the output of this one. */
  missingOutputAdvice?(runDirectory: string, config: PipelineConfig): { product: string; why: string; next: string };
  /** What `--resume --override data` calls other data, and what no --override can change: a setting or `data` → why. */
  otherData?: string;
  fixed?: Readonly<Record<string, string>>;
  /** Keys of its block that only say how its output is measured: where nothing else changed, that alone is done again. */
  measuredBy?: readonly string[];
  load(): Promise<Stage<StageConfigs[Name]>>;
}

interface StageFlag {
  /** Absent: it gives the block of that name its defaults. */
  value?: string;
  description: string;
  /** It sets its key to true, in the place of a block. */
  isSwitch?: true;
  /** May be repeated, each with a weight behind it (`file=0.5`): a list of {path, weight}. */
  weighed?: true;
}

/** A stage that another's command runs in its place. */
interface OnlyHelp {
  /** Flags that set another key of its block than they do otherwise. */
  keys: Readonly<Record<string, string>>;
  /** Flags that it does not take, and why. */
  refused: Readonly<Record<string, string>>;
  next(made: MadeAlone): Promise<string>;
}

/** What a stage made that was asked for alone. */
interface MadeAlone {
  runDirectory: string;
  path: string;
  digest: string;
  /** What it started from, where that was named. */
  from?: string;
  config: PipelineConfig;
}

interface StageHelp {
  description: string;
  example: string;
  /**
   * Flag → what it sets of the stage's block: `data` → `--data <value>` sets `sft.data`. Without a value it is a block,
   * which is then there with its defaults: `lora` → `--lora` sets `sft.lora`.
   */
  flags?: Readonly<Record<string, StageFlag>>;
  /** Stages that --only may name in its place, which take its flags. */
  only?: Partial<Record<StageName, OnlyHelp>>;
  /** What --preview shows a few of; absent: the stage has no preview. */
  preview?: string;
  /** What to type next. */
  next(runDirectory: string): string;
}

export type StageTable = { [Name in StageName]: StageRow<Name> };
