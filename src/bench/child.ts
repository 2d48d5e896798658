// A question to a process of its own, run with the same Node and the same loader as this one: its peak memory is then its
// own, and nothing that was measured before is left in its caches.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a child ended: the words, and the signal where there was one. */
export interface Ending {
  words: string;
  signal: NodeJS.Signals | null;
}

/**
 * Sends `question` to `./<name>` beside this file and resolves with what it sends back.
 * @throws what `onEnd` gives where it ends without an answer.
 */
export function askChild<Answer>(
  name: string,
  question: string | object,
  onEnd: (ending: Ending) => Error,
): Promise<Answer> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const child = fork(fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('message', (message) => resolve(message as Answer));
    child.once('exit', (code, signal) => {
      const words = signal === null ? `with code ${code}` : `by ${signal}`;
      reject(onEnd({ words, signal })); // after an answer: no effect
    });
    child.send(question);
  });
}
