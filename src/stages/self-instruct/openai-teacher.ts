// Self-Instruct (Wang et al. 2022) through a chat endpoint: shown numbered tasks of one family, the model continues
// the list; each new task is then answered in a request of its own. What it says is text to validate, never trusted.
import { cleanText } from '../../base/clean-text.js';
import { Interrupted, nearest, UserError } from '../../base/errors.js';
import { wordsOf } from '../../base/words.js';
import { type TaskKind, taskKinds } from '../../config/pipeline.js';
import { type Reply, type ReplyOptions, replyOf } from '../../inference/chat-model.js';
import type { Question } from '../../inference/recording.js';
import type { SpokenModel } from '../../inference/thoughts.js';
import { familyOf, isBuiltIn } from './families/table.js';
import { maxWords } from './filters/rules.js';
import type { Drop, Proposal, ProposedTask, Solution, TaskLanguage, TaskRequest, Teacher } from './teacher.js';

/** Replies in a row with nothing usable in them before we give up. */
const maxUnusable = 10;

const cutThought = 'thought cut off before an answer';
const thoughtAdvice =
  'Turn its thoughts off, or raise the limit, with selfInstruct.request, for example {reasoning_effort: low} or {max_tokens: 32768}';
const formatAdvice = 'A larger model may follow the format; check selfInstruct.model';
const addressAdvice = 'Check selfInstruct.model and OPENAI_BASE_URL (it mostly ends in /v1)';

const defaultAnswerWords = 20;

const languageNames: Record<TaskLanguage, string> = { zh: 'Simplified Chinese', en: 'English' };

export class OpenAiTeacher implements Teacher {
  readonly name: string;
  readonly requestsAtOnce = 8;
  readonly patience = 5;
  readonly holdsOut = false;
  readonly #model: SpokenModel;
  readonly #signal: AbortSignal | undefined;
  #unusable: Question[] = [];

  constructor(name: string, model: SpokenModel, signal?: AbortSignal) {
    this.name = `openai:${name}`;
    this.#model = model;
    this.#signal = signal;
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

  async propose(request: TaskRequest): Promise<Proposal> {
    const asked = proposalPrompt(request);
    const reply = await this.#ask(asked);
    const tasks = parseTasks(reply, request);
    if (tasks.length > 0) {
      this.#unusable = [];
      return { tasks, dropped: [] };
    }
    const isThought = reply.finish === 'thinking';
    const rule = isThought ? cutThought : 'no tasks in what the teacher said';
    await this.#countUnusable(asked, reply, 'it held no numbered tasks');
    return { tasks, dropped: [{ rule, example: reply.text.slice(0, 200) || (reply.why ?? '') }] };
  }

  async answer(task: ProposedTask, request: TaskRequest): Promise<Solution | Drop> {
    const asked = answerPrompt(task, request);
    const reply = await this.#ask(asked);
    if (reply.finish === 'unusable' || reply.finish === 'thinking') {
      await this.#countUnusable(asked, reply, 'it held no answer');
      const rule = reply.finish === 'thinking' ? cutThought : 'no answer in what the teacher said';
      return { rule, example: task.turns.join('\n') };
    }
    this.#unusable = [];
    const answer = cleanText(reply.text, 4000).replace(/^(?:answer|a|答案?|回答)\s*[:：]\s*/i, '');
    if (reply.finish === 'length' || reply.finish === 'content_filter')
      return { rule: 'answer cut off', example: answer.slice(0, 200) };
    const check = familyOf(task.kind).check?.(answer, task.language);
    return { answer, ...(check === undefined ? {} : { check }) };
  }

  async #ask({ messages, options }: Question): Promise<Reply> {
    const reply = await replyOf(this.#model, messages, { ...options, signal: this.#signal });
    if (reply.finish === 'aborted') throw new Interrupted('stopped while asking the teacher');
    return reply;
  }

  async #countUnusable(question: Question, { finish, why, text }: Reply, otherwise: string): Promise<void> {
    this.#unusable.push(question);
    if (this.#unusable.length < maxUnusable) return;
    await this.#model.forget(this.#unusable);
    const isThought = finish === 'thinking';
    const said = text === '' ? '' : `: ${oneLine(text.slice(0, 200))}`;
    throw new UserError({
      what: `the teacher said nothing usable ${maxUnusable} times in a row`,
      where: this.name,
      why: `of the last answer: ${isThought ? 'its thought did not end within the limit' : (why ?? otherwise + said)}`,
      next: `${isThought ? thoughtAdvice : why === undefined ? formatAdvice : addressAdvice}. What was usable is kept`,
    });
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
  return question(system, user, { index, maxNewTokens: 1024, temperature: 1 });
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
  return question(system, user, { index, maxNewTokens: Math.max(200, 3 * words), temperature: 0 });
}

function question(system: string, user: string, options: ReplyOptions): Question {
  return {
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ],
    options,
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
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
