// Self-Instruct (Wang et al. 2022) through a chat endpoint: shown numbered tasks of one family, the model continues
// the list; each new task is then answered in a request of its own. What it says is text to validate, never trusted.
import { cleanText } from '../../base/clean-text.js';
import { nearest } from '../../base/errors.js';
import { wordsOf } from '../../base/words.js';
import type { MethodName } from '../../config/methods.js';
import { type TaskKind, taskKinds } from '../../config/pipeline.js';
import type { Reply } from '../../inference/chat-model.js';
import type { Question } from '../../inference/recording.js';
import { type AskedModel, languageNames, type MethodFailure, oneLine, question } from './asked-model.js';
import { familyOf, isBuiltIn } from './families/table.js';
import { maxWords } from './filters/rules.js';
import type { Drop, Proposal, ProposedTask, Solution, TaskRequest, Teacher } from './teacher.js';

const defaultAnswerWords = 20;

export class OpenAiTeacher implements Teacher {
  readonly name: string;
  readonly requestsAtOnce = 8;
  readonly patience = 5;
  readonly holdsOut = false;
  readonly #asked: AskedModel;

  constructor(asked: AskedModel) {
    this.name = asked.name;
    this.#asked = asked;
  }

  notes(_: string, kinds: readonly TaskKind[]): string[] {
    const own = kinds.filter((kind) => !isBuiltIn(kind));
    return [
      `teacher: ${this.name.slice('openai:'.length)} through an OpenAI-compatible endpoint; its answers are checked where a rule can`,
      ...own.map((kind) => {
        const near = nearest(kind, taskKinds);
        const meant = near === undefined ? '' : ` (the built-in one is called ${near})`;
        return `kind ${kind} is your own${meant}: its tasks follow its seeds, and no rule checks their answers`;
      }),
    ];
  }

  can(): boolean {
    return true;
  }

  checks(kind: TaskKind): boolean {
    return familyOf(kind).check !== undefined;
  }

  async failures(exhausted: readonly MethodName[] = []): Promise<MethodFailure[]> {
    return [(await this.#asked.failure(exhausted.includes('families'))) ?? []].flat();
  }

  async propose(request: TaskRequest): Promise<Proposal> {
    const options = { rule: 'no tasks in what the teacher said', otherwise: 'it held no numbered tasks' };
    const { items, dropped } = await this.#asked.read(proposalPrompt(request), options, (reply) =>
      parseTasks(reply, request),
    );
    return { tasks: items, dropped };
  }

  async answer(task: ProposedTask, request: TaskRequest): Promise<Solution | Drop> {
    const options = { rule: 'no answer in what the teacher said', otherwise: 'it held no answer' };
    const { items, dropped, reply } = await this.#asked.read(answerPrompt(task, request), options, ({ text }) => [
      text,
    ]);
    if (items.length === 0) return { rule: dropped[0].rule, example: task.turns.join('\n') };
    const answer = cleanText(items[0], 4000).replace(/^(?:answer|a|答案?|回答)\s*[:：]\s*/i, '');
    if (reply.finish === 'length' || reply.finish === 'content_filter')
      return { rule: 'answer cut off', example: answer.slice(0, 200) };
    const check = familyOf(task.kind).check?.(answer, task.language);
    return { answer, ...(check === undefined ? {} : { check }) };
  }
}

function proposalPrompt({ index, kind, language, wanted, examples }: TaskRequest): Question {
  const list = examples.map(({ instruction }, i) => `${i + 1}. ${oneLine(instruction)}`);
  const next = examples.length + 1;
  const user = [
    `Here is a series of tasks for an assistant. All are of one kind: ${familyOf(kind).task}.`,
    ...list,
    '',
    `Go on with the series: write ${wanted} new tasks of this kind in ${languageNames[language]}, numbered ${next} to ${next + wanted - 1}.`,
    'Each is a single line, differs from all others in wording and content, needs no picture, file or link, and does not contain its answer.',
    'Write the numbered list and nothing else.',
  ].join('\n');
  const system = 'You write varied tasks for training a small bilingual language model.';
  const continuation = { begin: `${next}.`, stop: [`\n${next + wanted}.`] };
  return question(system, user, { index, maxNewTokens: 1024, temperature: 1, form: 'list', continuation });
}

function answerPrompt(task: ProposedTask, { index, examples }: TaskRequest): Question {
  // Seeds of the person's own say how long an answer is.
  const ownWords = isBuiltIn(task.kind) ? [] : examples.map(({ output }) => wordsOf(output).length);
  const words = Math.min(Math.max(defaultAnswerWords, ...ownWords), maxWords.answer);
  const shown = examples
    .slice(0, 3)
    .map(({ instruction, output }) => `Task: ${oneLine(instruction)}\nAnswer: ${output}`);
  const system = [
    `You answer tasks for training a very small language model, in the language of the task. ${familyOf(task.kind).answerForm}`,
    `Be correct and short: at most ${words} words. Write the answer and nothing else.`,
  ].join('\n');
  const user = [...shown, `Task: ${oneLine(task.turns[task.turns.length - 1])}\nAnswer:`].join('\n\n');
  const continuation = { stop: ['\nTask:'] };
  const maxNewTokens = Math.max(200, 3 * words);
  return question(system, user, { index, maxNewTokens, temperature: 0, form: 'text', continuation });
}

const maxTasksPerCompletion = 32;
const listMark = /^\s*(?:[-*#>]+\s*)?(?:\*\*)?(?:task|任务)?\s*\d{1,4}\s*(?:[.．、:：]|[)）])\s*(?:\*\*)?/i;

/** The items of a numbered list; an item may run over several lines. The last one is dropped where the text was cut. */
export function parseTasks({ text, finish }: Reply, { kind, language }: TaskRequest): ProposedTask[] {
  const items: string[] = [];
  for (const line of text.split('\n')) {
    if (listMark.test(line)) items.push(line.replace(listMark, ''));
    else if (items.length > 0 && line.trim() !== '' && !/^\s*```/.test(line))
      items[items.length - 1] += ` ${line.trim()}`;
  }
  if (finish === 'length' || finish === 'content_filter') items.pop();
  return items
    .map((item) => cleanText(oneLine(item), 2000))
    .filter((item) => item !== '')
    .slice(0, maxTasksPerCompletion)
    .map((turn) => ({ kind, language, turns: [turn] }));
}
