// Tasks, and a model's answers to them. Evaluation, alignment and the samples of fine-tuning all go through here; what an
// answer is worth is for a scorer to say (scorer.ts).
import { stopIfAborted } from '../base/errors.js';
import { sha256 } from '../base/files.js';
import { Random } from '../base/random.js';
import { greedy, type Sampling } from '../config/sampling.js';
import { readConversations } from '../data/conversations.js';
import type { Conversation } from '../data/types.js';
import type { LocalModel } from '../inference/local-model.js';
import type { ChatTemplate } from '../tokenizer/chat-template.js';

export interface Answer {
  task: Conversation;
  promptTokens: number[];
  tokens: number[];
  text: string;
  /** The end-of-turn token came. (A model may also stop at the end of the text: that ends nothing properly.) */
  ended: boolean;
}

/** Rows of a conversations file that can be asked: the last assistant's turn, if any, is the reference answer. */
export async function readTasks(path: string): Promise<Conversation[]> {
  const tasks: Conversation[] = [];
  for await (const conversation of readConversations(path)) tasks.push(conversation);
  return tasks;
}

/**
 * Held-out tasks in two disjoint halves, by a hash: what stages look at while they work (to promote a round, to draw a
 * curve), and what the final table is measured on. Tasks of one group go the same way.
 */
export function splitHeldOut(tasks: readonly Conversation[]): { validation: Conversation[]; test: Conversation[] } {
  const key = ({ group, id }: Conversation): string => sha256(group ?? id);
  const order = [...tasks].sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
  let half = order.length >> 1;
  while (half > 0 && half < order.length && key(order[half]) === key(order[half - 1])) half++;
  return { validation: order.slice(0, half), test: order.slice(half) };
}

export interface AnswerOptions {
  maxNewTokens: number;
  /** Default: greedy. */
  sampling?: Sampling;
  /** Answers for each task; default 1. */
  samples?: number;
  seed: number;
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

/**
 * Answers every task. Answers to one task are next to each other, in task order; they follow from the seed and the task
 * alone. A task that fills the whole context gets empty answers.
 */
export async function answerTasks(
  model: LocalModel,
  tasks: readonly Conversation[],
  { samples = 1, sampling = greedy, maxNewTokens, seed, signal, onProgress }: AnswerOptions,
): Promise<Answer[]> {
  let done = 0;
  const answer = async (task: Conversation): Promise<Answer[]> => {
    const tokens = promptTokens(task, model.template);
    const own = Random.stream(seed, task.id).uint32();
    const generations = await model.generate({ tokens, samples, sampling, maxNewTokens, seed: own, signal });
    done += samples;
    onProgress?.(done, samples * tasks.length);
    return generations.map((generation) => ({
      task,
      promptTokens: tokens,
      tokens: generation.tokens,
      text: model.tokenizer.decode(generation.tokens, { skipSpecial: true }),
      ended: generation.stopId === model.tokenizer.specialId('turnEnd'),
    }));
  };
  const answers = await Promise.all(tasks.map(answer));
  stopIfAborted(signal, 'stopped while answering tasks');
  return answers.flat();
}

/** The last user's turn: what is shown as the prompt of a sample. */
export function lastQuestion({ messages }: Conversation): string {
  return messages.findLast(({ role }) => role === 'user')?.content ?? '';
}

/** The conversation up to the last user's turn. */
export function promptTokens(task: Conversation, template: ChatTemplate): number[] {
  const { messages } = task;
  const end = messages.at(-1)?.role === 'assistant' ? messages.length - 1 : messages.length;
  return template.encode(messages.slice(0, end), { addGenerationPrompt: true }).tokens;
}
