// The one progress channel: stages emit events, and every reader of them (metrics.jsonl, the terminal, --json) is a sink.
// No sink can stop the work: what goes wrong in one is reported once and the others continue.
import { join } from 'node:path';
import { metricsName } from '../base/layout.js';
import { type Event, type Reporter, stageReporter } from './event.js';
import { openMetrics } from './metrics.js';
import type { OutputStream, Sink } from './sink.js';
import { terminalSink } from './terminal.js';

export interface ReporterOptions {
  /** Where metrics.jsonl is kept; without it nothing is. */
  runDirectory?: string;
  /** terminal: bars or lines; json: one event a line on stdout; quiet: warnings and results only. */
  mode: 'terminal' | 'json' | 'quiet';
  stdout: OutputStream;
  stderr: OutputStream;
  /** Milliseconds since 1970; tests give their own. */
  now?: () => number;
}

/** Call `close` before the process ends: it takes the bar away and writes what is pending. */
export function createReporter(options: ReporterOptions): Reporter & { close(): Promise<void> } {
  const { runDirectory, mode, stdout, stderr, now = Date.now } = options;
  const sinks: Sink[] = [
    mode === 'json' ? jsonSink(stdout) : terminalSink({ stdout, stderr, now, quiet: mode === 'quiet' }),
  ];
  for (const stream of [stdout, stderr]) if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  const emit = (event: Event): void => {
    for (const sink of sinks) attempt(() => sink.emit(event));
  };
  if (runDirectory !== undefined) {
    const { note } = stageReporter({ emit }, 'report');
    const metrics = openMetrics(join(runDirectory, metricsName), (text) => note('warning', text));
    sinks.push({ emit: (event) => metrics.write({ ...event, time: now() / 1000 }), close: metrics.close });
  }
  return {
    emit,
    async close() {
      for (const sink of sinks.splice(0).reverse()) attempt(() => sink.close());
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
