// Whether an MPI launcher started this process, and as which rank: what `mpirun` and `srun` say in the environment. Loads nothing.

export interface LaunchedRank {
  rank: number;
  /** At least 2: a launcher's only process is like any other. */
  size: number;
  /** Among the ranks of this machine. */
  localRank: number;
  /** Whose library the launcher speaks to first. */
  family: MpiFamily;
}

/** Libraries that share the values of their handles: MPICH's are those of Intel MPI and MVAPICH, too. */
export type MpiFamily = 'Open MPI' | 'MPICH';

type Environment = Readonly<Record<string, string | undefined>>;

/** What each launcher calls rank, size, and the place on the machine. */
const launchers: readonly (Record<'rank' | 'size' | 'localRank', string> & { family: MpiFamily })[] = [
  {
    family: 'Open MPI',
    ...{ rank: 'OMPI_COMM_WORLD_RANK', size: 'OMPI_COMM_WORLD_SIZE' },
    localRank: 'OMPI_COMM_WORLD_LOCAL_RANK',
  },
  {
    family: 'MPICH',
    ...{ rank: 'PMI_RANK', size: 'PMI_SIZE', localRank: 'MPI_LOCALRANKID' },
  },
  // `srun --mpi=pmix`; a batch script, which is no rank, has no PMIX_RANK.
  { family: 'Open MPI', rank: 'PMIX_RANK', size: 'SLURM_STEP_NUM_TASKS', localRank: 'SLURM_LOCALID' },
];

/** Undefined: this process computes by itself. */
export function launchedRank(environment: Environment): LaunchedRank | undefined {
  const count = (name: string): number | undefined => {
    const text = environment[name];
    return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
  };
  for (const { family, ...names } of launchers) {
    const [rank, size] = [count(names.rank), count(names.size)];
    if (rank === undefined || size === undefined || size < 2 || rank >= size) continue;
    return { family, rank, size, localRank: count(names.localRank) ?? 0 };
  }
  return undefined;
}

/**
 * How many tasks one `srun` started, of which this is the first, where each takes itself for the only one; 0 elsewhere. The
 * batch script has a SLURM_PROCID, too, but is no step.
 */
export function unjoinedTasks(environment: Environment): number {
  const { SLURM_STEP_ID: step, SLURM_STEP_NUM_TASKS: tasks, SLURM_PROCID: task } = environment;
  const isFirst = step !== undefined && /^\d{1,9}$/.test(step) && task === '0';
  const count = isFirst && tasks !== undefined && /^\d{1,6}$/.test(tasks) ? Number(tasks) : 0;
  return count > 1 && launchedRank(environment) === undefined ? count : 0;
}

/** Open MPI's `mpirun` says so; without a word from it each process has as many cores as the machine or the job gives. */
export function isBoundToCores(environment: Environment): boolean {
  return environment.OMPI_MCA_orte_bound_at_launch === '1';
}

/** Open MPI's `mpirun` answers a signal by SIGTERM and, a second later, SIGKILL to its ranks, unless it is given more time. */
export function isKilledEarly(environment: Environment): boolean {
  if (environment.OMPI_COMM_WORLD_RANK === undefined) return false; // MPICH waits, and so does Slurm
  return ['OMPI_MCA_', 'PRTE_MCA_'].every((prefix) => environment[`${prefix}odls_base_sigkill_timeout`] === undefined);
}
