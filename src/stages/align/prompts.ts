// The tasks that a round samples answers to, and those held out that decide on promotion. A task needs a check, without which
// nothing could say whether an answer is right; what people asked in chats has none, and is scored by form alone.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { countOf } from '../../base/format.js';
import { heldOutRowsName, promptRowsName } from '../../base/layout.js';
import type { AlignConfig } from '../../config/align.js';
import { feedbackName } from '../../config/paths.js';
import { detectLanguage } from '../../data/clean.js';
import type { Conversation } from '../../data/types.js';
import { askableTasks, lastQuestion, readTasks, splitHeldOut } from '../../evaluation/tasks.js';
import { readFeedbackPrompts } from '../../feedback/preferences.js';
import { defaultStore, isFeedbackStore } from '../../feedback/store.js';
import type { StageReporter } from '../../report/event.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Job } from '../stage.js';

export interface Prompts {
  prompts: Conversation[];
  heldOut: Conversation[];
}

/** None where there are only preferences of people. */
export async function readPrompts(
  { config, inputs, reporter }: Job<AlignConfig>,
  template: ChatTemplate,
): Promise<Prompts> {
  const read = async (path: string, choose = (tasks: Conversation[]) => tasks): Promise<Conversation[]> => {
    const tasks = choose(await readTasks(path, reporter));
    const checked = tasks.filter(({ check }) => check !== undefined);
    const skipped = tasks.length - checked.length;
    if (skipped > 0 && config.prompts !== undefined) {
      reporter.note('warning', `skipped ${countOf(skipped, 'task')} without a check: nothing could score answers`);
    }
    return askableTasks(checked, template, reporter);
  };
  if (config.prompts !== undefined) {
    // One file only: a tenth of it, at least one task, is set aside for the decision.
    const { prompts: given } = config;
    const path = given === feedbackName ? defaultStore : given;
    const tasks = (await isFeedbackStore(path)) ? await readAsked(path, template, reporter) : await read(path);
    if (tasks.length < 2) throw tooFew(path, tasks.length);
    const count = Math.max(1, Math.floor(tasks.length / 10));
    const { validation } = splitHeldOut(tasks);
    const heldOut = validation.slice(0, count);
    return { prompts: tasks.filter((task) => !heldOut.includes(task)), heldOut };
  }
  const folder = inputs.selfInstruct;
  if (folder === undefined) return { prompts: [], heldOut: [] };
  const prompts = await read(join(folder, promptRowsName));
  const heldOut = await read(join(folder, heldOutRowsName), (tasks) => splitHeldOut(tasks).validation);
  if (prompts.length === 0) throw tooFew(join(folder, promptRowsName), 0);
  if (heldOut.length === 0) throw tooFew(join(folder, heldOutRowsName), 0);
  return { prompts, heldOut };
}

/** What people asked, each once, whatever they thought of the answers. */
async function readAsked(path: string, template: ChatTemplate, reporter: StageReporter): Promise<Conversation[]> {
  const asked: Conversation[] = [];
  for await (const task of readFeedbackPrompts(path)) {
    asked.push({ ...task, language: task.language ?? detectLanguage(lastQuestion(task)) });
  }
  const tasks = askableTasks(asked, template, reporter);
  const text = `${countOf(tasks.length, 'prompt')} of ${path} have no check: answers to them are scored by their form alone (an end, the language of the question, no repetition)`;
  if (tasks.length > 0) reporter.note('warning', text);
  return tasks;
}

function tooFew(path: string, count: number): UserError {
  return new UserError({
    where: path,
    what: `${count} tasks have a check that a reward could come from`,
    why: 'alignment scores answers by their `check`, and keeps some tasks apart to decide on promotion',
    next: 'Give tasks with checks, for example those that `mossctl self-instruct` makes',
  });
}
