// Which stages a request runs, and what each may build on: decided before anything is computed, so that a missing
// parent or a mistyped file name costs seconds and not the hours before it.
import { type Fault, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { mapPaths, namesFile, nodeAt, schemaNode } from '../base/schema.js';
import { shellQuoted } from '../base/shell.js';
import type { WhereIs } from '../base/yaml.js';
import { type PipelineConfig, pipelineSchema, type StageName } from '../config/pipeline.js';
import { filesAt } from '../data/sources/files.js';
import { isDatasetName } from '../data/sources/hub-rows.js';
import { isModelName } from '../network/model-name.js';
import { firstModelOf, modelStagesOf, namesOf } from '../stages/catalog.js';
import type { StageConfigs, StageRow, StageTable } from '../stages/stage-row.js';

/** The settings of a run, and the stages that it may have. */
export interface Pipeline {
  config: PipelineConfig;
  stages: StageTable;
}

/** A stage's block; null for one that has none. */
export function blockOf<Name extends StageName>(config: PipelineConfig, name: Name): StageConfigs[Name] {
  return (config[name] ?? null) as StageConfigs[Name];
}

/** What the pipeline file names to measure with; what a stage makes for it later has no file yet. */
export function evaluationSetsOf({ config, stages }: Pipeline): string[] {
  const files = namesOf(stages).map((name) => stages[name].evaluationSet?.(config));
  return files.filter((path) => path !== undefined).reverse();
}

/** The checkpoint that settings name in the place of the model stage before this one. */
export function startOf(config: PipelineConfig, name: StageName): string | undefined {
  return (blockOf(config, name) as { from?: string } | null)?.from;
}

/**
 * The stages to run, in order. Where one names the model that it starts from, no model is made before it, nor what only
 * such a model reads. With `only`, that stage and what prepares its data (data, tokenizer, tokens,
 * self-instruct), as far as they have blocks: a model is never trained because another stage was asked for.
 */
export function planStages({ config, stages }: Pipeline, only?: StageName): StageName[] {
  const isConfigured = (name: StageName): boolean => stages[name].isConfigured?.(config) ?? config[name] !== undefined;
  const configured = namesOf(stages).filter(isConfigured);
  const first = only ?? startingStage({ config, stages }, configured);
  if (first === undefined) return configured;
  // A reward model is trained for those that are steered by it in a whole run, and never for one stage alone.
  const isMade = (output: StageRow['output']): boolean =>
    output === 'folder' || (output === 'reward' && only === undefined);
  const wanted = new Set<StageName>(only === undefined ? configured.slice(configured.indexOf(first)) : [first]);
  for (const name of wanted) {
    // Rows that a person gives take the place of what would be made for it, so no corpus is built for that.
    const isGiven = only !== undefined && (blockOf(config, name) as { data?: unknown } | null)?.data !== undefined;
    const required = stages[name].requires?.(config).flat() ?? [];
    for (const input of isGiven ? required : inputsOf(name, { config, stages })) {
      if (isMade(stages[input].output) && configured.includes(input)) wanted.add(input);
    }
  }
  return namesOf(stages).filter((name) => wanted.has(name));
}

/** The last stage whose block names the model that it starts from; a reward model makes none that later ones start from. */
export function startingStage({ config, stages }: Pipeline, names: readonly StageName[]): StageName | undefined {
  return names.findLast(
    (name) => stages[name].hasStart && stages[name].output === 'checkpoint' && startOf(config, name) !== undefined,
  );
}

/** What to say of model stages that have blocks, and are not run because a later one starts from another model. */
export function unplannedModels(pipeline: Pipeline, plan: readonly StageName[], only?: StageName): string[] {
  const start = startingStage(pipeline, plan);
  if (only !== undefined || start === undefined) return [];
  const { stages } = pipeline;
  const models = namesOf(stages).filter((name) => stages[name].output !== 'folder');
  const skipped = models.filter((name) => blockOf(pipeline.config, name) !== null);
  return skipped
    .filter((name) => !plan.includes(name))
    .map((name) => `${name} is not run: ${start}.from names the model that ${start} starts from`);
}

/** What a stage builds on with these settings, in the order it is made. */
export function inputsOf(name: StageName, { config, stages }: Pipeline): StageName[] {
  const { requires, uses = [] } = stages[name];
  const inputs = new Set([...(requires?.(config) ?? []).flat(), ...uses]);
  return namesOf(stages).filter((input) => inputs.has(input));
}

/** Where `--from` goes: the parent of the first model stage of the plan; with none, where a stage of its kind would be. */
export function parentSlot(plan: readonly StageName[], checkpointStage: string, pipeline: Pipeline): StageName {
  const models = modelStagesOf(pipeline.stages);
  const first = firstModelOf(plan, pipeline.stages);
  if (first === undefined) return models.find((name) => name === checkpointStage) ?? models[0];
  const parent = inputsOf(first, pipeline).find((name) => models.includes(name));
  if (parent !== undefined) return parent;
  throw new UserError({
    what: '--from names a parent, but this run trains a base model from scratch',
    next: 'Remove the pretrain block (--set pretrain=null), or continue its pretraining: --set pretrain.from=CHECKPOINT in place of --from',
  });
}

interface ParentCheck extends Pipeline {
  plan: readonly StageName[];
  /** What is there already. */
  available: ReadonlyMap<StageName, unknown>;
  runDirectory: string;
  /** False: the folder is a default that nobody named, so there is nothing to look for in it. */
  isNamed?: boolean;
}

/** @throws UserError naming every planned stage that lacks a parent, and the command that makes it. */
export function checkParents(check: ParentCheck): void {
  const { plan, config, stages, available } = check;
  const { pretrain, tokenizer } = config;
  const faults = plan.flatMap((name) => {
    const missing = (stages[name].requires?.(config) ?? [])
      .filter((any) => !any.some((parent) => available.has(parent) || plan.includes(parent)))
      .map(([parent]) => parent);
    // What a stage says of its own absence covers what else is missing.
    const special = missing.find((parent) => stages[parent].missingOutputAdvice !== undefined);
    return (special === undefined ? missing : [special]).map((parent) => missingParent(name, parent, check));
  });
  const isContinued = plan.includes('pretrain') && pretrain?.from !== undefined;
  // Ids of a tokenizer that is trained anew would mean nothing to a checkpoint.
  if (isContinued && tokenizer !== undefined && tokenizer.extend === undefined) {
    faults.push({
      what: 'pretrain.from brings its own tokenizer, but the tokenizer block trains another',
      next: "Remove the block (--set tokenizer=null), or extend the checkpoint's tokenizer: --set tokenizer.extend=CHECKPOINT",
    });
  }
  const model = plan.find((name) => stages[name].output === 'checkpoint');
  if (plan.includes('rewardModel') && model !== undefined && config.rewardModel?.from !== undefined) {
    faults.push({
      where: 'rewardModel.from',
      what: `a reward model that is trained with ${model} starts from the chat model of that run, and another is named`,
      next: 'Remove it (--set rewardModel.from=null), or train it by itself: mossctl align --only reward-model',
    });
  }
  if (faults.length > 0) throw new UserError(faults);
}

function missingParent(name: StageName, parent: StageName, check: ParentCheck): Fault {
  const { stages, config, runDirectory, isNamed = true } = check;
  const { command, requiredBySetting, alternatives, missingInputFault, textsAlternative } = stages[name];
  if (missingInputFault !== undefined) return missingInputFault(runDirectory);
  const setting = requiredBySetting?.[parent];
  const { command: maker, commandArgument, output, missingOutputAdvice } = stages[parent];
  const { product, ...advice } = missingOutputAdvice?.(runDirectory, config) ?? { product: `the output of ${maker}` };
  const alternative =
    alternatives?.[parent] ??
    (output !== 'folder'
      ? 'name a checkpoint with --from CHECKPOINT'
      : 'give a --config that has all the blocks (--config quickstart)');
  if (!isNamed) {
    const what = `${command} needs ${product}${setting === undefined ? '' : ` (${setting})`}`;
    const why = 'no run was named that has it';
    const own = textsAlternative ?? `${alternative[0].toUpperCase()}${alternative.slice(1)}`;
    return { what, why, next: `${own}; or name the run with --out RUN` };
  }
  const typed = ['mossctl', maker, commandArgument, '--out', shellQuoted(runDirectory)].filter(
    (word) => word !== undefined,
  );
  return {
    what: `${command} needs ${product}${setting === undefined ? '' : ` (${setting})`}`,
    // A model is never trained because another stage was asked for, whatever blocks there are.
    why: `${runDirectory} holds none yet`,
    next: `Run "${typed.join(' ')}" first, or ${alternative}`,
    ...advice,
  };
}

export const pipelineNode = schemaNode(pipelineSchema);

/** The files that a stage's block names: key in the block → absolute path. */
export function filesOf(config: PipelineConfig, name: StageName): Map<string, string> {
  const files = new Map<string, string>();
  mapBlockPaths(config, name, (path, key) => files.set(key, path));
  return files;
}

/** Whether a path of a stage's block is that of rows, a file, a folder or a pattern; or of a tokenizer, or what has one. */
export function namesKind(kind: 'rows' | 'tokenizer', name: StageName, key: string): boolean {
  const node = nodeAt(pipelineNode, [name, ...key.split('.')]);
  return node !== undefined && namesFile(node, kind);
}

/** The stage's block with every path replaced by `change(path, key)`. */
export function mapBlockPaths(
  config: PipelineConfig,
  name: StageName,
  change: (path: string, key: string) => unknown,
): unknown {
  const node = nodeAt(pipelineNode, [name]) ?? {};
  return mapPaths(node, blockOf(config, name), (path, at) => change(path, at.join('.')));
}

/** @throws UserError naming every file of the planned blocks that does not exist, and where it is named. */
export async function checkFiles(plan: readonly StageName[], config: PipelineConfig, whereIs?: WhereIs): Promise<void> {
  const faults: Fault[] = [];
  for (const name of plan) {
    for (const [key, path] of filesOf(config, name)) {
      if (isModelName(path)) continue; // a hub is asked when it is opened
      const isThere = namesKind('rows', name, key)
        ? isDatasetName(path) || (await filesAt(path)).length > 0
        : await exists(path);
      if (isThere) continue;
      const what = `${name}.${key} names a file that does not exist: ${path}`;
      faults.push({ what, where: whereIs?.(`${name}.${key}`), next: 'Check the path' });
    }
  }
  if (faults.length > 0) throw new UserError(faults);
}
