// Regular expressions from a file of questions, bounded in time: one that backtracks without end on some answer is stopped,
// and counts as no match. The expression is data for `new RegExp`, in a context that has nothing else.
import { createContext, Script } from 'node:vm';

/** Longest time on one answer. */
const timeLimitMs = 500;

const script = new Script('new RegExp(source, flags).test(text)');

/** What is wrong with a pattern; undefined where it is sound. */
export function patternFault(source: string, flags: string): string | undefined {
  try {
    new RegExp(source, `u${flags}`);
    return undefined;
  } catch (error) {
    return `regex: ${(error as Error).message}`;
  }
}

/** Whether it matches anywhere in `text`; 'late' where that took too long. */
export function matches({ source, flags }: { source: string; flags: string }, text: string): boolean | 'late' {
  const context = createContext(Object.assign(Object.create(null), { source, flags: `u${flags}`, text }));
  try {
    return script.runInContext(context, { timeout: timeLimitMs }) === true;
  } catch (error) {
    // The error is of that context: no instance of this one's Error.
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? 'late' : false; // else out of its stack or its memory
  }
}
