// The settings of a run: what its folder keeps of them, and what of them a stage's output follows from.
import { readFile, rm } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { stringify } from 'yaml';
import { ifAbsent } from '../base/errors.js';
import { sha256File, writeFileAtomic } from '../base/files.js';
import { settingsName, tokenizerJsonName } from '../base/layout.js';
import { isRecord } from '../base/objects.js';
import { mapPaths } from '../base/schema.js';
import { redactAll, shownSettings } from '../base/secrets.js';
import { rewardModelAt } from '../checkpoint/history.js';
import { tokenizerFolder } from '../checkpoint/tokenizer-folder.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import { rowsDigest } from '../data/rows.js';
import type { StageRow } from '../stages/stage-row.js';
import { contentDigest } from './parent.js';
import { filesOf, mapBlockPaths, namesKind, pipelineNode } from './plan.js';
import type { Provenance } from './record.js';

/** Of a judge. */
const changesNoVerdict: ReadonlySet<string> = new Set([
  ...['timeoutSeconds', 'retries', 'concurrency'],
  ...['prices', 'budgetUsd', 'budgetTokens'],
]);

/**
 * The block with the content of each file in the place of its name: a project folder may move, its files may not change.
 * Which checkpoints are kept is no part of it, nor how patiently a judge is asked and what it may cost: that changes no result. Nor is the model that it starts from, which is an input.
 */
export async function settingsOf(
  config: PipelineConfig,
  name: StageName,
  row: StageRow,
): Promise<Provenance['config']> {
  const digests = new Map<string, string>();
  for (const [key, path] of filesOf(config, name)) {
    if (key === 'from' && row.hasStart) continue;
    digests.set(key, await digestOfNamed(name, key, path));
  }
  const block = mapBlockPaths(shownSettings(config), name, (_, key) => digests.get(key)) ?? null;
  const withResults = JSON.stringify(block, (key, value: unknown) => {
    if (key === 'judge' && isRecord(value))
      return Object.fromEntries(Object.entries(value).filter(([name]) => !changesNoVerdict.has(name)));
    return key === 'keep' ? undefined : value;
  });
  return JSON.parse(withResults) as Provenance['config'];
}

async function digestOfNamed(name: StageName, key: string, path: string): Promise<string> {
  if (namesKind('rows', name, key)) return rowsDigest(path);
  const isTokenizer = namesKind('tokenizer', name, key);
  if (key.endsWith('.rewardModel')) return contentDigest(await rewardModelAt(path));
  // The same by whatever it was named.
  return isTokenizer ? sha256File(join(await tokenizerFolder(path), tokenizerJsonName)) : contentDigest(path);
}

/** The resolved configuration, its paths relative to the run folder: `--config runs/x/pipeline.yaml` repeats the run. */
export async function writeSettings(config: PipelineConfig, runDirectory: string): Promise<void> {
  const portable = mapPaths(pipelineNode, shownSettings(config), (path) =>
    isAbsolute(path) ? relative(runDirectory, path) : path,
  );
  const head = '# The settings of this run, defaults included. Written by mossctl.\n';
  await writeFileAtomic(join(runDirectory, settingsName), head + stringify(redactAll(portable)));
}

/** Keeps the settings as they are. @returns what brings them back, which may be that there are none. */
export async function keepSettings(runDirectory: string) {
  const path = join(runDirectory, settingsName);
  const text = await readFile(path, 'utf8').catch(ifAbsent(undefined));
  const restore = (): Promise<void> => (text === undefined ? rm(path, { force: true }) : writeFileAtomic(path, text));
  return { hadSettings: text !== undefined, restore };
}
