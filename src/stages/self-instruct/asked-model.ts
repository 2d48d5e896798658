// A model that is asked to teach: what it says is text to validate, never trusted. A row of replies with nothing usable in them
// ends the run, in the words of the last: a wrong model or address costs ten requests, not thousands.
import { Interrupted, UserError } from '../../base/errors.js';
import { type Reply, type ReplyOptions, replyOf } from '../../inference/chat-model.js';
import type { Question, RecordedModel } from '../../inference/recording.js';
import type { Drop, TaskLanguage } from './teacher.js';

/** Replies in a row with nothing usable in them before we give up. */
const maxUnusable = 10;

export const cutThought = 'thought cut off before an answer';
const thoughtAdvice =
  'Turn its thoughts off, or raise the limit, with selfInstruct.request, for example {reasoning_effort: low} or {max_tokens: 32768}';
const formatAdvice = 'A larger model may follow the format; check selfInstruct.model';
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
  /** In the words of the error that ends the run. */
  otherwise: string;
}

export class AskedModel {
  readonly name: string;
  readonly #model: RecordedModel;
  readonly #signal: AbortSignal | undefined;
  #unusable: Question[] = [];

  constructor(name: string, model: RecordedModel, signal?: AbortSignal) {
    this.name = name;
    this.#model = model;
    this.#signal = signal;
  }

  /** @throws Interrupted, and UserError after ten replies in a row of which nothing could be read. */
  async read<T>(
    asked: Question,
    { rule, otherwise }: ReadOptions,
    itemsOf: (reply: Reply) => T[],
  ): Promise<Items<T> & { reply: Reply }> {
    const reply = await replyOf(this.#model, asked.messages, { ...asked.options, signal: this.#signal });
    if (reply.finish === 'aborted') throw new Interrupted('stopped while asking the teacher');
    const items = reply.finish === 'unusable' || reply.finish === 'thinking' ? [] : itemsOf(reply);
    if (items.length > 0) {
      this.#unusable = [];
      return { items, dropped: [], reply };
    }
    await this.#countUnusable(asked, reply, otherwise);
    const isThought = reply.finish === 'thinking';
    const example = reply.text.slice(0, 200) || (reply.why ?? '');
    return { items, dropped: [{ rule: isThought ? cutThought : rule, example }], reply };
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
