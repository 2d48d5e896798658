// Rounds as they lie on the disk, one run folder each: what the gate decided, what a model was that they began with, and whether
// they were undone. A server that starts finds there what an earlier one left, however that ended.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifAbsent } from '../base/errors.js';
import { exists } from '../base/files.js';
import { undoneName } from '../base/layout.js';
import { writeSealed } from '../base/sealed.js';
import { holderOf } from '../pipeline/lock.js';
import { readRecord } from '../pipeline/record.js';
import type { GatePoint } from '../report/event.js';
import { type RoundResult, readRoundResult } from '../stages/align/round.js';
import type { GateFigure, RoundEnd } from './contract.js';

const idPattern = /^feedback-([1-9]\d{0,5})$/;

/** A folder's name, never a path. */
export function isRoundId(name: string): boolean {
  return idPattern.test(name);
}

/** `feedback-7` → 7. */
export function roundNumber(id: string): number {
  return Number(idPattern.exec(id)?.[1] ?? 0);
}

/** The oldest first. @param runs the folder that holds them. */
export async function roundsIn(runs: string): Promise<string[]> {
  const names = (await readdir(runs).catch(ifAbsent<string[]>([]))).filter(isRoundId);
  // A file may have such a name, and a link may lead to a folder, or nowhere.
  const areFolders = await Promise.all(
    names.map(async (name) => (await stat(join(runs, name)).catch(() => undefined))?.isDirectory() ?? false),
  );
  return names.filter((_, i) => areFolders[i]).sort((a, b) => roundNumber(a) - roundNumber(b));
}

export interface KeptRound {
  /** Milliseconds since 1970. */
  began: number;
  /** A live process works in it. */
  isHeld: boolean;
  isUndone: boolean;
  /** Undefined where it has not come to its end, or has no result that is whole. */
  end?: RoundEnd;
  /** Of what was promoted. */
  digest?: string;
  /** Of the models that it was made from. */
  parents: readonly string[];
}

/** @param run the folder of a round. */
export async function readKeptRound(run: string): Promise<KeptRound> {
  const { birthtimeMs, mtimeMs } = await stat(run);
  const stage = join(run, 'align');
  const result = await readRoundResult(join(stage, 'round-01'));
  const gate = result?.gate;
  const { isHeld } = await holderOf(run);
  const record = await readRecord(run, 'align');
  return {
    began: birthtimeMs > 0 ? birthtimeMs : mtimeMs, // not every disk knows when a folder was made
    isHeld,
    isUndone: await exists(join(run, undoneName)),
    parents: Object.values(record?.made?.inputs ?? {}),
    ...(gate?.promoted && { digest: gate.digest }),
    ...(result !== undefined && { end: gate ? endOf(gate, stage) : refused('there was nothing to learn') }),
  };
}

/** Kept with the round, so that no server takes it for promoted again. */
export async function keepUndone(run: string): Promise<void> {
  await writeSealed(join(run, undoneName), { undone: true });
}

export function refused(why: string): RoundEnd {
  return { type: 'end', promoted: false, why };
}

export const unfinished = refused('the round did not come to its end: nothing is promoted');

/** What the gate decided, in its words and figures. */
function endOf({ promoted, alpha, text, curve, path }: NonNullable<RoundResult['gate']>, stage: string): RoundEnd {
  const kept = promoted ? curve.find((point) => point.alpha === alpha) : curve.at(-1);
  return {
    type: 'end',
    promoted,
    why: text,
    ...(promoted && { checkpoint: join(stage, path) }),
    ...(curve.length > 0 && { before: figuresOf(curve[0]) }),
    ...(kept !== undefined && { after: figuresOf(kept), gains: gainsOf(kept) }),
  };
}

function figuresOf({ metrics }: GatePoint): GateFigure[] {
  return Object.entries(metrics).map(([metric, value]) => ({ metric, value }));
}

/** With 95 % intervals: what was gained is paired, question by question. */
function gainsOf({ gains }: GatePoint): GateFigure[] {
  return Object.entries(gains).map(([metric, { mean, low, high }]) => ({ metric, value: mean, low, high }));
}
