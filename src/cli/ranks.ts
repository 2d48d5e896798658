// A process that MPI started together with others. The first one is mossctl as always; the others take no command line, print
// nothing, and train with it.
import { hostname } from 'node:os';
import { hostShare, ownPlace, shareHost } from '../base/cores.js';
import { Interrupted, UserError } from '../base/errors.js';
import { isBoundToCores, isKilledEarly, type LaunchedRank } from '../base/launcher.js';
import type { MpiCommunicator } from '../distributed/mpi.js';
import { chosenLanguage } from '../language/choice.js';
import { speechIn } from '../language/speech.js';
import { dismissRanks, followFirstRank } from '../pipeline/ranks.js';
import { isInFlight } from '../stages/ranks.js';
import { alone, type Communicator, RankFailed } from '../tensor/communicator.js';
import { runCommandLine } from './command-line.js';
import { outputWritten, reportFailure, speak, warnOnStderr } from './output.js';
import { watchInterrupt } from './signals.js';

let joined: Communicator = alone;

/** Who trains together with this process. */
export function communicator(): Communicator {
  return joined;
}

/** Commands that train; words without `-` that may come first. */
const together = ['run', 'pretrain', 'sft', 'tool-use', 'align'];

function trains([command]: readonly string[]): boolean {
  return command === undefined || command.startsWith('-') || together.includes(command);
}

/** Of `tasks` processes that Slurm started, none of which knows of the others: that is meant where each does work of its own. */
export async function warnUnjoined(tasks: number, typed: readonly string[]): Promise<void> {
  if (isAnsweredAlone(typed) || !trains(typed)) return;
  speak(await speechIn(chosenLanguage(typed, process.env)));
  const text = `srun started ${tasks} processes, and each takes itself for the only one: they do not train together. Start them with srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH), or one alone with srun -n 1`;
  warnOnStderr(text);
}

function isAnsweredAlone(typed: readonly string[]): boolean {
  const [first] = typed;
  const isWord = first === undefined || ['help', 'version', 'doctor', '--version', '-v'].includes(first);
  return isWord || typed.includes('--help') || typed.includes('-h');
}

/** @returns the exit code of this rank. */
export async function runRank(launched: LaunchedRank, typed: readonly string[]): Promise<number> {
  // Nothing that the others are needed for, and it says what is wrong where they cannot be joined.
  if (isAnsweredAlone(typed)) return launched.rank === 0 ? runCommandLine(typed) : 0;
  speak(await speechIn(chosenLanguage(typed, process.env)));
  let mpi: MpiCommunicator;
  try {
    const { openMpi } = await import('../distributed/mpi.js');
    mpi = await openMpi(launched);
  } catch (error) {
    // On each machine, for it may be that of one alone.
    return launched.localRank === 0 ? reportFailure(error) : 1;
  }
  const onExit = (code: number): void => mpi.abort(code || 1);
  // What Open MPI's mpirun passes on without killing anybody afterwards.
  process.on('SIGUSR2', () => process.kill(process.pid, 'SIGTERM'));
  process.on('exit', onExit); // whatever ends this process early ends them all
  joined = mpi;
  const places = await mpi.gather(ownPlace());
  const share = hostShare(places, mpi.rank);
  shareHost(share);
  if (share.bound && launched.localRank === 0 && isBoundToCores(process.env)) {
    const { used, there } = share.bound;
    warnOnStderr(`mpirun binds these processes to ${used} of ${there} cores of ${hostname()}: add --bind-to none`);
  }
  const code = mpi.rank > 0 ? await follow(mpi) : await lead(mpi, typed);
  await leave(mpi, code);
  process.off('exit', onExit);
  return code;
}

/** Together with the others; where they may wait for this rank, which does not come back, it ends them. */
export async function leave(mpi: MpiCommunicator, code: number): Promise<void> {
  if (!mpi.isBroken && !isInFlight(mpi)) return mpi.close();
  await outputWritten();
  mpi.abort(code || 1);
}

async function lead(mpi: MpiCommunicator, typed: readonly string[]): Promise<number> {
  const isTraining = trains(typed);
  if (isTraining && isKilledEarly(process.env)) warnOnStderr(killedEarly);
  const code = isTraining ? await runCommandLine(typed) : reportFailure(trainsNothing(typed[0], mpi.size));
  // They know already where one of them has failed; and in the midst of a stage they would take it for something else.
  if (!isInFlight(mpi)) await dismissRanks(mpi).catch(() => undefined);
  return code;
}

async function follow(mpi: MpiCommunicator): Promise<number> {
  const { signal } = watchInterrupt(() => undefined, { isQuiet: true });
  try {
    await followFirstRank(mpi, signal);
    return 0;
  } catch (error) {
    // The first rank has been told, and says it; unless it could not be.
    const isSaid = error instanceof RankFailed || !(mpi.isBroken || isInFlight(mpi));
    if (!isSaid) return reportFailure(error);
    if (error instanceof Interrupted) return 130;
    return error instanceof UserError ? error.exitCode : 1;
  }
}

const killedEarly =
  'mpirun of Open MPI kills its processes a second after Ctrl-C or SIGTERM, before they have saved: start it with --mca odls_base_sigkill_timeout 60, or stop it by sending SIGUSR2 to mpirun';

function trainsNothing(command: string, size: number): UserError {
  return new UserError({
    what: `${command} was started as ${size} processes, and it is the work of one`,
    why: `only ${together.join(', ')} train on several`,
    next: 'Type it without mpirun',
  });
}
