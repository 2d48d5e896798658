// Events as a person reads them: one bar that moves on a terminal, one line now and then in a log.
// Progress goes to stderr; results (the eval table) go to stdout. Text from outside is made printable first.
import colors from 'picocolors';
import {
  displayWidth,
  formatBytes,
  formatCount,
  formatSeconds,
  formatShort,
  kebabCase,
  printable,
} from '../base/format.js';
import type { Event, Metrics } from './event.js';
import { formatDifference, formatMetric } from './meaning.js';
import { barMeter, lineMeter, Pace, type Progress, stageColumns } from './meter.js';
import { resultsText } from './results-text.js';
import type { OutputStream, Sink } from './sink.js';

type Formatter = ReturnType<typeof colors.createColors>;

interface TerminalOptions {
  stdout: OutputStream;
  stderr: OutputStream;
  quiet: boolean;
  tables: boolean;
  now: () => number;
}

/** What is known of a stage that runs in this process. */
interface Running {
  started: number;
  loss?: number;
}

export function terminalSink({ stdout, stderr, quiet, tables, now }: TerminalOptions): Sink {
  const isTerminal = stderr.isTTY === true && process.env.TERM !== 'dumb';
  const paint = colors.createColors(isTerminal && process.env.NO_COLOR === undefined);
  const meter = isTerminal ? barMeter(stderr, paint.cyan) : lineMeter(stderr, now);
  const pace = new Pace(now);
  const stages = new Map<string, Running>();

  const progressOf = (event: Event): Progress | undefined => {
    if (event.type === 'step') {
      const { stage, step: done, steps: total } = event;
      const eta = pace.remaining(`${stage} steps`, done, total);
      const speed = formatShort(pace.smooth(event.tokensPerSecond));
      const detail = `loss ${formatMetric('loss', event.loss)}  ${speed} tokens/s  ETA ${eta}`;
      return { stage, label: 'step', done, total, unit: '', detail };
    }
    if (event.type !== 'progress') return undefined;
    const { label, done, total } = event;
    const detail = total === undefined ? '' : `ETA ${pace.remaining(`${event.stage} ${label}`, done, total)}`;
    return { ...event, label: printable(label), detail };
  };

  const follow = (event: Event): void => {
    const known = stages.get(event.stage);
    if (event.type === 'stage' && (event.state === 'started' || event.state === 'resumed')) {
      stages.set(event.stage, { started: event.state === 'resumed' ? (known?.started ?? now()) : now() });
      pace.reset();
    }
    if (event.type === 'step' && known !== undefined) known.loss = event.loss;
  };

  return {
    emit(event) {
      if (quiet && event.type !== 'table' && !isWarning(event)) return;
      follow(event);
      const progress = progressOf(event);
      if (progress !== undefined) meter.show(progress);
      const line = lineOf(event, paint, stages.get(event.stage), now());
      if (line !== undefined) {
        meter.hide();
        stderr.write(`${paint.cyan(`${printable(kebabCase(event.stage))} `.padEnd(stageColumns))}${line}\n`);
      }
      if (event.type === 'table' && tables) {
        meter.hide();
        stdout.write(`${resultsText(event)}\n`);
      }
    },
    close: () => meter.hide(),
  };
}

function isWarning(event: Event): boolean {
  return event.type === 'note' && event.level === 'warning';
}

/** What to say of an event in one line; undefined where the bar or nothing says it. */
function lineOf(event: Event, paint: Formatter, known: Running | undefined, now: number): string | undefined {
  switch (event.type) {
    case 'stage':
      return stageLine(event, paint, known, now);
    case 'evaluation':
      return `held-out ${event.round === undefined ? 'at step' : 'after round'} ${formatCount(event.step)}: ${listMetrics(event.metrics)}`;
    case 'sample':
      // Side by side in the report.
      if (event.stage.startsWith('eval ') || event.before !== undefined) return undefined;
      return `sample: ${quote(event.prompt, 40)} → ${quote(event.completion, 60)}`;
    case 'note':
      return isWarning(event) ? paint.yellow(`warning: ${printable(event.text)}`) : printable(event.text);
    case 'licence': {
      const amount = `${formatCount(event.documents)} documents, ${formatBytes(event.bytes)}`;
      const url = event.url === undefined ? '' : paint.dim(` ${printable(event.url)}`);
      return `${printable(event.source)}: ${amount}, licence ${printable(event.licence)}${url}`;
    }
    case 'gate':
      return gateLine(event);
    case 'step':
    case 'progress':
    case 'composition':
    case 'statistics': // for the report
    case 'checkpoint': // what the stage made is named when it ends
    case 'table':
      return undefined;
    default:
      return event satisfies never;
  }
}

function stageLine(
  event: Event & { type: 'stage' },
  paint: Formatter,
  known: Running | undefined,
  now: number,
): string {
  const detail = event.detail === undefined ? '' : printable(event.detail);
  if (event.state === 'skipped') return paint.dim(`skipped${detail && `: ${detail}`}`);
  if (event.state !== 'finished') return `${paint.bold(event.state)}${detail && ` ${detail}`}`;
  const time = known === undefined ? '' : ` in ${formatSeconds((now - known.started) / 1000)}`;
  const loss = known?.loss === undefined ? '' : `, loss ${formatMetric('loss', known.loss)}`;
  return `${paint.green('finished')}${time}${loss}${detail && paint.dim(` → ${detail}`)}`;
}

/** `reward gained at α = 0.25: +0.020, 0.5: +0.043, 1: +0.059 (over a budget)`. */
function gateLine({ metric, points }: Event & { type: 'gate' }): string {
  const gains = points.flatMap(({ alpha, gains, isWithin }) => {
    const gain = Object.hasOwn(gains, metric) ? formatDifference(metric, gains[metric]) : undefined;
    return gain === undefined ? [] : [`${alpha}: ${gain.text}${isWithin ? '' : ' (over a budget)'}`];
  });
  return `${printable(metric)} gained at α = ${gains.join(', ')}`;
}

function listMetrics(metrics: Metrics): string {
  const all = Object.entries(metrics).map(([name, value]) => `${printable(name)} ${formatMetric(name, value)}`);
  return all.length <= 6 ? all.join(', ') : `${all.slice(0, 6).join(', ')}, and ${all.length - 6} more`;
}

/** At most `columns` wide, in quotes, on one line. */
function quote(text: string, columns: number): string {
  let shown = '';
  for (const character of printable(text.slice(0, 4 * columns).trim())) {
    if (displayWidth(shown + character) > columns) return `“${shown}…”`;
    shown += character;
  }
  return `“${shown}”`;
}
