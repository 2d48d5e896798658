// What lies in a run folder, found without mossctl's own code: by the names and the sha256 that the format documents.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

export const modelStages = ['pretrain', 'sft', 'align'] as const;
const stages = ['data', 'tokenizer', 'tokens', 'pretrain', 'self-instruct', 'sft', 'align', 'eval'] as const;

interface StageRecord {
  state?: string;
  output?: { path: string; digest: string };
}

/** Undefined where there is none, or it is no JSON. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

export const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Every file of the folder, by its relative path. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
    .filter((name) => !name.startsWith('latest/'))
    .sort();
}

export function recordOf(run: string, stage: string): StageRecord | undefined {
  return readJson<StageRecord>(join(run, stage, 'stage.json'));
}

/** `pretrain`, `sft`, `align/round-01`, …: the folders that checkpoints are saved in. */
export function trainingFolders(run: string): string[] {
  return modelStages.flatMap((stage) => {
    if (stage !== 'align') return existsSync(join(run, stage)) ? [stage] : [];
    const names = existsSync(join(run, stage)) ? readdirSync(join(run, stage)) : [];
    return names.filter((name) => /^round-\d+$/.test(name)).map((name) => `align/${name}`);
  });
}

export function stepsIn(run: string, folder: string): string[] {
  return readdirSync(join(run, folder))
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Whether every file of a checkpoint is the one that its mossctl.json names; `damaged`: what we know to be changed. */
export function isWhole(run: string, step: string, damaged: ReadonlySet<string>): boolean {
  if (damaged.has(join(step, 'mossctl.json'))) return false;
  const manifest = readJson<{ files: Record<string, string> }>(join(run, step, 'mossctl.json'));
  if (manifest === undefined) return false;
  return Object.entries(manifest.files).every(([name, digest]) => {
    const path = join(run, step, name);
    return existsSync(path) && sha256(path) === digest;
  });
}

/** The newest step of each training folder that has a whole checkpoint; 0 where none has. */
export function wholeSteps(run: string, damaged: ReadonlySet<string>): Map<string, number> {
  return new Map(
    trainingFolders(run).map((folder) => {
      const newest = stepsIn(run, folder).findLast((step) => isWhole(run, step, damaged));
      return [folder, newest === undefined ? 0 : Number(newest.slice(-6))];
    }),
  );
}

/** What a finished run comes to: the sha256 of every file of every stage's output, and of what `latest` holds. */
export function fingerprint(run: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const stage of stages) {
    const record = recordOf(run, stage);
    if (record?.state !== 'finished' || record.output === undefined) {
      found[stage] = 'not finished';
      continue;
    }
    found[stage] = record.output.digest;
    const path = join(run, record.output.path);
    const names = statSync(path).isDirectory() ? filesIn(path) : ['.'];
    for (const name of names) {
      if (/^\.?stage\.json$/.test(name) || (name.startsWith('training/') && stage !== 'data')) continue;
      found[`${stage}: ${record.output.path}/${name}`] = sha256(join(path, name));
    }
  }
  const latest = realpathSync(join(run, 'latest'));
  found.latest = `${relative(realpathSync(run), latest)} ${sha256(join(latest, weightsIn(latest)))}`;
  return found;
}

/** Of an adapter its own: its base is another checkpoint's. */
function weightsIn(checkpoint: string): string {
  const names = ['model.safetensors', 'adapter_model.safetensors'];
  return names.find((name) => existsSync(join(checkpoint, name))) ?? names[0];
}
