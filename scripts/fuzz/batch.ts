// Some inputs of one reader in a child process, which may crash, hang or be killed for its memory: that, too, is an
// outcome, and it belongs to the input that the child had just announced.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './try-input.js';

/** Real time without a word from a child after which it hangs. */
export const hangMilliseconds = 60_000;
/** A child's JavaScript heap: an input that needs more kills it. */
export const heapMebibytes = 512;

export interface Batch {
  seed: number;
  reader: string;
  from: number;
  count: number;
}

type Message = { index: number } | { uncaught: string } | { outcome: Outcome };

/** @returns the first index that was not tried: after a crash there are more. */
export async function runBatch(batch: Batch, onOutcome: (index: number, outcome: Outcome) => void): Promise<number> {
  const { seed, reader, from, count } = batch;
  const script = fileURLToPath(new URL('child.ts', import.meta.url));
  const command = ['--import', 'tsx', script, seed, reader, from, count].map(String);
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMebibytes}`, ...command], {
    stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
  });
  const ended = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  let hung = false;
  const watch = (): NodeJS.Timeout =>
    setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, hangMilliseconds);
  let timer = watch();
  let current: number | undefined;
  for await (const line of createInterface({ input: child.stdio[3] as NodeJS.ReadableStream })) {
    clearTimeout(timer);
    timer = watch();
    const message = JSON.parse(line) as Message;
    if ('index' in message) current = message.index;
    else if ('uncaught' in message) stderr += message.uncaught;
    else if (current !== undefined) {
      onOutcome(current, message.outcome);
      current = undefined;
    }
  }
  const how = await ended;
  clearTimeout(timer);
  if (current === undefined && how === 'exit code 0') return from + count;
  if (current === undefined) throw new Error(`a child for ${reader} ended with ${how} between inputs: ${stderr}`);
  const why = hung ? `no answer for ${hangMilliseconds / 1000} s` : `the process ended with ${how}: ${stderr}`;
  onOutcome(current, { verdict: 'fault', why, milliseconds: 0, mebibytes: 0 });
  return current + 1;
}
