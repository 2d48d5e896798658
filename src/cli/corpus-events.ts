// What the runs behind a checkpoint say of their corpora: the sources, their licences, and what these ask to be said.
import { join } from 'node:path';
import { metricsName, settingsName } from '../base/layout.js';
import { realPathOrItself } from '../base/link.js';
import type { PipelineConfig } from '../config/pipeline.js';
import { runAround } from '../pipeline/around.js';
import { loadPipeline } from '../pipeline/load.js';
import { startingStage, startOf } from '../pipeline/plan.js';
import type { Event } from '../report/event.js';
import { readMetrics, settleEvents } from '../report/metrics.js';
import { namesOf, stageTable } from '../stages/catalog.js';

/** Runs that start from one another, at most: a circle of settings ends. */
const maxRuns = 16;

/** What the run around a checkpoint, and those that it started from, say of their corpora; each source once, the oldest run first. */
export async function corpusEvents(checkpoint: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  let start: string | undefined = checkpoint;
  for (let n = 0; n < maxRuns && start !== undefined; n++) {
    const run: string | undefined = await runAround(await realPathOrItself(start));
    if (run === undefined) break;
    events.unshift(...settleEvents((await readMetrics(join(run, metricsName))).events));
    start = await startOfRun(run);
  }
  const seen = new Set<string>();
  return events.filter((event) => {
    if (event.type !== 'licence') return true;
    const { source, licence, url, attribution } = event;
    const key = JSON.stringify([source, licence, url, attribution]);
    return !seen.has(key) && seen.add(key);
  });
}

/** The checkpoint that its settings name; undefined where they name none, or cannot be read any more. */
async function startOfRun(run: string): Promise<string | undefined> {
  const config: PipelineConfig | undefined = await loadPipeline({ config: join(run, settingsName) }).catch(
    () => undefined,
  );
  if (config === undefined) return undefined;
  const stage = startingStage({ config, stages: stageTable }, namesOf(stageTable));
  return (stage && startOf(config, stage)) ?? config.pretrain?.from;
}

/** `cc-cedict: CC-CEDICT, published by …`; empty where no licence asks for any, or nothing is known of the corpus. */
export async function attributionsOf(checkpoint: string): Promise<string[]> {
  const events = await corpusEvents(checkpoint);
  return events.flatMap((event) =>
    event.type === 'licence' && event.attribution !== undefined ? [`${event.source}: ${event.attribution}`] : [],
  );
}
