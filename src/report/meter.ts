// How far a long piece of work is: one cli-progress bar on a terminal, one line now and then in a log.
import { type Options, SingleBar } from 'cli-progress';
import { displayWidth, formatBytes, formatCount, kebabCase, terminalColumns } from '../base/format.js';
import type { OutputStream } from './sink.js';

/** Seconds without a line after which a log gets one. */
const quietSeconds = 10;
/** Where the text after the stage's name begins. */
export const stageColumns = 13;

export interface Progress {
  stage: string;
  label: string;
  done: number;
  total?: number;
  unit: string;
  detail: string;
  /** The same, shorter: for a terminal that the whole does not fit. */
  brief?: string;
}

interface Meter {
  show(progress: Progress): void;
  /** Leaves the line free for other text. */
  hide(): void;
}

export function barMeter(stderr: OutputStream, paint: (text: string) => string): Meter {
  let bar: SingleBar | undefined;
  let key = '';
  const hide = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    hide,
    show(progress) {
      const { stage, label, total, done } = progress;
      const next = `${stage}/${label}/${total === undefined}`;
      if (bar === undefined || next !== key) {
        hide();
        const tail = '{amount}  {detail}';
        const options: Options = {
          format: `${paint('{stage}')}{label} ${total === undefined ? tail : `{bar} ${tail}`}`,
          stream: stderr,
          barsize: barSize(stderr),
          barCompleteChar: '█',
          barIncompleteChar: '░',
          clearOnComplete: true,
          gracefulExit: false, // signals are the command's
        };
        bar = new SingleBar(options);
        key = next;
        bar.start(total ?? 1, done, payloadOf(progress, stderr));
      } else {
        if (total !== undefined) bar.setTotal(total);
        bar.update(done, payloadOf(progress, stderr));
      }
    },
  };
}

function barSize({ columns }: OutputStream): number {
  return Math.max(8, Math.min(30, (columns || terminalColumns) - 75));
}

function payloadOf(progress: Progress, stderr: OutputStream): Record<string, string> {
  const { stage, label, total } = progress;
  const head = `${kebabCase(stage)} `.padEnd(stageColumns);
  const amount = amountOf(progress);
  const bar = total === undefined ? 0 : barSize(stderr) + 1;
  // A bar leaves the last column empty: what stands there is cut.
  const room = (stderr.columns || terminalColumns) - 1 - displayWidth(`${head}${label} ${amount}  `) - bar;
  const { detail, brief = detail } = progress;
  return { stage: head, label, amount, detail: displayWidth(detail) <= room ? detail : brief };
}

/**
 * A line when ten seconds have passed, or a tenth of the work and a second, and at the end. Long work is reported more
 * rarely: a line each twentieth of the time that it has taken.
 */
export function lineMeter(stderr: OutputStream, now: () => number): Meter {
  let key = '';
  let began = 0;
  let printed = { time: 0, tenth: 0 };
  return {
    hide: () => {},
    show(progress) {
      const { stage, label, done, total, detail } = progress;
      const tenth = total === undefined ? 0 : Math.floor((done * 10) / total);
      if (`${stage}/${label}` !== key) {
        key = `${stage}/${label}`;
        began = now();
        printed = { time: began, tenth };
      }
      const waited = (now() - printed.time) / 1000;
      const isLast = total !== undefined && done >= total && printed.tenth < 10;
      const patience = Math.max(quietSeconds, (now() - began) / 20_000);
      if (waited < patience && !(tenth > printed.tenth && waited >= 1) && !isLast) return;
      printed = { time: now(), tenth };
      stderr.write(
        `${`${kebabCase(stage)} `.padEnd(stageColumns)}${label} ${amountOf(progress)}  ${detail}`
          .trimEnd()
          .concat('\n'),
      );
    },
  };
}

function amountOf({ done, total, unit }: Progress): string {
  const [a, b] = [done, total ?? 0].map(unit === 'bytes' ? formatBytes : formatCount);
  const suffix = unit === '' || unit === 'bytes' ? '' : ` ${unit}`;
  return total === undefined ? `${a}${suffix}` : `${a}/${b}${suffix}`;
}

/** How long the rest will take, from the pace since this work began in this process. */
export class Pace {
  readonly #now: () => number;
  #key = '';
  #from = { time: 0, done: 0 };
  #speed = Number.NaN;

  constructor(now: () => number) {
    this.#now = now;
  }

  reset(): void {
    this.#key = '';
    this.#speed = Number.NaN;
  }

  /** Seconds; NaN where it has not begun to move. */
  remaining(key: string, done: number, total: number): number {
    if (key !== this.#key || done < this.#from.done) {
      this.#key = key;
      this.#from = { time: this.#now(), done };
    }
    const each = (this.#now() - this.#from.time) / (done - this.#from.done);
    const seconds = done >= total ? 0 : ((total - done) * each) / 1000;
    return Number.isFinite(seconds) ? seconds : Number.NaN;
  }

  smooth(speed: number): number {
    this.#speed = Number.isNaN(this.#speed) ? speed : this.#speed * 0.9 + speed * 0.1;
    return this.#speed;
  }
}
