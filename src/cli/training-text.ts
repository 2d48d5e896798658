// What a checkpoint was trained on, for the audit of its memory: the run that it lies in, or the one that a person names.
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { settingsName } from '../base/layout.js';
import type { TrainingText } from '../evaluation/safety/audit.js';
import { readPersonalData } from '../evaluation/safety/personal.js';
import { loadPipeline } from '../pipeline/load.js';
import { finishedOutput, readRecord } from '../pipeline/record.js';
import { runAround } from './places.js';

/** Looks each run through once, however many checkpoints of it are asked. */
export class TrainingTexts {
  readonly #named: string | undefined;
  readonly #found = new Map<string, Promise<TrainingText & { notes: string[] }>>();

  constructor(named: string | undefined) {
    this.#named = named;
  }

  async of(checkpoint: string, signal?: AbortSignal): Promise<TrainingText & { notes: string[] }> {
    const run = this.#named ?? (await runAround(checkpoint));
    if (run === undefined) {
      const note =
        'memory is not audited: what it was trained on is not known here (--trained-on RUN names the run that has it)';
      return { notes: [note] };
    }
    const found = this.#found.get(run) ?? textOf(run, this.#named !== undefined, signal);
    this.#found.set(run, found);
    return found;
  }
}

/** @throws UserError where what a person named is no folder of a run: before anything is asked. */
export async function requireRun(run: string): Promise<void> {
  if (await exists(join(run, settingsName))) return;
  throw new UserError({
    what: 'this is not the folder of a run',
    where: run,
    why: `it has no ${settingsName}`,
    next: 'Name the run that has the text: --trained-on runs/NAME',
  });
}

async function textOf(
  run: string,
  isNamed: boolean,
  signal?: AbortSignal,
): Promise<TrainingText & { notes: string[] }> {
  const settings = join(run, settingsName);
  const notes: string[] = [];
  const record = await readRecord(run, 'tokens');
  const output = await finishedOutput(run, record);
  // A corpus that was built anew after the training is not what was trained on.
  const read = (await readRecord(run, 'pretrain'))?.made?.inputs.tokens;
  const isRead = isNamed || read === output?.digest;
  if (output === undefined || !isRead) {
    const why =
      output === undefined
        ? 'this run has no tokenised text'
        : 'the text of this run is not what its model was trained on';
    notes.push(`memorised text is not measured: ${why} (--trained-on RUN names the run that has it)`);
  }
  const { data } = await loadPipeline({ config: settings });
  if (data === undefined || !(await exists(data.spec))) {
    notes.push('personal data is not looked for: the data-spec of this run is not there any more');
  }
  return {
    notes,
    ...(output !== undefined && isRead && { tokens: output.path }),
    ...(data !== undefined && (await exists(data.spec)) && { personal: await readPersonalData(data.spec, signal) }),
  };
}
