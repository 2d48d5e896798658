// Tasks, and a model's answers to them. Evaluation, alignment and the samples of fine-tuning all go through here; what an
// answer is worth is for a scorer to say (scorer.ts).
import { stopIfAborted, UserError } from '../base/errors.js';
import { sha256 } from '../base/files.js';
import { Random } from '../base/random.js';
import { Slots } from '../base/slots.js';
import { greedy, type Sampling } from '../config/sampling.js';
import { RowNotes } from '../data/conversations/notes.js';
import { readConversations } from '../data/conversations/read.js';
import { type WrittenChat, writtenChat } from '../data/conversations/written.js';
import type { Conversation } from '../data/types.js';
import type { LocalModel } from '../inference/local-model.js';
import { answersWithTools } from '../inference/tool-loop.js';
import type { StageReporter } from '../report/event.js';
import type { ChatTemplate } from '../tokenizer/chat-template.js';
import type { Message } from '../tokenizer/message.js';
import type { RanCall } from '../tools/tool.js';
import type { Toolbox } from '../tools/toolbox.js';
import { checkTask } from './checks.js';
import { finalText, referenceTurn } from './reference.js';
import { callsAtATime, sessionOf, type TaskTools, taskTools } from './task-tools.js';

export interface Answer {
  task: Conversation;
  promptTokens: number[];
  tokens: number[];
  /** The final answer, where tools ran. */
  text: string;
  /** Where tools ran: 1 for each token that the model wrote, 0 for those that were forced (results, the template between). */
  loss?: number[];
  /** Where tools ran: the calls, in order, with what came of them. */
  calls?: RanCall[];
  /** Where tools ran: calls, results and the final answer. */
  messages?: Message[];
  /** The end-of-turn token came. (A model may also stop at the end of the text: that ends nothing properly.) */
  ended: boolean;
}

/**
 * Rows of a conversations file that can be asked: the last assistant's turn, if any, is the reference answer. What is not
 * read of them, or skipped, is reported.
 */
export async function readTasks(path: string, reporter: StageReporter): Promise<Conversation[]> {
  const tasks: Conversation[] = [];
  const notes = new RowNotes('task');
  for await (const { conversation } of readConversations(path, notes)) {
    checkTask(conversation);
    tasks.push(conversation);
  }
  notes.report(reporter);
  if (tasks.length > 0 || notes.skippedInWords === '') return tasks;
  throw new UserError({
    where: path,
    what: 'there is no task to ask',
    why: notes.skippedInWords,
    next: 'Give conversations that begin with a question: {"messages":[{"role":"user","content":"…"}]}',
  });
}

/**
 * Those that a model with this template can be asked; the others, and what it is not shown of these, are reported.
 * @param toolbox as for `answerTasks`.
 */
export function askableTasks(
  tasks: readonly Conversation[],
  template: ChatTemplate,
  reporter: StageReporter,
  toolbox?: Toolbox,
): Conversation[] {
  const notes = new RowNotes('task');
  const askable = tasks.filter((task) => {
    const prompt = promptOf(task, template, toolbox);
    if ('skipped' in prompt) notes.skip(prompt.skipped, task.id);
    else for (const note of prompt.notes) notes.add(note, task.id);
    return !('skipped' in prompt);
  });
  notes.report(reporter);
  return askable;
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
  /**
   * Tools run: of a row that lists tools, those that it lists (see `taskTools`), of any other all of the toolbox. Rows are asked
   * their last question then, in place of what their last message answers. Each answer has a session of its own.
   */
  toolbox?: Toolbox;
  /** Bounds how many calls run at a time, over all that share it; default: `callsAtATime` of its own. */
  calls?: Slots;
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
  /** Hears of the answers to a task once they are there, in any order of tasks. */
  onAnswers?(answers: readonly Answer[]): void;
}

/**
 * Answers every task. Answers to one task are next to each other, in task order; they follow from the seed, the task and what
 * its tools do. A task that fills the whole context gets empty answers.
 */
export async function answerTasks(
  model: LocalModel,
  tasks: readonly Conversation[],
  {
    samples = 1,
    sampling = greedy,
    maxNewTokens,
    seed,
    toolbox,
    signal,
    onProgress,
    onAnswers,
    ...more
  }: AnswerOptions,
): Promise<Answer[]> {
  let done = 0;
  const { calls: slots = new Slots(callsAtATime) } = more;
  const answer = async (task: Conversation): Promise<Answer[]> => {
    const prompt = askedPrompt(task, model.template, toolbox);
    const { tokens: promptTokens, offered } = prompt;
    const own = Random.stream(seed, task.id).uint32();
    const request = { tokens: promptTokens, sampling, maxNewTokens, seed: own, signal };
    let answers: Answer[];
    if (offered === undefined) {
      const generations = await model.generate({ ...request, samples });
      answers = generations.map(({ tokens, stopId }) => ({
        ...{ task, promptTokens, tokens, text: model.template.read(tokens).content },
        ended: stopId === model.tokenizer.specialId('turnEnd'),
      }));
    } else {
      const sessions = Array.from({ length: samples }, () => sessionOf(offered, task.start, slots));
      const given = await answersWithTools(model, { ...request, prompt: prompt.messages, sessions });
      answers = given.map(({ tokens, sampled, messages, calls, ended }) => ({
        ...{ task, promptTokens, tokens, loss: sampled.map(Number), messages, calls, ended },
        text: finalText(messages),
      }));
    }
    done += samples;
    onProgress?.(done, samples * tasks.length);
    if (signal?.aborted !== true) onAnswers?.(answers);
    return answers;
  };
  const answers = await Promise.all(tasks.map(answer));
  stopIfAborted(signal, 'stopped while answering tasks');
  return answers.flat();
}

/** The last user's turn: what is shown as the prompt of a sample. */
export function lastQuestion({ messages }: Conversation): string {
  return messages.findLast(({ role }) => role === 'user')?.content ?? '';
}

/** The conversation up to the last answer, and the opening of that. Throws a `UserError` where the template refuses it. */
export function promptTokens(task: Conversation, template: ChatTemplate, toolbox?: Toolbox): number[] {
  return askedPrompt(task, template, toolbox).tokens;
}

function askedPrompt(task: Conversation, template: ChatTemplate, toolbox?: Toolbox): TaskPrompt & { tokens: number[] } {
  const prompt = promptOf(task, template, toolbox);
  if ('skipped' in prompt)
    throw new UserError({ what: `this task cannot be asked: ${prompt.skipped}`, where: task.id });
  const { tokens } = template.encode(prompt.messages, { addGenerationPrompt: true, tools: prompt.tools });
  return { ...prompt, tokens };
}

interface TaskPrompt extends WrittenChat {
  /** Absent: none runs. */
  offered?: TaskTools;
}

function promptOf(
  { messages, tools }: Conversation,
  template: ChatTemplate,
  toolbox?: Toolbox,
): TaskPrompt | { skipped: string } {
  if (toolbox === undefined) {
    const end = messages.at(-1)?.role === 'assistant' ? messages.length - 1 : messages.length;
    return writtenChat({ messages: messages.slice(0, end), tools }, template, { prompt: true });
  }
  const offered = taskTools({ messages, tools }, toolbox);
  const { prompt } = referenceTurn(messages);
  const isOffered = offered.tools.length > 0;
  const written = writtenChat({ messages: prompt, ...(isOffered && { tools: [...offered.tools] }) }, template, {
    prompt: true,
  });
  if ('skipped' in written || !isOffered) return written;
  return { ...written, offered };
}
