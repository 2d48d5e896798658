// A model that is asked to teach, by one method: what it says is text to validate, never trusted. A row of replies with nothing
// usable in them ends the method, in the words of one: a wrong model or address costs tens of requests, not thousands.
import { Interrupted, UserError } from '../../base/errors.js';
import type { MethodName } from '../../config/methods.js';
import { QuestionRefused, type Reply, type ReplyOptions, replyOf, unusable } from '../../inference/chat-model.js';
import type { Question, RecordedModel } from '../../inference/recording.js';
import type { Drop, TaskLanguage } from './teacher.js';

/** Replies in a row with nothing usable in them before we give up. */
const maxUnusable = 10;

export const cutThought = 'thought cut off before an answer';
const thoughtAdvice =
  'Turn its thoughts off, or raise the limit, with selfInstruct.request, for example {reasoning_effort: low} or {max_tokens: 32768}';
const addressAdvice = 'Check selfInstruct.model and OPENAI_BASE_URL (it mostly ends in /v1)';

export const languageNames: Record<TaskLanguage, string> = { zh: 'Simplified Chinese', en: 'English' };

/** What was read of a reply; `dropped` says why there is nothing. */
export interface Items<T> {
  items: T[];
  dropped: Drop[];
}

interface ReadOptions {
  /** The rule under which a reply without items is dropped. */
  rule: string;
  /** In the words of the error that ends the method. */
  otherwise: string;
}

/** A method that the teacher cannot follow: the replies to one of its questions are never readable. */
export interface MethodFailure {
  method: MethodName;
  /** Replies to that question, and those of them that held nothing usable. */
  replies: number;
  unreadable: number;
  /** One of these, in its first words. */
  example: string;
  error: UserError;
}

/** Replies to one question of a method, in its many fillings. */
interface Step extends Pick<ReadOptions, 'otherwise'> {
  replies: number;
  unreadable: number;
  /** Unreadable ones since the last round that had a readable one. */
  waste: Question[];
  /** Whether this round has a readable one. */
  isRead: boolean;
  /** In the teacher's words, where it took a question for none: if it took no other, it is not asked again. */
  refusal?: QuestionRefused;
  /** Of the unreadable ones the first by request, whichever came first. */
  example?: { reply: Reply; index: number };
}

export class AskedModel {
  readonly name: string;
  readonly #model: RecordedModel;
  readonly #signal: AbortSignal | undefined;
  readonly #method: MethodName;
  /** By the rule under which their replies are dropped. */
  readonly #steps = new Map<string, Step>();

  constructor(name: string, model: RecordedModel, signal?: AbortSignal, method: MethodName = 'families') {
    this.name = name;
    this.#model = model;
    this.#signal = signal;
    this.#method = method;
  }

  /** The same model, asked by another method: what it makes of that is counted apart. */
  by(method: MethodName): AskedModel {
    return new AskedModel(this.name, this.#model, this.#signal, method);
  }

  /** @throws Interrupted. */
  async read<T>(
    asked: Question,
    { rule, otherwise }: ReadOptions,
    itemsOf: (reply: Reply) => T[],
  ): Promise<Items<T> & { reply: Reply }> {
    const step = this.#steps.get(rule) ?? { otherwise, replies: 0, unreadable: 0, waste: [], isRead: false };
    this.#steps.set(rule, step);
    const reply = await this.#replyOf(asked, step);
    if (reply.finish === 'aborted') throw new Interrupted('stopped while asking the teacher');
    const items = reply.finish === 'unusable' || reply.finish === 'thinking' ? [] : itemsOf(reply);
    step.replies++;
    if (items.length > 0) {
      step.isRead = true;
      return { items, dropped: [], reply };
    }
    step.unreadable++;
    step.waste.push(asked);
    const { index = 0 } = asked.options;
    if (step.example === undefined || index < step.example.index) step.example = { reply, index };
    const isThought = reply.finish === 'thinking';
    const example = reply.text.slice(0, 200) || (reply.why ?? '');
    return { items, dropped: [{ rule: isThought ? cutThought : rule, example }], reply };
  }

  /** A question that is refused (longer than the context, say) has no reply; the next may have one. */
  async #replyOf({ messages, options }: Question, step: Step): Promise<Reply> {
    try {
      return await replyOf(this.#model, messages, { ...options, signal: this.#signal });
    } catch (error) {
      if (!(error instanceof QuestionRefused)) throw error;
      step.refusal ??= error;
      return unusable(error.message);
    }
  }

  /**
   * To be asked between rounds, when nothing is under way: whether the method came to its end. What could not be read is
   * then asked for anew in the next run.
   * @param isExhausted It made nothing and will not be asked again: then one question is enough that was never answered readably.
   */
  async failure(isExhausted = false): Promise<MethodFailure | undefined> {
    for (const step of this.#steps.values()) {
      if (step.isRead) {
        step.waste = [];
        step.isRead = false;
      }
      const isHopeless = (isExhausted || step.refusal !== undefined) && step.unreadable === step.replies;
      if (step.waste.length < (isHopeless ? 1 : maxUnusable)) continue;
      await this.#model.forget(step.waste);
      step.waste = [];
      return this.#failureOf(step);
    }
    return undefined;
  }

  #failureOf({ replies, unreadable, otherwise, example, refusal }: Step): MethodFailure {
    const { finish, why, text = '' } = example?.reply ?? {};
    const method = this.#method;
    const isThought = finish === 'thinking';
    const said = text === '' ? '' : `: ${oneLine(text.slice(0, 200))}`;
    const reason = isThought ? 'its thought did not end within the limit' : (why ?? otherwise + said);
    const advice = isThought ? thoughtAdvice : why === undefined ? this.#formatAdvice : addressAdvice;
    const refused = refusal?.faults.map((fault) => ({ ...fault, what: `the method ${method}: ${fault.what}` }));
    const error = new UserError(
      refused ?? {
        what: `the method ${method} got nothing usable from the teacher in ${unreadable} of ${replies} replies`,
        where: this.name,
        why: `of one of them: ${reason}`,
        next: `${advice}. What was usable is kept`,
      },
    );
    return { method, replies, unreadable, example: oneLine(text.slice(0, 200)) || (why ?? ''), error };
  }

  get #formatAdvice(): string {
    const chosenBy = this.name.startsWith('checkpoint:') ? 'selfInstruct.checkpoint' : 'selfInstruct.model';
    const others = this.#method === 'families' ? '' : ', or take it out of selfInstruct.methods';
    return `A larger model may follow the format (${chosenBy})${others}`;
  }
}

export function question(system: string, user: string, options: ReplyOptions): Question {
  return {
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ],
    options,
  };
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
