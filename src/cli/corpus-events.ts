// What the run around a checkpoint says of its corpus: the sources, their licences, and what these ask to be said.
import { dirname, join, resolve } from 'node:path';
import { exists } from '../base/files.js';
import { metricsName, settingsName } from '../base/layout.js';
import type { Event } from '../report/event.js';
import { readMetrics, settleEvents } from '../report/metrics.js';

/** What the run around a checkpoint says of its corpus. */
export async function corpusEvents(checkpoint: string): Promise<readonly Event[]> {
  let folder = resolve(checkpoint);
  for (let depth = 0; depth < 3; depth++) {
    folder = dirname(folder);
    if (!(await exists(join(folder, settingsName)))) continue;
    return settleEvents((await readMetrics(join(folder, metricsName))).events);
  }
  return [];
}

/** `cc-cedict: CC-CEDICT, published by …`; empty where no licence asks for any, or nothing is known of the corpus. */
export async function attributionsOf(checkpoint: string): Promise<string[]> {
  const events = await corpusEvents(checkpoint);
  return events.flatMap((event) =>
    event.type === 'licence' && event.attribution !== undefined ? [`${event.source}: ${event.attribution}`] : [],
  );
}
