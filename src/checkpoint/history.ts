// The checkpoints of a run: which there are, which is newest and whole, and what a path that a person typed means.
// Names that start with `.tmp-` are unfinished work and are never looked at.
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { ifAbsent, systemErrorCode, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { latestName, manifestName, recordName, rewardModelFolder } from '../base/layout.js';
import { readLink, realPathOrItself, writeLink } from '../base/link.js';
import { readSealed } from '../base/sealed.js';
import { isModelName } from '../network/model-name.js';
import { resolveModel } from '../network/models.js';
import { isAdapter } from './adapter-config.js';
import { isForeign } from './hf.js';
import { NewerFormat, readManifest, verifyFiles } from './manifest.js';
import { describeOtherKind, modelsNear, refuseOtherKind } from './other-kinds.js';

const stepPattern = /^step-(\d{6,15})$/;
const displacedPrefix = '.tmp-displaced-';

/** `<stage>/step-000200`. */
export function stepDirectory(stageDirectory: string, step: number): string {
  return join(stageDirectory, `step-${String(step).padStart(6, '0')}`);
}

export function isStepDirectory(path: string): boolean {
  return stepPattern.test(basename(path));
}

/** The step directories of a stage, oldest first; whether they are whole is not looked at. */
export async function listCheckpoints(stageDirectory: string): Promise<{ path: string; step: number }[]> {
  return (await namesIn(stageDirectory))
    .flatMap((name) => {
      const match = stepPattern.exec(name);
      return match === null ? [] : [{ path: join(stageDirectory, name), step: Number(match[1]) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** The newest checkpoint all of whose files (training state included) are as saved, and the damaged ones above it. */
export async function newestWholeCheckpoint(
  stageDirectory: string,
): Promise<{ path?: string; damaged: { path: string; reason: string }[] }> {
  const damaged: { path: string; reason: string }[] = [];
  for (const { path } of (await listCheckpoints(stageDirectory)).reverse()) {
    try {
      const { manifest } = await readManifest(path);
      await verifyFiles(path, manifest);
      return { path, damaged };
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ path, reason: (error as Error).message });
    }
  }
  return { damaged };
}

/** Renames what must not be taken for ours, and keeps it: `<path>.<label>`, numbered where that name is taken. @returns it. */
export async function setAside(path: string, label: string): Promise<string> {
  for (let n = 1; ; n++) {
    const aside = `${path}.${label}${n === 1 ? '' : `-${n}`}`;
    if (await exists(aside)) continue;
    await rename(path, aside);
    return aside;
  }
}

/** Anything but whole and readable: a bad block on the disk is as good a reason to go back as a wrong sha256. */
function isDamage(error: unknown): boolean {
  if (error instanceof NewerFormat) return false;
  return error instanceof UserError || ['EIO', 'EISDIR', 'ENOTDIR', 'ELOOP'].includes(systemErrorCode(error) ?? '');
}

/** Points `<run>/latest` at a checkpoint: a relative link, replaced in one step. */
export async function linkLatest(runDirectory: string, target: string): Promise<void> {
  const link = join(runDirectory, latestName);
  try {
    await writeLink(link, target);
  } catch (error) {
    if (!['EISDIR', 'ENOTDIR', 'EEXIST'].includes(systemErrorCode(error) ?? '')) throw error;
    throw new UserError({
      what: 'this is not a link',
      where: link,
      next: 'Move it away: mossctl keeps its own link there',
    });
  }
}

/** Where a checkpoint waits while another takes its name. */
export function displacedPath(path: string): string {
  return join(dirname(path), displacedPrefix + basename(path));
}

export async function displace(path: string): Promise<void> {
  const displaced = displacedPath(path);
  await rm(displaced, { recursive: true, force: true });
  await rename(path, displaced);
}

/** Undoes `displace` where nothing has taken the name. */
export async function restoreDisplaced(path: string): Promise<void> {
  if (!(await exists(path)) && (await exists(displacedPath(path)))) await rename(displacedPath(path), path);
}

/** Clears what a killed process left in a folder. A checkpoint that was displaced but not yet replaced comes back. */
export async function removeTemporary(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) {
    if (!name.startsWith(displacedPrefix) && !/^\.tmp-.+-[0-9a-f]{8}$/.test(name)) continue; // ours alone
    const path = join(directory, name);
    if (name.startsWith(displacedPrefix)) await restoreDisplaced(join(directory, name.slice(displacedPrefix.length)));
    await rm(path, { recursive: true, force: true });
  }
}

/**
 * The step directory that a path means: itself, a link to one, the `latest` of a run directory, or the newest of a
 * stage directory. For a third-party model directory, the directory itself; so for one that a hub is asked for (`hf:…`).
 * @throws UserError saying what was expected, and which checkpoints lie below the path.
 */
export async function resolveCheckpoint(named: string): Promise<string> {
  const path = await localPath(named);
  const real = await realPathOrItself(path);
  if (!(await exists(real)))
    throw (await brokenLink(path)) ?? (await notACheckpoint(path, 'there is nothing at this path'));
  if (!(await stat(real)).isDirectory()) throw await notACheckpoint(path, 'this is a file; a checkpoint is a folder');
  if (await exists(join(real, manifestName))) return real;
  // A step without mossctl.json is a damaged one.
  if (!isStepDirectory(real) && (await isForeign(real))) {
    if (!(await isAdapter(real))) await refuseOtherKind(path);
    return real;
  }
  const latest = await realPathOrItself(join(real, latestName));
  if (await exists(join(latest, manifestName))) return latest;
  const newest = (await listCheckpoints(real)).at(-1);
  if (newest !== undefined) return newest.path;
  const broken = await brokenLink(join(real, latestName));
  if (broken !== undefined) throw broken;
  const finished = await stageOutput(real);
  if (finished !== undefined) return finished;
  throw await notACheckpoint(path, `it holds no ${manifestName}, no link called latest and no step-* folder`);
}

/** Of a run folder that has one, the reward model: `latest` of a run is a chat model, and never that. Else the path itself. */
export async function rewardModelAt(named: string): Promise<string> {
  const own = join(named, rewardModelFolder);
  return (await exists(own)) ? own : named;
}

const finishedSchema = z.object({ state: z.literal('finished'), output: z.object({ path: z.string().min(1) }) });

/** What a stage finished with, where its folder keeps checkpoints further below: the round that `align` promoted last. */
async function stageOutput(stageDirectory: string): Promise<string | undefined> {
  const read = await readSealed(join(stageDirectory, recordName), { unsealed: true });
  const record = typeof read === 'string' ? undefined : finishedSchema.safeParse(read.value).data;
  if (record === undefined) return undefined;
  const path = resolve(dirname(stageDirectory), record.output.path);
  return (await exists(join(path, manifestName))) ? path : undefined;
}

/**
 * What is said of a link that leads nowhere: `latest` of a run that kept a model of another, which was trained again since, and
 * set aside what it had. Undefined of what is no such link.
 */
async function brokenLink(link: string): Promise<UserError | undefined> {
  const target = await readLink(link);
  if (target === undefined || (await exists(await realPathOrItself(link)))) return undefined;
  const gone = resolve(dirname(link), target);
  const kept: string[] = [];
  for (const stage of [dirname(gone), dirname(dirname(gone))]) {
    const names = await namesIn(dirname(stage));
    for (const name of names.filter((each) => each.startsWith(`${basename(stage)}.replaced-`))) {
      const path = join(dirname(stage), name, relative(stage, gone));
      if (await exists(join(path, manifestName))) kept.push(path);
    }
  }
  return new UserError({
    what: 'the model that this link leads to is there no longer',
    where: link,
    why: `it was ${gone}: its run was trained again, or it was removed`,
    next:
      kept.length > 0
        ? `Name it where it is kept: ${kept.join(', ')}`
        : 'Name another checkpoint, or make this run again',
  });
}

/** The folder that a name on a hub stands for, fetched where it is not here; any other path as it is. */
export async function localPath(path: string): Promise<string> {
  return isModelName(path) && !(await exists(path)) ? resolveModel(path) : path;
}

async function notACheckpoint(path: string, why: string): Promise<UserError> {
  const known = await describeOtherKind(path);
  if (known !== undefined) return known;
  const below = await modelsNear(path);
  const next =
    below.length > 0
      ? `Name one of these: ${below.join(', ')}`
      : 'Give a folder that `mossctl pretrain`, `sft` or `align` wrote, such as runs/<name>/latest, or a Hugging Face model directory';
  return new UserError({ what: 'this is not a mossctl checkpoint', where: path, why, next });
}

function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(ifAbsent<string[]>([]));
}
