// The runs below one folder, by name: what is no run, and what lies elsewhere, is not there.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ifAbsent } from '../base/errors.js';
import { metricsName } from '../base/layout.js';
import { holderOf } from '../pipeline/lock.js';
import { readRecord } from '../pipeline/record.js';
import { namesOf, stageTable } from '../stages/catalog.js';
import { bounds, type RunList, type RunSummary } from './contract.js';
import { RefusedRequest } from './refusal.js';

/** `NAME`, or `NAME/seed-N` of a run of several seeds: no dot in front, so neither a hidden folder nor the one above. */
const namePattern = /^[^./\\\0][^/\\\0]{0,200}(\/seed-\d{1,10})?$/;

/** @throws RefusedRequest where no run of this name lies below `runs`. */
export async function runFolder(runs: string, name: string): Promise<string> {
  const absent = new RefusedRequest({
    status: 404,
    what: 'there is no such run',
    next: 'Take a name of GET /api/runs',
  });
  if (!namePattern.test(name)) throw absent;
  const [root, folder] = await Promise.all([runs, join(runs, name)].map((path) => realpath(path).catch(() => '')));
  if (folder === '' || !folder.startsWith(root + sep)) throw absent;
  if ((await changedAt(folder)) === undefined) throw absent;
  return folder;
}

/** The newest first. */
export async function listRuns(runs: string): Promise<RunList> {
  const found: { name: string; changed: number }[] = [];
  const look = async (name: string): Promise<boolean> => {
    const changed = await changedAt(join(runs, name));
    if (changed !== undefined) found.push({ name, changed });
    return changed !== undefined;
  };
  for (const name of await foldersOf(runs)) {
    if (await look(name)) continue;
    for (const inner of await foldersOf(join(runs, name))) if (/^seed-\d+$/.test(inner)) await look(`${name}/${inner}`);
  }
  const newest = found.sort((a, b) => b.changed - a.changed).slice(0, bounds.runs);
  const more = found.length - newest.length;
  const summaries = await Promise.all(newest.map(({ name, changed }) => summaryOf(runs, name, changed)));
  return { runs: summaries, ...(more > 0 && { more }) };
}

async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ifAbsent([]));
  return entries.filter((entry) => entry.isDirectory() && namePattern.test(entry.name)).map(({ name }) => name);
}

/** Milliseconds since 1970; undefined where it is no run. */
async function changedAt(folder: string): Promise<number | undefined> {
  const file = await stat(join(folder, metricsName)).catch(() => undefined);
  return file?.isFile() ? file.mtimeMs : undefined;
}

async function summaryOf(runs: string, name: string, changed: number): Promise<RunSummary> {
  const folder = join(runs, name);
  const records = await Promise.all(namesOf(stageTable).map((stage) => readRecord(folder, stage)));
  const known = records.filter((record) => record !== undefined);
  const current = known.find(({ state }) => state === 'started') ?? known.at(-1);
  const { isHeld } = await holderOf(folder);
  return {
    name,
    state: isHeld ? 'running' : current?.state === 'finished' ? 'done' : 'stopped',
    ...(current !== undefined && { stage: current.stage }),
    stages: known.map(({ stage }) => stage),
    changed: new Date(changed).toISOString(),
  };
}
