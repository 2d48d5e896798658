// How a round begins: what it learns with, where it works, and which text says what it forgets.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode, UserError } from '../base/errors.js';
import { makeDirectory } from '../base/files.js';
import { settingsName } from '../base/layout.js';
import { feedbackFigures } from '../feedback/summary.js';
import { runAround } from '../pipeline/around.js';
import { loadPipeline } from '../pipeline/load.js';
import { finishedOutput, readRecord } from '../pipeline/record.js';
import { feedbackEpochs, feedbackOutlook } from '../stages/align/feedback-outlook.js';
import type { RoundEnd } from './contract.js';
import { roundNumber, roundsIn } from './kept-rounds.js';
import { ownProgram } from './own-program.js';
import { RefusedRequest } from './refusal.js';
import { Round } from './round.js';

export interface RoundSettings {
  /** The folder of runs: a round becomes `feedback-N` in it. */
  runs: string;
  /** The feedback store. */
  file: string;
  seed: number;
  /** Of `mossctl align`, beside those of the round: `--threads 1`, `--backend native`. */
  flags: readonly string[];
  /** What Node is given to start `mossctl`; default: this package's. */
  program?: readonly string[];
}

/** @throws RefusedRequest where there is too little to learn from. */
export async function startRound(
  { runs, file, seed, flags, program = ownProgram }: RoundSettings,
  checkpoint: string,
  onEnd: (id: string, end: RoundEnd) => Promise<RoundEnd>,
): Promise<Round> {
  const { method, refusal } = feedbackOutlook((await feedbackFigures(file)).preferences, file, seed);
  if (refusal !== undefined) throw new RefusedRequest({ status: 409, ...refusal.faults[0] });
  const text = await heldOutTextOf(checkpoint);
  const id = await newRound(runs);
  const settings = [
    `align.method=${method}`,
    `align.train.epochs=${feedbackEpochs}`,
    ...(text === undefined ? [] : [`align.gate.text=${text}`]),
  ];
  const places = ['--from', checkpoint, '--data', file, '--out', join(runs, id)];
  const sets = settings.flatMap((set) => ['--set', set]);
  const args = [...program, 'align', ...places, ...sets, '--seed', String(seed), '--json', ...flags];
  return new Round(id, args, join(runs, id), (end) => onEnd(id, end));
}

/** The tokens of the run that a model lies in; of a round, those that its own forgetting was measured on. */
export async function heldOutTextOf(checkpoint: string): Promise<string | undefined> {
  const run = await runAround(checkpoint);
  if (run === undefined) return undefined;
  const tokens = await finishedOutput(run, await readRecord(run, 'tokens'));
  if (tokens !== undefined) return tokens.path;
  try {
    return (await loadPipeline({ config: join(run, settingsName) })).align?.gate.text;
  } catch (error) {
    if (error instanceof UserError) return undefined; // settings of another version: the round says that it measures no text
    throw error;
  }
}

/** Makes the folder: it is this round's, whoever else makes one. */
async function newRound(runs: string): Promise<string> {
  await makeDirectory(runs);
  const newest = (await roundsIn(runs)).at(-1);
  for (let number = newest === undefined ? 1 : roundNumber(newest) + 1; ; number++) {
    const id = `feedback-${number}`;
    try {
      await mkdir(join(runs, id));
      return id;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
  }
}
