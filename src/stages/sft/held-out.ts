// Conversations that training never sees: the loss on them, and a few answers to read.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { exists } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { heldOutRowsName } from '../../base/layout.js';
import type { SftConfig } from '../../config/sft.js';
import { type BatchShape, batchesOnce } from '../../data/sequences.js';
import type { Conversation, TokenSequence } from '../../data/types.js';
import { answerTasks, askableTasks, lastQuestion, readTasks, splitHeldOut } from '../../evaluation/tasks.js';
import type { LocalModel } from '../../inference/local-model.js';
import type { Model } from '../../model/model.js';
import type { Metrics } from '../../report/event.js';
import { readResult } from '../../tensor/host.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import { negativeLogLikelihood } from '../../train/objectives/next-token.js';
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
  if (heldOut.length === 0) return 'no conversations are held out, so no held-out loss and no sample answers follow';
  return `none of the ${countOf(heldOut.length, 'held-out conversation')} fits ${columns} tokens, so no held-out loss follows`;
}

/** Mean nats per assistant token of held-out conversations. */
export async function heldOutLoss(
  model: Model,
  sequences: readonly TokenSequence[],
  shape: BatchShape,
): Promise<Metrics> {
  let nats = 0;
  let tokens = 0;
  for (const batch of batchesOnce(sequences, shape)) {
    const [sum] = await readResult(() => negativeLogLikelihood(model, batch));
    nats += sum;
    tokens += batch.weight;
    await setImmediate();
  }
  return { heldOutLoss: nats / Math.max(1, tokens) };
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
