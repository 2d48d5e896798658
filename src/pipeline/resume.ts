// What may change on `--resume`. A stage keeps what it was made from; where that is no longer what is asked for, each
// difference must be named with --override, is recorded, and counts from the resumed step on. Some can never be.
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../base/errors.js';
import { digestOf } from '../base/files.js';
import { shorten } from '../base/format.js';
import { namesFile, nodeAt, presentPath, renameKeys, type SchemaNode } from '../base/schema.js';
import type { StageName } from '../config/pipeline.js';
import type { StageRow, StageTable } from '../stages/stage-row.js';
import type { SettingChange } from '../train/resume.js';
import { pipelineNode } from './plan.js';
import { type Provenance, readRecord, type StageRecord, writeRecord } from './record.js';

const maxShown = 200;
/** What a training that has come to its end takes up again for. */
const lengthens = /\.train\.(steps|tokens|epochs)$|^data$/;
/** What --override calls the files and folders that a stage reads. */
const dataKey = 'data';

/**
 * The digest that decides whether a stage is skipped, resumed or started afresh. Of the names that keys had first, so that it
 * is the same before and after one gets another.
 */
export function inputDigestOf(stage: StageName, made: Provenance): string {
  return digestOf({ stage, ...made, config: blockKeys(stage, made.config, 'former') });
}

function blockKeys(stage: StageName, block: unknown, to: 'present' | 'former'): unknown {
  const node = nodeAt(pipelineNode, [stage]);
  return node === undefined ? block : renameKeys(node, block, to);
}

/**
 * Where only what a stage is measured by has changed (`measuredBy`), makes its record fit what is asked for: it resumes where it is.
 * @returns whether it had finished: what it made stays, and is measured again.
 */
export async function measureAnew({
  name,
  stages,
  made,
  runDirectory,
}: Omit<ResumeRequest, 'named'>): Promise<boolean> {
  const { measuredBy } = stages[name];
  const record = measuredBy && (await readRecord(runDirectory, name));
  if (measuredBy === undefined || record?.made === undefined) return false;
  const otherwise = ({ config, ...rest }: Provenance) => {
    const block = Object.entries(blockKeys(name, config, 'present') ?? {});
    return { ...rest, config: block.filter(([key]) => !measuredBy.includes(key)) };
  };
  const inputDigest = inputDigestOf(name, made);
  if (record.inputDigest === inputDigest || !isDeepStrictEqual(otherwise(record.made), otherwise(made))) return false;
  const { overrides, state } = record;
  await writeRecord(runDirectory, name, { stage: name, state: 'started', inputDigest, made, overrides, files: {} });
  return state === 'finished';
}

interface ResumeRequest {
  name: StageName;
  stages: StageTable;
  made: Provenance;
  runDirectory: string;
  /** Keys that the person named with --override. */
  named: readonly string[];
}

/**
 * Makes the stage's record fit what is asked for, so that it resumes.
 * @throws UserError where there is nothing to resume, or something else than the named settings differs.
 */
export async function prepareResume({ name, stages, made, runDirectory, ...request }: ResumeRequest): Promise<void> {
  const named = request.named.map((key) => presentPath(pipelineNode, key.split('.')).join('.'));
  checkNames(named);
  const record = await readRecord(runDirectory, name);
  if (record === undefined) throw nothingToResume(name, `it was never started in ${runDirectory}`);
  const inputDigest = inputDigestOf(name, made);
  if (record.inputDigest === inputDigest) {
    if (record.state === 'started') return;
    throw nothingToResume(name, 'it has already finished with these settings');
  }
  if (record.made === undefined) throw nothingToResume(name, 'the try that is there had other settings or inputs');
  const changes = differences(name, stages, record.made, made);
  refuseFixed(name, changes);
  refuseUnnamed(name, changes, named);
  if (record.state === 'finished' && !changes.some(({ key }) => lengthens.test(key))) {
    const next = `Give it more steps: --set ${name}.train.steps=N --override ${name}.train.steps`;
    throw nothingToResume(name, 'it has finished, and none of what changed gives it more to do', next);
  }
  const overrides = [...record.overrides, ...changes.map(({ key, from, to }) => ({ key, from, to }))];
  const changed: StageRecord = { stage: name, state: 'started', inputDigest, made, overrides, files: {} };
  await writeRecord(runDirectory, name, changed);
}

interface Change extends SettingChange {
  /** `batchSize: 8 → 16`, without the key. */
  words: string;
  /** Why nobody may name it. */
  fixed?: string;
}

/** What is no longer as it was: each key once, `data` for whatever the stage reads. */
function differences(name: StageName, stages: StageTable, before: Provenance, now: Provenance): Change[] {
  const { otherData = 'other tasks', fixed = {} } = stages[name];
  const changes = new Map<string, Change>();
  const add = (key: string, from: unknown, to: unknown, words?: string, why = fixedBy(fixed, key)): void => {
    if (from === to || changes.has(key)) return;
    const [a, b] = [shown(from), shown(to)];
    changes.set(key, { key, from: a, to: b, words: words ?? `${a} → ${b}`, ...(why && { fixed: why }) });
  };
  const addData = (from: unknown, to: unknown): void => add(dataKey, from, to, otherData);
  const addParent = (from: unknown, to: unknown): void =>
    add('parent', from, to, 'another model', 'the weights come from it');
  const [old, fresh] = [before, now].map(({ config }) => flatten(blockKeys(name, config, 'present'), name));
  for (const key of new Set([...old.keys(), ...fresh.keys()])) {
    const [from, to] = [old.get(key), fresh.get(key)];
    if (key === `${name}.from`) addParent(from, to);
    else if (fixedBy(fixed, key) === undefined && holdsFile(key)) addData(from, to);
    else add(key, from, to);
  }
  add('seed', before.seed, now.seed, undefined, 'the order of the data and every random draw follow from it');
  add('version', before.version, now.version);
  for (const input of new Set([...Object.keys(before.inputs), ...Object.keys(now.inputs)])) {
    const [from, to] = [before.inputs[input], now.inputs[input]];
    const row: StageRow | undefined = stages[input as StageName];
    if (input === 'tokenizer') add(input, from, to, 'another one', 'the weights belong to its ids');
    else if (row?.output === 'checkpoint') addParent(from, to);
    else addData(from, to);
  }
  addData(before.outside ?? undefined, now.outside ?? undefined);
  return [...changes.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Why nobody may change this setting, or those of the block that it is in. */
function fixedBy(fixed: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.entries(fixed).find(([one]) => key === one || key.startsWith(`${one}.`))?.[1];
}

function refuseFixed(name: StageName, changes: readonly Change[]): void {
  const faults = changes
    .filter(({ fixed }) => fixed !== undefined)
    .map(({ key, words, fixed }) => ({
      what: `${name} cannot resume with ${key}: ${words}`,
      why: `${fixed}, so no --override can change it`,
      next: 'Run the same command without --resume: it starts afresh, and what is there is kept beside it',
    }));
  if (faults.length > 0) throw new UserError(faults);
}

function refuseUnnamed(name: StageName, changes: readonly Change[], named: readonly string[]): void {
  const unnamed = changes.filter(({ key }) => !named.includes(key));
  if (unnamed.length === 0) return;
  throw new UserError({
    what: `${name} was begun with other settings or data`,
    why: unnamed.map(({ key, words }) => `${key}: ${words}`).join('; '),
    next: `To resume with the new ones from the step it is at, add ${unnamed.map(({ key }) => `--override ${key}`).join(' ')}; to start afresh beside it, omit --resume`,
  });
}

/** A name that no setting has is a slip, and would otherwise be ignored silently. */
function checkNames(named: readonly string[]): void {
  const faults = named
    .filter((key) => ![dataKey, 'version'].includes(key) && nodeOf(key) === undefined)
    .map((key) => ({
      what: `there is no setting called ${key}`,
      where: `--override ${key}`,
      next: 'Name a key as --set does (pretrain.train.batchSize), or data',
    }));
  if (faults.length > 0) throw new UserError(faults);
}

function holdsFile(key: string): boolean {
  const node = nodeOf(key);
  return node !== undefined && namesFile(node);
}

function nodeOf(key: string): SchemaNode | undefined {
  return nodeAt(pipelineNode, key.split('.'));
}

/** Dotted key → value, for every leaf of a stage's block. */
function flatten(value: unknown, at: string, into = new Map<string, unknown>()): Map<string, unknown> {
  if (typeof value !== 'object' || value === null) into.set(at, value);
  else if (Array.isArray(value)) into.set(at, JSON.stringify(value));
  else for (const [key, inner] of Object.entries(value)) flatten(inner, `${at}.${key}`, into);
  return into;
}

function shown(value: unknown): string {
  if (value === undefined) return 'not set';
  const text = typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : String(value);
  return shorten(text, maxShown);
}

function nothingToResume(name: StageName, why: string, next = 'Run the same command without --resume'): UserError {
  return new UserError({ what: `there is no interrupted ${name} to resume`, why, next });
}
