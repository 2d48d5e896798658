// A pipeline of several ranks: the first runs it, and the others wait until there is a stage that all train together. They run
// that stage beside it, without a word and without a file of their own.
import { UserError } from '../base/errors.js';
import { ownVersion } from '../base/version.js';
import type { PipelineConfig, StageName } from '../config/pipeline.js';
import { stageReporter } from '../report/event.js';
import { stageTable } from '../stages/catalog.js';
import { callRanks, inFlight, type Order, together } from '../stages/ranks.js';
import type { Job, Stage, StageOutput } from '../stages/stage.js';
import type { StageRow, StageTable } from '../stages/stage-row.js';
import { alone, type Communicator } from '../tensor/communicator.js';

/** @throws UserError where the plan trains what ranks cannot train together. */
export function checkRanks(
  plan: readonly StageName[],
  { config, stages }: { config: PipelineConfig; stages: StageTable },
  communicator: Communicator = alone,
): void {
  if (communicator.size === 1) return;
  const why = (name: StageName): string | undefined => {
    const { output, onRanks, aloneBecause } = stages[name];
    if (output === 'folder') return undefined;
    return onRanks === undefined ? `it was started as ${communicator.size} processes` : aloneBecause?.(config);
  };
  const wrong = plan.find((name) => why(name) !== undefined);
  if (wrong === undefined) return;
  const before = plan.slice(0, plan.indexOf(wrong));
  const divided = before.filter((name) => stages[name].onRanks).map((name) => stages[name].command);
  throw new UserError({
    what: `several processes cannot train ${wrong} together yet`,
    why: why(wrong),
    next:
      divided.length === 0
        ? 'Run it without mpirun: one process uses all cores of a machine'
        : `Run ${divided.join(', ')} with mpirun, and then the whole pipeline without it: it continues from there`,
  });
}

/** Runs a stage: on all ranks, or on this one, which then calls the others in for what they train together. */
export async function runOnRanks<Config>(
  stage: StageName,
  row: Pick<StageRow, 'onRanks'>,
  { run }: Stage<Config>,
  job: Job<Config>,
): Promise<StageOutput> {
  const { communicator = alone } = job;
  if (communicator.size === 1) return run(job);
  if (row.onRanks === 'whole') return callRanks(communicator, { stage, job }, () => run(job));
  return run({ ...job, communicator: alone, ranks: row.onRanks === 'parts' ? communicator : alone });
}

/** Says to the others that there is nothing more to do. */
export async function dismissRanks({ gather }: Communicator): Promise<void> {
  await gather<Order | undefined>({ stage: null, version: ownVersion() });
}

/** What every rank but the first does, until the first has nothing more to do. @throws whatever ends it before. */
export async function followFirstRank(
  communicator: Communicator,
  signal: AbortSignal,
  stages: StageTable = stageTable,
): Promise<void> {
  const reporter = { emit: () => undefined };
  for (;;) {
    inFlight.add(communicator); // until it is dismissed, or all have ended together
    const [order] = await communicator.gather<Order | undefined>(undefined);
    if (order === undefined || order.stage === null || order.job === undefined) break;
    const { stage, part, version, job, given } = order;
    await together(communicator, async () => {
      if (version !== ownVersion()) throw otherVersion(version);
      const { run, parts = {} } = (await stages[stage].load()) as Stage<never>;
      const own: Job<never> = { ...job, reporter: stageReporter(reporter, stage), signal, communicator };
      return part === undefined ? run(own) : parts[part](own, given as never);
    });
  }
  inFlight.delete(communicator);
}

function otherVersion(first: string): UserError {
  return new UserError({
    what: `this machine has mossctl ${ownVersion()}, and that of the first rank ${first}`,
    next: 'Install the same version on all machines',
  });
}
