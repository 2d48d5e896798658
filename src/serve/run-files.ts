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

/** How long a list is good enough for another page: they ask every few seconds. */
const freshMilliseconds = 2000;

interface Found {
  name: string;
  /** When its metrics last changed, in milliseconds since 1970. */
  changed: number;
}

/** The runs below a folder, looked up once for all pages that ask at the same time; a run that has not changed is not read again. */
export class RunFiles {
  readonly #runs: string;
  #known = new Map<string, Found & { summary: RunSummary }>();
  #list: Promise<RunList> | undefined;
  #listed = Number.NEGATIVE_INFINITY;

  constructor(runs: string) {
    this.#runs = runs;
  }

  /** The newest first. */
  list(): Promise<RunList> {
    if (this.#list !== undefined && performance.now() - this.#listed < freshMilliseconds) return this.#list;
    this.#listed = performance.now();
    const list = this.#look();
    this.#list = list;
    list.catch(() => {
      if (this.#list === list) this.#list = undefined;
    });
    return list;
  }

  async #look(): Promise<RunList> {
    const found: Found[] = [];
    const look = async (name: string): Promise<boolean> => {
      const changed = await changedAt(join(this.#runs, name));
      if (changed !== undefined) found.push({ name, changed });
      return changed !== undefined;
    };
    for (const name of await foldersOf(this.#runs)) {
      if (await look(name)) continue;
      for (const inner of await foldersOf(join(this.#runs, name)))
        if (/^seed-\d+$/.test(inner)) await look(`${name}/${inner}`);
    }
    const newest = found.sort((a, b) => b.changed - a.changed).slice(0, bounds.runs);
    const summaries = await Promise.all(newest.map((run) => this.#summaryOf(run)));
    this.#known = new Map(newest.map((run, i) => [run.name, { ...run, summary: summaries[i] }]));
    const more = found.length - newest.length;
    return { runs: summaries, ...(more > 0 && { more }) };
  }

  async #summaryOf({ name, changed }: Found): Promise<RunSummary> {
    const folder = join(this.#runs, name);
    const known = this.#known.get(name);
    // What its stages have done is reported as soon as it is recorded; that a process has it or has gone is nowhere.
    const { isHeld } = await holderOf(folder);
    if (known?.changed === changed && (known.summary.state === 'running') === isHeld) return known.summary;
    const records = await Promise.all(namesOf(stageTable).map((stage) => readRecord(folder, stage)));
    const all = records.filter((record) => record !== undefined);
    const current = all.find(({ state }) => state === 'started') ?? all.at(-1);
    return {
      name,
      state: isHeld ? 'running' : current?.state === 'finished' ? 'done' : 'stopped',
      ...(current !== undefined && { stage: current.stage }),
      stages: all.map(({ stage }) => stage),
      changed: new Date(changed).toISOString(),
    };
  }
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
