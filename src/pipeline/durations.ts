// How long stages took, for the time that is left of a run: on this machine with the same settings, else with the same settings
// of that stage alone, else as the pipeline file expects. Kept in the cache, which is safe to delete.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { digestOf, writeFileAtomic } from '../base/files.js';
import { jsonIn } from '../base/objects.js';
import { shownSettings } from '../base/secrets.js';
import type { StageName } from '../config/pipeline.js';
import { cacheDirectory } from '../network/cache.js';
import type { PlannedStage } from '../report/event.js';
import { namesOf } from '../stages/catalog.js';
import { alone, type Communicator } from '../tensor/communicator.js';
import { blockOf, type Pipeline } from './plan.js';

const fileName = 'stage-seconds.json';
const maxEntries = 500;

/** Settings as a digest → seconds; the latest comes last. */
const durationsSchema = z.record(z.string().max(100), z.number().min(0).max(1e9));
type Durations = z.output<typeof durationsSchema>;

interface TimedPipeline extends Pipeline {
  /** Who shares the work. */
  communicator?: Pick<Communicator, 'size'>;
}

/** Of the stages of a plan, in its order. */
export async function expectedDurations(plan: readonly StageName[], pipeline: TimedPipeline): Promise<PlannedStage[]> {
  const known = await readDurations();
  const declared = pipeline.config.expectedSeconds ?? {};
  return plan.map((name) => {
    const measured = keysOf(name, pipeline)
      .map((key) => (Object.hasOwn(known, key) ? known[key] : undefined))
      .find((seconds) => seconds !== undefined);
    if (measured !== undefined) return { name, seconds: measured, isMeasured: true };
    const seconds = declared[name];
    return { name, ...(seconds !== undefined && { seconds }) };
  });
}

/** What cannot be kept costs a later run its estimate, and nothing else. */
export async function keepDuration(name: StageName, pipeline: TimedPipeline, seconds: number): Promise<void> {
  try {
    const keys = keysOf(name, pipeline);
    const others = Object.entries(await readDurations()).filter(([key]) => !keys.includes(key));
    const entries = [...others, ...keys.map((key) => [key, seconds] as const)].slice(-maxEntries);
    await mkdir(cacheDirectory(), { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(cacheDirectory(), fileName), `${JSON.stringify(Object.fromEntries(entries))}\n`);
  } catch {
    // no home, no room, no permission: nothing of the run depends on it
  }
}

async function readDurations(): Promise<Durations> {
  try {
    return durationsSchema.parse(jsonIn(await readFile(join(cacheDirectory(), fileName), 'utf8')));
  } catch {
    return {};
  }
}

/** Of the stage with all that comes before it, and alone; the seed changes no duration. */
function keysOf(name: StageName, { config, stages, communicator = alone }: TimedPipeline): string[] {
  const { backend, threads, precision } = config;
  const names = namesOf(stages);
  const blocks = names.slice(0, names.indexOf(name) + 1).map((each) => blockOf(config, each));
  const ranks = communicator.size;
  const common = { name, backend, threads, precision, ...(ranks > 1 && { ranks }) };
  return [
    digestOf(shownSettings({ ...common, blocks })).slice(0, 32),
    digestOf(shownSettings({ ...common, block: blocks.at(-1), model: config.pretrain?.model })).slice(0, 32),
  ];
}
