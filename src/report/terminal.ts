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
  terminalColumns,
} from '../base/format.js';
import { isUsualBackend } from '../config/compute.js';
import type { Speech } from '../language/speech.js';
import type { Event, Metrics } from './event.js';
import { formatDifference, formatMetric } from './meaning.js';
import { barMeter, lineMeter, Pace, type Progress, stageColumns } from './meter.js';
import { resultsText } from './results-text.js';
import { RunClock } from './run-clock.js';
import type { OutputStream, Sink } from './sink.js';
import { smoothWindow } from './svg.js';

type Formatter = ReturnType<typeof colors.createColors>;

interface TerminalOptions {
  stdout: OutputStream;
  stderr: OutputStream;
  quiet: boolean;
  tables: boolean;
  speech: Speech;
  now: () => number;
}

/** What is known of a stage that runs in this process. */
interface Running {
  started: number;
  /** Of the last steps: as many as the end of a smoothed curve is the mean of. */
  losses: number[];
}

interface Place {
  known: Running | undefined;
  now: number;
  clock: RunClock;
  speech: Speech;
}

export function terminalSink({ stdout, stderr, quiet, tables, speech, now }: TerminalOptions): Sink {
  const { say } = speech;
  const isTerminal = stderr.isTTY === true && process.env.TERM !== 'dumb';
  const paint = colors.createColors(isTerminal && process.env.NO_COLOR === undefined);
  const meter = isTerminal ? barMeter(stderr, paint.cyan) : lineMeter(stderr, now);
  const pace = new Pace(now);
  const clock = new RunClock(now);
  const stages = new Map<string, Running>();

  /** Of what is shown, and of the whole run, where more is known of it than that. */
  const etaOf = (stage: string, seconds: number, isWhole: boolean): string => {
    const run = clock.remaining(stage, seconds, isWhole);
    const own = `ETA ${formatSeconds(seconds)}`;
    // At least what is shown already: that says nothing of the run.
    const isKnown = run !== undefined && (!run.isLeast || run.seconds > 1.05 * seconds);
    return say(!isKnown ? own : `${own}, run ${formatSeconds(run.seconds)}${run.isLeast ? '+' : ''}`);
  };

  const progressOf = (event: Event): Progress | undefined => {
    if (event.type === 'step') {
      const { stage, step: done, steps: total } = event;
      const eta = etaOf(stage, pace.remaining(`${stage} steps`, done, total), event.round === undefined);
      const speed = formatShort(pace.smooth(event.tokensPerSecond));
      const loss = say(`loss ${formatMetric('loss', event.loss)}`);
      const words = { detail: `${loss}  ${speed} ${say('tokens/s')}  ${eta}`, brief: `${loss}  ${eta}` };
      return { stage, label: say('step'), done, total, unit: '', ...words };
    }
    if (event.type !== 'progress') return undefined;
    const { done, total } = event;
    const label = say(printable(event.label));
    const unit = event.unit === 'bytes' ? 'bytes' : say(event.unit);
    if (total === undefined) return { ...event, label, unit, detail: '' };
    const detail = etaOf(event.stage, pace.remaining(`${event.stage} ${label}`, done, total), false);
    return { ...event, label, unit, detail };
  };

  const follow = (event: Event): void => {
    const known = stages.get(event.stage);
    if (event.type === 'stage' && (event.state === 'started' || event.state === 'resumed')) {
      const started = event.state === 'resumed' ? (known?.started ?? now()) : now();
      stages.set(event.stage, { started, losses: [] });
      pace.reset();
    }
    if (event.type !== 'step' || known === undefined) return;
    if (event.step === 1) known.losses = []; // of another round
    known.losses = [...known.losses, event.loss].slice(-smoothWindow(event.steps));
  };

  return {
    emit(event) {
      if (quiet && event.type !== 'table' && !isWarning(event)) return;
      follow(event);
      clock.follow(event);
      const progress = progressOf(event);
      if (progress !== undefined) meter.show(progress);
      const line = lineOf(event, paint, { known: stages.get(event.stage), now: now(), clock, speech });
      if (line !== undefined) {
        meter.hide();
        stderr.write(`${paint.cyan(`${printable(kebabCase(event.stage))} `.padEnd(stageColumns))}${line}\n`);
      }
      if (event.type === 'table' && tables) {
        meter.hide();
        stdout.write(`${speech.lines(resultsText(event, { width: stdout.columns || terminalColumns }))}\n`);
      }
    },
    clear: () => meter.hide(),
    close: () => meter.hide(),
  };
}

function isWarning(event: Event): boolean {
  return event.type === 'note' && event.level === 'warning';
}

/** What to say of an event in one line; undefined where the bar or nothing says it. */
function lineOf(event: Event, paint: Formatter, place: Place): string | undefined {
  switch (event.type) {
    case 'stage':
      return stageLine(event, paint, place);
    case 'evaluation':
      return place.speech.say(
        `held-out ${event.round === undefined ? 'at step' : 'after round'} ${formatCount(event.step)}: ${listMetrics(event.metrics)}`,
      );
    case 'sample':
      // Side by side in the report.
      if (event.stage.startsWith('eval ') || event.before !== undefined) return undefined;
      return `${place.speech.say('sample:')} ${quote(event.prompt, 40)} → ${quote(event.completion, 60)}`;
    case 'note':
      if (event.backend !== undefined && isUsualBackend(event.backend)) return undefined;
      return isWarning(event)
        ? paint.yellow(place.speech.labelled('warning:', printable(event.text)))
        : place.speech.say(printable(event.text));
    case 'licence': {
      const amount = `${formatCount(event.documents)} documents, ${formatBytes(event.bytes)}`;
      const url = event.url === undefined ? '' : paint.dim(` ${printable(event.url)}`);
      return `${printable(event.source)}: ${place.speech.say(amount)}, ${place.speech.say('licence')} ${place.speech.say(printable(event.licence))}${url}`;
    }
    case 'gate':
      return place.speech.say(gateLine(event));
    case 'step':
    case 'progress':
    case 'plan':
    case 'reward': // its stage says the main figures
    case 'composition':
    case 'statistics': // for the report
    case 'filters':
    case 'checkpoint': // what the stage made is named when it ends
    case 'table':
      return undefined;
    default:
      return event satisfies never;
  }
}

function stageLine(event: Event & { type: 'stage' }, paint: Formatter, { known, now, clock, speech }: Place): string {
  const { say } = speech;
  const detail = event.detail === undefined ? '' : printable(event.detail);
  if (event.state === 'skipped') return paint.dim(detail === '' ? say('skipped') : speech.labelled('skipped:', detail));
  if (event.state === 'taken back') return paint.dim(speech.labelled('taken back:', detail));
  if (event.state !== 'finished')
    return `${paint.bold(say(event.state))}${detail && ` ${say(detail)}`}${say(placeInRun(event.stage, clock))}`;
  const time = known === undefined ? '' : ` ${say('in')} ${formatSeconds((now - known.started) / 1000)}`;
  const loss = known === undefined ? '' : say(lastLoss(known.losses));
  return `${paint.green(say('finished'))}${time}${loss}${detail && paint.dim(` → ${detail}`)}`;
}

/** A single batch says little: the mean of the last ones, as the curve of the report ends. */
function lastLoss(losses: readonly number[]): string {
  if (losses.length === 0) return '';
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  return `, loss ${formatMetric('loss', mean)}${losses.length > 1 ? ` (last ${losses.length} steps)` : ''}`;
}

/** `, stage 4 of 8, 6m20s to go`; what no estimate has is named. */
function placeInRun(stage: string, clock: RunClock): string {
  const position = clock.position(stage);
  if (position === undefined) return '';
  const run = clock.remaining(stage, Number.NaN, false);
  const unknown = clock.unknown();
  if (run === undefined) return `, stage ${position}`;
  const left = `${run.isLeast ? 'at least' : 'about'} ${formatSeconds(run.seconds)} to go`;
  return `, stage ${position}, ${left}${unknown.length === 0 ? '' : ` (not known: ${unknown.join(', ')})`}`;
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
