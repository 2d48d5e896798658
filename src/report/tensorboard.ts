// The events of a run as TensorBoard draws them: a folder for each stage, and below it one for each round, whose steps count from
// 1. A process writes a file of its own there; what it does again of an earlier one's steps is said to count instead.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { appendWhole } from '../base/append-whole.js';
import { systemErrorCode } from '../base/errors.js';
import { kebabCase, shorten } from '../base/format.js';
import type { Event, Metrics } from './event.js';
import { eventRecord, type LoggedContent, type LoggedValue, readEvent, recordsIn } from './event-file.js';
import type { TimedEvent } from './metrics.js';
import type { Sink } from './sink.js';

interface TensorBoardOptions {
  /** Holds a folder for each stage. */
  folder: string;
  /** Milliseconds since 1970. */
  now: () => number;
  /** What earlier processes said of a stage, settled: of one that was not logged, its curves begin with that. */
  history: (stage: string) => readonly TimedEvent[];
  /** Hears once of a file that cannot be written, and at the end (`isIncomplete`) that one has a gap. */
  warn: (reason: string, isIncomplete: boolean) => void;
}

export function tensorBoardSink({ folder, now: clock, history, warn }: TensorBoardOptions): Sink {
  /** When what is said now was said, where that was earlier. */
  let said: number | undefined;
  const now = (): number => said ?? clock();
  const logs = new Map<string, StageLog>();
  /** Stage → the name under which its earlier try was set aside by this process; undefined where there was none. */
  const aside = new Map<string, string | undefined>();
  let lost = 0;
  let hasWarned = false;
  const onFailure = (path: string, error: unknown): void => {
    if (hasWarned) return;
    hasWarned = true; // before the warning itself comes here as an event
    const why = systemErrorCode(error) ?? String(error);
    warn(`cannot write ${path} (${why}): its records are kept in memory and tried again`, false);
  };
  const logOf = (stage: string, round?: number): StageLog => {
    const name = join(folderName(stage), round === undefined ? '' : `round-${String(round).padStart(2, '0')}`);
    const known = logs.get(name);
    if (known !== undefined) return known;
    const log = new StageLog(join(folder, name), now, onFailure);
    logs.set(name, log);
    return log;
  };
  const closeLogs = (stage: string): void => {
    for (const [name, log] of logs) {
      if (name.split(/[\\/]/)[0] !== folderName(stage)) continue;
      lost += log.close();
      logs.delete(name);
    }
  };
  const draw = (event: Event): void => {
    if (event.type === 'step') logOf(event.stage, event.round).addStep(event.step, stepValues(event));
    if (event.type === 'statistics') logOf(event.stage, event.round).add(event.step, statisticsValues(event));
    if (event.type === 'evaluation') logOf(event.stage).add(event.step, scalarsOf('evaluation', event.metrics));
    if (event.type === 'sample') logOf(event.stage).addSample(event.step, sampleValue(event));
  };
  return {
    emit(event) {
      const continues = event.type === 'stage' && (event.state === 'skipped' || event.state === 'resumed');
      if (continues && !namesIn(folder).includes(folderName(event.stage))) {
        for (const earlier of history(event.stage)) {
          said = 1000 * earlier.time;
          draw(earlier);
        }
        said = undefined;
      }
      if (event.type === 'stage' && event.state === 'started') {
        closeLogs(event.stage); // where it began, before that is set aside
        aside.set(event.stage, setAside(folder, folderName(event.stage)));
      }
      if (event.type === 'stage' && event.state === 'taken back' && aside.has(event.stage)) {
        closeLogs(event.stage);
        const own = join(folder, folderName(event.stage));
        const earlier = aside.get(event.stage);
        try {
          rmSync(own, { recursive: true, force: true });
          if (earlier !== undefined) renameSync(join(folder, earlier), own);
        } catch (error) {
          onFailure(own, error); // why the stage was refused is worth more
        }
      }
      draw(event);
    },
    close() {
      for (const log of logs.values()) lost += log.close();
      if (lost > 0) warn(`${folder} lacks ${lost} records of this run: its curves have gaps`, true);
    },
  };
}

type EventOf<Type extends Event['type']> = Extract<Event, { type: Type }>;

function stepValues({ loss, learningRate, gradientNorm, tokensPerSecond, metrics = {} }: EventOf<'step'>) {
  return scalarsOf('training', { loss, learningRate, gradientNorm, tokensPerSecond, ...metrics });
}

function statisticsValues({ parts }: EventOf<'statistics'>): LoggedValue[] {
  return parts.flatMap(({ part, values }) =>
    Object.entries(values).map(([name, scalar]) => ({ tag: `statistics ${name}/${part}`, scalar })),
  );
}

function scalarsOf(group: string, metrics: Metrics): LoggedValue[] {
  return Object.entries(metrics).map(([name, scalar]) => ({ tag: `${group}/${name}`, scalar }));
}

const maxTag = 80;

/** Indented, so that Markdown shows it as it is. */
function sampleValue({ prompt, completion, before, reward }: EventOf<'sample'>): LoggedValue {
  const block = (text: string): string => text.replace(/^/gm, '    ');
  const worth = (value: number | undefined): string => (value === undefined ? '' : ` (reward ${value.toFixed(3)})`);
  const parts = [
    `prompt\n\n${block(prompt)}`,
    ...(before === undefined ? [] : [`before${worth(before.reward)}\n\n${block(before.completion)}`]),
    `answer${worth(reward)}\n\n${block(completion)}`,
  ];
  return { tag: `samples/${shorten(prompt.replaceAll(/\s+/g, ' '), maxTag)}`, text: parts.join('\n\n') };
}

/** `toolUse`, `eval base`: no path. */
function folderName(stage: string): string {
  return kebabCase(stage).replaceAll(/[^\p{L}\p{N}_-]+/gu, '-') || 'stage';
}

/** Of a stage that starts afresh: what is there is of another try, and stays beside it. @returns its name there. */
function setAside(folder: string, name: string): string | undefined {
  const names = namesIn(folder);
  if (!names.includes(name)) return undefined;
  let number = 1;
  while (names.includes(`${name}.replaced-${number}`)) number++;
  const kept = `${name}.replaced-${number}`;
  renameSync(join(folder, name), join(folder, kept));
  return kept;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const fileName = /^events\.out\.tfevents\.(\d{10,})\./;
/** Records that wait for a disk that is full. */
const maxPendingBytes = 1 << 26;
/** Between two tries to write to it. */
const retryMilliseconds = 1000;

/** The file that this process writes for a stage, or for a round of it; made with the first record. */
class StageLog {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #onFailure: (path: string, error: unknown) => void;
  #path: string | undefined;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** When writing failed last, in milliseconds since 1970; undefined where it did not. */
  #failed: number | undefined;
  #dropped = 0;
  /** The last step of the curves of training, in this file or an earlier one. */
  #last = 0;
  /** Tag → the steps at which it has a value, of what is not said at every step. */
  readonly #known = new Map<string, Set<number>>();

  /** Tags of the samples of the newest step → how many there were: prompts may be equal as far as a tag shows them. */
  #shown = { step: -1, tags: new Map<string, number>() };

  constructor(folder: string, now: () => number, onFailure: (path: string, error: unknown) => void) {
    this.#folder = folder;
    this.#now = now;
    this.#onFailure = onFailure;
  }

  /** A step that was there before is done again, with all that follows it: by a process that resumed, or after it was undone. */
  addStep(step: number, values: readonly LoggedValue[]): void {
    this.#open();
    if (step <= this.#last) {
      this.#forget(step);
      this.#write({ start: step });
    }
    this.#last = step;
    this.#write({ step, values });
  }

  /** What is known of this step already is not said again. */
  add(step: number, values: readonly LoggedValue[]): void {
    this.#open();
    const fresh = values.filter(({ tag }) => !this.#known.get(tag)?.has(step));
    for (const { tag } of fresh) this.#know(tag, step);
    if (fresh.length > 0) this.#write({ step, values: fresh });
  }

  /** Equal tags of a step are numbered in their order, so that a process that resumes gives each the same one again. */
  addSample(step: number, value: LoggedValue): void {
    if (step !== this.#shown.step) this.#shown = { step, tags: new Map() };
    const number = (this.#shown.tags.get(value.tag) ?? 0) + 1;
    this.#shown.tags.set(value.tag, number);
    this.add(step, [number === 1 ? value : { ...value, tag: `${value.tag} (${number})` }]);
  }

  /** @returns how many records could not be written. */
  close(): number {
    this.#flush();
    return this.#dropped + this.#pending.length;
  }

  #open(): void {
    if (this.#path !== undefined) return;
    const earlier = namesIn(this.#folder)
      .filter((name) => fileName.test(name))
      .sort();
    for (const name of earlier) this.#read(join(this.#folder, name));
    // TensorBoard reads them in the order of their names.
    const newest = Number(fileName.exec(earlier.at(-1) ?? '')?.[1] ?? 0);
    const seconds = Math.max(Math.floor(this.#now() / 1000), newest + 1);
    this.#path = join(this.#folder, `events.out.tfevents.${String(seconds).padStart(10, '0')}.mossctl.${process.pid}`);
    this.#write({ version: true });
  }

  #read(path: string): void {
    for (const record of recordsIn(this.#bytesOf(path))) {
      const { step, isStart, tags } = readEvent(record);
      if (isStart) this.#forget(step);
      for (const tag of tags) {
        if (tag.startsWith('training/')) this.#last = step;
        else this.#know(tag, step);
      }
    }
  }

  /** None of one that cannot be read: what it says may then be said twice. */
  #bytesOf(path: string): Buffer {
    try {
      return readFileSync(path);
    } catch (error) {
      this.#onFailure(path, error);
      return Buffer.alloc(0);
    }
  }

  #know(tag: string, step: number): void {
    const steps = this.#known.get(tag) ?? new Set();
    this.#known.set(tag, steps.add(step));
  }

  #forget(from: number): void {
    if (this.#shown.step >= from) this.#shown = { step: -1, tags: new Map() };
    for (const steps of this.#known.values()) for (const step of steps) if (step >= from) steps.delete(step);
  }

  #write(content: LoggedContent): void {
    const now = this.#now();
    const record = eventRecord(now / 1000, content);
    if (this.#pendingBytes + record.length > maxPendingBytes) this.#dropped++;
    else {
      this.#pending.push(record);
      this.#pendingBytes += record.length;
    }
    if (this.#failed === undefined || Math.abs(now - this.#failed) >= retryMilliseconds) this.#flush();
  }

  #flush(): void {
    if (this.#path === undefined || this.#pending.length === 0) return;
    try {
      mkdirSync(this.#folder, { recursive: true });
      appendWhole(this.#path, Buffer.concat(this.#pending));
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#failed = undefined;
    } catch (error) {
      this.#failed = this.#now();
      this.#onFailure(this.#path, error);
    }
  }
}
