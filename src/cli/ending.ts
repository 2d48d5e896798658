// What the end of a run is said from: its last model, how long its stages worked, and what was measured.
import { join } from 'node:path';
import { parameterCount } from '../architecture/parameters.js';
import { metricsName } from '../base/layout.js';
import { readModel } from '../checkpoint/directory.js';
import { withCheckpoint } from '../checkpoint/reading.js';
import type { PipelineResult } from '../pipeline/run.js';
import type { Ending } from '../report/ending.js';
import type { EvaluationTable } from '../report/event.js';
import { readMetrics, stageSeconds } from '../report/metrics.js';
import { modelStagesOf, stageTable } from '../stages/catalog.js';

/** Undefined where the plan makes no model. */
export async function endingOf({ runDirectory, outputs, models, table }: PipelineResult): Promise<Ending | undefined> {
  const last = models.at(-1);
  if (last === undefined || modelStagesOf(stageTable).every((name) => outputs[name] === undefined)) return undefined;
  // A model that cannot be read is no reason to say nothing of the run.
  const parameters = await withCheckpoint(last.path, readModel).then(
    ({ model }) => parameterCount(model),
    () => undefined,
  );
  const { events } = await readMetrics(join(runDirectory, metricsName));
  const worked = stageSeconds(events);
  const seconds = Object.keys(outputs).reduce((sum, stage) => sum + (worked.get(stage) ?? 0), 0);
  return {
    kind: last.stage === 'pretrain' ? 'base' : 'chat',
    ...{ parameters, seconds, table },
    color: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  };
}

/** Of several runs of one pipeline. */
export function meanEnding(endings: readonly Ending[], table: EvaluationTable): Ending {
  const seconds = endings.reduce((sum, ending) => sum + ending.seconds, 0) / endings.length;
  return { ...endings[0], seconds, table, runs: endings.length };
}
