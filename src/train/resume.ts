// Resuming an interrupted training: the newest checkpoint that is whole, and what is different from when it began.
import { rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { UserError } from '../base/errors.js';
import { countOf } from '../base/format.js';
import type { HostTensor } from '../base/host-tensor.js';
import { readAdapterState } from '../checkpoint/adapter-resume.js';
import { type Checkpoint, openCheckpoint } from '../checkpoint/directory.js';
import { listCheckpoints, newestWholeCheckpoint, setAside } from '../checkpoint/history.js';
import { type Manifest, type ManifestFields, readManifest } from '../checkpoint/manifest.js';
import { foreignBecause } from './foreign.js';
import type { SaverOptions } from './saver.js';
import type { SpikeState } from './spikes.js';
import type { StoppingState } from './stopping.js';

/** A setting that was changed on resuming, named with --override. */
export interface SettingChange {
  /** Dotted key of the pipeline, or `data`. */
  key: string;
  from: string;
  to: string;
}

type ResumeOptions = Pick<SaverOptions, 'directory' | 'manifest' | 'reporter' | 'adapter'> & {
  steps: number;
  overrides?: readonly SettingChange[];
  cooldown?: unknown;
};

export interface ResumeState {
  /** `weights` are those that are trained; `model` is there where they are all. */
  checkpoint: Pick<Checkpoint, 'path' | 'digest' | 'manifest' | 'weights' | 'training'> &
    Partial<Pick<Checkpoint, 'model'>>;
  /** The optimizer's. */
  tensors: ReadonlyMap<string, HostTensor>;
  /** Where the objective was in its data. */
  objective: unknown;
  /** Undefined where nothing was watched. */
  spikes: SpikeState | undefined;
  /** Undefined where it was to take all its steps. */
  stopping?: StoppingState;
  /** Undefined where nobody watched its steps. */
  watch?: unknown;
}

/** A checkpoint by its place and content. */
export interface CheckpointName {
  path: string;
  digest: string;
}

/**
 * This training's newest checkpoint that is whole; damaged ones above it, and all of other trainings, are set aside, and
 * reported.
 */
export async function newestCheckpoint(options: ResumeOptions): Promise<CheckpointName | undefined> {
  const { directory, reporter } = options;
  await setForeignAside(options);
  const { path, damaged } = await newestWholeCheckpoint(directory);
  for (const { path: bad, reason } of damaged) {
    reporter.note('warning', `skipped a damaged checkpoint: ${reason}`);
    // Set aside, not deleted: the step will be saved again under its name.
    await rm(`${bad}.damaged`, { recursive: true, force: true });
    await rename(bad, `${bad}.damaged`);
  }
  if (path === undefined) {
    const text = `no whole checkpoint is left (${damaged.length} damaged): training begins again at step 1`;
    if (damaged.length > 0) reporter.note('warning', text);
    return undefined;
  }
  return { path, digest: (await readManifest(path)).digest };
}

/**
 * What is resumed from.
 * @param path of a checkpoint that was found whole a moment ago.
 * @param verify again: that what this process reads is what its manifest says.
 * @throws UserError where it cannot be resumed, or is beyond the last step.
 */
export async function stateAt(
  path: string,
  { adapter, steps }: Pick<ResumeOptions, 'adapter' | 'steps'>,
  { verify = false }: { verify?: boolean } = {},
): Promise<ResumeState> {
  const state =
    adapter === undefined ? openCheckpoint(path, { training: true, verify }) : readAdapterState(path, { verify });
  const found = stateOf(await state);
  const { step } = found.checkpoint.manifest;
  if (step > steps) {
    throw new UserError({
      where: path,
      what: `this training is already at step ${step}, beyond its ${steps} steps`,
      next: `Give at least ${step} steps, or start another run`,
    });
  }
  return found;
}

/** All of them, old ones too: what is not this training's must not be deleted by it either, nor count as its best. */
async function setForeignAside(options: ResumeOptions): Promise<void> {
  const { directory, reporter } = options;
  for (const { path, step } of await listCheckpoints(directory)) {
    const found = await readManifest(path).catch(() => undefined); // a damaged one is another matter
    const reason = found && foreignBecause(step, found.manifest, options);
    if (reason === undefined) continue;
    const aside = await setAside(path, `foreign-${found?.digest.slice(0, 8)}`);
    reporter.note(
      'warning',
      `${path} is not a checkpoint of this training: ${reason}. It is kept as ${basename(aside)}`,
    );
  }
}

/** Of a checkpoint that was opened with its training state. */
export function stateOf(checkpoint: ResumeState['checkpoint']): ResumeState {
  if (checkpoint.training === undefined) throw new Error('opened without its training state');
  const { tensors, state } = checkpoint.training;
  const { objective, spikes, stopping, watch } = state as {
    objective: unknown;
    spikes?: Pick<SpikeState, 'recent'>;
    stopping?: StoppingState;
    watch?: unknown;
  };
  const { skipped = [] } = checkpoint.manifest;
  return { checkpoint, tensors, objective, spikes: spikes && { ...spikes, skipped }, stopping, watch };
}

/** Says what will make the rest of the training another than it would have been. */
export function reportDifferences({ manifest, reporter, overrides = [] }: ResumeOptions, before: Manifest): void {
  const [now, then] = [computeInWords(manifest), computeInWords(before)];
  if (now !== then) {
    const text = `resuming with ${now} what began with ${then}: the weights will not be, bit for bit, those of an uninterrupted run`;
    reporter.note('warning', text);
  }
  for (const { key, from, to } of overrides.slice(before.overrides?.length ?? 0)) {
    reporter.note('warning', `from step ${before.step} on, ${key}: ${from} → ${to} (--override)`);
  }
}

/** What a checkpoint says of changed settings: `recorded` ones, and those named since then, which count from `step` on. */
export function overridesAt(
  step: number,
  recorded: NonNullable<ManifestFields['overrides']>,
  named: readonly SettingChange[] = [],
): NonNullable<ManifestFields['overrides']> {
  return [...recorded, ...named.slice(recorded.length).map((override) => ({ step, ...override }))];
}

/** All that the bits of a step follow from, besides model and data: `native, 2 threads, bf16`. */
function computeInWords(by: Pick<ManifestFields, 'backend' | 'threads' | 'precision' | 'ranks'>): string {
  const threads = by.threads === null ? '' : countOf(by.threads, 'thread');
  const ranks = by.ranks === undefined ? '' : `${by.ranks} processes`;
  const precision = by.precision === 'fp32' ? '' : by.precision;
  return [by.backend, threads, ranks, precision].filter((part) => part !== '').join(', ');
}
