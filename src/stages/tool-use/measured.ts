// What the taught model does with its tools on what it has never seen: other numbers, words and wordings; and, beside it, what
// it answers to the same questions where it is offered none.
import { setImmediate } from 'node:timers/promises';
import { openCheckpoint } from '../../checkpoint/directory.js';
import type { Conversation } from '../../data/types.js';
import { answerCredit } from '../../evaluation/checks.js';
import { figuresOf } from '../../evaluation/measurements.js';
import { referenceTurn, wantedCalls } from '../../evaluation/reference.js';
import { taskTools, withResults } from '../../evaluation/task-tools.js';
import { type Answer, type AnswerOptions, answerTasks } from '../../evaluation/tasks.js';
import { measureToolUse, type ToolUseRecord } from '../../evaluation/tool-use.js';
import { LocalModel } from '../../inference/local-model.js';
import type { Metrics } from '../../report/event.js';
import type { Toolbox } from '../../tools/toolbox.js';
import type { Job } from '../stage.js';

/** Of all messages of one answer: several calls and some words. */
const maxNewTokens = 192;

/** The figures of measureToolUse; `path` is a checkpoint. */
export async function measuredToolUse(
  { seed, signal, reporter, verify }: Job<unknown>,
  { path, tasks, toolbox }: { path: string; tasks: readonly Conversation[]; toolbox: Toolbox },
): Promise<Metrics> {
  const model = await LocalModel.of(await openCheckpoint(path, { verify }));
  try {
    await setImmediate();
    const onProgress = (label: string) => (done: number, total: number) =>
      reporter.emit({ type: 'progress', label, done, total, unit: 'tasks' });
    const options: AnswerOptions = { maxNewTokens, seed, signal };
    const withTools = await answerTasks(model, tasks, { ...options, toolbox, onProgress: onProgress('with tools') });
    const alone = tasks.map(({ tools: _, messages, ...task }) => ({
      ...task,
      messages: referenceTurn(messages).prompt,
    }));
    const without = await answerTasks(model, alone, { ...options, onProgress: onProgress('without tools') });
    const uses: ToolUseRecord[] = [];
    for (const answer of withTools) uses.push(await useOf(answer, answer.task, { toolbox, signal }));
    const plain: ToolUseRecord[] = [];
    for (const [i, answer] of without.entries()) plain.push(await useOf(answer, tasks[i], { toolbox, signal }));
    return figuresOf(measureToolUse(uses, plain)).metrics;
  } finally {
    await model.dispose();
  }
}

/** @param task whose calls are wanted. */
async function useOf(
  answer: Answer,
  task: Conversation,
  { toolbox, signal }: { toolbox: Toolbox; signal?: AbortSignal },
): Promise<ToolUseRecord> {
  const { id, group = id, language, start } = task;
  const wanted = wantedCalls(task);
  const credit = answerCredit(answer);
  return {
    id: group,
    ...(language !== undefined && { language }),
    ...(wanted !== undefined && { wanted: await withResults(wanted, { ...taskTools(task, toolbox), start }, signal) }),
    ran: answer.calls ?? [],
    ...(credit !== undefined && { isRight: credit === 1 }),
  };
}
