// A model whose every reply is kept the moment it is whole, so that a killed run resumes without paying twice.
// Keyed by index and content: a changed prompt, model or endpoint asks anew. It holds what was said, thoughts and all, but
// for keys.
import { digestOf } from '../base/files.js';
import type { Message } from '../tokenizer/message.js';
import type { ChatModel, Reply, ReplyOptions } from './chat-model.js';
import type { ReplyCost, RequestLedger } from './request-ledger.js';

export interface Question {
  messages: readonly Message[];
  options: ReplyOptions;
}

export interface RecordedModel extends ChatModel {
  /** Removes replies that led nowhere, so that the next run asks again. */
  forget(questions: readonly Question[]): Promise<void>;
}

export class Recording implements RecordedModel {
  readonly identity: string;
  readonly #inner: ChatModel;
  readonly #ledger: RequestLedger;
  /** Replies that came in this run, and from the ledger. */
  readonly counts = { asked: 0, replayed: 0 };
  /** What each of them took, in the order in which they came, also where an earlier run paid for it. */
  readonly costs: ReplyCost[] = [];

  /** A paid model notes its requests in the same ledger. */
  constructor(inner: ChatModel, ledger: RequestLedger) {
    this.#inner = inner;
    this.identity = inner.identity;
    this.#ledger = ledger;
  }

  /** A reply that was aborted is not kept, nor one whose reader stopped listening. */
  async *reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply> {
    const key = this.#keyOf({ messages, options });
    const known = this.#ledger.replies.get(key);
    if (known !== undefined) {
      this.counts.replayed++;
      this.costs.push(this.#ledger.costOfReply(key));
      if (known.text !== '') yield known.text;
      return known;
    }
    const begun = performance.now();
    const whole = yield* this.#inner.reply(messages, options);
    const { request: _, usage: __, ...reply } = whole;
    if (reply.finish === 'aborted') return reply;
    this.counts.asked++;
    await this.#ledger.answer(key, whole, Math.round(performance.now() - begun) / 1000);
    this.costs.push(this.#ledger.costOfReply(key));
    return reply;
  }

  forget(questions: readonly Question[]): Promise<void> {
    return this.#ledger.forget(questions.map((question) => this.#keyOf(question)));
  }

  /** One system and one user text have the key that they have always had: their replies were paid for. */
  #keyOf({
    messages,
    options: { index = 0, maxNewTokens, signal: _, continuation: __, form: ___, ...options },
  }: Question): string {
    const roles = messages.map(({ role, name }) => `${role}${name === undefined ? '' : `:${name}`}`).join();
    const [system, user] = messages;
    const asked = roles === 'system,user' ? { system: system.content, user: user.content } : { messages };
    return `${index}:${digestOf([this.identity, { index, ...asked, maxTokens: maxNewTokens, ...options }])}`;
  }
}
