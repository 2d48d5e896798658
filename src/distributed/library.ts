// The one door to koffi: finds an MPI library, learns its values of handles and constants (no two families share them), and
// declares the few functions that are called. Everything that MPI keeps a pointer to lies in memory that never moves.
import { UserError } from '../base/errors.js';
import type { LaunchedRank, MpiFamily } from '../base/launcher.js';

/** An MPI handle: of Open MPI a pointer, of MPICH a number. */
type Handle = bigint | number;

export interface MpiLibrary {
  /** `Open MPI v4.1.4, …`, as the library says it. */
  version: string;
  path: string;
  rank: number;
  size: number;
  /** Memory of so many bytes, for good. */
  allocate(bytes: number): StableMemory;
  /**
   * Begins to send each rank its part of `from`, `counts` fp32 numbers by rank, and to collect what they have for this one: as many
   * from each, by rank.
   */
  startExchange(from: StableMemory, counts: readonly number[], into: StableMemory): void;
  /** Begins to collect `counts` fp32 numbers of the ranks, by rank; `from` has this one's. */
  startCollect(from: StableMemory, into: StableMemory, counts: readonly number[]): void;
  /** Begins to collect `bytes` of each rank, by rank. */
  startGather(from: StableMemory, into: StableMemory, bytes: number): void;
  /** Whether what was started last is done; moves it on. */
  isDone(): boolean;
  finalize(): void;
  /** Ends every rank of the job. Does not return. */
  abort(code: number): void;
}

export interface StableMemory {
  pointer: bigint;
  bytes: Uint8Array;
}

/** Under which names each family is installed. */
const fileNames: Record<MpiFamily, readonly string[]> = {
  'Open MPI': ['libmpi.so.40', 'libmpi.40.dylib', 'libmpi.so', 'libmpi.dylib'],
  MPICH: ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib', 'libmpich.so', 'libmpi.so', 'libmpi.dylib'],
};

/** Room for what the library says in words, by both families' limits. */
const maxText = 8192;
const threadsFunneled = 1;

type Koffi = typeof import('koffi').default;
type Loaded = ReturnType<Koffi['load']>;

/**
 * What `doctor` says of it, without joining a job.
 * @param first the family that is looked for first, where there are several.
 * @throws UserError where koffi or a library is missing
 */
export async function findMpi(first: MpiFamily = 'Open MPI'): Promise<{ version: string; path: string }> {
  const koffi = await loadKoffi();
  const { path, version } = open(koffi, first);
  return { path, version };
}

/** @throws UserError where there is no library, or not the launcher's. */
export async function joinMpi(launched: LaunchedRank): Promise<MpiLibrary> {
  const koffi = await loadKoffi();
  // UCX, under MPICH, would rewrite mmap and brk while the other threads of Node use them; what it gains by that are buffers that
  // move, and ours do not.
  process.env.UCX_MEM_EVENTS ??= 'no';
  const { library, path, version, family } = open(koffi, launched.family);
  const { type, world, float, byte, returnErrors, noStatus } = handlesOf(library, family);
  const call = (name: string, parameters: string[], ...given: unknown[]): void =>
    check(declare(name, parameters), given);
  const declare = (name: string, parameters: string[]) => library.func(name, 'int', parameters);
  const errorText = declare('MPI_Error_string', ['int', 'void *', 'void *']);
  const check = (f: (...given: unknown[]) => number, given: unknown[]): void => {
    const code = f(...given);
    if (code !== 0) throw new Error(`MPI: ${textOf(koffi, (text, length) => errorText(code, text, length))}`);
  };
  call('MPI_Init_thread', ['void *', 'void *', 'int', 'void *'], null, null, threadsFunneled, koffi.alloc('int', 1));
  call('MPI_Comm_set_errhandler', [type, type], world, returnErrors);
  const askWorld = (name: string): number => {
    const answer = koffi.alloc('int', 1);
    call(name, [type, 'void *'], world, answer);
    return koffi.decode(answer, 'int') as number;
  };
  const size = askWorld('MPI_Comm_size');
  const finalize = declare('MPI_Finalize', []);
  if (size !== launched.size) {
    finalize();
    throw new UserError({
      what: `${launched.size} processes were started together, and the MPI library sees ${size}`,
      where: path,
      why: `the launcher is of another MPI than the library, which is ${version}`,
      next: 'Start it with the mpirun of that library (mpirun.openmpi, mpirun.mpich), or with srun --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH)',
    });
  }
  const request = koffi.alloc('uint64_t', 1);
  // Counts and places of what is sent and collected, which MPI reads as long as that lasts.
  const layout = [0, 1, 2, 3].map(() => {
    const pointer = koffi.alloc('int', size) as bigint;
    return { pointer, numbers: new Int32Array(koffi.view(pointer, 4 * size)) };
  });
  const layOut = (counts: readonly number[], [lengths, places]: typeof layout): bigint[] => {
    let at = 0;
    for (const [rank, count] of counts.entries()) {
      lengths.numbers[rank] = count;
      places.numbers[rank] = at;
      at += count;
    }
    return [lengths.pointer, places.pointer];
  };
  const flag = koffi.alloc('int', 1);
  const isSet = new Int32Array(koffi.view(flag, 4));
  const vector = ['void *', 'void *', 'void *', type];
  const startExchange = declare('MPI_Ialltoallv', [...vector, ...vector, type, 'void *']);
  const startCollect = declare('MPI_Iallgatherv', ['void *', 'int', type, ...vector, type, 'void *']);
  const startGather = declare('MPI_Iallgather', ['void *', 'int', type, 'void *', 'int', type, type, 'void *']);
  const test = declare('MPI_Test', ['void *', 'void *', 'void *']);
  const abort = declare('MPI_Abort', [type, 'int']);
  const rank = askWorld('MPI_Comm_rank');
  return {
    ...{ version, path, size, rank },
    allocate(bytes) {
      const pointer = koffi.alloc('uint8_t', bytes) as bigint;
      return { pointer, bytes: new Uint8Array(koffi.view(pointer, bytes)) };
    },
    startExchange(from, counts, into) {
      const sent = layOut(counts, layout.slice(0, 2));
      const collected = layOut(new Array<number>(size).fill(counts[rank]), layout.slice(2));
      check(startExchange, [from.pointer, ...sent, float, into.pointer, ...collected, float, world, request]);
    },
    startCollect(from, into, counts) {
      const collected = layOut(counts, layout.slice(2));
      check(startCollect, [from.pointer, counts[rank], float, into.pointer, ...collected, float, world, request]);
    },
    startGather: (from, into, bytes) =>
      check(startGather, [from.pointer, bytes, byte, into.pointer, bytes, byte, world, request]),
    isDone() {
      check(test, [request, flag, noStatus]);
      return isSet[0] !== 0;
    },
    finalize: () => check(finalize, []),
    abort: (code) => check(abort, [world, code]),
  };
}

/** @throws UserError with what to type where it is not installed. */
async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch {
    throw new UserError({
      what: 'several processes train together through koffi, which is not installed',
      why: 'it is optional: nothing else needs it',
      next: 'Run `npm install koffi@3.3.4` beside mossctl (with -g where mossctl is installed so)',
    });
  }
}

function open(koffi: Koffi, first: MpiFamily) {
  const second = first === 'Open MPI' ? 'MPICH' : 'Open MPI';
  for (const path of new Set([...fileNames[first], ...fileNames[second]])) {
    let library: Loaded;
    try {
      library = koffi.load(path, { global: true }); // Open MPI loads plug-ins that look for its symbols
    } catch {
      continue;
    }
    const ask = library.func('MPI_Get_library_version', 'int', ['void *', 'void *']);
    const version = textOf(koffi, ask).split(/,|\n/)[0].replace(/\s+/g, ' ').trim();
    const family = familyOf(version);
    if (family === undefined) {
      throw new UserError({
        what: 'this MPI library is of a kind that is not known here',
        where: path,
        why: `it says that it is ${version.slice(0, 80)}`,
        next: 'Use Open MPI, MPICH, or one that follows the ABI of MPICH (Intel MPI, MVAPICH)',
      });
    }
    return { library, path, version, family };
  }
  throw new UserError({
    what: 'no MPI library was found',
    why: `none of ${[...fileNames['Open MPI'].slice(0, 1), ...fileNames.MPICH.slice(0, 2)].join(', ')} can be loaded`,
    next: 'Install one (apt install openmpi-bin, or mpich), or name its folder in LD_LIBRARY_PATH',
  });
}

function familyOf(version: string): MpiFamily | undefined {
  if (/^Open MPI/i.test(version)) return 'Open MPI';
  return /^(MPICH|Intel\(R\) MPI|MVAPICH)/i.test(version) ? 'MPICH' : undefined;
}

function textOf(koffi: Koffi, ask: (text: unknown, length: unknown) => unknown): string {
  const [text, length] = [koffi.alloc('char', maxText), koffi.alloc('int', 1)];
  ask(text, length);
  return koffi.decode.string(text, koffi.decode.int(length));
}

function handlesOf(library: Loaded, family: MpiFamily) {
  if (family === 'MPICH') {
    const numbers = {
      world: 0x44000000,
      float: 0x4c00040a,
      byte: 0x4c00010d,
      returnErrors: 0x54000001,
    };
    return { type: 'int', ...(numbers satisfies Record<string, Handle>), noStatus: 1n };
  }
  const of = (name: string): bigint => library.symbol(`ompi_mpi_${name}`) as bigint;
  return {
    ...{
      type: 'void *',
      world: of('comm_world'),
      float: of('float'),
      byte: of('byte'),
    },
    ...{ returnErrors: of('errors_return'), noStatus: 0n },
  };
}
