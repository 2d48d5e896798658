// Errors that a person can act on: what happened, where, why, and what to type next.
// Libraries throw them; only the CLI prints and exits.

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

const diskFull = {
  what: 'the disk is full',
  why: 'what was already saved is whole',
  next: 'Free some space and run the same command again: it resumes from what was saved',
};
const denied = { what: 'permission denied', next: 'Choose another folder with --out, or change its permissions' };

/** The file-system errors that a person can cause, by code. */
const systemFaults = new Map<string | undefined, Fault>([
  ['ENOSPC', diskFull],
  ['EDQUOT', diskFull],
  ['EACCES', denied],
  ['EPERM', denied],
  ['EROFS', denied],
  ['ENOENT', { what: 'no such file or folder', next: 'Check the path' }],
  ['EISDIR', { what: 'this is a folder, a file was expected' }],
  ['ENOTDIR', { what: 'this is a file, a folder was expected' }],
]);

/** Turns them into a `UserError` that names `where`, by default the path of the system's own error. */
export function asUserError(error: unknown, where = (error as NodeJS.ErrnoException | undefined)?.path): unknown {
  const fault = error instanceof UserError ? undefined : systemFaults.get(systemErrorCode(error));
  if (fault === undefined) return error;
  return new UserError({ where, ...fault }, { cause: error, exitCode: fault === diskFull ? 1 : 2 });
}

/** The candidate nearest to `word` by edit distance, if near enough to be a likely typo. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length];
}
