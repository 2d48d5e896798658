// Damage to a file of a run between two of its processes, and what must come of it.
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../../src/base/random.js';
import { filesIn, modelStages, readJson, recordOf, stepsIn, trainingFolders } from './survey.js';

export interface Damage {
  /** Relative to the run folder. */
  file: string;
  /** 'weights', 'stage.json', …: the row of the table. */
  kind: string;
  how: 'truncated' | 'flipped';
  /** What a later process builds on: it must name the file, or have made it again and said so. */
  matters: boolean;
  original: Buffer;
  damaged: Buffer;
}

const kinds: readonly (readonly [string, RegExp])[] = [
  ['weights', /step-\d+\/(adapter_)?model\.safetensors$/],
  ['optimizer', /training\/optimizer\.safetensors$/],
  ['training state', /training\/state\.json$/],
  ['mossctl.json', /mossctl\.json$/],
  ['config', /step-\d+\/(generation_|adapter_)?config\.json$/],
  ['tokenizer', /(^tokenizer\/|step-\d+\/(tokenizer|special_tokens|chat)).*(?<!stage\.json)$/],
  ['stage.json', /stage\.json$/],
  ['corpus', /^data\//],
  ['token shards', /^tokens\//],
  ['conversations', /^self-instruct\//],
  ['align rounds', /^align\/round-\d+\/[^/]+$/],
  ['eval', /^eval\//],
  ['run records', /^[^/]+$/],
];

/** Damages a file of a kind that is there: every kind is equally likely. Undefined where there is nothing to damage. */
export function damageSomething(run: string, random: Random, spared: ReadonlySet<string>): Damage | undefined {
  const names = filesIn(run).filter((name) => !/(^|\/)\.|\.damaged\/|\.replaced-/.test(name) && !spared.has(name));
  const groups = kinds
    .map(([kind, pattern]) => ({ kind, files: names.filter((name) => kindOf(name) === kind && pattern.test(name)) }))
    .filter(({ files }) => files.length > 0);
  if (groups.length === 0) return undefined;
  const { files } = random.choose(groups);
  return damageFile(run, random.choose(files), random.choose(['truncated', 'flipped']), random);
}

function kindOf(name: string): string | undefined {
  return kinds.find(([, pattern]) => pattern.test(name))?.[0];
}

export function damageFile(run: string, file: string, how: Damage['how'], random: Random): Damage | undefined {
  const path = join(run, file);
  const matters = isBuiltOn(run, file);
  const original = readFileSync(path);
  if (original.length === 0) return undefined;
  if (how === 'truncated') truncateSync(path, random.integer(0, original.length));
  else {
    const bytes = Buffer.from(original);
    for (let i = random.integer(1, 4); i > 0; i--) bytes[random.integer(0, bytes.length)] ^= 1 << random.integer(0, 8);
    if (bytes.equals(original)) bytes[0] ^= 1;
    writeFileSync(path, bytes);
  }
  return { file, kind: kindOf(file) ?? 'other', how, matters, original, damaged: readFileSync(path) };
}

/** Whether the next processes of the run take this file for true. */
function isBuiltOn(run: string, file: string): boolean {
  const stage = file.split('/')[0];
  const record = recordOf(run, stage);
  if (record === undefined) return false;
  if (file === `${stage}/stage.json`) return true;
  const isModel = (modelStages as readonly string[]).includes(stage);
  const isTraining = file.includes('/training/');
  if (record.state === 'finished') {
    const output = record.output?.path ?? '';
    return (file === output || file.startsWith(`${output}/`)) && !(isModel && isTraining);
  }
  return isModel && isResumedFrom(run, file);
}

/** Of an unfinished training: its newest checkpoint; of alignment also what its rounds have settled. */
function isResumedFrom(run: string, file: string): boolean {
  const folder = trainingFolders(run).findLast((name) => file.startsWith(`${name}/`));
  if (folder === undefined) return false;
  const round = readJson<{ candidate?: { path: string } }>(join(run, folder, 'round.json'));
  const ended = existsSync(join(run, folder, 'round.json'));
  if (dirname(file) === folder) {
    // Pairs without their summary are sampled again, and what is lost of a journal is done again.
    if (ended) return file.endsWith('/round.json');
    return /\/(sampled\.json|pairs\.jsonl)$/.test(file) && existsSync(join(run, folder, 'sampled.json'));
  }
  if (ended) return file.startsWith(`align/${round?.candidate?.path}/`) && !file.includes('/training/');
  return file.startsWith(`${stepsIn(run, folder).at(-1)}/`);
}
