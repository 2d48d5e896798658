// The checkpoint that a run starts from: --from, or the `from` of a block.
import { stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { UserError } from '../base/errors.js';
import { digestOf, exists, sha256File } from '../base/files.js';
import { corpusManifestName } from '../base/layout.js';
import { realPathOrItself, throughLinkFile } from '../base/link.js';
import type { WhereIs } from '../base/yaml.js';
import { identifyCheckpoint } from '../checkpoint/directory.js';
import { localPath, resolveCheckpoint } from '../checkpoint/history.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import { isModelName } from '../network/model-name.js';
import { firstModelOf, namesOf } from '../stages/catalog.js';
import type { StageOutput } from '../stages/stage.js';
import { readTokenizerFiles } from '../tokenizer/tokenizer-files.js';
import { inputsOf, type Pipeline, parentSlot, startingStage, startOf } from './plan.js';
import { finishedOutput, isReplaced, readRecord } from './record.js';

export type Parent = readonly [StageName, StageOutput];

type Start = Awaited<ReturnType<typeof identifyCheckpoint>>;

interface StartRequest extends Pipeline {
  plan: readonly StageName[];
  /** From --from. */
  from?: string;
  whereIs?: WhereIs;
}

/**
 * The checkpoint that the first model stage of the plan starts from, by --from or by its block, and the settings that name
 * it: with them alone, the run can be made again. A third-party model is read to the end for its digest: once.
 */
export async function withStart({ config, stages, plan, from, whereIs }: StartRequest) {
  const first = firstModelOf(plan, stages);
  const start = first !== undefined && stages[first].hasStart ? first : undefined;
  const named = from ?? (start && startOf(config, start));
  if (named === undefined) return { config };
  const found = await identifyCheckpoint(named).catch((error: unknown) => {
    if (!(error instanceof UserError) || from !== undefined || whereIs === undefined) throw error;
    const at = whereIs(`${start}.from`);
    const { exitCode } = error;
    throw new UserError(
      error.faults.map((fault) => ({ ...fault, where: `${at} (${fault.where ?? named})` })),
      { exitCode },
    );
  });
  if (start === undefined) return { config, from: found };
  const path = isModelName(named) && !(await exists(named)) ? named : found.path;
  return { config: { ...config, [start]: { ...config[start], from: path } } as PipelineConfig, from: found };
}

/** What a run builds on that it does not make: that checkpoint, in the place of the stage that it stands for, and a tokenizer. */
export async function findParents(
  from: Start | undefined,
  plan: readonly StageName[],
  pipeline: Pipeline,
  runDirectory: string,
): Promise<Parent[]> {
  const tokenizer = await findParentTokenizer(pipeline, plan, runDirectory);
  const parents: Parent[] = tokenizer === undefined ? [] : [tokenizer];
  if (from === undefined) return parents;
  const { path, manifest, digest } = from;
  return [[parentSlot(plan, manifest.stage, pipeline), { path, digest, metrics: manifest.metrics }], ...parents];
}

/**
 * The model that a finished stage of this run started from, where its settings name one: what is measured later is measured
 * beside it, as the run itself did. `warn` hears why it is not.
 */
export async function findOwnParent(
  pipeline: Pipeline,
  runDirectory: string,
  warn: (stage: StageName, text: string) => void,
): Promise<Parent[]> {
  const stage = startingStage(pipeline, namesOf(pipeline.stages));
  const named = stage && startOf(pipeline.config, stage);
  const record = stage && (await readRecord(runDirectory, stage));
  if (stage === undefined || named === undefined || record?.made === undefined) return [];
  try {
    const { path, manifest, digest } = await identifyCheckpoint(named);
    const slot = parentSlot([stage], manifest.stage, pipeline);
    if (record.made.inputs[slot] === digest) return [[slot, { path, digest, metrics: manifest.metrics }]];
    warn(stage, `${named} is no longer the model that ${stage} started from, so it is not measured beside it`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warn(stage, `${named}, which ${stage} started from, is not measured beside it: ${error.faults[0].what}`);
  }
  return [];
}

/**
 * The tokenizer of the checkpoint whose pretraining continues, where the pipeline makes none of its own.
 * @throws UserError where that checkpoint would be moved aside by the very training that starts from it.
 */
async function findParentTokenizer(
  pipeline: Pipeline,
  plan: readonly StageName[],
  runDirectory: string,
): Promise<Parent | undefined> {
  const { pretrain, tokenizer } = pipeline.config;
  const isNeeded = plan.some((name) => inputsOf(name, pipeline).includes('tokenizer'));
  if (pretrain?.from === undefined || !isNeeded) return undefined;
  const path = await resolveCheckpoint(pretrain.from);
  const own = join(await realPathOrItself(runDirectory), 'pretrain');
  if (plan.includes('pretrain') && `${path}${sep}`.startsWith(`${own}${sep}`)) {
    throw new UserError({
      what: 'pretraining that continues from a checkpoint needs a run folder of its own',
      where: runDirectory,
      why: 'the checkpoint lies in this one, where the new training would take its place',
      next: 'Choose another folder with --out',
    });
  }
  if (tokenizer !== undefined) return undefined;
  const { texts } = await readTokenizerFiles(path);
  return ['tokenizer', { path, digest: digestOf(texts), metrics: {} }];
}

/** Of a file that settings name, or of the checkpoint or the corpus in a folder. */
export async function contentDigest(named: string): Promise<string> {
  const path = await throughLinkFile(await localPath(named));
  const manifest = join(path, corpusManifestName); // with the digests of all files of a corpus
  if (await exists(manifest)) return sha256File(manifest);
  return (await stat(path)).isDirectory() ? (await identifyCheckpoint(path)).digest : sha256File(path);
}

/** What earlier runs left of the stages that this one does not run, and each of `parents` in its place. */
export async function findAvailable(
  runDirectory: string,
  names: readonly StageName[],
  parents: readonly Parent[],
  warn: (stage: StageName, text: string) => void = () => undefined,
): Promise<Map<StageName, StageOutput>> {
  const available = new Map<StageName, StageOutput>();
  for (const name of names) {
    const record = await readRecord(runDirectory, name);
    const output = await finishedOutput(runDirectory, record);
    if (record === undefined || output === undefined) continue;
    if (!(await isReplaced(output.path, record))) available.set(name, output);
    else if (!parents.some(([place]) => place === name)) {
      warn(name, `${output.path} is not the checkpoint that ${name} finished with here, so nothing is built on it`);
    }
  }
  for (const parent of parents) available.set(...parent);
  return available;
}
