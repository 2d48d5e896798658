// Tasks, and a model's answers to them. Evaluation, alignment and the samples of fine-tuning all go through here; what an
// answer is worth is for a scorer to say (scorer.ts).
import { createHash } from 'node:crypto';
import { stopIfAborted } from '../base/errors.js';
import { readConversations } from '../data/conversations.js';
import type { Conversation } from '../data/types.js';
import { type Generation, generate } from '../inference/engine.js';
import { greedy, type SamplingOptions } from '../inference/sampling.js';
import type { Model } from '../model/model.js';
import type { ChatTemplate } from '../tokenizer/chat-template.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/** Prompts answered together. */
const batchRows = 64;

export interface Answerer {
  model: Model;
  tokenizer: Tokenizer;
  template: ChatTemplate;
  /** Where it came from a folder: its generation_config.json may name more tokens that end an answer. */
  checkpoint?: { eosTokenIds: readonly number[] };
}

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
  const order = [...tasks].sort((a, b) => compare(key(a), key(b)));
  let half = order.length >> 1;
  while (half > 0 && half < order.length && key(order[half]) === key(order[half - 1])) half++;
  return { validation: order.slice(0, half), test: order.slice(half) };
}

export interface AnswerOptions {
  maxNewTokens: number;
  /** Default: greedy. */
  sampling?: SamplingOptions;
  /** Answers for each task; default 1. */
  samples?: number;
  seed: number;
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

/** Answers every task. Answers to one task are next to each other, in task order. */
export async function answerTasks(
  { model, tokenizer, template, checkpoint }: Answerer,
  tasks: readonly Conversation[],
  options: AnswerOptions,
): Promise<Answer[]> {
  const samples = options.samples ?? 1;
  const stopIds = [...(checkpoint?.eosTokenIds ?? []), ...tokenizer.stopIds]; // as chat stops
  const asked = tasks.map((task) => ({ task, promptTokens: promptTokens(task, template) }));
  const rows = asked.flatMap((entry, index) => Array.from({ length: samples }, () => ({ ...entry, index })));
  // A batch is decoded until its longest answer ends, so one family at a time, whose answers are about as long; and
  // alike prompts together: less padding.
  const order = rows.map((_, i) => i).sort((a, b) => compareRows(rows[a], rows[b]) || a - b);
  const answers = new Array<Answer>(rows.length);
  for (let begin = 0; begin < order.length; begin += batchRows) {
    stopIfAborted(options.signal, 'stopped while answering tasks');
    const chosen = order.slice(begin, begin + batchRows);
    const generations = await generate(
      model,
      chosen.map((row) => rows[row].promptTokens),
      {
        ...(options.sampling ?? greedy),
        maxNewTokens: options.maxNewTokens,
        stopIds,
        seed: (options.seed + begin) >>> 0,
      },
    );
    generations.forEach((generation, i) => {
      answers[chosen[i]] = answerOf(rows[chosen[i]], generation, tokenizer);
    });
    options.onProgress?.(Math.min(begin + batchRows, order.length), order.length);
  }
  return answers;
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

type AskedTask = Pick<Answer, 'task' | 'promptTokens'>;

function compareRows(a: AskedTask, b: AskedTask): number {
  return compare(a.task.kind ?? '', b.task.kind ?? '') || a.promptTokens.length - b.promptTokens.length;
}

function answerOf({ task, promptTokens }: AskedTask, { tokens, stopId }: Generation, tokenizer: Tokenizer): Answer {
  const text = tokenizer.decode(tokens, { skipSpecial: true });
  return { task, promptTokens, tokens, text, ended: stopId === tokenizer.specialId('turnEnd') };
}

function key(task: Conversation): string {
  return createHash('sha256')
    .update(task.group ?? task.id)
    .digest('hex');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
