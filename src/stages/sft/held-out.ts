// Conversations that training never sees, and a few answers to them for a person to read; figures are in metrics.ts.
import { basename, join } from 'node:path';
import { exists } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { heldOutRowsName } from '../../base/layout.js';
import type { SftConfig } from '../../config/sft.js';
import { RowNotes } from '../../data/conversations/notes.js';
import type { Conversation } from '../../data/types.js';
import { answerTasks, askableTasks, lastQuestion, readTasks, splitHeldOut } from '../../evaluation/tasks.js';
import type { LocalModel } from '../../inference/local-model.js';
import type { StageReporter } from '../../report/event.js';
import type { Job } from '../stage.js';
import type { HeldOutRow } from './metrics.js';
import { type FittingRows, fitted } from './rows.js';
import type { HeldOutConversation } from './stored-rows.js';

/** Answers shown as samples. */
const maxSamples = 6;

/** `sft.evalData`, or the half of self-instruct's held-out tasks that stages may look at; undefined where there is neither. */
export async function readHeldOut({
  config,
  inputs,
  reporter,
}: Job<SftConfig>): Promise<HeldOutConversation[] | undefined> {
  const inSource = (path: string, conversations: readonly Conversation[]): HeldOutConversation[] =>
    conversations.map((conversation) => ({ conversation, source: basename(path) }));
  if (config.evalData !== undefined) return inSource(config.evalData, await readTasks(config.evalData, reporter));
  if (inputs.selfInstruct === undefined) return undefined;
  const path = join(inputs.selfInstruct, heldOutRowsName);
  if (!(await exists(path))) return undefined;
  return inSource(path, splitHeldOut(await readTasks(path, reporter)).validation);
}

/** As they would be learnt; those that the template cannot ask are skipped and counted. */
export function heldOutRows(
  all: readonly HeldOutConversation[],
  fitting: FittingRows,
  reporter: StageReporter,
): HeldOutRow[] {
  const asked = new Set(
    askableTasks(
      all.map(({ conversation }) => conversation),
      fitting.template,
      reporter,
    ),
  );
  const notes = new RowNotes('held-out conversation');
  const rows = all.flatMap(({ conversation, source }): HeldOutRow[] => {
    if (!asked.has(conversation)) return [];
    notes.read();
    return [{ conversation, source, sequences: fitted(conversation, { ...fitting, notes, where: conversation.id }) }];
  });
  notes.report(reporter, fitting.columns);
  return rows;
}

export function nothingHeldOut(heldOut: readonly Conversation[], columns: number): string {
  if (heldOut.length === 0) return 'no conversations are held out, so no held-out figures and no sample answers follow';
  return `none of the ${countOf(heldOut.length, 'held-out conversation')} fits ${columns} tokens, so no held-out figures follow`;
}

/** Answers to a few held-out tasks, so that a person can see it learn. */
export async function printSamples(
  { reporter, seed }: Job<SftConfig>,
  model: LocalModel,
  heldOut: readonly Conversation[],
  step: number,
): Promise<void> {
  const answers = await answerTasks(model, heldOut.slice(0, maxSamples), { maxNewTokens: 48, seed });
  for (const { task, text } of answers) {
    reporter.emit({ type: 'sample', step, prompt: lastQuestion(task), completion: text });
  }
}
