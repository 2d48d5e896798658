// A run of small stages that write a file each, for tests of the runner's own logic.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { digestOf, exists, writeFileAtomic } from '../../src/base/files.js';
import { type PipelineConfig, pipelineSchema, type StageName } from '../../src/config/pipeline.js';
import { resolved } from '../../src/pipeline/load.js';
import { inputsOf } from '../../src/pipeline/plan.js';
import { type PipelineRun, runPipeline } from '../../src/pipeline/run.js';
import type { Event } from '../../src/report/event.js';
import { namesOf, stageTable } from '../../src/stages/catalog.js';
import type { Stage } from '../../src/stages/stage.js';
import type { StageTable } from '../../src/stages/stage-row.js';
import type { SettingChange } from '../../src/train/resume.js';

export const folder = await mkdtemp(join(tmpdir(), 'mossctl-run-'));
after(() => rm(folder, { recursive: true }));

/** What happened, in order; `stopAt` makes that stage stop halfway, once. */
export interface World {
  ran: StageName[];
  /** What the last stage that ran was told of changed settings. */
  overrides?: readonly SettingChange[];
  /** The names of its inputs. */
  inputs?: string[];
  /** Its `check` refuses. */
  refused?: StageName;
  stopAt?: StageName;
  /** It refuses when it runs, before it does anything. */
  refuses?: StageName;
  outside?: string;
}

/** Of an input that such a stage made; null of any other. */
async function digestAt(path: string): Promise<string | null> {
  const text = await readFile(join(path, 'mossctl.json'), 'utf8').catch(() => '{}');
  return (JSON.parse(text) as { digest?: string }).digest ?? null;
}

/** A stage that counts to two in its folder, a step at a time, resuming where it was stopped. */
export function countingStage(name: StageName, world: World): () => Promise<Stage<unknown>> {
  return async () => ({
    async check() {
      if (world.refused === name) throw new UserError({ what: `${name} cannot work` });
    },
    inputDigest: async () => (name === 'data' ? (world.outside ?? '') : ''),
    async run(job) {
      world.ran.push(name);
      world.overrides = job.overrides;
      world.inputs = Object.keys(job.inputs);
      if (world.refuses === name) throw new UserError({ what: `${name} cannot resume like this` });
      const count = join(job.directory, 'count');
      for (let done = (await exists(count)) ? Number(await readFile(count, 'utf8')) : 0; done < 2; done++) {
        await writeFileAtomic(count, String(done + 1));
        if (world.stopAt === name) {
          world.stopAt = undefined;
          throw new Interrupted('stopped');
        }
      }
      const path = join(job.directory, 'step-000002');
      await mkdir(path, { recursive: true });
      // Equal work, equal digest: made of what the inputs are and of the settings, not of where files lie.
      const settings = { ...(job.config ?? {}), spec: undefined };
      const inputs = await Promise.all(Object.entries(job.inputs).map(async ([of, at]) => [of, await digestAt(at)]));
      const digest = digestOf([name, settings, inputs]);
      await writeFile(join(path, 'mossctl.json'), JSON.stringify({ name, config: job.config ?? null, digest }));
      if (name === 'eval') {
        const columns = [{ label: 'base', checkpoint: 'x', metrics: { reward: 1 } }];
        job.reporter.emit({ type: 'table', columns });
      }
      return { path, digest, metrics: { count: 2 } };
    },
  });
}

/** The rows as they are, but for what runs. */
export const tableOf = (world: World): StageTable => {
  const rows = stageNames.map((name) => [name, { ...stageTable[name], load: countingStage(name, world) }]);
  return Object.fromEntries(rows) as StageTable;
};

const specPath = join(folder, 'spec.yaml');
await writeFile(specPath, 'name: x\n');

export const stageNames = namesOf(stageTable);

/** What the block of a stage must say; the others are empty. */
const requiredSettings: Partial<Record<StageName, object>> = {
  data: { spec: specPath },
  pretrain: { train: { batchSize: 8, learningRate: 1e-3, weightDecay: 0.1, epochs: 1 } },
  selfInstruct: { seeds: specPath },
};

/** Every stage's block. */
export function whole(): PipelineConfig {
  const names = stageNames.filter((name) => name in pipelineSchema.shape);
  const blocks = Object.fromEntries(names.map((name) => [name, requiredSettings[name] ?? {}]));
  return resolved(pipelineSchema.parse({ name: 'test', ...blocks }));
}

/** A stage, and every stage that reads what it makes, directly or through others. */
export function withDependents(first: StageName): StageName[] {
  const config = whole();
  const affected: StageName[] = [];
  for (const name of stageNames) {
    const inputs = inputsOf(name, { config, stages: stageTable });
    if (name === first || inputs.some((input) => affected.includes(input))) affected.push(name);
  }
  return affected;
}

export async function start(runDirectory: string, world: World, options: Partial<PipelineRun> = {}) {
  const events: Event[] = [];
  world.ran = [];
  const result = await runPipeline({
    config: whole(),
    runDirectory,
    reporter: { emit: (event) => events.push(event) },
    stages: tableOf(world),
    ...options,
  });
  const states = events.flatMap((event) => (event.type === 'stage' ? [`${event.stage} ${event.state}`] : []));
  return { result, events, states };
}

let runs = 0;
export const freshRun = (): string => join(folder, `run-${++runs}`);
