// One process of the command line, from its start to its end; whatever is to happen to it happens at a random moment.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Event } from '../../src/report/event.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** How the command line is started: what is built, or the sources through tsx. */
export const commands = {
  built: [`${root}bin/mossctl.js`],
  sources: ['--import', 'tsx', `${root}src/cli/main.ts`],
} as const satisfies Record<string, readonly string[]>;

export interface SessionOptions {
  command: readonly string[];
  args: readonly string[];
  /** What is done to the process; absent: it runs to its end. */
  moment?: Moment;
  act?(child: ChildProcess): void | Promise<void>;
}

/** So long after a stage began (or was resumed), or after the process itself did; or, of `event`, after the first of those in it. */
export interface Moment {
  stage: string;
  milliseconds: number;
  event?(event: Event): boolean;
}

/** Stands for the process before its first stage. */
export const beforeStages = 'start';

export interface Session {
  code: number | null;
  signal: NodeJS.Signals | null;
  events: Event[];
  /** Milliseconds from the start of the process to each event. */
  times: number[];
  stderr: string;
  /** Milliseconds from the start of the process to that of each stage. */
  starts: Map<string, number>;
  /** What the process was at when `act` was called; undefined: it ended before. */
  actedIn?: string;
}

export async function runSession({ command, args, moment, act }: SessionOptions): Promise<Session> {
  const child = spawn(process.execPath, [...command, ...args, '--json'], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = performance.now();
  const session: Session = { code: null, signal: null, events: [], times: [], stderr: '', starts: new Map() };
  let stage: string = beforeStages;
  let acting: Promise<void> | undefined;
  const arm = (): void => {
    setTimeout(() => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      session.actedIn = stage;
      acting = Promise.resolve(act?.(child));
    }, moment?.milliseconds);
  };
  let isArmed = false;
  const onEvent = (event: Event): void => {
    session.events.push(event);
    session.times.push(performance.now() - started);
    if (!isArmed && moment?.event?.(event) === true && event.stage === moment.stage) {
      isArmed = true;
      arm();
    }
    if (event.type !== 'stage' || event.state === 'finished' || event.stage === stage) return;
    if (event.state === 'skipped') return;
    stage = event.stage;
    session.starts.set(stage, performance.now() - started);
    if (stage === moment?.stage && moment.event === undefined) arm();
  };
  if (moment?.stage === beforeStages) arm();
  let pending = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) onEvent(JSON.parse(line) as Event);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    session.stderr += text;
  });
  [session.code, session.signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve([code, signal]));
  });
  await acting;
  return session;
}

/** All that the process said to a person. */
export function said({ events, stderr }: Session): string {
  return [stderr, ...events.flatMap((event) => (event.type === 'note' ? [event.text] : []))].join('\n');
}
