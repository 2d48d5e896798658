// What can be known before the first stage starts: a fault of the last stage must not wait for the hours before it.
import type { PipelineConfig } from '../config/pipeline.js';
import type { Reporter } from '../report/event.js';
import type { StageTable } from '../stages/index.js';
import type { StageName } from '../stages/stage.js';
import { blockOf, checkFiles, modelStages } from './plan.js';
import { readRecord } from './record.js';

interface Ahead {
  config: PipelineConfig;
  runDirectory: string;
  plan: readonly StageName[];
  stages: StageTable;
  reporter: Reporter;
}

/**
 * A stage that has finished is not looked at: it will most likely be skipped, and needs neither key nor backend then.
 * @throws UserError for a missing file, a backend that cannot run here or not as asked, and what a stage's own `check` finds.
 */
export async function checkAhead({ config, runDirectory, plan, stages, reporter }: Ahead): Promise<void> {
  await checkFiles(plan, config);
  const states = await Promise.all(plan.map(async (name) => (await readRecord(runDirectory, name))?.state));
  const pending = plan.filter((_, i) => states[i] !== 'finished');
  for (const name of pending) await checkStage(name, config, stages);
  const needsBackend = pending.some((name) => name === 'eval' || modelStages.includes(name));
  const { backend, threads, precision } = config;
  const isAsked = backend !== 'auto' || threads !== undefined || precision !== 'fp32';
  if (!isAsked || !needsBackend) return;
  const { openBackend } = await import('../tensor/backends.js');
  const { note } = await openBackend(backend, { threads, precision });
  reporter.emit({ type: 'note', stage: 'run', level: 'info', text: note });
}

async function checkStage<Name extends StageName>(
  name: Name,
  config: PipelineConfig,
  stages: StageTable,
): Promise<void> {
  const stage = await stages[name]();
  await stage.check?.({ config: blockOf(config, name) });
}
