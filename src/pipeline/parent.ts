// The checkpoint that a run starts from: --from, or `pretrain.from`.
import { stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { UserError } from '../base/errors.js';
import { digestOf, exists, sha256File } from '../base/files.js';
import { corpusManifestName } from '../base/layout.js';
import { identifyCheckpoint } from '../checkpoint/directory.js';
import { localPath, realPathOrItself, resolveCheckpoint } from '../checkpoint/history.js';
import type { StageName } from '../config/pipeline.js';
import type { StageOutput } from '../stages/stage.js';
import { readTokenizerFiles } from '../tokenizer/tokenizer-files.js';
import { inputsOf, type Pipeline, parentSlot } from './plan.js';

export type Parent = readonly [StageName, StageOutput];

/** The checkpoint of --from, and the stage whose place it takes. A third-party model is read to the end for its digest: once. */
export async function findParent(
  from: string | undefined,
  plan: readonly StageName[],
  pipeline: Pipeline,
): Promise<Parent | undefined> {
  if (from === undefined) return undefined;
  const { path, manifest, digest } = await identifyCheckpoint(from);
  return [parentSlot(plan, manifest.stage, pipeline), { path, digest, metrics: manifest.metrics }];
}

/**
 * The tokenizer of the checkpoint whose pretraining continues, where the pipeline makes none of its own.
 * @throws UserError where that checkpoint would be moved aside by the very training that starts from it.
 */
export async function findParentTokenizer(
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
  const path = await localPath(named);
  const manifest = join(path, corpusManifestName); // with the digests of all files of a corpus
  if (await exists(manifest)) return sha256File(manifest);
  return (await stat(path)).isDirectory() ? (await identifyCheckpoint(path)).digest : sha256File(path);
}
