// The stages by name. Each is imported only when it runs, so that a run that needs no model loads no tensor library.
import type {
  AlignConfig,
  DataConfig,
  EvalConfig,
  PretrainConfig,
  SelfInstructConfig,
  SftConfig,
  TokenizerConfig,
} from '../config/pipeline.js';
import type { Stage, StageName } from './stage.js';

/** What each stage takes as `job.config`: its block of the pipeline file. */
export interface StageConfigs {
  data: DataConfig;
  tokenizer: TokenizerConfig;
  tokens: undefined;
  pretrain: PretrainConfig;
  selfInstruct: SelfInstructConfig;
  sft: SftConfig;
  align: AlignConfig;
  eval: EvalConfig;
}

export type StageTable = { [Name in StageName]: () => Promise<Stage<StageConfigs[Name]>> };

export const stageTable: StageTable = {
  data: async () => (await import('./data.js')).dataStage,
  tokenizer: async () => (await import('./tokenizer.js')).tokenizerStage,
  tokens: async () => (await import('./tokens.js')).tokensStage,
  pretrain: async () => (await import('./pretrain.js')).pretrainStage,
  selfInstruct: async () => (await import('./self-instruct/stage.js')).selfInstructStage,
  sft: async () => (await import('./sft.js')).sftStage,
  align: async () => (await import('./align/stage.js')).alignStage,
  eval: async () => (await import('./eval.js')).evalStage,
};
