// Which checkpoints learnt from a judgement: the rounds of alignment and the reward models below a folder name the records that they
// learnt from (`sampled.json`, `learnt-from.json`), and a manifest names the digests that its checkpoint descends from.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { learntFromName, manifestName, pointLabel, sampledName, settingsName } from '../base/layout.js';
import { jsonIn } from '../base/objects.js';
import { type Manifest, readManifest } from '../checkpoint/manifest.js';
import { foldersIn } from '../checkpoint/other-kinds.js';

interface FoundCheckpoint {
  path: string;
  digest: string;
  manifest: Manifest;
}

export interface TouchedCheckpoint {
  path: string;
  digest: string;
  /** False: it descends from one that learnt from it. */
  isDirect: boolean;
}

/** A run in which a round, or its reward model, learnt from it. */
export interface TouchedRun {
  /** The folder with the run's settings; absent where there is none around the round. */
  run?: string;
  /** Folders of its rounds, whose pairs and sampled answers hold the text, or that of its reward model. */
  rounds: string[];
  /** It is the reward model that learnt from it. */
  isRewardModel?: true;
  /** The checkpoint that its alignment started from, and that never saw it; without a path where it is not below the folder. */
  start?: { digest: string; path?: string };
}

export interface Touched {
  checkpoints: TouchedCheckpoint[];
  runs: TouchedRun[];
  /** Checkpoints whose manifest cannot be read: whether they learnt from it is not known. */
  unreadable: string[];
}

/** `runs/<name>/align/round-01/step-000010`, and runs in a folder of their own. */
const maxDepth = 7;

/** What learnt from these records below `folder`, directly or by descent. */
export async function touchedBy(ids: ReadonlySet<string>, folder: string): Promise<Touched> {
  const rounds: { path: string; stage: string }[] = [];
  const found: FoundCheckpoint[] = [];
  const unreadable: string[] = [];
  for await (const directory of foldersBelow(folder, maxDepth)) {
    if (await learntFrom(join(directory, sampledName), ids))
      rounds.push({ path: directory, stage: dirname(directory) });
    if (await learntFrom(join(directory, learntFromName), ids)) rounds.push({ path: directory, stage: directory });
    if (!(await exists(join(directory, manifestName)))) continue;
    try {
      found.push({ path: directory, ...(await readManifest(directory)) });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      unreadable.push(directory);
    }
  }
  // What a round trained, and points on the way to it, which stand beside it.
  const places = rounds.flatMap(({ path }) => [join(path, '/'), path + pointLabel]);
  const direct = found.filter(({ path }) => places.some((place) => path.startsWith(place)));
  const touched = new Set(direct.map(({ digest }) => digest));
  const descends = ({ manifest: { parent, lineage, base } }: FoundCheckpoint): boolean =>
    [parent, base?.digest, ...lineage.map(({ digest }) => digest)].some((digest) => touched.has(digest ?? ''));
  for (let count = -1; count !== touched.size; ) {
    count = touched.size;
    for (const checkpoint of found) if (descends(checkpoint)) touched.add(checkpoint.digest);
  }
  const checkpoints = found
    .filter(({ digest }) => touched.has(digest))
    .map((checkpoint) => ({ ...pathAndDigest(checkpoint), isDirect: direct.includes(checkpoint) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return { checkpoints, runs: await runsOf(rounds, found), unreadable };
}

function pathAndDigest({ path, digest }: FoundCheckpoint): { path: string; digest: string } {
  return { path, digest };
}

async function runsOf(
  rounds: { path: string; stage: string }[],
  found: readonly FoundCheckpoint[],
): Promise<TouchedRun[]> {
  const runs = new Map<string, TouchedRun>();
  for (const { path: round, stage } of rounds.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const run = dirname(stage);
    const known = runs.get(stage);
    if (known !== undefined) {
      known.rounds.push(round);
      continue;
    }
    const start = startOf(stage, found);
    const hasSettings = await exists(join(run, settingsName));
    const isRewardModel = round === stage;
    runs.set(stage, {
      ...{ ...(hasSettings && { run }), rounds: [round] },
      ...(isRewardModel && { isRewardModel }),
      ...(start !== undefined && { start }),
    });
  }
  return [...runs.values()];
}

/** What the first round of this alignment started from: the parent that is not of the alignment itself. */
function startOf(stage: string, found: readonly FoundCheckpoint[]): TouchedRun['start'] {
  const within = found.filter(({ path }) => path.startsWith(join(stage, '/')));
  const own = new Set(within.map(({ digest }) => digest));
  const digest = within.map(({ manifest }) => manifest.parent).find((parent) => parent !== null && !own.has(parent));
  if (digest === undefined || digest === null) return undefined;
  const path = found.find((checkpoint) => checkpoint.digest === digest)?.path;
  return { digest, ...(path !== undefined && { path }) };
}

const sampledSchema = z.object({ learntFrom: z.array(z.string()).default([]) });

async function learntFrom(path: string, ids: ReadonlySet<string>): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const sampled = sampledSchema.safeParse(text === undefined ? undefined : jsonIn(text));
  return sampled.success && sampled.data.learntFrom.some((id) => ids.has(id.replace(/^feedback:/, '')));
}

async function* foldersBelow(folder: string, depth: number): AsyncGenerator<string> {
  yield folder;
  if (depth > 0) for (const inner of await foldersIn(folder)) yield* foldersBelow(inner, depth - 1);
}
