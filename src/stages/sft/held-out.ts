// Conversations that training never sees, and a few answers to them for a person to read; figures are in metrics.ts.
import { join } from 'node:path';
import { exists } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { heldOutRowsName } from '../../base/layout.js';
import type { SftConfig } from '../../config/sft.js';
import type { Conversation } from '../../data/types.js';
import { answerTasks, askableTasks, lastQuestion, readTasks, splitHeldOut } from '../../evaluation/tasks.js';
import type { LocalModel } from '../../inference/local-model.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Job } from '../stage.js';

/** Answers shown as samples. */
const maxSamples = 6;

/** The half of the held-out tasks that stages may look at; none where self-instruct did not run. */
export async function readHeldOut(
  { inputs, reporter }: Job<SftConfig>,
  template: ChatTemplate,
): Promise<Conversation[]> {
  if (inputs.selfInstruct === undefined) return [];
  const path = join(inputs.selfInstruct, heldOutRowsName);
  if (!(await exists(path))) return [];
  return askableTasks(splitHeldOut(await readTasks(path, reporter)).validation, template, reporter);
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
