// One round of alignment from feedback: `mossctl align` as a process of its own, so that a crash of it is no crash of the server,
// and what the gate decided, read from the file that the round ends with.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { countOf } from '../base/format.js';
import { jsonIn } from '../base/objects.js';
import { redact } from '../base/secrets.js';
import { eventSchema } from '../report/event.js';
import type { RoundEnd, RoundEvent } from './contract.js';
import { readKeptRound, refused, unfinished } from './kept-rounds.js';
import { ownEnvironment, printedErrors } from './own-program.js';
import { Queue } from './sse.js';

type RoundProgress = RoundEvent & { type: 'progress' };

/** Of what the round said: the newest are said again to a page that opens late. */
const maxNotes = 100;
const maxErrorText = 4096;
const maxText = 2000;
/** What saving a step takes, at the most, until the process is killed. */
const patienceMilliseconds = 10_000;

export class Round {
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #notes: RoundProgress[] = [];
  readonly #readers = new Set<Queue<RoundEvent>>();
  #latest: RoundProgress | undefined;
  #forgotten = 0;
  #errors = '';
  #isStopped = false;
  /** What became of it, once that is known. Never rejects. */
  readonly ended: Promise<RoundEnd>;
  #end: RoundEnd | undefined;

  /**
   * @param args of Node: the program and its own.
   * @param run the folder that it works in.
   * @param finish what to do once the gate has promoted a checkpoint; it adds to the end what it knows.
   */
  constructor(id: string, args: readonly string[], run: string, finish: (end: RoundEnd) => Promise<RoundEnd>) {
    this.id = id;
    // The channel closes with this process, however it ends: then the child saves its step and stops.
    this.#child = spawn(process.execPath, [...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: ownEnvironment(),
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-maxErrorText);
    });
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line));
    this.ended = this.#closed()
      .then((failure) => (failure === undefined ? endIn(run) : refused(failure)))
      .then(finish)
      .catch((error: unknown) => refused(`the round ended, but not its result: ${String(error)}`))
      .then((end) => {
        this.#end = end;
        for (const reader of this.#readers) finishReading(reader, end);
        return end;
      });
  }

  get isRunning(): boolean {
    return this.#end === undefined;
  }

  get end(): RoundEnd | undefined {
    return this.#end;
  }

  /** What it said so far, then what it says until it ends or the signal is aborted. */
  async *events(signal: AbortSignal): AsyncGenerator<RoundEvent> {
    const queue = new Queue<RoundEvent>((earlier, event) => isProgress(earlier) && isProgress(event));
    if (this.#forgotten > 0) {
      const text = `${countOf(this.#forgotten, 'earlier note')} of this round ${this.#forgotten === 1 ? 'is' : 'are'} kept no longer`;
      queue.push({ type: 'progress', label: 'info', text });
    }
    for (const note of this.#notes) queue.push(note);
    if (this.#latest !== undefined) queue.push(this.#latest);
    if (this.#end === undefined) this.#readers.add(queue);
    else finishReading(queue, this.#end);
    const leave = (): void => queue.end();
    signal.addEventListener('abort', leave, { once: true });
    try {
      yield* queue.read();
    } finally {
      this.#readers.delete(queue);
      signal.removeEventListener('abort', leave);
    }
  }

  /** Asks it to save and stop, and ends it where it does not. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#child.kill('SIGTERM');
    const patience = new AbortController();
    const late = sleep(patienceMilliseconds, undefined, { signal: patience.signal, ref: false }).then(
      () => this.#child.kill('SIGKILL'),
      () => undefined,
    );
    await this.ended;
    patience.abort();
    await late;
  }

  /** Why it failed, in words. */
  #closed(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(`the round could not be started: ${error.message}`));
      this.#child.on('close', (code, signal) => {
        if (code === 0) resolve(undefined);
        else if (this.#isStopped || code === 130) resolve('the round was stopped before its end: nothing is promoted');
        else {
          const how = `the round ended with ${signal ?? `code ${code}`} and printed no error`;
          resolve(printedErrors(this.#errors) ?? how);
        }
      });
    });
  }

  #hear(line: string): void {
    const event = eventSchema.or(progressSchema).safeParse(jsonIn(line)).data;
    if (event === undefined) return;
    if (event.type === 'progress') {
      const { label, done, total } = event;
      this.#say({ type: 'progress', label, done, ...(total !== undefined && { total }) });
    } else if (event.type === 'step') {
      const { step: done, steps: total, loss } = event;
      this.#say({ type: 'progress', label: 'step', done, total, text: `loss ${loss.toPrecision(4)}` });
    } else if (event.type === 'note') {
      this.#say({ type: 'progress', label: event.level, text: redact(event.text.slice(0, maxText)) });
    }
  }

  #say(event: RoundProgress): void {
    if (isProgress(event)) this.#latest = event;
    else if (this.#notes.push(event) > maxNotes) {
      this.#notes.shift();
      this.#forgotten++;
    }
    for (const reader of this.#readers) reader.push(event);
  }
}

const progressSchema = z.object({
  type: z.literal('progress'),
  label: z.string().max(maxText),
  done: z.number(),
  total: z.number().optional(),
});

/** Of which only the newest counts. */
function isProgress(event: RoundEvent): boolean {
  return event.type === 'progress' && event.done !== undefined;
}

function finishReading(queue: Queue<RoundEvent>, end: RoundEnd): void {
  queue.push(end);
  queue.end();
}

async function endIn(run: string): Promise<RoundEnd> {
  return (await readKeptRound(run)).end ?? unfinished;
}
