// A pipeline of several ranks: the first runs it, and the others wait until there is a stage that all train together. They run
// that stage beside it, without a word and without a file of their own.
import { UserError } from '../base/errors.js';
import { ownVersion } from '../base/version.js';
import type { StageName } from '../config/pipeline.js';
import { stageReporter } from '../report/event.js';
import { type StageRow, type StageTable, stageTable } from '../stages/catalog.js';
import type { Job, Stage, StageOutput } from '../stages/stage.js';
import { alone, type Communicator } from '../tensor/communicator.js';

/** What the first rank says to the others; they answer nothing. */
interface Order {
  /** Null: there is nothing more to do. */
  stage: StageName | null;
  version: string;
  job?: SharedJob;
}

type SharedJob = Omit<Job<never>, 'reporter' | 'signal' | 'communicator'>;

/**
 * Ranks whose work has begun and is not over for all: the others wait for what comes of it, so whoever leaves now must end them.
 */
const inFlight = new WeakSet<Communicator>();

/** Whether others may wait for this rank. */
export function isInFlight(communicator: Communicator): boolean {
  return inFlight.has(communicator);
}

/** @throws UserError where the plan trains what ranks cannot train together. */
export function checkRanks(plan: readonly StageName[], stages: StageTable, communicator: Communicator = alone): void {
  if (communicator.size === 1) return;
  const wrong = plan.find((name) => stages[name].output !== 'folder' && stages[name].onRanks === undefined);
  if (wrong === undefined) return;
  const divided = plan.filter((name) => stages[name].onRanks).map((name) => stages[name].command);
  throw new UserError({
    what: `several processes cannot train ${wrong} together yet`,
    why: `it was started as ${communicator.size} processes`,
    next:
      divided.length === 0
        ? 'Run it without mpirun: one process uses all cores of a machine'
        : `Run ${divided.join(', ')} with mpirun, and then the whole pipeline without it: it continues from there`,
  });
}

/** Runs a stage, on all ranks where it is one that they train together. */
export async function runOnRanks<Config>(
  stage: StageName,
  row: Pick<StageRow, 'onRanks'>,
  { run }: Stage<Config>,
  job: Job<Config>,
): Promise<StageOutput> {
  const { communicator = alone, reporter: _, signal: __, ...shared } = job;
  if (communicator.size === 1 || row.onRanks === undefined) return run(job);
  await communicator.gather<Order | undefined>({ stage, version: ownVersion(), job: shared as SharedJob });
  return together(communicator, () => run(job));
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
    const { stage, version, job } = order;
    await together(communicator, async () => {
      if (version !== ownVersion()) throw otherVersion(version);
      const { run } = (await stages[stage].load()) as Stage<never>;
      return run({ ...job, reporter: stageReporter(reporter, stage), signal, communicator });
    });
  }
  inFlight.delete(communicator);
}

/** All ranks end this work together: where one cannot, none continues. */
async function together<Result>(communicator: Communicator, work: () => Promise<Result>): Promise<Result> {
  inFlight.add(communicator);
  try {
    const result = await work().catch(async (error: unknown) => {
      await communicator.fail(error);
      throw error;
    });
    await communicator.gather(null);
    return result;
  } finally {
    inFlight.delete(communicator);
  }
}

function otherVersion(first: string): UserError {
  return new UserError({
    what: `this machine has mossctl ${ownVersion()}, and that of the first rank ${first}`,
    next: 'Install the same version on all machines',
  });
}
