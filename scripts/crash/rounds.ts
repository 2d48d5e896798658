// A round: one run folder from nothing to a finished run, through whatever happens to it on the way.
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/base/random.js';
import { damageSomething } from './damage.js';
import { fillDisk, freeDisk } from './disk.js';
import { beforeStages, type Moment, root, runSession, type Session, said } from './session.js';
import { filesIn, fingerprint } from './survey.js';
import type { Table } from './table.js';
import { Trial } from './trial.js';

export interface World {
  /** How the command line is started. */
  command: readonly string[];
  random: Random;
  table: Table;
  /** Of the run: laid over those of the pipeline. */
  settings?: readonly string[];
  /** Kills come in this stage alone. */
  stage?: string;
  /** Its file in this folder; default: pipeline.yaml. */
  pipeline?: string;
}

export interface Reference {
  fingerprint: Record<string, string>;
  /** How long each stage took, and the process before its first stage. */
  stages: ReadonlyMap<string, number>;
  milliseconds: number;
  /** Of the finished run folder. */
  bytes: number;
}

export interface RoundResult {
  kills: number;
  processes: number;
  violations: readonly string[];
  isEqual: boolean;
}

export const runArguments = (
  run: string,
  { settings = [], pipeline = 'pipeline.yaml' }: Pick<World, 'settings' | 'pipeline'> = {},
): string[] => [
  ...['run', join(root, 'scripts/crash', pipeline), '--out', run],
  ...settings.flatMap((setting) => ['--set', setting]),
];

/** The run that nothing happens to. */
export async function uninterrupted(
  world: Pick<World, 'command' | 'settings' | 'pipeline'>,
  run: string,
): Promise<Reference> {
  const started = performance.now();
  const session = await runSession({ command: world.command, args: runArguments(run, world) });
  if (session.code !== 0) throw new Error(`the run fails where nothing happens to it: ${session.stderr}`);
  const bytes = filesIn(run).reduce((sum, name) => sum + statSync(join(run, name)).size, 0);
  const milliseconds = performance.now() - started;
  const starts = [[beforeStages, 0] as const, ...session.starts];
  const stages = new Map(starts.map(([stage, at], i) => [stage, (starts[i + 1]?.[1] ?? milliseconds) - at]));
  return { fingerprint: fingerprint(run), stages, milliseconds, bytes };
}

/** Any instant of the process before its stages or of the next `reach` that are not finished, each equally likely. */
function randomMoment(
  { random, stage: only }: Pick<World, 'random' | 'stage'>,
  { stages }: Reference,
  finished: ReadonlySet<string>,
  reach: number,
): Moment {
  const stage = only ?? random.choose([...stages.keys()].filter((name) => !finished.has(name)).slice(0, 1 + reach));
  return { stage, milliseconds: random.uniform() * (stages.get(stage) ?? 0) };
}

/** The more stages are finished, the more often a run is let go to its end: kills spread over all stages. */
function isLetGo(random: Random, { stages }: Reference, finished: ReadonlySet<string>): boolean {
  return random.uniform() < (finished.size / stages.size) ** 4;
}

type Act = { kind: string; signals: readonly NodeJS.Signals[] };
const acts: readonly Act[] = [
  ...Array<Act>(8).fill({ kind: 'SIGKILL', signals: ['SIGKILL'] }),
  { kind: 'SIGTERM', signals: ['SIGTERM'] },
  { kind: 'two SIGINTs', signals: ['SIGINT', 'SIGINT'] },
];

/** Kills (and sometimes asks to stop) until `kills` were delivered or the run is finished; damages files in between. */
export async function killRound(
  world: World,
  run: string,
  reference: Reference,
  { kills, damageShare, letGo = true }: { kills: number; damageShare: number; letGo?: boolean },
): Promise<RoundResult> {
  const { command, random, table } = world;
  const trial = new Trial(run, table);
  let killed = 0;
  let processes = 0;
  for (;;) {
    trial.survey();
    const { kind, signals } = random.choose(acts);
    const isLeft = killed >= kills || (letGo && isLetGo(random, reference, trial.finishedStages));
    const session = await runSession({
      command,
      args: runArguments(run, world),
      ...(!isLeft && {
        moment: randomMoment(world, reference, trial.finishedStages, 2),
        async act(child) {
          for (const [i, signal] of signals.entries()) {
            if (i > 0) await sleep(random.integer(0, 60));
            child.kill(signal);
          }
        },
      }),
    });
    processes++;
    const ending = session.actedIn === undefined ? undefined : { kind, stage: session.actedIn };
    if (ending !== undefined) table.add(kind, ending.stage);
    if (session.signal === 'SIGKILL') killed++;
    checkSignal(trial, session, kind);
    if (trial.take(session, ending) || trial.violations.length > 0) break;
    if (random.uniform() < damageShare) await hurt(trial, command, random);
  }
  if (trial.violations.length === 0 && damageShare > 0) {
    // A finished run is damaged once more: what is made again must come out the same.
    await hurt(trial, command, random);
    trial.survey();
    trial.take(await runSession({ command, args: runArguments(run, world) }), undefined);
    processes++;
  }
  const isEqual = trial.violations.length === 0 && trial.finish(reference.fingerprint);
  return { kills: killed, processes, violations: trial.violations, isEqual };
}

/** Asked to stop, a process ends with 130; before it listens, the signal ends it; and it may just have finished. */
function checkSignal(trial: Trial, { actedIn, code, signal, stderr }: Session, kind: string): void {
  if (actedIn === undefined || kind === 'SIGKILL') return;
  const isFine = code === 130 || code === 0 || ['SIGTERM', 'SIGINT'].includes(signal ?? '');
  if (!isFine)
    trial.violations.push(`${kind} in ${actedIn} ended in ${signal ?? `code ${code}`}: ${stderr.slice(-400)}`);
}

/** Damages a file; a damaged checkpoint is then also opened directly, which must be refused in the name of the file. */
async function hurt(trial: Trial, command: readonly string[], random: Random): Promise<void> {
  const damage = damageSomething(trial.run, random, trial.damagedFiles);
  if (damage === undefined) return;
  trial.damage(damage);
  const { file, how } = damage;
  if (!/\/step-\d+\/[^/]+$/.test(file)) return;
  const opened = await runSession({ command, args: ['inspect', dirname(join(trial.run, file))] });
  if (opened.code === 2 && said(opened).includes(file)) return;
  trial.violations.push(
    `${file} was ${how}, and opening it ended in code ${opened.code}: ${opened.stderr.slice(-400)}`,
  );
}

/** The disk is filled to the last block at a random moment of each process, and freed again after a while. */
export async function diskRound(
  world: World,
  disk: string,
  reference: Reference,
  fills: number,
): Promise<RoundResult & { fills: number }> {
  const { command, random, table } = world;
  const run = join(disk, 'run');
  rmSync(run, { recursive: true, force: true });
  mkdirSync(run);
  const trial = new Trial(run, table);
  let filled = 0;
  let processes = 0;
  for (;;) {
    trial.survey();
    const session = await runSession({
      command,
      args: runArguments(run, world),
      ...(filled < fills && {
        moment: randomMoment(world, reference, trial.finishedStages, Number.POSITIVE_INFINITY),
        async act() {
          fillDisk(disk);
          await sleep(random.integer(50, reference.milliseconds / 3));
          freeDisk(disk);
        },
      }),
    });
    processes++;
    const ending = session.actedIn === undefined ? undefined : { kind: 'disk full', stage: session.actedIn };
    if (ending !== undefined) {
      table.add(ending.kind, ending.stage);
      filled++;
    }
    checkFull(trial, session);
    if (trial.take(session, ending) || trial.violations.length > 0) break;
  }
  const isEqual = trial.violations.length === 0 && trial.finish(reference.fingerprint);
  return { kills: 0, fills: filled, processes, violations: trial.violations, isEqual };
}

/** A full disk is named, and a run that could not save something does not end well. */
function checkFull(trial: Trial, session: Session): void {
  const text = said(session);
  const unsaved = session.events.some((event) => event.type === 'note' && event.unsaved !== undefined);
  if (session.code === 0 && unsaved) trial.violations.push('a checkpoint could not be saved, and the run ended with 0');
  const isNamed = /disk is full|ENOSPC/i.test(text) && !/should not have/.test(text);
  if (session.actedIn !== undefined && session.code !== 0 && !isNamed) {
    trial.violations.push(
      `a full disk in ${session.actedIn} ended in ${session.signal ?? `code ${session.code}`}: ${session.stderr.slice(-600)}`,
    );
  }
}
