// The tasks that a round samples answers to, and those held out that decide on promotion. A task needs a check, without which
// nothing could say whether an answer is right; what people asked in chats has none, and is scored by form alone.
import { join } from 'node:path';
import { UserError } from '../../base/errors.js';
import { digestOf } from '../../base/files.js';
import { countOf } from '../../base/format.js';
import { feedbackName, heldOutRowsName, promptRowsName } from '../../base/layout.js';
import type { AlignConfig } from '../../config/align.js';
import { detectLanguage } from '../../data/clean.js';
import { groupNames } from '../../data/groups.js';
import type { Conversation } from '../../data/types.js';
import { referenceTurn } from '../../evaluation/reference.js';
import { askableTasks, lastQuestion, readTasks, splitHeldOut } from '../../evaluation/tasks.js';
import { readFeedbackPrompts } from '../../feedback/preferences.js';
import { defaultStore, isFeedbackStore } from '../../feedback/store.js';
import type { StageReporter } from '../../report/event.js';
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import { fieldMessage } from '../../tokenizer/message.js';
import type { Toolbox } from '../../tools/toolbox.js';
import type { Job } from '../stage.js';

export interface Prompts {
  prompts: Conversation[];
  heldOut: Conversation[];
}

/** No prompts where there are only preferences of people. */
export async function readPrompts(
  { config, inputs, reporter }: Job<AlignConfig>,
  template: ChatTemplate,
  toolbox?: Toolbox,
): Promise<Prompts> {
  const read = async (path: string, choose = (tasks: Conversation[]) => tasks): Promise<Conversation[]> => {
    const tasks = choose(await readTasks(path, reporter));
    const checked = tasks.filter(({ check }) => check !== undefined);
    const skipped = tasks.length - checked.length;
    if (skipped > 0 && config.prompts !== undefined) {
      reporter.note('warning', `skipped ${countOf(skipped, 'task')} without a check: nothing could score answers`);
    }
    return askableTasks(checked, template, reporter, toolbox);
  };
  if (config.prompts !== undefined) {
    // One file only: a tenth of it, at least one task, is set aside for the decision.
    const { prompts: given } = config;
    const path = given === feedbackName ? defaultStore : given;
    const tasks = (await isFeedbackStore(path)) ? await readAsked(path, template, reporter, toolbox) : await read(path);
    if (tasks.length < 2) throw tooFew(path, tasks.length);
    return split(grouped(tasks), path);
  }
  const folder = inputs.selfInstruct;
  if (folder === undefined) return { prompts: [], heldOut: [] };
  const prompts = await read(join(folder, promptRowsName));
  const heldOut = await read(join(folder, heldOutRowsName), (tasks) => splitHeldOut(tasks).validation);
  if (prompts.length === 0 && config.data === undefined) throw tooFew(join(folder, promptRowsName), 0);
  if (heldOut.length === 0) throw tooFew(join(folder, heldOutRowsName), 0);
  return { prompts, heldOut };
}

/** Tasks that ask the same are one piece of evidence, whatever group they name. */
function grouped(tasks: readonly Conversation[]): Conversation[] {
  // The same words in another house ask something else.
  const asked = ({ messages, tools = [], start }: Conversation): string => {
    const { prompt } = referenceTurn(messages);
    return `asked ${digestOf([prompt.map(fieldMessage), tools, ...(start === undefined ? [] : [start])])}`;
  };
  const names = groupNames(tasks.map((task) => [task.group ?? task.id, asked(task)]));
  return tasks.map((task, i) => (names[i] === (task.group ?? task.id) ? task : { ...task, group: names[i] }));
}

/** A tenth of the tasks or less, by whole groups, and one group at least. */
function split(tasks: readonly Conversation[], path: string): Prompts {
  const most = Math.max(1, Math.floor(tasks.length / 10));
  const named = new Map<string, Conversation[]>();
  const { validation, test } = splitHeldOut(tasks);
  for (const task of [...validation, ...test]) {
    const name = task.group ?? task.id;
    named.set(name, [...(named.get(name) ?? []), task]);
  }
  const groups = [...named.values()];
  const held = new Set<Conversation>();
  for (const group of groups) if (held.size + group.length <= most) for (const task of group) held.add(task);
  if (held.size === 0) {
    const [least = []] = groups.sort((a, b) => a.length - b.length);
    for (const task of least) held.add(task);
  }
  if (held.size === tasks.length) throw oneGroup(path, tasks.length);
  return { prompts: tasks.filter((task) => !held.has(task)), heldOut: [...held] };
}

function oneGroup(where: string, count: number): UserError {
  return new UserError({
    where,
    what: `all ${count} tasks ask the same, or are of one group`,
    why: 'alignment keeps some tasks apart to decide on promotion, and none that it trains on',
    next: 'Give tasks that ask different things',
  });
}

/** What people asked, each once, whatever they thought of the answers. */
async function readAsked(
  path: string,
  template: ChatTemplate,
  reporter: StageReporter,
  toolbox?: Toolbox,
): Promise<Conversation[]> {
  const asked: Conversation[] = [];
  for await (const task of readFeedbackPrompts(path)) {
    asked.push({ ...task, language: task.language ?? detectLanguage(lastQuestion(task)) });
  }
  const tasks = askableTasks(asked, template, reporter, toolbox);
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
