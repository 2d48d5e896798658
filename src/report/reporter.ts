// The one progress channel: stages emit events, and every reader of them (metrics.jsonl, the terminal, --json, TensorBoard) is a sink.
// No sink can stop the work: what goes wrong in one is reported once and the others continue.
import { join } from 'node:path';
import { steadyNow } from '../base/clock.js';
import { metricsName, tensorBoardFolder } from '../base/layout.js';
import { redactAll } from '../base/secrets.js';
import { english, type Speech } from '../language/speech.js';
import { type Event, type Reporter, stageReporter } from './event.js';
import { openMetrics, readStageEvents } from './metrics.js';
import type { LogForm, OutputStream, Sink } from './sink.js';
import { tensorBoardSink } from './tensorboard.js';
import { terminalSink } from './terminal.js';

export interface ReporterOptions {
  /** Where metrics.jsonl is kept; without it nothing is. */
  runDirectory?: string;
  /** What else is written of the events there. */
  log?: LogForm;
  /** terminal: bars or lines; json: one event a line on stdout; quiet: warnings and results only. */
  mode: 'terminal' | 'json' | 'quiet';
  stdout: OutputStream;
  stderr: OutputStream;
  /** False: the eval table is not printed, because the command has an ending of its own. */
  tables?: boolean;
  /** Of what a person reads; what is kept stays as it is. */
  speech?: Speech;
  /** Of a file kept beside the work that could not be written whole, metrics.jsonl among them. */
  onIncomplete?: (path: string) => void;
  /** Hears every event as it is kept: without keys, with what the sinks themselves have to say. */
  onEvent?: (event: Event) => void;
  /** Milliseconds since 1970; tests give their own. */
  now?: () => number;
}

/**
 * Call `close` before the process ends: it takes the bar away and writes what is pending. `clear` takes the bar away until the
 * next event, for text that comes from elsewhere.
 */
export function createReporter(options: ReporterOptions): Reporter & { clear(): void; close(): Promise<void> } {
  const {
    runDirectory,
    log,
    mode,
    stdout,
    stderr,
    tables = true,
    speech = english,
    onIncomplete,
    onEvent,
    now = steadyNow,
  } = options;
  const sinks: Sink[] = [
    mode === 'json' ? jsonSink(stdout) : terminalSink({ stdout, stderr, now, tables, speech, quiet: mode === 'quiet' }),
  ];
  if (onEvent !== undefined) sinks.push({ emit: onEvent, close: () => {} });
  for (const stream of [stdout, stderr]) if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  const emit = (event: Event): void => {
    if (event.type === 'note' && event.incomplete !== undefined) onIncomplete?.(event.incomplete);
    const shown = redactAll(event);
    for (const sink of sinks) attempt(() => sink.emit(shown));
  };
  if (runDirectory !== undefined) {
    const { note } = stageReporter({ emit }, 'report');
    const warnOf = (path: string) => (text: string, isIncomplete: boolean) =>
      note('warning', text, isIncomplete ? { incomplete: path } : {});
    const path = join(runDirectory, metricsName);
    const metrics = openMetrics(path, warnOf(path));
    sinks.push({ emit: (event) => metrics.write({ ...event, time: now() / 1000 }), close: metrics.close });
    if (log === 'tensorboard') {
      const folder = join(runDirectory, tensorBoardFolder);
      const history = (stage: string) => readStageEvents(path, stage);
      sinks.push(tensorBoardSink({ folder, now, history, warn: warnOf(folder) }));
    }
  }
  return {
    emit,
    clear() {
      for (const sink of sinks) attempt(() => sink.clear?.());
    },
    async close() {
      // The first stays longest: it shows what another has to say at its end.
      for (let sink = sinks.pop(); sink !== undefined; sink = sinks.pop()) attempt(sink.close);
    },
  };
}

/** A reader that went away (`| head`) must not end the training; this stays on, for its error may come late. */
const ignore = (): void => {};

function jsonSink(stdout: OutputStream): Sink {
  return {
    emit: (event) => {
      stdout.write(`${JSON.stringify(event)}\n`);
    },
    close: () => {},
  };
}

/** `Reporter.emit` never throws for what a reader of events does. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // a broken terminal or pipe: nobody is left to read why
  }
}
