// A process that MPI started together with others. The first one is mossctl as always; the others take no command line, print
// nothing, and train with it.
import { Interrupted, UserError } from '../base/errors.js';
import type { LaunchedRank } from '../base/launcher.js';
import type { MpiCommunicator } from '../distributed/mpi.js';
import { alone, type Communicator } from '../tensor/communicator.js';
import { runCommandLine } from './command-line.js';
import { reportFailure } from './output.js';
import { watchInterrupt } from './signals.js';

let joined: Communicator = alone;

/** Who trains together with this process. */
export function communicator(): Communicator {
  return joined;
}

/** Commands that train; words without `-` that may come first. */
const together = ['run', 'pretrain', 'sft'];

/** @returns the exit code of this rank. */
export async function runRank(launched: LaunchedRank, typed: readonly string[]): Promise<number> {
  let mpi: MpiCommunicator;
  try {
    const { openMpi } = await import('../distributed/mpi.js');
    mpi = await openMpi(launched);
  } catch (error) {
    // On each machine, for it may be that of one alone.
    return launched.localRank === 0 ? reportFailure(error) : 1;
  }
  const onExit = (code: number): void => mpi.abort(code || 1);
  process.on('exit', onExit); // whatever ends this process early ends them all
  joined = mpi;
  const code = mpi.rank > 0 ? await follow(mpi) : await lead(mpi, typed);
  process.off('exit', onExit);
  await mpi.close();
  return code;
}

async function lead(mpi: MpiCommunicator, typed: readonly string[]): Promise<number> {
  const [command] = typed;
  const isTraining = command === undefined || command.startsWith('-') || together.includes(command);
  const code = isTraining ? await runCommandLine(typed) : reportFailure(trainsNothing(command, mpi.size));
  const { dismissRanks } = await import('../pipeline/ranks.js');
  await dismissRanks(mpi).catch(() => undefined); // they know already where one of them has failed
  return code;
}

async function follow(mpi: MpiCommunicator): Promise<number> {
  const { followFirstRank } = await import('../pipeline/ranks.js');
  const { signal } = watchInterrupt(() => undefined, { isQuiet: true });
  try {
    await followFirstRank(mpi, signal);
    return 0;
  } catch (error) {
    // The first rank has been told, and says it.
    if (error instanceof Interrupted) return 130;
    return error instanceof UserError ? error.exitCode : 1;
  }
}

function trainsNothing(command: string, size: number): UserError {
  return new UserError({
    what: `${command} was started as ${size} processes, and it is the work of one`,
    why: `only ${together.join(', ')} train on several`,
    next: 'Type it without mpirun',
  });
}
