// A question to a process of its own, run with the same Node and the same loader as this one: its peak memory is then its
// own, and nothing that was measured before is left in its caches.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Fault, UserError } from '../base/errors.js';

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
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const child = fork(fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('message', (message) => {
      const answer = message as Answer<Result>;
      if ('result' in answer) resolve(answer.result);
      else reject('faults' in answer ? new UserError(answer.faults) : new Error(answer.failure));
    });
    child.once('exit', (code, signal) => {
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      reject(new UserError(onEnd(how), { exitCode: 1 })); // after an answer: no effect
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
