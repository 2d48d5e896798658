// Which stages a request runs, and what each may build on: settled before anything is computed, so that a missing
// parent or a mistyped file name costs seconds and not the hours before it.
import { type Fault, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { kebabCase } from '../base/format.js';
import { mapPaths, nodeAt, schemaNode } from '../base/schema.js';
import type { Manifest } from '../checkpoint/manifest.js';
import { type PipelineConfig, pipelineSchema } from '../config/pipeline.js';
import type { StageConfigs, StageTable } from '../stages/index.js';
import { type Stage, type StageName, stageNames } from '../stages/stage.js';

/** The stages whose output is a checkpoint; `latest` points to the newest of them. */
export const modelStages: readonly StageName[] = ['pretrain', 'sft', 'align'];

const commands: Record<StageName, string> = {
  data: 'data build',
  tokenizer: 'tokenizer train',
  tokens: 'pretrain',
  pretrain: 'pretrain',
  selfInstruct: 'self-instruct',
  sft: 'sft',
  align: 'align',
  eval: 'eval',
};

/** A stage's block; `tokens` has none. */
export function blockOf<Name extends StageName>(config: PipelineConfig, name: Name): StageConfigs[Name] {
  return (name === 'tokens' ? undefined : config[name as keyof PipelineConfig]) as StageConfigs[Name];
}

/** `tokens` follows from the three blocks around it; a checkpoint that goes on training brings its tokenizer along. */
export function isConfigured(config: PipelineConfig, name: StageName): boolean {
  if (name !== 'tokens') return config[name] !== undefined;
  const { data, tokenizer, pretrain } = config;
  return data !== undefined && pretrain !== undefined && (tokenizer !== undefined || pretrain.from !== undefined);
}

/** What the pipeline file names to measure with; what a stage makes for it later has no file yet. */
export function evaluationSetsOf({ eval: measured, align, selfInstruct }: PipelineConfig): string[] {
  return [measured?.tasks, align?.prompts, selfInstruct?.seeds].filter((path) => path !== undefined);
}

/** 'selfInstruct' → 'self-instruct'. */
export function stageFolder(name: StageName): string {
  return kebabCase(name);
}

/**
 * The stages to run, in order. With `only`, that stage and what prepares its data (data, tokenizer, tokens,
 * self-instruct), as far as they have blocks: a model is never trained because another stage was asked for.
 */
export async function planStages(config: PipelineConfig, stages: StageTable, only?: StageName): Promise<StageName[]> {
  const configured = stageNames.filter((name) => isConfigured(config, name));
  if (only === undefined) return configured;
  const wanted = new Set<StageName>([only]);
  for (const name of wanted) {
    for (const need of needsOf(name, await stages[name](), config)) {
      if (!modelStages.includes(need) && configured.includes(need)) wanted.add(need);
    }
  }
  return stageNames.filter((name) => wanted.has(name));
}

/** What a stage builds on with these settings. */
export function needsOf<Name extends StageName>(
  name: Name,
  stage: Stage<StageConfigs[Name]>,
  config: PipelineConfig,
): StageName[] {
  const block = blockOf(config, name);
  return [...stage.needs, ...(block === undefined ? [] : (stage.wants?.(block) ?? []))];
}

/** Where `--from` goes: the parent of the first model stage of the plan; with none, where a stage of its kind would be. */
export function parentSlot(plan: readonly StageName[], checkpointStage: Manifest['stage']): StageName {
  if (plan.includes('pretrain')) {
    throw new UserError({
      what: '--from names a parent, but this run trains a base model from scratch',
      next: 'Remove the pretrain block (--set pretrain=null), or go on with its pretraining: --set pretrain.from=CHECKPOINT in place of --from',
    });
  }
  if (plan.includes('sft')) return 'pretrain';
  if (plan.includes('align')) return 'sft';
  return checkpointStage === 'import' ? 'pretrain' : checkpointStage;
}

/** @throws UserError naming every planned stage that lacks a parent, and the command that makes it. */
export function checkParents(
  plan: readonly StageName[],
  config: PipelineConfig,
  available: ReadonlySet<StageName>,
  runDirectory: string,
): void {
  const faults = plan.flatMap((name): Fault[] => {
    const missing = parentsOf(name, config).filter((any) => !any.some((p) => available.has(p) || plan.includes(p)));
    if (missing.some(([parent]) => parent === 'tokens')) return [noTokens(name, config, runDirectory)];
    return missing.map(([parent]) => noParent(name, parent, runDirectory));
  });
  if (plan.includes('pretrain') && config.pretrain?.from !== undefined) faults.push(...otherTokenizer(config));
  if (faults.length > 0) throw new UserError(faults);
}

/** Ids of a tokenizer that is trained anew would mean nothing to a checkpoint. */
function otherTokenizer({ tokenizer }: PipelineConfig): Fault[] {
  if (tokenizer === undefined || tokenizer.extend !== undefined) return [];
  return [
    {
      what: 'pretrain.from brings its own tokenizer, but the tokenizer block trains another',
      next: "Remove the block (--set tokenizer=null), or extend the checkpoint's tokenizer: --set tokenizer.extend=CHECKPOINT/tokenizer.json",
    },
  ];
}

/**
 * No command makes tokens alone: they come with pretrain, from the blocks data and tokenizer. A checkpoint that goes on
 * training has its tokenizer with it.
 */
function noTokens(name: StageName, config: PipelineConfig, runDirectory: string): Fault {
  const isContinued = config.pretrain?.from !== undefined;
  const blocks = isContinued ? (['data'] as const) : (['data', 'tokenizer'] as const);
  const missing = blocks.filter((block) => config[block] === undefined);
  const build = `"mossctl data build SPEC --out ${runDirectory}"`;
  return {
    what: `${commands[name]} needs a tokenised corpus${name === 'sft' ? ' (sft.textShare)' : ''}`,
    why: `${runDirectory} holds none, and the configuration has no ${missing.join(' and no ')} block to make it from`,
    next: isContinued
      ? `Name the text with --set data.spec=SPEC, or run ${build} first`
      : `Give a --config that has them (--config quickstart), or run ${build} and "mossctl tokenizer train --out ${runDirectory}" first`,
  };
}

function noParent(name: StageName, parent: StageName, runDirectory: string): Fault {
  if (name === 'eval') {
    const next = 'Name a checkpoint or a run folder: mossctl eval CHECKPOINT';
    return { what: 'there is no checkpoint to evaluate', why: `${runDirectory} holds none`, next };
  }
  const command = `mossctl ${commands[parent]}${parent === 'data' ? ' SPEC' : ''} --out ${runDirectory}`;
  return {
    what: `${commands[name]} needs the output of ${commands[parent]}`,
    // A model is never trained because another stage was asked for, whatever blocks there are.
    why: `${runDirectory} holds none yet`,
    next: `Run "${command}" first${alternative(name, parent)}`,
  };
}

/** Each inner list: one of these must be there. What a stage can use but does not need is not listed. */
function parentsOf(name: StageName, config: PipelineConfig): StageName[][] {
  switch (name) {
    case 'data':
    case 'selfInstruct':
      return [];
    case 'tokenizer':
      return [['data']];
    case 'tokens':
      return [['data'], ['tokenizer']];
    case 'pretrain':
      return [['tokens'], ['tokenizer']];
    case 'sft':
      return [
        ['pretrain'],
        ...(config.sft?.data === undefined ? [['selfInstruct' as const]] : []),
        ...((config.sft?.textShare ?? 0) > 0 ? [['tokens' as const]] : []),
      ];
    case 'align':
      return [['sft'], ...(config.align?.prompts === undefined ? [['selfInstruct' as const]] : [])];
    case 'eval':
      return [['align', 'sft', 'pretrain']];
    default:
      return name satisfies never;
  }
}

function alternative(name: StageName, parent: StageName): string {
  if (modelStages.includes(parent)) return ', or name a checkpoint with --from CHECKPOINT';
  if (parent !== 'selfInstruct') return ', or give a --config that has all the blocks (--config quickstart)';
  return name === 'sft'
    ? ', or give conversations with --data FILE'
    : ', or give prompts with --set align.prompts=FILE';
}

const pipelineNode = schemaNode(pipelineSchema);

/** The files that a stage's block names: key in the block → absolute path. */
export function filesOf(config: PipelineConfig, name: StageName): Map<string, string> {
  const files = new Map<string, string>();
  mapBlockPaths(config, name, (path, key) => files.set(key, path));
  return files;
}

/** The stage's block with every path replaced by `change(path, key)`. */
export function mapBlockPaths(
  config: PipelineConfig,
  name: StageName,
  change: (path: string, key: string) => unknown,
): unknown {
  const node = name === 'tokens' ? undefined : nodeAt(pipelineNode, [name]);
  const block = blockOf(config, name);
  return node === undefined ? block : mapPaths(node, block, (path, at) => change(path, at.join('.')));
}

/** The whole configuration with every path replaced. */
export function mapConfigPaths(config: PipelineConfig, change: (path: string) => string): unknown {
  return mapPaths(pipelineNode, config, change);
}

/** @throws UserError naming every file of the planned blocks that does not exist. */
export async function checkFiles(plan: readonly StageName[], config: PipelineConfig): Promise<void> {
  const faults: Fault[] = [];
  for (const name of plan) {
    for (const [key, path] of filesOf(config, name)) {
      if (!(await exists(path))) {
        faults.push({ what: `${name}.${key} names a file that does not exist`, where: path, next: 'Check the path' });
      }
    }
  }
  if (faults.length > 0) throw new UserError(faults);
}
