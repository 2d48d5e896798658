// What several processes gain: two ranks of one thread each under mpirun, against one process of one thread, in turn (a backend that
// takes no number of threads has its own). Both take the same steps of the same batches; twice the speed would be all there is to gain.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { availableCores } from '../base/cores.js';
import { describeFault, UserError } from '../base/errors.js';
import type { BackendChoice, Precision } from '../config/compute.js';
import { findMpi } from '../distributed/library.js';
import { extension } from './child.js';
import { inChild } from './compute.js';
import { spreadOf } from './measure.js';
import type { ShapeName } from './shapes.js';
import type { TrainJob, TrainMeasurement } from './train.js';

/** What one rank says of its training. */
export interface RankMeasurement extends TrainMeasurement {
  /** Share of a step that it spends in exchanges, others' lateness included. */
  exchangeShare: number;
  /** Gradients that it sends to who keeps their moments, and weights that it gets from there. */
  bytesPerStep: number;
}

export interface ScaleResult {
  /** The MPI, as it says it. */
  library: string;
  shape: ShapeName;
  precision: Precision;
  ranks: number;
  /** Of each process; null where its backend takes no such number. */
  threads: number | null;
  rounds: number;
  /** As `TrainMeasurement` has them. */
  parameters: number;
  tokensPerStep: number;
  flopsPerToken: number;
  /** Of the median round. */
  tokensPerSecond: { one: number; together: number };
  /** Speed of the ranks as a share of `ranks` times that of one: the median of the rounds' own, and their quartiles. */
  efficiency: number;
  quartiles: [low: number, high: number];
  /** Of the median round, the mean of the ranks. */
  exchangeShare: number;
  /** Of each rank: payload that it moves, and the least that data parallelism can do with, 2·4·P·(N − 1)/N. */
  bytesPerStep: number;
  minBytesPerStep: number;
  /** By rank, in the last round; and of the one process. */
  peakRssMiB: { one: number; together: number[] };
}

/** Why there is nothing to say: what is missing on this machine, or went wrong under its launcher. */
export interface UnmeasuredScale {
  missing: string;
}

interface ScaleJob {
  shape: ShapeName;
  precision: Precision;
  backend: BackendChoice;
  /** The one that this choice comes to here takes a number of threads. */
  takesThreads: boolean;
  seed: number;
  /** The ranks' answer is written below it. */
  folder: string;
  /** Timed steps of each measurement. */
  steps: number;
  rounds: number;
}

/** What a rank is to do, in its environment: its input and output are the launcher's. */
export const rankJobVariable = 'MOSSCTL_BENCH_RANK';
export interface RankJob {
  job: TrainJob;
  /** The file that the first rank writes. */
  answer: string;
}

const launcher = 'mpirun';
const ranks = 2;

export async function measureScale(job: ScaleJob, cores = availableCores()): Promise<ScaleResult | UnmeasuredScale> {
  if (cores < ranks) return { missing: 'there is one core' };
  const { shape, precision, rounds, takesThreads, folder, ...compute } = job;
  const { status, stdout } = spawnSync(launcher, ['--version'], { encoding: 'utf8' });
  if (status !== 0) return { missing: `there is no ${launcher} here` };
  const isOpenMpi = /open mpi/i.test(stdout);
  let library: string;
  try {
    library = (await findMpi(isOpenMpi ? 'Open MPI' : 'MPICH')).version;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { missing: error.message };
  }
  const own: TrainJob = { ...compute, shape, precision, threads: takesThreads ? 1 : undefined };
  // Hydra, of MPICH, binds nothing by itself, and starts as many as are asked for.
  const options = isOpenMpi ? ['--bind-to', 'none', '--oversubscribe'] : [];
  const measured: { one: TrainMeasurement; together: RankMeasurement[] }[] = [];
  for (let round = 0; round < rounds; round++) {
    // Who comes first turns from round to round; in the first one the ranks, so that a launcher that starts none costs little.
    const early = round % 2 === 1 ? await inChild('train', own) : undefined;
    const together = await onRanks(options, own, folder);
    if ('missing' in together) return together;
    measured.push({ one: early ?? (await inChild('train', own)), together });
  }
  const efficiency = spreadOf(
    measured.map(({ one, together: [first] }) => first.tokensPerSecond / (ranks * one.tokensPerSecond)),
  );
  const medianOf = (value: (round: (typeof measured)[number]) => number): number =>
    spreadOf(measured.map(value)).median;
  const last = measured[measured.length - 1];
  const { parameters, tokensPerStep, flopsPerToken } = last.one;
  return {
    ...{ library, shape, precision, ranks, threads: own.threads ?? null, rounds },
    ...{ parameters, tokensPerStep, flopsPerToken },
    tokensPerSecond: {
      one: medianOf(({ one }) => one.tokensPerSecond),
      together: medianOf(({ together: [first] }) => first.tokensPerSecond),
    },
    efficiency: efficiency.median,
    quartiles: [efficiency.low, efficiency.high],
    exchangeShare: medianOf(({ together }) => meanOf(together.map((rank) => rank.exchangeShare))),
    bytesPerStep: meanOf(last.together.map((rank) => rank.bytesPerStep)),
    minBytesPerStep: (8 * parameters * (ranks - 1)) / ranks,
    peakRssMiB: { one: last.one.peakRssMiB, together: last.together.map((rank) => rank.peakRssMiB) },
  };
}

/** What they find out; else why they did not, for then the sections after this one are still to be measured. */
async function onRanks(
  options: readonly string[],
  job: TrainJob,
  parent: string,
): Promise<RankMeasurement[] | UnmeasuredScale> {
  const child = fileURLToPath(new URL(`./scale-child.${extension}`, import.meta.url));
  const node = [process.execPath, ...process.execArgv, child];
  const folder = await mkdtemp(join(parent, '.tmp-mossctl-scale-'));
  const answer = join(folder, 'answer.json');
  const env = {
    ...process.env,
    [rankJobVariable]: JSON.stringify({ job, answer } satisfies RankJob),
    // Where the user is root, in a container say, Open MPI asks whether this is meant.
    ...{ OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
  };
  let stop = (): unknown => undefined;
  try {
    const mpirun = spawn(launcher, [...options, '-n', String(ranks), ...node], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'], // what it reads ends where this process does: the first rank then ends, too
    });
    mpirun.stdin.on('error', () => undefined);
    stop = () => mpirun.kill();
    process.once('exit', stop);
    let said = '';
    for (const stream of [mpirun.stdout, mpirun.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = `${said}${text}`.slice(0, maxReason);
      });
    }
    const how = await new Promise<string>((resolve) => {
      mpirun.once('error', ({ message }) => resolve(`before they began: ${message}`));
      mpirun.once('close', (code, signal) => resolve(signal === null ? `with code ${code}` : `by ${signal}`));
    });
    if (mpirun.exitCode === 0 && existsSync(answer))
      return JSON.parse(readFileSync(answer, 'utf8')) as RankMeasurement[];
    return {
      missing: describeFault({
        what: `the ${ranks} processes that trained ${job.shape} ended ${how}`,
        why: said.trim(),
        next: `Type \`${launcher} -n ${ranks} hostname\` to see whether it starts any`,
      }),
    };
  } finally {
    process.off('exit', stop);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Characters of what failed ranks print. */
const maxReason = 500;

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
