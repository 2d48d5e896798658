// metrics.jsonl: every event of a run but the transient ones, one JSON line each, with the time it came.
// Written so that a kill costs at most a second of it; read so that a torn line or a repeated step does no harm.
import { closeSync, createReadStream, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { appendWhole } from '../base/append-whole.js';
import { systemErrorCode } from '../base/errors.js';
import { jsonIn } from '../base/objects.js';
import { type Event, eventSchema } from './event.js';

const timedEventSchema = eventSchema.and(z.object({ time: z.number() }));
/** `time`: seconds since 1970. */
export type TimedEvent = Event & { time: number };

const flushSeconds = 1;

/** What waits for a disk that is full: beyond that many characters, lines are dropped and counted. */
const maxPending = 1 << 26;

/**
 * Appends to `path`. A failure to write is never thrown: it is reported to `warn` once, what could not be written is kept
 * and tried again, and `close` reports (`isIncomplete`) if some of it never could be.
 */
export function openMetrics(path: string, warn: (reason: string, isIncomplete: boolean) => void) {
  let pending = '';
  let torn = endsTorn(path);
  let flushed = Number.NEGATIVE_INFINITY;
  let failure: string | undefined;
  let hasWarned = false;
  let dropped = 0;
  const flush = (): void => {
    if (pending === '') return;
    try {
      mkdirSync(dirname(path), { recursive: true });
      appendWhole(path, torn ? `\n${pending}` : pending);
      pending = '';
      torn = false;
      failure = undefined;
    } catch (error) {
      failure = systemErrorCode(error) ?? String(error);
      torn = endsTorn(path);
      if (hasWarned) return;
      hasWarned = true; // before the warning itself comes here as an event
      warn(`cannot write ${path} (${failure}): its lines are kept in memory and tried again`, false);
    }
  };
  const timer = setInterval(flush, flushSeconds * 1000).unref();
  return {
    write(event: TimedEvent): void {
      if (event.type === 'progress' || event.type === 'plan') return;
      const line = `${JSON.stringify(event)}\n`;
      if (pending.length + line.length > maxPending) dropped++;
      else pending += line;
      // The timer cannot fire while a step computes; rare events are written at once.
      const mayWait = event.type === 'step' || failure !== undefined;
      if (mayWait && event.time - flushed < flushSeconds) return;
      flush();
      flushed = event.time;
    },
    close(): void {
      clearInterval(timer);
      flush();
      const lost = dropped + pending.split('\n').length - 1;
      pending = '';
      if (lost > 0) warn(`${path} lacks ${lost} lines of this run (${failure}): the report has a gap`, true);
    },
  };
}

/** Does an earlier, killed process leave a last line without its end? */
function endsTorn(path: string): boolean {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Undefined of a line that is torn, or no event. */
export function eventOf(line: string): TimedEvent | undefined {
  return timedEventSchema.safeParse(jsonIn(line)).data;
}

/** Every readable event of a metrics.jsonl, in file order, and how many lines were not readable. */
export async function readMetrics(path: string): Promise<{ events: TimedEvent[]; broken: number }> {
  const events: TimedEvent[] = [];
  let broken = 0;
  const take = (line: string): void => {
    if (line.trim() === '') return;
    const event = eventOf(line);
    if (event !== undefined) events.push(event);
    else broken++;
  };
  let pending = '';
  try {
    for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
      const lines = (pending + chunk).split('\n');
      pending = lines.pop() ?? '';
      lines.forEach(take);
    }
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  take(pending);
  return { events, broken };
}

const chunkBytes = 1 << 20;

/** What really counts of one stage until now, read at once: for a reader of events that may not wait. */
export function readStageEvents(path: string, stage: string): TimedEvent[] {
  const events: TimedEvent[] = [];
  const take = (line: string): void => {
    const event = eventOf(line);
    if (event?.stage === stage) events.push(event);
  };
  const decoder = new StringDecoder('utf8');
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(chunkBytes);
    let pending = '';
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      const lines = (pending + decoder.write(chunk.subarray(0, length))).split('\n');
      pending = lines.pop() ?? '';
      lines.forEach(take);
    }
    take(pending);
  } finally {
    closeSync(file);
  }
  return settleEvents(events);
}

/**
 * What really counts of a run that was stopped, resumed or changed: a stage that started afresh forgets its earlier try,
 * a resumed one forgets the steps that it did again, a try that was taken back never was, and a fact that was said twice is
 * kept once.
 */
export function settleEvents(events: readonly TimedEvent[]): TimedEvent[] {
  const stages = new Map<string, Set<TimedEvent>>();
  /** Stage, type and subject → the newest that says something of it. */
  const facts = new Map<string, TimedEvent>();
  /** Stage → the rounds that have continued since it was last resumed. */
  const resumed = new Map<string, Set<number | undefined>>();
  /** What was said of a stage before it last started: it counts again where that try is taken back. */
  const replaced = new Map<string, { kept: Set<TimedEvent>; rounds: Set<number | undefined> | undefined }>();
  for (const event of events) {
    if (event.type === 'stage' && event.state === 'taken back') {
      const { kept, rounds } = replaced.get(event.stage) ?? { kept: new Set() };
      stages.set(event.stage, kept);
      if (rounds !== undefined) resumed.set(event.stage, rounds);
      for (const earlier of kept) {
        const fact = factOf(earlier);
        if (fact !== undefined) facts.set(fact, earlier);
      }
      continue;
    }
    if (event.type === 'stage' && event.state === 'started') {
      replaced.set(event.stage, { kept: stages.get(event.stage) ?? new Set(), rounds: resumed.get(event.stage) });
      stages.delete(event.stage);
      resumed.delete(event.stage);
    }
    const kept = stages.get(event.stage) ?? new Set();
    if (event.type === 'stage') {
      if (event.state !== 'started') replaced.delete(event.stage);
      if (event.state === 'resumed') resumed.set(event.stage, new Set());
    } else if (event.type === 'step') {
      const rounds = resumed.get(event.stage);
      if (rounds?.has(event.round) === false)
        for (const earlier of kept) if (isDoneAgain(earlier, event)) kept.delete(earlier);
      rounds?.add(event.round);
    } else {
      const fact = factOf(event);
      if (fact !== undefined) {
        const earlier = facts.get(fact);
        if (earlier !== undefined) kept.delete(earlier);
        facts.set(fact, event);
      }
    }
    kept.add(event);
    stages.set(event.stage, kept);
  }
  // In the order they came: the clocks of two processes may disagree.
  const order = new Map(events.map((event, i) => [event, i]));
  return [...stages.values()].flatMap((kept) => [...kept]).sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

/** What was said at the first step of a round after a resume, or at later ones of it: all that is yet to come. */
function isDoneAgain(earlier: TimedEvent, first: Event & { type: 'step' }): boolean {
  if (!('step' in earlier) || earlier.step < first.step) return false;
  return ('round' in earlier ? earlier.round : undefined) === first.round;
}

function factOf(event: TimedEvent): string | undefined {
  const subject = subjectOf(event);
  return subject === undefined ? undefined : JSON.stringify([event.stage, event.type, subject]);
}

/** What a fact is about: of two events of a type and stage that are about the same, the later replaces the earlier. */
function subjectOf(event: TimedEvent): string | undefined {
  switch (event.type) {
    case 'note':
      return event.text;
    case 'licence':
      return event.source;
    case 'evaluation':
      return [event.step, ...Object.keys(event.metrics)].join();
    case 'sample':
      return `${event.step} ${event.prompt}`;
    case 'checkpoint':
      return event.path;
    case 'gate':
      return String(event.round);
    case 'composition':
    case 'filters':
    case 'reward':
    case 'table':
      return '';
    default:
      return undefined;
  }
}

/** Seconds that each stage worked since it last started afresh: pauses between processes do not count. */
export function stageSeconds(events: readonly TimedEvent[]): ReadonlyMap<string, number> {
  const clock = new StageClock();
  for (const event of events) clock.take(event);
  return clock.seconds;
}

/** The same, event by event. */
export class StageClock {
  readonly seconds = new Map<string, number>();
  /** Stage → the time of its last event, while a process works on it. */
  readonly #last = new Map<string, number>();
  /** What it had worked before it last started afresh. */
  readonly #replaced = new Map<string, number | undefined>();

  take(event: TimedEvent): void {
    const { stage, time } = event;
    const state = event.type === 'stage' ? event.state : undefined;
    const before = this.#last.get(stage);
    if (state === 'taken back') {
      const seconds = this.#replaced.get(stage);
      if (seconds === undefined) this.seconds.delete(stage);
      else this.seconds.set(stage, seconds);
      this.#last.delete(stage);
    } else if (state === 'started' || state === 'resumed') {
      this.#replaced.set(stage, state === 'started' ? this.seconds.get(stage) : undefined);
      this.seconds.set(stage, state === 'started' ? 0 : (this.seconds.get(stage) ?? 0));
      this.#last.set(stage, time);
    } else if (before !== undefined) {
      this.seconds.set(stage, (this.seconds.get(stage) ?? 0) + time - before);
      if (state === 'finished') this.#last.delete(stage);
      else this.#last.set(stage, time);
    }
  }
}
