// mossctl from a program: open a model and ask it, talk to it, or run a pipeline. What the command line does and this does not,
// the command line does with the same files. Errors that a person can act on are `UserError`.
import type { Chat } from './api/chat.js';
import type { AskOptions, Model, OpenOptions } from './api/model.js';
import type { Pipeline, TrainOptions, TrainResult } from './api/train.js';

export type { Chat } from './api/chat.js';
export type { Answer, AskOptions, Model, OpenOptions, TextScore } from './api/model.js';
export type { Pipeline, TrainEvent, TrainOptions, TrainResult } from './api/train.js';
export { type Fault, Interrupted, UserError } from './base/errors.js';
export type { Message, Tool, ToolCall } from './tokenizer/message.js';

/**
 * Opens a model: a checkpoint, a run folder, a model folder of Hugging Face, or one of a hub (`hf:ORG/NAME@REVISION`), which is
 * fetched once. Close it when done: its weights are not the garbage collector's.
 * @throws UserError where there is no such model, or it cannot be run.
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<Model> {
  return (await import('./api/model.js')).open(path, options);
}

/**
 * A conversation with a model: each turn has what was said before as its context, as in `mossctl chat`.
 * @throws UserError where there is no such model, or its template takes no system message.
 */
export async function chat(path: string, options: OpenOptions & AskOptions & { system?: string } = {}): Promise<Chat> {
  return (await import('./api/chat.js')).openConversation(path, options);
}

/**
 * Runs a pipeline: a YAML file, the name of one that comes along (`smoke`), or an object with the same keys, whose paths are
 * relative to the working folder. What is done already is skipped, and what was interrupted resumes.
 * @throws UserError for bad settings or input; Interrupted once `signal` is aborted and the work is saved.
 */
export async function train(pipeline: string | Pipeline, options: TrainOptions = {}): Promise<TrainResult> {
  return (await import('./api/train.js')).run(pipeline, options);
}
