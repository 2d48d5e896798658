// A round: two builds begin on one cold cache, are killed at random instants and begun again, until both end by
// themselves. Both must end in the whole corpus, and nothing half-done may stay. Then the cache itself is damaged.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/base/random.js';
import type { CacheWorld } from './cache-world.js';
import { root } from './session.js';
import { filesIn } from './survey.js';

export interface CacheTrial {
  world: CacheWorld;
  /** How the command line is started. */
  command: readonly string[];
  random: Random;
}

export interface CorpusReference {
  digest: string;
  milliseconds: number;
}

interface Build {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
  /** Of the manifest; undefined where there is no corpus. */
  digest?: string;
  documents?: number;
}

function startBuild(
  { world, command }: CacheTrial,
  out: string,
  cache: string,
): { child: ChildProcess; end: Promise<Build> } {
  const args = [...command, 'data', 'build', world.spec, '--out', out, '--quiet'];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: world.environment(cache),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const end = new Promise<Build>((resolve, reject) => {
    child.on('error', reject);
    // Not `close`: the npm of a killed build may hold the pipe a while longer.
    child.on('exit', (code, signal) => setTimeout(() => resolve({ code, signal, stderr, ...corpusIn(out) }), 50));
  });
  return { child, end };
}

function corpusIn(out: string): Pick<Build, 'digest' | 'documents'> {
  const path = join(out, 'data/corpus/manifest.json');
  if (!existsSync(path)) return {};
  const { digest, total } = JSON.parse(readFileSync(path, 'utf8'));
  return { digest, documents: total.train.documents + total.validation.documents };
}

/** The build that nothing happens to. */
export async function buildUndisturbed(trial: CacheTrial, folder: string): Promise<CorpusReference> {
  const started = performance.now();
  const { code, stderr, digest, documents } = await startBuild(trial, join(folder, 'whole'), join(folder, 'cache')).end;
  if (code !== 0 || documents !== trial.world.documents || digest === undefined) {
    throw new Error(`the build fails where nothing happens to it: ${documents} documents, ${stderr}`);
  }
  return { digest, milliseconds: performance.now() - started };
}

/** @returns what was wrong, and how many processes were killed: `kills` at most. */
export async function cacheRound(
  trial: CacheTrial,
  folder: string,
  reference: CorpusReference,
  kills: number,
): Promise<{ kills: number; violations: string[] }> {
  const { random } = trial;
  const cache = join(folder, 'cache');
  const violations: string[] = [];
  let killed = 0;
  trial.world.forget();
  for (let isEnd = false; !isEnd; ) {
    const first = startBuild(trial, join(folder, 'one'), cache);
    await sleep(random.choose([0, random.uniform() * reference.milliseconds]));
    const builds = [first, startBuild(trial, join(folder, 'two'), cache)];
    const wanted = random.choose([[0], [1], [0, 1]]).slice(0, kills - killed);
    const moments = wanted.map(() => random.uniform() * reference.milliseconds);
    const killing = wanted.map(async (index, i) => {
      await sleep(moments[i]);
      builds[index].child.kill('SIGKILL');
    });
    const ends = await Promise.all(builds.map(({ end }) => end));
    await Promise.all(killing);
    killed += ends.filter(({ signal }) => signal === 'SIGKILL').length;
    for (const end of ends) if (end.signal === null) violations.push(...faultsOf(end, reference));
    isEnd = violations.length > 0 || ends.every(({ signal }) => signal === null);
  }
  const left = leftovers(cache);
  if (violations.length === 0 && left.length > 0) violations.push(`left behind: ${left.join(', ')}`);
  return { kills: killed, violations };
}

/** The servers are sound, and what was killed must not matter: a build that ends by itself ends well. */
function faultsOf({ code, stderr, digest, documents }: Build, reference: CorpusReference): string[] {
  if (code === 0 && digest === reference.digest) return [];
  const result =
    digest === undefined
      ? 'no corpus'
      : `${documents} documents, ${digest === reference.digest ? 'the same' : 'others'}`;
  return [`code ${code}, ${result}: ${stderr.slice(-600)}`];
}

/** An npm that outlived its build may still be at work in what is left of that. */
function leftovers(cache: string): string[] {
  return readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) => basename(name).startsWith('.tmp-'));
}

const damages: Record<string, (path: string) => void> = {
  'cut in half': (path) => truncateSync(path, statSync(path).size >> 1),
  flipped(path) {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(path, bytes);
  },
  emptied: (path) => truncateSync(path, 0),
  'made a folder'(path) {
    rmSync(path);
    mkdirSync(path);
  },
};

/**
 * Damages the files of a cache that builds have filled, one after the other in every way, and builds again: the whole
 * corpus with a warning that names the file, or an error that does; without a network, always the error.
 */
export async function damageRound(
  trial: CacheTrial,
  folder: string,
  reference: CorpusReference,
): Promise<{ damages: number; violations: string[] }> {
  const violations: string[] = [];
  const cache = join(folder, 'cache');
  let done = 0;
  for (const name of filesIn(cache)) {
    const path = join(cache, name);
    const original = readFileSync(path);
    for (const [how, damage] of Object.entries(damages)) {
      damage(path);
      trial.world.online = trial.random.uniform() < 0.7;
      const out = join(folder, `damage-${++done}`);
      const build = await startBuild(trial, out, cache).end;
      const isWhole = build.code === 0 && build.digest === reference.digest;
      const isNamed = build.stderr.includes(path);
      // Once its files are unpacked, the tarball is not read.
      const isUnused = isWhole && name.endsWith('.tgz');
      if (!isUnused && !(isNamed && (isWhole || build.code !== 0))) {
        violations.push(
          `${name} ${how}: code ${build.code}, ${build.documents} documents: ${build.stderr.slice(-600)}`,
        );
      }
      rmSync(out, { recursive: true, force: true });
      rmSync(path, { recursive: true, force: true });
      writeFileSync(path, original);
    }
  }
  trial.world.online = true;
  return { damages: done, violations };
}
