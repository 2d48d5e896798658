// A method is a way to have rows made: what it asks a model, in which steps, and what it takes of the replies. For which language
// and how often it is asked, and which of its tasks are new and sound, the loop decides (expand.ts).
import { cleanText } from '../../../base/clean-text.js';
import type { MethodName } from '../../../config/methods.js';
import type { TaskKind } from '../../../config/pipeline.js';
import type { Question } from '../../../inference/recording.js';
import type { Toolbox } from '../../../tools/toolbox.js';
import type { AskedModel } from '../asked-model.js';
import type { OfflineTeacher } from '../offline-teacher.js';
import type { Answers, Drop, Proposal, ProposedTask, Solution, TaskLanguage, TaskRequest } from '../teacher.js';
import { isCut } from './blocks.js';
import type { MethodPrompts } from './prompts.js';

/** What some methods need; each is there where the one that needs it was chosen. */
export interface MethodResources {
  /** Sets tasks whose answers it knows. */
  setter?: OfflineTeacher;
  /** Paragraphs of the corpus, in an order that chance gave them. */
  passages?: Record<TaskLanguage, readonly string[]>;
  toolbox?: Toolbox;
}

export interface MethodContext extends MethodResources {
  asked: AskedModel;
  prompts: MethodPrompts;
  seed: number;
}

export function missing(what: string): never {
  throw new Error(`a method was opened without ${what}`);
}

export interface Method {
  propose(request: TaskRequest): Promise<Proposal>;
  answer(task: ProposedTask, request: TaskRequest): Promise<Answers>;
}

export interface MethodSpec {
  /** What its rows are, for a person who reads the terminal. */
  about: string;
  open(context: MethodContext): Method;
  /** Whether a program knows the answers to its tasks. */
  hasChecks?: true;
  /** The kinds of its rows; absent: one, with the name of the method. */
  kinds?(chosen: readonly TaskKind[]): readonly TaskKind[];
}

/** Where question and answer were made together. */
export function ownSolution(task: ProposedTask): Promise<Answers> {
  return Promise.resolve(task.solution ?? { rule: 'no answer', example: task.turns.join('\n') });
}

/** An instruction without a colon at its end, behind which nothing comes. */
export function withoutColon(instruction: string): string {
  return instruction.replace(/\s*[:：]$/, '');
}

/** An instruction with what it is to be done to. */
export function withInput(instruction: string, input: string | undefined): string {
  return input === undefined || input === '' ? instruction : `${instruction}\n\n${input}`;
}

/** All of several requests to their ends: an error is thrown only when none is under way any more, or its answer would be paid for and lost. */
export async function allEnded<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(work);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

export const proposalRule = (method: MethodName): { rule: string; otherwise: string } => ({
  rule: `no tasks in what the teacher said (${method})`,
  otherwise: 'it held no tasks in the form that was asked for',
});

/** An answer in a request of its own, as a person would be answered. */
export async function writtenAnswer(
  asked: AskedModel,
  asking: Question,
  { turns }: ProposedTask,
): Promise<Solution | Drop> {
  const options = { rule: 'no answer in what the teacher said', otherwise: 'it held no answer' };
  const { items, dropped, reply } = await asked.read(asking, options, ({ text }) => [text]);
  if (items.length === 0) return { rule: dropped[0].rule, example: turns.join('\n') };
  const answer = cleanText(items[0], maxAnswer + 1).replace(/^(?:answer|答案?|回答)\s*[:：]\s*/i, '');
  if (isCut(reply.finish)) return { rule: 'answer cut off', example: answer.slice(0, 200) };
  return answer.length > maxAnswer ? { rule: 'answer too long', example: answer.slice(0, 200) } : { answer };
}
const maxAnswer = 8000;

export function isDrop(answer: Solution | Drop): answer is Drop {
  return 'rule' in answer;
}
