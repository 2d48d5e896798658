// One run as a page draws it. Its metrics.jsonl is read once, from where the last reading ended: pages ask again and again, and a
// long run has gigabytes of it.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metricsName } from '../base/layout.js';
import { processUse } from '../base/process.js';
import { holderOf } from '../pipeline/lock.js';
import { eventOf } from '../report/metrics.js';
import type { RunDetail } from './contract.js';
import { RunFold } from './run-fold.js';

/** Runs whose readings are kept. */
const maxKept = 4;
/** A line longer than this is no event of ours. */
const maxLine = 8 << 20;

export class RunDetails {
  /** Folder → its reading; who was asked for last is last. */
  readonly #readings = new Map<string, Reading>();

  /** @param now seconds since 1970. @param signal ends the reading, which then throws, and resumes there when it is asked for again. */
  async read(folder: string, name: string, { now, signal }: { now: number; signal: AbortSignal }): Promise<RunDetail> {
    const reading = await this.#readingOf(folder);
    await reading.resume(signal);
    const { fold, offset } = reading;
    const { isHeld, pid } = await holderOf(folder);
    const stages = fold.stages(isHeld);
    const isStopped = stages.some(({ state }) => state === 'stopped');
    // Half a line is on its way, unless nobody writes it.
    const broken = reading.broken + (reading.isTorn && !isHeld ? 1 : 0);
    const eta = isHeld ? fold.eta(now) : undefined;
    const machine = pid === undefined ? undefined : await useOf(pid);
    return {
      ...{ name, state: isHeld ? 'running' : isStopped ? 'stopped' : 'done', stages },
      ...{ ...fold.series, ...fold.samples, results: fold.results },
      ...(broken > 0 && { broken }),
      offset,
      ...(eta !== undefined && { eta }),
      ...(machine !== undefined && { machine }),
    };
  }

  async #readingOf(folder: string): Promise<Reading> {
    const path = join(folder, metricsName);
    const { ino, size } = await stat(path);
    const known = this.#readings.get(folder);
    // A file that became shorter is another one.
    const reading = known?.ino === ino && known.offset <= size ? known : new Reading(path, ino);
    this.#readings.delete(folder);
    this.#readings.set(folder, reading);
    const [oldest] = this.#readings.keys();
    if (this.#readings.size > maxKept) this.#readings.delete(oldest);
    return reading;
  }
}

class Reading {
  readonly #path: string;
  readonly ino: number;
  readonly fold = new RunFold();
  /** Bytes that are read: whole lines. */
  offset = 0;
  /** Whole lines that are no event. */
  broken = 0;
  /** There is more behind them, which is no whole line. */
  isTorn = false;

  constructor(path: string, ino: number) {
    this.#path = path;
    this.ino = ino;
  }

  async resume(signal: AbortSignal): Promise<void> {
    let pending: Buffer[] = [];
    let length = 0;
    for await (const chunk of createReadStream(this.#path, { start: this.offset, signal }) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
        const piece = chunk.subarray(from, end);
        this.offset += length + piece.length + 1;
        this.#take(length > maxLine ? undefined : Buffer.concat([...pending, piece]).toString());
        [pending, length, from] = [[], 0, end + 1];
      }
      const rest = chunk.subarray(from);
      length += rest.length;
      if (length > maxLine)
        pending = []; // its bytes are counted, and nothing else of it
      else pending.push(rest);
    }
    this.isTorn = length > 0;
  }

  #take(line: string | undefined): void {
    if (line?.trim() === '') return;
    const event = line === undefined ? undefined : eventOf(line);
    if (event === undefined) this.broken++;
    else this.fold.take(event);
  }
}

const measuredMilliseconds = 100;

/** Undefined where the process is gone, or its system does not say. */
async function useOf(pid: number): Promise<RunDetail['machine']> {
  const [before, began] = [processUse(pid), performance.now()];
  if (before === undefined) return undefined;
  await sleep(measuredMilliseconds);
  const after = processUse(pid);
  if (after === undefined) return undefined;
  const seconds = (performance.now() - began) / 1000;
  return { rss: after.rss, cpu: (after.cpuSeconds - before.cpuSeconds) / seconds };
}
