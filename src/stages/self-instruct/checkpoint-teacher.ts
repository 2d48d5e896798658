// A checkpoint as teacher, on this machine and for no money. Tasks of built-in families are set by program, it answers, and what
// the program finds right is kept: its own answers, in its own words. It sets and answers those of the person's own kinds.
import { cleanText } from '../../base/clean-text.js';
import { Interrupted } from '../../base/errors.js';
import { withCheckpoint } from '../../checkpoint/reading.js';
import type { MethodName } from '../../config/methods.js';
import type { TaskKind } from '../../config/pipeline.js';
import { checkAnswer } from '../../evaluation/checks.js';
import { openChatFormat } from '../../inference/chat-format.js';
import { QuestionRefused, type Reply, replyOf } from '../../inference/chat-model.js';
import type { SpokenModel } from '../../inference/thoughts.js';
import type { Message } from '../../tokenizer/message.js';
import { baseModel } from '../asked-checkpoint.js';
import type { AskedModel, MethodFailure } from './asked-model.js';
import { isBuiltIn } from './families/table.js';
import type { OfflineTeacher } from './offline-teacher.js';
import { OpenAiTeacher } from './openai-teacher.js';
import type { Drop, Proposal, ProposedTask, Solution, TaskRequest, Teacher } from './teacher.js';

const maxAnswerTokens = 96;

export class CheckpointTeacher implements Teacher {
  readonly name: string;
  /** Sampled together: a batch costs little more than one. */
  readonly requestsAtOnce = 8;
  readonly patience = 25;
  readonly holdsOut = true;
  readonly #model: SpokenModel;
  readonly #setter: OfflineTeacher;
  readonly #ownKinds: OpenAiTeacher;
  readonly #signal: AbortSignal | undefined;

  constructor(asked: AskedModel, model: SpokenModel, setter: OfflineTeacher, signal?: AbortSignal) {
    this.name = asked.name;
    this.#model = model;
    this.#setter = setter;
    this.#ownKinds = new OpenAiTeacher(asked);
    this.#signal = signal;
  }

  notes(seeds: string, kinds: readonly TaskKind[]): string[] {
    const set = kinds.filter((kind) => this.#setter.can(kind));
    const own = kinds.filter((kind) => !isBuiltIn(kind));
    const what = set.length === 0 ? '' : `; programs set tasks of ${set.join(', ')}, and keep its right answers`;
    return [
      `teacher: ${this.name.slice('checkpoint:'.length)}, on this machine${what}; ${seeds} kept as written`,
      ...this.#setter.lacks(kinds),
      ...own.map(
        (kind) => `kind ${kind} is your own: the checkpoint sets and answers its tasks, and no rule checks them`,
      ),
    ];
  }

  can(kind: TaskKind): boolean {
    return !isBuiltIn(kind) || this.#setter.can(kind);
  }

  checks(kind: TaskKind): boolean {
    return this.#setter.checks(kind);
  }

  failures(exhausted?: readonly MethodName[]): Promise<MethodFailure[]> {
    return this.#ownKinds.failures(exhausted);
  }

  async propose(request: TaskRequest): Promise<Proposal> {
    if (!isBuiltIn(request.kind)) return this.#ownKinds.propose(request);
    const { tasks, dropped } = await this.#setter.propose(request);
    return { tasks: tasks.filter(({ solution }) => solution?.check !== undefined), dropped };
  }

  async answer(task: ProposedTask, request: TaskRequest): Promise<Solution | Drop> {
    const check = task.solution?.check;
    if (check === undefined) return this.#ownKinds.answer(task, request);
    const messages = task.turns.map((content, i): Message => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));
    const options = { index: request.index, maxNewTokens: maxAnswerTokens, temperature: 0, signal: this.#signal };
    let reply: Reply;
    try {
      reply = await replyOf(this.#model, messages, options);
    } catch (error) {
      if (!(error instanceof QuestionRefused)) throw error;
      return { rule: 'task longer than the context', example: task.turns.join('\n') };
    }
    const { text, finish } = reply;
    if (finish === 'aborted') throw new Interrupted('stopped while asking the teacher');
    const answer = cleanText(text, 4000).trim();
    const example = `${task.turns.join('\n')}\n→ ${answer}`;
    if (finish !== 'stop') return { rule: 'answer cut off', example };
    return checkAnswer(check, answer, task.language) ? { answer, check } : { rule: 'wrong answer', example };
  }
}

/** Before the corpus is built for a teacher that cannot teach. @throws UserError where it is no chat model. */
export async function checkAnswers(path: string): Promise<void> {
  const { isBase } = await withCheckpoint(path, openChatFormat);
  if (isBase) throw baseModel(path, 'selfInstruct.checkpoint');
}
