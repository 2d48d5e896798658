// The memory that opening a checkpoint takes, in a process of its own: nothing else has raised its peak.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../base/errors.js';

/** What the child sends: the bytes, or why there are none. */
export type OpenAnswer = { bytes: number } | { failure: string };

/** Bytes of resident memory at the most while opening the checkpoint for use, less those before. */
export function peakOfOpening(path: string): Promise<number> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const child = fork(fileURLToPath(new URL(`./open-child.${extension}`, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('message', (message) => {
      const answer = message as OpenAnswer;
      if ('bytes' in answer) resolve(answer.bytes);
      else reject(new UserError({ what: answer.failure, where: path }, { exitCode: 1 }));
    });
    child.once('exit', (code, signal) => {
      const what = `the process that opened it ended ${signal === null ? `with code ${code}` : `by ${signal}`}`;
      reject(new UserError({ what, where: path }, { exitCode: 1 })); // late: no effect
    });
    child.send(path);
  });
}
