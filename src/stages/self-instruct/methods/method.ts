// A method is a way to have rows made: what it asks a model, in which steps, and what it takes of the replies. Where there is one
// task and how often, which are new and sound, is for the loop (expand.ts) and its filters; here is only the asking.
import type { MethodName } from '../../../config/methods.js';
import type { TaskKind } from '../../../config/pipeline.js';
import type { AskedModel } from '../asked-model.js';
import type { Answers, Drop, Proposal, ProposedTask, TaskRequest } from '../teacher.js';
import type { MethodPrompts } from './prompts.js';

export interface MethodContext {
  asked: AskedModel;
  prompts: MethodPrompts;
  seed: number;
}

export interface Method {
  propose(request: TaskRequest): Promise<Proposal>;
  answer(task: ProposedTask, request: TaskRequest): Promise<Answers>;
}

export interface MethodSpec {
  /** What its rows are, for a person who reads the terminal. */
  about: string;
  open(context: MethodContext): Method;
  /** The kinds of its rows; absent: one, with the name of the method. */
  kinds?(chosen: readonly TaskKind[]): readonly TaskKind[];
}

/** Where question and answer were made together. */
export function ownSolution(task: ProposedTask): Promise<Answers> {
  return Promise.resolve(task.solution ?? { rule: 'no answer', example: task.turns.join('\n') });
}

/** An instruction with what it is to be done to. */
export function withInput(instruction: string, input: string | undefined): string {
  return input === undefined || input === '' ? instruction : `${instruction}\n\n${input}`;
}

export const proposalRule = (method: MethodName): { rule: string; otherwise: string } => ({
  rule: `no tasks in what the teacher said (${method})`,
  otherwise: 'it held no tasks in the form that was asked for',
});

export function isDrop(answer: object): answer is Drop {
  return 'rule' in answer;
}
