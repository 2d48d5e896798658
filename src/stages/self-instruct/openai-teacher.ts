// Self-Instruct (Wang et al. 2022) through a chat endpoint: shown numbered tasks of one family, the model goes on with
// the list; each new task is then answered in a request of its own. What it says is text to validate, never trusted.
import { UserError } from '../../base/errors.js';
import type { Completer, Completion, CompletionRequest } from './completion.js';
import { families } from './families/table.js';
import { cleanText } from './filters.js';
import type { Drop, Proposal, ProposedTask, Solution, TaskLanguage, TaskRequest, Teacher } from './teacher.js';

/** Completions in a row with nothing usable in them before we give up. */
export const maxGarbage = 10;

const languageNames: Record<TaskLanguage, string> = { zh: 'Simplified Chinese', en: 'English' };

export class OpenAiTeacher implements Teacher {
  readonly name: string;
  readonly patience = 5;
  readonly notes: readonly string[];
  readonly #completer: Completer;
  /** Removes completions from the record, where one is kept. */
  readonly #forget: (requests: readonly CompletionRequest[]) => Promise<void>;
  #garbage: CompletionRequest[] = [];

  constructor(
    model: string,
    completer: Completer,
    forget: (requests: readonly CompletionRequest[]) => Promise<void> = () => Promise.resolve(),
  ) {
    this.name = `openai:${model}`;
    this.notes = [`teacher: ${model} through an OpenAI-compatible endpoint; its answers are checked where a rule can`];
    this.#completer = completer;
    this.#forget = forget;
  }

  can(): boolean {
    return true;
  }

  async propose(request: TaskRequest): Promise<Proposal> {
    const asked = proposalPrompt(request);
    const completion = await this.#completer.complete(asked);
    const tasks = parseTasks(completion, request);
    if (tasks.length > 0) {
      this.#garbage = [];
      return { tasks, dropped: [] };
    }
    await this.#countGarbage(asked);
    return { tasks, dropped: [{ rule: 'no tasks in what the teacher said', example: completion.text.slice(0, 200) }] };
  }

  async answer(task: ProposedTask, request: TaskRequest): Promise<Solution | Drop> {
    const asked = answerPrompt(task, request);
    const completion = await this.#completer.complete(asked);
    if (completion.finish === 'garbage') {
      await this.#countGarbage(asked);
      return { rule: 'no answer in what the teacher said', example: task.turns.join('\n') };
    }
    this.#garbage = [];
    const answer = cleanText(completion.text, 4000).replace(/^(?:answer|a|答案?|回答)\s*[:：]\s*/i, '');
    if (completion.finish === 'length') return { rule: 'answer cut off', example: answer.slice(0, 200) };
    const check = families[task.kind].check?.(answer, task.language);
    return { answer, ...(check === undefined ? {} : { check }) };
  }

  async #countGarbage(request: CompletionRequest): Promise<void> {
    this.#garbage.push(request);
    if (this.#garbage.length < maxGarbage) return;
    await this.#forget(this.#garbage);
    throw new UserError({
      what: `the teacher said nothing usable ${maxGarbage} times in a row`,
      where: this.name,
      why: 'its answers were empty, no completions, or held no numbered tasks',
      next: 'Check selfInstruct.model and OPENAI_BASE_URL; a larger model may follow the format. What was usable is kept',
    });
  }
}

function proposalPrompt({ index, kind, language, wanted, examples }: TaskRequest): CompletionRequest {
  const list = examples.map(({ instruction }, i) => `${i + 1}. ${oneLine(instruction)}`);
  const next = examples.length + 1;
  const user = [
    `Here is a series of tasks for an assistant. All are of one kind: ${families[kind].task}.`,
    ...list,
    '',
    `Go on with the series: write ${wanted} new tasks of this kind in ${languageNames[language]}, numbered ${next} to ${next + wanted - 1}.`,
    'Each is a single line, differs from all others in wording and content, needs no picture, file or link, and does not contain its answer.',
    'Write the numbered list and nothing else.',
  ].join('\n');
  const system = 'You write varied tasks for training a small bilingual language model.';
  return { index, system, user, maxTokens: 1024, temperature: 1 };
}

function answerPrompt(task: ProposedTask, { index, examples }: TaskRequest): CompletionRequest {
  const shown = examples
    .slice(0, 3)
    .map(({ instruction, output }) => `Task: ${oneLine(instruction)}\nAnswer: ${output}`);
  const system = [
    `You answer tasks for training a very small language model, in the language of the task. ${families[task.kind].answer}`,
    'Be correct and short: at most 20 words. Write the answer and nothing else.',
  ].join('\n');
  const user = [...shown, `Task: ${oneLine(task.turns[task.turns.length - 1])}\nAnswer:`].join('\n\n');
  return { index, system, user, maxTokens: 200, temperature: 0 };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

const maxTasksPerCompletion = 32;
const listMark = /^\s*(?:[-*#>]+\s*)?(?:\*\*)?(?:task|任务)?\s*\d{1,4}\s*(?:[.．、:：]|[)）])\s*(?:\*\*)?/i;

/** The items of a numbered list; an item may run over several lines. The last one is dropped where the text was cut. */
export function parseTasks({ text, finish }: Completion, { kind, language }: TaskRequest): ProposedTask[] {
  const items: string[] = [];
  for (const line of text.split('\n')) {
    if (listMark.test(line)) items.push(line.replace(listMark, ''));
    else if (items.length > 0 && line.trim() !== '' && !/^\s*```/.test(line))
      items[items.length - 1] += ` ${line.trim()}`;
  }
  if (finish === 'length') items.pop();
  return items
    .map((item) => cleanText(oneLine(item), 2000))
    .filter((item) => item !== '')
    .slice(0, maxTasksPerCompletion)
    .map((turn) => ({ kind, language, turns: [turn] }));
}
