// `<stage>/stage.json`: what the folder was made from and what came out. It decides whether a stage is skipped,
// resumed, or started afresh beside the old folder, which is kept. So much hangs on it that it is sealed, and has a copy.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ifAbsent, UserError } from '../base/errors.js';
import { exists, sha256File, syncDirectory } from '../base/files.js';
import { kebabCase } from '../base/format.js';
import { latestName, manifestName, recordCopyName, recordName } from '../base/layout.js';
import { readLink, realPathOrItself } from '../base/link.js';
import { readSealed, writeSealed } from '../base/sealed.js';
import { redactAll } from '../base/secrets.js';
import { linkLatest, removeTemporary, setAside } from '../checkpoint/history.js';
import type { StageName } from '../config/pipeline.js';
import { tableSchema } from '../report/event.js';
import type { StageOutput } from '../stages/stage.js';

const madeSchema = z.strictObject({
  version: z.string(),
  seed: z.number(),
  config: z.json().describe("the stage's block, each file in it as the sha256 of its content"),
  inputs: z.record(z.string(), z.string()).describe('digest of the output of each stage that it builds on'),
  outside: z.string().nullable().describe('digest of what the block only names'),
});
/** All that the output of a stage follows from. */
export type Provenance = z.output<typeof madeSchema>;

const recordSchema = z.strictObject({
  stage: z.string(),
  state: z.enum(['started', 'finished']),
  inputDigest: z.string(),
  made: madeSchema.optional(),
  overrides: z
    .array(z.strictObject({ key: z.string(), from: z.string(), to: z.string() }))
    .max(1000)
    .default([])
    .describe('what was changed by --override since it began, in order'),
  output: z
    .object({ path: z.string(), digest: z.string(), metrics: z.record(z.string(), z.number()) })
    .optional()
    .describe('path is relative to the run folder, so that the folder can be moved'),
  files: z
    .record(z.string(), z.string())
    .default({})
    .describe('sha256 of every file of the output, by its path below that of the output'),
  table: tableSchema.optional(),
});
export type StageRecord = z.output<typeof recordSchema>;

/** Undefined where there is no record, or none that we can read. */
export async function readRecord(runDirectory: string, name: StageName): Promise<StageRecord | undefined> {
  return readRecordOf(join(runDirectory, kebabCase(name)), name);
}

async function readRecordOf(folder: string, stage: StageName): Promise<StageRecord | undefined> {
  for (const name of [recordName, recordCopyName]) {
    const record = await readOne(join(folder, name), stage);
    if (typeof record !== 'string') return record;
  }
  return undefined;
}

async function readOne(path: string, stage: StageName): Promise<'absent' | 'damaged' | 'foreign' | StageRecord> {
  const read = await readSealed(path, { unsealed: true });
  if (typeof read === 'string') return read;
  const record = recordSchema.safeParse(read.value).data ?? 'damaged';
  return typeof record === 'string' || record.stage === stage ? record : 'foreign';
}

/** @param place the folder of the stage in the run. */
export async function writeRecord(
  runDirectory: string,
  name: StageName,
  record: StageRecord,
  place = kebabCase(name),
): Promise<void> {
  const folder = join(runDirectory, place);
  for (const file of [recordName, recordCopyName]) await writeSealed(join(folder, file), redactAll(record));
}

/** Puts the copy in the place of each damaged record, and renews the others' copies; returns what to report. */
export async function repairRecords(runDirectory: string, names: readonly StageName[]) {
  const repairs: { stage: StageName; text: string }[] = [];
  for (const stage of names) {
    const folder = join(runDirectory, kebabCase(stage));
    const [record, copy] = await Promise.all(
      [recordName, recordCopyName].map((name) => readOne(join(folder, name), stage)),
    );
    const whole = [record, copy].find((one): one is StageRecord => typeof one !== 'string');
    if (whole !== undefined && !isDeepStrictEqual(record, copy)) await writeRecord(runDirectory, stage, whole);
    if (record !== 'damaged' && record !== 'foreign') continue;
    const outcome = whole === undefined ? 'what it said is lost' : 'its copy takes its place';
    const fault = record === 'damaged' ? 'was damaged' : 'is of another stage';
    repairs.push({ stage, text: `${join(folder, recordName)} ${fault}: ${outcome}` });
  }
  return repairs;
}

/** The finished output with its path made absolute; undefined where it is unfinished or has been deleted. */
export async function finishedOutput(
  runDirectory: string,
  record: StageRecord | undefined,
): Promise<StageOutput | undefined> {
  if (record?.state !== 'finished' || record.output === undefined) return undefined;
  const path = resolve(runDirectory, record.output.path);
  const mark = manifestName in record.files ? join(path, manifestName) : path;
  return (await exists(mark)) ? { ...record.output, path } : undefined;
}

/** sha256 of the files of an output, but for what is no part of it: the record, and what only resuming needs. */
export async function outputFiles(path: string): Promise<Record<string, string>> {
  const names = (await stat(path)).isDirectory() ? await readdir(path, { recursive: true }) : ['.'];
  const files: Record<string, string> = {};
  for (const name of names.map((one) => one.replaceAll('\\', '/')).sort()) {
    if (/^(\.?stage\.json$|training\/|\.tmp-)/.test(name) || (await stat(join(path, name))).isDirectory()) continue;
    files[name] = await sha256File(join(path, name));
  }
  return files;
}

/** The recorded files of a finished output that are missing or have changed since. */
export async function damagedFiles(path: string, { files }: StageRecord): Promise<string[]> {
  const damaged: string[] = [];
  for (const [name, digest] of Object.entries(files)) {
    const file = join(path, name);
    if (!(await exists(file)) || (await sha256File(file)) !== digest) damaged.push(file);
  }
  return damaged;
}

/** A finished checkpoint that is another than the one it finished with: whole, maybe, but of another training. */
export async function isReplaced(path: string, { files }: StageRecord): Promise<boolean> {
  const digest = files[manifestName];
  return digest !== undefined && (await sha256File(join(path, manifestName))) !== digest;
}

/**
 * Where `latest` leads nowhere (a kill came between two renames) or to what no stage of this run made, points it to the
 * newest finished one of `models`. @returns what to report.
 */
export async function repairLatest(runDirectory: string, models: readonly StageName[]): Promise<string | undefined> {
  const link = join(runDirectory, latestName);
  const records = await Promise.all(models.map((name) => readRecord(runDirectory, name)));
  const found = await Promise.all(records.map((record) => finishedOutput(runDirectory, record)));
  const outputs = found.filter((output) => output !== undefined).map(({ path }) => path);
  const target = await realPathOrItself(link);
  const isThere = (await stat(target).catch(() => undefined))?.isDirectory() ?? false; // not the text file of a broken link
  const isOurs =
    target.startsWith(runDirectory + sep) || (await Promise.all(outputs.map(realPathOrItself))).includes(target);
  const newest = outputs.at(-1);
  if (isThere && isOurs) return undefined;
  if (newest !== undefined) await linkLatest(runDirectory, newest);
  if (!isThere) return undefined;
  const now =
    newest === undefined ? `it is kept as ${basename(await setAside(link, 'foreign'))}` : `it now points to ${newest}`;
  return `${link} pointed to ${target}, which no stage of this run made: ${now}`;
}

/**
 * Makes the stage's folder ready for work of this digest. A folder of another digest is moved to
 * `<stage>.replaced-<first 8 hex of its digest>`, and one that was moved there before comes back when its digest does.
 * @returns the record of an earlier try with the same digest (finished, or to be resumed), whether its folder came back,
 * and the name that a folder of other settings now has.
 * @throws UserError where the folder holds files that no stage put there.
 */
export async function openStageFolder(
  runDirectory: string,
  name: StageName,
  inputDigest: string,
  place = kebabCase(name),
) {
  const folder = join(runDirectory, place);
  await refuseForeign(folder);
  const current = await readRecordOf(folder, name);
  let replaced: string | undefined;
  if (current?.inputDigest !== inputDigest && (await exists(join(folder, recordName)))) {
    // What a kill left half-written is of no use under any name.
    await removeTemporary(folder);
    replaced = await freeName(folder, current?.inputDigest);
    await moveFolder(runDirectory, basename(folder), replaced);
  }
  const before = `${folder}.replaced-${inputDigest.slice(0, 8)}`;
  const restored = !(await exists(folder)) && (await readRecordOf(before, name))?.inputDigest === inputDigest;
  if (restored) await moveFolder(runDirectory, basename(before), basename(folder));
  await mkdir(folder, { recursive: true });
  await removeTemporary(folder);
  await syncDirectory(runDirectory);
  return { record: await readRecordOf(folder, name), restored, replaced };
}

/**
 * Undoes `openStageFolder` for a stage that refused before it wrote anything: what was moved aside is back.
 * @returns false where there is something in the folder, which then stays.
 */
export async function takeBack(runDirectory: string, place: string, replaced?: string): Promise<boolean> {
  const folder = join(runDirectory, place);
  const files = await readdir(folder).catch(ifAbsent<string[]>([]));
  if (files.some((file) => file !== recordName && file !== recordCopyName)) return false;
  await rm(folder, { recursive: true, force: true });
  if (replaced !== undefined) await moveFolder(runDirectory, replaced, basename(folder));
  return true;
}

/** Renames a folder of the run; `latest` still points to the same checkpoint. */
async function moveFolder(runDirectory: string, from: string, to: string): Promise<void> {
  await rename(join(runDirectory, from), join(runDirectory, to));
  const target = await readLink(join(runDirectory, latestName));
  if (target?.startsWith(`${from}/`)) await linkLatest(runDirectory, join(runDirectory, to, target.slice(from.length)));
}

/** A kill right at the start leaves an empty folder, or one with a half-written record; anything else is not ours. */
async function refuseForeign(folder: string): Promise<void> {
  if (!(await exists(folder)) || (await exists(join(folder, recordName)))) return;
  if ((await readdir(folder)).every((file) => file.startsWith('.tmp-'))) return;
  throw new UserError({
    what: 'this folder is in the way',
    where: folder,
    why: 'the stage works in it, but it holds files that mossctl did not write',
    next: 'Choose another run folder with --out',
  });
}

async function freeName(folder: string, digest: string | undefined): Promise<string> {
  const name = `${basename(folder)}.replaced-${(digest ?? randomBytes(4).toString('hex')).slice(0, 8)}`;
  return (await exists(join(folder, '..', name))) ? freeName(folder, undefined) : name;
}
