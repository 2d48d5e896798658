// Loads the compiled half of the native backend. A file that is absent, foreign or older than the code is an ordinary
// situation: each has its own sentence and what to type next, and nothing crashes.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { availableCores } from '../../base/cores.js';
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import { canCompile, findEngine } from './engine-file.js';

/** What native/addon.cc exports. Memory is named by address: of a registered slab, or inside one. */
export interface Addon {
  /** Kernel names; `call` takes their index. */
  kernels: string[];
  /** Runs a kernel on the call described by the first `length` numbers of `frame`. Throws Error on bad input. */
  call(index: number, frame: Float64Array, length: number): void;
  /** Runs the calls of `frames` again, each preceded by its kernel's index and its length. Throws as `call` does. */
  replay(frames: Float64Array): void;
  /** The same of two that do not touch each other's tensors, side by side; `lead` numbers of the first go before. */
  replayTwo(first: Float64Array, second: Float64Array, lead: number): void;
  /** Numbers of 4 bytes that a packed matrix takes, at the precision that is set. */
  packedFloats(out: number, input: number, isQ8: boolean): number;
  /** Registers memory that kernels may touch and returns its base address. The caller keeps it alive and attached. */
  addSlab(buffer: ArrayBuffer): number;
  removeSlab(address: number): void;
  setThreads(count: number): void;
  threads(): number;
  setPrecision(precision: 'fp32' | 'bf16'): void;
  /** Bytes that kernels hold for packed operands and partial sums, beside the slabs. */
  scratchBytes(): number;
  /** The instruction set in use: avx2, avx512 or neon. */
  isa(): string;
  /** Whether the processor multiplies bf16 itself. */
  hasBf16(): boolean;
  /** Whether it does so faster than it multiplies fp32. */
  bf16IsFast(): boolean;
  /** GFLOP/s of fused multiply-adds in registers: this machine's limit. */
  probeFma(precision: string, threads: number): number;
  /** GB/s read from memory. */
  probeBandwidth(threads: number): number;
}

const functions = [
  ...(['call', 'replay', 'replayTwo', 'packedFloats', 'addSlab', 'removeSlab', 'setThreads', 'threads'] as const),
  ...(['setPrecision', 'isa', 'scratchBytes', 'hasBf16', 'bf16IsFast', 'probeFma', 'probeBandwidth'] as const),
] satisfies readonly (keyof Addon)[];

const rebuild = canCompile()
  ? 'Type `mossctl native build --force`'
  : 'Install mossctl again; until then use `--backend wasm`';

/** The addon of this machine. Throws UserError with the reason and the remedy where there is none that runs. */
export function loadAddon(path = findEngine().path): Addon {
  if (!existsSync(path)) throw new UserError(whyAbsent(path));
  const addon = open(path);
  if (!isAddon(addon)) throw otherSources(path);
  return addon;
}

/** What a function or a kernel that the code calls, and the addon lacks, is a sign of. */
export function otherSources(path = findEngine().path): UserError {
  return new UserError({ what: 'the native engine was built from other sources', where: path, next: rebuild });
}

/** What a run uses by default: all cores, as far as the pool goes. */
export function defaultThreads(): number {
  return Math.min(256, availableCores());
}

/** What a run gets here by default, and from bf16: `avx512, 2 threads, bf16 no faster than fp32`. */
export function describeAddon(addon: Addon): string {
  const gain = addon.bf16IsFast() ? 'faster' : 'no faster';
  return `${addon.isa()}, ${countOf(defaultThreads(), 'thread')}, bf16 ${gain} than fp32`;
}

function open(path: string): unknown {
  try {
    return createRequire(import.meta.url)(path) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const isForeign = (error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_FAILED';
    // What the addon itself throws while loading is about this processor, and building again would not help.
    if (!isForeign) throw new UserError({ what: why, next: 'Use `--backend wasm`' }, { cause: error });
    throw new UserError({ what: 'the native engine does not load here', why, next: rebuild }, { cause: error });
  }
}

function isAddon(value: unknown): value is Addon {
  const addon = value as Partial<Addon> | null;
  return Array.isArray(addon?.kernels) && functions.every((name) => typeof addon[name] === 'function');
}

function whyAbsent(path: string): { what: string; next: string } {
  if (process.env.MOSSCTL_NATIVE) {
    return { what: `MOSSCTL_NATIVE names ${path}, which does not exist`, next: 'Correct it or unset it' };
  }
  if (!canCompile()) {
    const what = `this package has no native engine for ${process.platform} ${process.arch}, and none is compiled there`;
    return { what, next: 'Use `--backend wasm`, or a package with a prebuilt one (docs/platforms.md)' };
  }
  return lastFailure(dirname(path)) ?? { what: 'the native engine is not built', next: 'Type `mossctl native build`' };
}

/** What the last build left behind when it failed: the reason, and what to do about it. */
function lastFailure(folder: string): { what: string; next: string } | undefined {
  try {
    const [why, next] = readFileSync(join(folder, 'failed.txt'), 'utf8').slice(0, 2000).split('\n');
    return { what: `the native engine is not built: ${why}`, next };
  } catch {
    return undefined;
  }
}
