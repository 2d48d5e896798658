// Which models a path names, and under which ids: of a run folder what each of its stages made, also while it trains.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { nearest, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { kebabCase, listOf } from '../base/format.js';
import { settingsName } from '../base/layout.js';
import { mossctlCommand } from '../base/shell.js';
import { identifyCheckpoint } from '../checkpoint/directory.js';
import { listCheckpoints } from '../checkpoint/history.js';
import { isModelName } from '../network/model-name.js';
import { runAround } from '../pipeline/around.js';
import { readRecord } from '../pipeline/record.js';
import { modelStagesOf, stageTable } from '../stages/catalog.js';

export interface ModelSource {
  id: string;
  /** A checkpoint, as a person or a run's record names it. */
  path: string;
}

/** The models of a path, oldest first. `run`: it is a run folder, and they are its stages. */
export interface PathSources {
  sources: ModelSource[];
  run?: string;
}

/** @throws UserError where it is no model, or a run without one. */
export async function sourcesOf(path: string): Promise<PathSources> {
  if (!(await exists(join(path, settingsName)))) {
    if (!isModelName(path)) await refuseNoRun(path);
    return { sources: [{ id: await nameOf(path), path }] };
  }
  const made = await madeIn(path);
  const sources = made.map(({ name, path: checkpoint }) => ({ id: name, path: checkpoint }));
  if (sources.length > 0) return { sources, run: basename(resolve(path)) };
  throw new UserError({
    what: 'this run has no model yet',
    where: path,
    next: `Serve it as it trains: ${mossctlCommand('serve', path, '--follow')}; or name another folder`,
  });
}

/** The same of a run that trains, and may have nothing yet: what a stage has saved on the way has the step in its id. */
export async function followedSources(path: string): Promise<PathSources> {
  const made = await madeIn(path);
  const sources = made.map(({ name, path: checkpoint, isFinished }) => ({
    id: isFinished ? name : `${name}/${basename(checkpoint)}`,
    path: checkpoint,
  }));
  return { sources, run: basename(resolve(path)) };
}

/** Ids of several paths do not clash. */
export function uniqueIds(found: readonly PathSources[]): ModelSource[] {
  const isOne = found.length === 1;
  const sources = found.flatMap(({ sources: own, run }) =>
    own.map((source) => (isOne || run === undefined ? source : { ...source, id: `${run}/${source.id}` })),
  );
  return sources.map((source, i) => {
    const before = sources.slice(0, i).filter(({ id }) => id === source.id).length;
    return before === 0 ? source : { ...source, id: `${source.id}-${before + 1}` };
  });
}

/** @throws UserError where nothing is there, or a folder of runs, with the run that may be meant. */
async function refuseNoRun(path: string): Promise<void> {
  const isThere = await exists(path);
  const around = isThere ? path : dirname(path);
  const runs = await runsIn(around);
  if (isThere && runs.length === 0) return;
  const meant = nearest(basename(path), runs);
  const [first] = meant === undefined || isThere ? runs : [meant];
  const others = runs.filter((name) => name !== first).slice(0, maxOthers);
  throw new UserError({
    what: isThere ? 'this folder holds runs, and is none' : 'there is nothing at this path',
    where: path,
    next:
      first === undefined
        ? `Train one, and see it while it trains: ${mossctlCommand('run', 'quickstart', '--ui')}; or name a checkpoint, or a model of a hub (hf:ORG/NAME)`
        : `Type ${mossctlCommand('serve', join(around, first))}${others.length > 0 ? `; there is also ${listOf(others)}` : ''}`,
  });
}

const maxOthers = 5;

/** Names of the run folders in one. */
async function runsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => ((await exists(join(folder, name, settingsName))) ? [name] : [])),
  );
  return found.flat().sort();
}

interface StageModel {
  /** `base`, `sft`, `tool-use`. */
  name: string;
  path: string;
  /** The stage has ended with it. */
  isFinished: boolean;
}

/** The newest model of each stage, oldest stage first. */
async function madeIn(run: string): Promise<StageModel[]> {
  const made: StageModel[] = [];
  const digests = new Set<string>();
  for (const stage of modelStagesOf(stageTable)) {
    const record = await readRecord(run, stage);
    // A stage that is running, or was stopped, has checkpoints and no output yet.
    const newest = (await listCheckpoints(join(run, kebabCase(stage)))).at(-1)?.path;
    const path = record?.output === undefined ? newest : join(run, record.output.path);
    if (path === undefined) continue;
    // A round of alignment that promotes nothing ends with the model that it began with.
    const { digest } = await identifyCheckpoint(path);
    if (digests.has(digest)) continue;
    digests.add(digest);
    made.push({ name: nameOfStage(stage), path, isFinished: record?.output !== undefined });
  }
  return made;
}

/** `quickstart/sft` of a checkpoint in a run, else the folder's own name, or the model's on its hub. */
async function nameOf(path: string): Promise<string> {
  const { path: directory, manifest } = await identifyCheckpoint(path);
  const run = await runAround(directory);
  if (run !== undefined) return `${basename(run)}/${nameOfStage(manifest.stage)}`;
  return /^(hf|ms):/.test(path) ? path.replace(/^(hf|ms):/, '') : basename(directory);
}

function nameOfStage(stage: string): string {
  return stage === 'pretrain' ? 'base' : kebabCase(stage);
}
