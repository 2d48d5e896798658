// Whose checkpoint is this? A folder may hold steps that another training made: of another run, stage, model or data. What
// a training resumes from, and what it deletes, is its own; anything else is set aside under another name, and reported.
import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../base/objects.js';
import { nodeAt, renameKeys, schemaNode } from '../base/schema.js';
import type { Manifest } from '../checkpoint/manifest.js';
import { pipelineSchema } from '../config/pipeline.js';

/** What tells one training from another. */
export interface TrainingIdentity {
  manifest: Pick<Manifest, 'stage' | 'seed' | 'parent' | 'inputDigest' | 'settings'>;
  /** Settings that were changed since it first began, in order. */
  overrides?: readonly { key: string }[];
  /** The training branches off another one, whose own changes its checkpoints name too. */
  cooldown?: unknown;
}

/** Why a checkpoint in the folder of step `step` is not of this training; undefined where it is. */
export function foreignBecause(step: number, found: Manifest, training: TrainingIdentity): string | undefined {
  const { manifest: own, overrides = [], cooldown } = training;
  if (found.stage !== own.stage) return `it is of ${found.stage}, not of ${own.stage}`;
  if (found.step !== step) return `it is of step ${found.step}`;
  if (found.parent !== own.parent)
    return `it began from ${modelName(found.parent)}, this training from ${modelName(own.parent)}`;
  if (found.seed !== undefined && found.seed !== own.seed) return `it has seed ${found.seed}, not ${own.seed}`;
  const named = cooldown === undefined ? overrides.slice(found.overrides?.length ?? 0) : overrides;
  // Other data, and settings that decide on what is read, may be named.
  if (named.length === 0 && found.inputDigest !== own.inputDigest) return 'it was trained on other data';
  const others = differingSettings(own.stage, found.settings, own.settings, named);
  return others.length === 0 ? undefined : `it was trained with other settings: ${others.join(', ')}`;
}

/** Dotted keys of a stage's settings that are not as they were; but for which checkpoints are kept, what ranks share out, and what was `named`. */
export function differingSettings(
  stage: string,
  before: unknown,
  now: unknown,
  named: readonly { key: string }[] = [],
): string[] {
  // Another version may have other defaults.
  if (named.some(({ key }) => key === 'version')) return [];
  const ignored = new Set([`${stage}.train.keep`, `${stage}.train.shard`, ...named.map(({ key }) => key)]);
  return settingsThatDiffer(stage, before, now, (key) => ignored.has(key));
}

/** The same, but for what `isIgnored` says of a dotted key. */
export function settingsThatDiffer(
  stage: string,
  before: unknown,
  now: unknown,
  isIgnored: (key: string) => boolean,
): string[] {
  const node = nodeAt(schemaNode(pipelineSchema), [stage]);
  const then = node === undefined ? before : renameKeys(node, before, 'present');
  return differingKeys(then, JSON.parse(JSON.stringify(now)), isIgnored, stage);
}

/** Dotted keys, below `at`, that differ and are not ignored. */
function differingKeys(before: unknown, now: unknown, isIgnored: (key: string) => boolean, at: string): string[] {
  if (isDeepStrictEqual(before, now) || isIgnored(at)) return [];
  if (!isRecord(before) || !isRecord(now)) return [at];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((key) => differingKeys(before[key], now[key], isIgnored, `${at}.${key}`));
}

function modelName(digest: string | null): string {
  return digest === null ? 'a fresh model' : `model ${digest.slice(0, 12)}`;
}
