// Errors that a person can act on: what happened, where, why, and what to type next.
// Libraries throw them; only the CLI prints and exits.
import { diskAt } from './disk.js';
import { formatBytes } from './format.js';

/** One fault. `where` is `file:line:column`, a field path or a URL; `next` is what to type or change. */
export interface Fault {
  what: string;
  where?: string;
  why?: string;
  next?: string;
}

/**
 * Bad usage or bad input (exit code 2), or a failure of the work itself that a person can act on (exit code 1).
 * Carries every fault found, not only the first.
 */
export class UserError extends Error {
  override name = 'UserError';
  readonly faults: readonly Fault[];
  readonly exitCode: 1 | 2;
  constructor(faults: Fault | readonly Fault[], options: ErrorOptions & { exitCode?: 1 | 2 } = {}) {
    const list = Array.isArray(faults) ? (faults as readonly Fault[]) : [faults as Fault];
    super(list.map(describeFault).join('\n'), options);
    this.faults = list;
    this.exitCode = options.exitCode ?? 2;
  }
}

/** The person (or the system) asked us to stop; a checkpoint was written where there was one to write (exit code 130). */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** Between units of work. @throws Interrupted that says what was stopped. */
export function stopIfAborted(signal: AbortSignal | undefined, message: string): void {
  if (signal?.aborted) throw new Interrupted(message);
}

/** `where: what: why. next` as one paragraph. */
export function describeFault(fault: Fault): string {
  const head = fault.where === undefined ? fault.what : `${fault.where}: ${fault.what}`;
  const sentences = [head, fault.why, fault.next].filter((part): part is string => part !== undefined && part !== '');
  return sentences
    .map((part, i) => (i === 0 ? part : part.replace(/^[a-z](?=[a-z]*[ ,])/, (letter) => letter.toUpperCase())))
    .map((part) => (/[.!?。:]$/.test(part) ? part : `${part}.`))
    .join(' ');
}

/** The `code` of a Node system error (`ENOSPC`, `ENOENT`, …), if it is one. */
export function systemErrorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** For `catch`: `value` where there is no such file or folder. */
export function ifAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (systemErrorCode(error) === 'ENOENT') return value;
    throw error;
  };
}

const denied = {
  what: 'permission denied',
  next: 'Choose another folder (--out for results, MOSSCTL_CACHE for downloads), or change its permissions',
};
const again = 'run the same command again: it resumes from what was saved';
const noMemory = {
  what: 'there is not enough memory',
  next: 'Close other programs, or ask for less at once: a smaller model, batchSize or contextLength, or train.recompute=true; `mossctl plan` says what a training takes',
};
const tooLarge = { what: 'this file is too large to be read at once', next: 'Split it into smaller ones' };

/** The system errors that a person can cause and act on, by code. */
const systemFaults = new Map<string | undefined, Fault>([
  ['EACCES', denied],
  ['EPERM', denied],
  ['EROFS', { what: 'this file system is read-only', next: 'Choose another folder with --out' }],
  ['ENOENT', { what: 'no such file or folder', next: 'Check the path' }],
  ['EEXIST', { what: 'there is something else under this name', next: 'Choose another name, or move it away' }],
  ['EISDIR', { what: 'this is a folder, a file was expected', next: 'Check the path' }],
  ['ENOTDIR', { what: 'this path leads through a file, where a folder was expected', next: 'Check the path' }],
  ['ENAMETOOLONG', { what: 'this name is too long for the file system', next: 'Choose a shorter one' }],
  ['ELOOP', { what: 'this link leads back to itself', next: 'Check the path' }],
  ['ERR_FS_FILE_TOO_LARGE', tooLarge],
  ['ERR_STRING_TOO_LONG', tooLarge],
]);

/** Those that are nobody's input: there is not enough of something (exit code 1). */
const resourceFaults = new Map<string | undefined, Fault>([
  [
    'ENOSPC',
    { what: 'the disk is full', why: 'what was already saved is whole', next: `Free some space and ${again}` },
  ],
  ['EDQUOT', { what: 'your quota of this disk is used up', next: `Delete something of yours there and ${again}` }],
  [
    'EFBIG',
    {
      what: 'the file would be larger than may be',
      why: 'the file system or a limit of this shell (ulimit -f) ends there',
      next: `Raise the limit (ulimit -f unlimited), or choose another disk with --out, and ${again}`,
    },
  ],
  ['EMFILE', { what: 'too many files are open', next: `Raise the limit (ulimit -n 4096) and ${again}` }],
  ['ENFILE', { what: 'too many files are open on this machine', next: `Close other programs and ${again}` }],
  ['EIO', { what: 'the disk does not answer as it should', next: 'Look at the system log: it may be failing' }],
  ['ENOMEM', noMemory],
  [
    'EAGAIN',
    { what: 'the system gives no more threads or processes', next: `Raise the limit (ulimit -u) and ${again}` },
  ],
  ['ERR_WORKER_OUT_OF_MEMORY', noMemory],
]);

/** The machine lacks something, so this says nothing about the file that was being worked on. */
export function isResourceError(error: unknown): boolean {
  return resourceFaults.has(systemErrorCode(error)) || isFailedAllocation(error);
}

/** Turns them into a `UserError` that names `where`, by default the path of the system's own error. */
export function asUserError(error: unknown, where = (error as NodeJS.ErrnoException | undefined)?.path): unknown {
  if (error instanceof UserError) return error;
  const code = systemErrorCode(error);
  const resource = resourceFaults.get(code);
  if (resource !== undefined) {
    const fault = { where, ...resource, ...(code === 'ENOSPC' && roomInWords(where)) };
    return new UserError(fault, { cause: error, exitCode: 1 });
  }
  if (isFailedAllocation(error)) {
    return new UserError({ ...noMemory, why: wholeMessage(error) }, { cause: error, exitCode: 1 });
  }
  const fault = systemFaults.get(code);
  return fault === undefined ? error : new UserError({ where, ...fault }, { cause: error });
}

/** An error's own words. (TensorFlow's begin with a line that is a number, `Invalid TF_Status: 12`.) */
export function wholeMessage(error: unknown): string {
  const text = String(error instanceof Error ? error.message : error);
  return text.replace(/^Invalid TF_Status: \d+\nMessage: /, '');
}

/** Of V8, WebAssembly, TensorFlow and our own kernels. */
function isFailedAllocation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.message.startsWith('Invalid TF_Status: 8\n')) return true;
  const isRange = error instanceof RangeError && /allocation failed|could not allocate memory/i.test(error.message);
  return isRange || /^[a-z0-9-]+: out of memory$/.test(error.message);
}

/** What is left on the disk of a path. */
function roomInWords(path: string | undefined): Pick<Fault, 'why'> | undefined {
  const disk = path === undefined ? undefined : diskAt(path);
  if (disk === undefined) return undefined;
  const { mount, freeBytes, totalBytes, freeFiles } = disk;
  const left =
    freeFiles === 0 ? 'room for no more files' : `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} left`;
  return { why: `${mount} has ${left}; what was already saved is whole` };
}

/** The candidate nearest to `word`, if near enough to be a likely typo: one edit in three letters of the shorter one; else the one that it begins. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  const all = [...candidates];
  for (const candidate of all) {
    const letters = Math.min(word.length, candidate.length);
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (letters < 2 || distance > Math.max(1, Math.floor(letters / 3)) || distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best ?? begunWith(word, all);
}

/** `language` of `lang`. */
function begunWith(word: string, candidates: readonly string[]): string | undefined {
  const begun = candidates.filter((candidate) => candidate.toLowerCase().startsWith(word.toLowerCase()));
  return word.length >= 3 && begun.length === 1 ? begun[0] : undefined;
}

/** Letters to put in, leave out, replace, or exchange with the next one. */
function editDistance(a: string, b: string): number {
  let [before, previous]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchange = isExchange ? before[j - 2] + 1 : substitution;
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, substitution, exchange));
    }
    [before, previous] = [previous, current];
  }
  return previous[b.length];
}
