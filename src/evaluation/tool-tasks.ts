// Tasks of which it is known what calls are right, asked of one model with its tools and, the same questions, without any: what
// stages measure and report.
import type { Conversation } from '../data/types.js';
import type { LocalModel } from '../inference/local-model.js';
import type { Toolbox } from '../tools/toolbox.js';
import { answerCredit } from './checks.js';
import type { Measurements } from './measurements.js';
import { referenceTurn, wantedCalls } from './reference.js';
import { taskTools, withResults } from './task-tools.js';
import { type Answer, type AnswerOptions, answerTasks } from './tasks.js';
import { measureToolUse, type ToolUseRecord } from './tool-use.js';

/** Of all messages of one answer: several calls and some words. */
const maxNewTokens = 192;

export interface ToolTaskOptions extends Pick<AnswerOptions, 'seed' | 'signal'> {
  toolbox: Toolbox;
  /** Default: enough for several calls and some words. */
  maxNewTokens?: number;
  onProgress?(done: number, total: number): void;
}

/** Whether it is known what calls are right for a task. */
export function isToolTask(task: Conversation): boolean {
  return wantedCalls(task) !== undefined;
}

/** The figures of `measureToolUse`, and the greedy answers with tools that they are of. */
export async function measureToolTasks(
  model: LocalModel,
  tasks: readonly Conversation[],
  { toolbox, onProgress, ...given }: ToolTaskOptions,
): Promise<{ measurements: Measurements; answers: Answer[] }> {
  const options = { maxNewTokens, ...given };
  const total = 2 * tasks.length;
  const answers = await answerTasks(model, tasks, {
    ...options,
    toolbox,
    onProgress: (done) => onProgress?.(done, total),
  });
  const questions = tasks.map(({ tools: _, messages, ...task }) => ({
    ...task,
    messages: referenceTurn(messages).prompt,
  }));
  const alone = await answerTasks(model, questions, {
    ...options,
    onProgress: (done) => onProgress?.(tasks.length + done, total),
  });
  const wanted: ToolUseRecord['wanted'][] = [];
  for (const task of tasks) {
    const calls = wantedCalls(task);
    wanted.push(calls && (await withResults(calls, { ...taskTools(task, toolbox), start: task.start }, given.signal)));
  }
  const recordOf = (answer: Answer, i: number): ToolUseRecord => {
    const { id, group = id, language } = tasks[i];
    const credit = answerCredit({ ...answer, task: tasks[i] });
    return {
      ...{ id: group, wanted: wanted[i], ran: answer.calls ?? [] },
      ...(language !== undefined && { language }),
      ...(credit !== undefined && { isRight: credit === 1 }),
    };
  };
  return { measurements: measureToolUse(answers.map(recordOf), alone.map(recordOf)), answers };
}
