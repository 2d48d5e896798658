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
  readonly faults: readonly Fault[];
  readonly exitCode: 1 | 2;
  constructor(faults: Fault | readonly Fault[], options: ErrorOptions & { exitCode?: 1 | 2 } = {}) {
    const list = Array.isArray(faults) ? (faults as readonly Fault[]) : [faults as Fault];
    super(list.map(describeFault).join('\n'), options);
    this.name = 'UserError';
    this.faults = list;
    this.exitCode = options.exitCode ?? 2;
  }
}

/** The person (or the system) asked us to stop; a checkpoint was written where there was one to write (exit code 130). */
export class Interrupted extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Interrupted';
  }
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
    .map((part, i) => (i === 0 ? part : part.replace(/^[a-z]+(?=[ ,])/, capitalise)))
    .map((part) => (/[.!?。:]$/.test(part) ? part : `${part}.`))
    .join(' ');
}

function capitalise(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
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

/**
 * Turns the file-system errors that a person can cause (disk full, no permission, missing) into a `UserError` that names
 * `where`, by default the path of the system's own error.
 */
export function asUserError(error: unknown, where?: string): unknown {
  if (!(error instanceof Error) || error instanceof UserError) return error;
  where ??= (error as NodeJS.ErrnoException).path;
  switch (systemErrorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new UserError(
        {
          what: 'the disk is full',
          where,
          why: 'what was already saved is whole',
          next: 'Free some space and run the same command again: it goes on from what was saved',
        },
        { cause: error, exitCode: 1 },
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new UserError(
        { what: 'permission denied', where, next: 'Choose another folder with --out, or change its permissions' },
        { cause: error },
      );
    case 'ENOENT':
      return new UserError({ what: 'no such file or folder', where, next: 'Check the path' }, { cause: error });
    case 'EISDIR':
      return new UserError({ what: 'this is a folder, a file was expected', where }, { cause: error });
    case 'ENOTDIR':
      return new UserError({ what: 'this is a file, a folder was expected', where }, { cause: error });
    default:
      return error;
  }
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
