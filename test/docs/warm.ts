// What runs a command in a process that has loaded the program before: of the time that a short one takes, most is spent on that.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { isBuilt, root, tsxLoader } from '../e2e/cli.js';

const program = isBuilt ? 'dist/cli/command-line.js' : 'src/cli/command-line.ts';

interface Ended {
  code: number;
  printed: string;
}

/** Far beyond any of them: for one that waits for ever. */
export const timeoutMs = 600_000;

let child: ChildProcess | undefined;
after(async () => {
  if (child === undefined) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
});

function start(env: Readonly<Record<string, string | undefined>>): ChildProcess {
  const started = fork(join(root, 'test/docs/warm-process.mjs'), [pathToFileURL(join(root, program)).href], {
    execArgv: isBuilt ? [] : ['--import', tsxLoader],
    env: { ...process.env, ...env },
  });
  return started.once('exit', () => {
    if (child === started) child = undefined;
  });
}

/** What it printed. @throws where it fails, or takes the process with it. */
export async function runWarm(
  words: readonly string[],
  { folder, env }: { folder: string; env: Readonly<Record<string, string | undefined>> },
): Promise<string> {
  child ??= start(env);
  const running = child;
  running.ref();
  running.channel?.ref();
  const timer = setTimeout(() => running.kill('SIGKILL'), timeoutMs);
  try {
    const { code, printed } = await new Promise<Ended>((resolve, reject) => {
      const onExit = (code: number | null, signal: string | null): void => {
        reject(new Error(`${signal ?? `exit ${code}`}: ${words.join(' ')}`));
      };
      running.once('exit', onExit);
      running.once('message', (ended: Ended) => {
        running.off('exit', onExit);
        resolve(ended);
      });
      running.send({ words, folder, env });
    });
    if (code !== 0) throw new Error(`exit ${code}: ${words.join(' ')}\n${printed}`);
    return printed;
  } finally {
    clearTimeout(timer);
    running.unref();
    running.channel?.unref();
  }
}
