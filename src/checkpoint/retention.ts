// Which checkpoints of a stage are kept: the newest, every so many steps, the best; and always the ancestors of others,
// and what `latest` points to.
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, temporarySibling } from '../base/files.js';
import { latestName } from '../base/layout.js';
import { realPathOrItself } from '../base/link.js';
import { trainingMetrics } from '../base/metric-names.js';
import { isStepDirectory, listCheckpoints } from './history.js';
import { readManifest } from './manifest.js';

export interface Retention {
  /** So many of the newest. */
  last: number;
  /** And those whose step it divides. */
  every?: number;
  /** And the one with the best value of a metric; of equal ones the earliest. */
  best?: { metric: string; better: 'lower' | 'higher' };
}

export interface PruneScope {
  /** `runs/<name>`: whose `latest` and whose checkpoints' ancestors are spared. */
  runDirectory: string;
  /** Paths that stay whatever the rule says. */
  protect: readonly string[];
}

/** Deletes the checkpoints of a stage folder that the rule does not keep. @returns their paths, oldest first. */
export async function pruneCheckpoints(
  stageDirectory: string,
  rule: Retention,
  { runDirectory, protect }: PruneScope,
): Promise<string[]> {
  const all = await listCheckpoints(stageDirectory);
  const best = rule.best === undefined ? undefined : await bestOf(all, rule.best);
  const candidates = all
    .slice(0, Math.max(0, all.length - rule.last))
    .filter(({ path, step }) => path !== best && !(rule.every !== undefined && step % rule.every === 0));
  if (candidates.length === 0) return [];
  const spared = new Set(await Promise.all([...protect, join(runDirectory, latestName)].map(realPathOrItself)));
  const ancestors = await ancestorsIn(runDirectory);
  const removed: string[] = [];
  for (const { path } of candidates) {
    if (spared.has(await realPathOrItself(path))) continue;
    const digest = (await readableManifest(path))?.digest;
    if (digest !== undefined && ancestors.has(digest)) continue;
    await remove(path, stageDirectory);
    removed.push(path);
  }
  return removed;
}

/** Renamed first, and that made durable: a half-deleted checkpoint must never look like one, not after a power cut either. */
async function remove(path: string, parent: string): Promise<void> {
  const hidden = temporarySibling(path);
  await rename(path, hidden);
  await syncDirectory(parent);
  await rm(hidden, { recursive: true, force: true });
}

async function bestOf(
  checkpoints: readonly { path: string }[],
  { metric, better }: NonNullable<Retention['best']>,
): Promise<string | undefined> {
  let best: { path: string; value: number } | undefined;
  for (const { path } of checkpoints) {
    const metrics = trainingMetrics((await readableManifest(path))?.manifest.metrics ?? {});
    const value = Object.hasOwn(metrics, metric) ? metrics[metric] : Number.NaN;
    if (Number.isNaN(value)) continue;
    if (best === undefined || (better === 'lower' ? value < best.value : value > best.value)) best = { path, value };
  }
  return best?.path;
}

/** Digests that any checkpoint of the run descends from. */
async function ancestorsIn(runDirectory: string): Promise<Set<string>> {
  const ancestors = new Set<string>();
  for (const path of await stepDirectoriesIn(runDirectory, 3)) {
    const { parent, lineage = [] } = (await readableManifest(path))?.manifest ?? {};
    for (const digest of [parent, ...lineage.map((ancestor) => ancestor.digest)]) if (digest) ancestors.add(digest);
  }
  return ancestors;
}

const readableManifest = (path: string) => readManifest(path).catch(() => undefined);

/** Those of every stage, and of every round of align, at most `depth` folders down. */
async function stepDirectoriesIn(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const found = folders.map(({ name }) => {
    const path = join(folder, name);
    if (isStepDirectory(path)) return [path];
    return depth > 1 ? stepDirectoriesIn(path, depth - 1) : [];
  });
  return (await Promise.all(found)).flat();
}
