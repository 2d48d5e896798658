// A question to a process of its own, run with the same Node and the same loader as this one: its peak memory is then its
// own, and nothing that was measured before is left in its caches.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Fault, UserError } from '../base/errors.js';

/** Of our own files, as this one runs. */
export const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

type Answer<Result> = { result: Result } | { faults: readonly Fault[] } | { failure: string };

/**
 * Sends `question` to `./<name>` beside this file and resolves with what it finds out.
 * @throws what it threw; what `onEnd` says of a child that ended (`with code 1`, `by SIGKILL`) without an answer.
 */
export function askChild<Result>(
  name: string,
  question: string | object,
  onEnd: (how: string) => Fault,
): Promise<Result> {
  const child = fork(fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let answer: Answer<Result> | undefined;
    child.once('error', reject);
    child.once('message', (message) => {
      answer = message as Answer<Result>;
    });
    // Only then: what is measured next has the machine for itself, and the child's time counts as ours.
    child.once('exit', (code, signal) => {
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      if (answer === undefined) reject(new UserError(onEnd(how), { exitCode: 1 }));
      else if ('result' in answer) resolve(answer.result);
      else reject('faults' in answer ? new UserError(answer.faults) : new Error(answer.failure));
    });
    child.send(question);
  });
}

/** The child's side: one question comes in, one answer goes out. */
export function answerParent<Question, Result>(find: (question: Question) => Promise<Result>): void {
  process.once('message', async (question) => {
    const answer = await find(question as Question).then((result): Answer<Result> => ({ result }), failureOf);
    if (process.connected) process.send?.(answer, () => process.disconnect());
  });
}

function failureOf(error: unknown): Answer<never> {
  if (error instanceof UserError) return { faults: error.faults };
  return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}
