// A checkpoint that others ask, on this machine: a chat model, which refuses what its context has no room for. It would answer nothing.
import { UserError } from '../base/errors.js';
import { type ChatModel, QuestionRefused, type Reply, type ReplyOptions } from '../inference/chat-model.js';
import { LocalModel } from '../inference/local-model.js';
import type { Message } from '../tokenizer/message.js';

/** How messages speak of it. */
export interface CheckpointTerms {
  /** What it is: `teacher`. */
  role: string;
  /** The setting that names it. */
  where: string;
  /** What to do where it has no room. */
  next: string;
}

/** @throws UserError for a base model. */
export async function openFitting(
  path: string,
  { role, where, next }: CheckpointTerms,
): Promise<{ model: ChatModel; dispose(): Promise<void> }> {
  const local = await LocalModel.open(path);
  if (local.isBase) {
    await local.dispose();
    throw baseModel(path, where);
  }
  const model: ChatModel = {
    identity: local.identity,
    async *reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply> {
      const { tokens } = local.template.encode(messages, { addGenerationPrompt: true });
      if (tokens.length < local.contextLength) return yield* local.reply(messages, options);
      throw new QuestionRefused({
        what: `the ${role}'s context of ${local.contextLength} tokens has no room for a prompt of ${tokens.length}`,
        ...{ where, next },
      });
    },
  };
  return { model, dispose: () => local.dispose() };
}

export function baseModel(path: string, where: string): UserError {
  return new UserError({
    ...{ what: 'a base model answers no questions', where },
    why: `${path} was not fine-tuned on conversations`,
    next: 'Name a checkpoint of sft or align, or an imported chat model',
  });
}
