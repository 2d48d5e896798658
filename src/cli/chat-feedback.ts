// What a person says of the last answer of a chat: /good, /bad, /edit, /undo. Only what they judge is kept, with the
// conversation up to it.

import { type Judgement, newId, type Verdict } from '../feedback/record.js';
import type { FeedbackSession } from '../feedback/session.js';
import type { AnsweredTurn, Chat } from '../inference/chat.js';
import type { Message } from '../tokenizer/message.js';
import { shownPath } from './output.js';

export class ChatFeedback {
  readonly #open: () => Promise<FeedbackSession>;
  readonly #chat: Chat;
  readonly #origin: { name: string; maxNewTokens: number };
  /** Until /reset. */
  #conversation = newId();
  /** What the last answer was judged, and the answer as the model gave it. */
  #judged: { judgement: Judgement; turn: AnsweredTurn; answer: Message } | undefined;

  /** @param open called for each judgement: a chat without one touches no store. */
  constructor(open: () => Promise<FeedbackSession>, chat: Chat, origin: { name: string; maxNewTokens: number }) {
    this.#open = open;
    this.#chat = chat;
    this.#origin = origin;
  }

  reset(): void {
    this.#conversation = newId();
    this.#judged = undefined;
  }

  /** @returns what to say of it. */
  async label(verdict: 'good' | 'bad'): Promise<string> {
    const { last } = this.#chat;
    if (last === undefined) return nothingYet;
    const earlier = this.#earlier(last);
    if (earlier?.verdict === 'edit') return 'This answer is yours now. /undo takes the edit back.';
    if (earlier?.verdict === verdict) return `It is kept as ${verdict} already.`;
    return this.#keep(verdict, last, last.answer);
  }

  /** `edited`: what the person would have had said. */
  async edit(edited: string): Promise<string> {
    const { last } = this.#chat;
    if (last === undefined) return nothingYet;
    const original = this.#earlier(last)?.verdict === 'edit' ? (this.#judged?.answer ?? last.answer) : last.answer;
    if (edited.trim() === original.content.trim()) return 'It is as it was: nothing is kept.';
    const answer: Message = { ...original, content: edited };
    const text = await this.#keep('edit', last, original, answer);
    this.#chat.replaceLast(answer);
    if (this.#judged !== undefined && this.#chat.last !== undefined) this.#judged.turn = this.#chat.last;
    return `${text} The conversation continues with your text.`;
  }

  /** Takes the judgement of the last answer back. */
  async undo(): Promise<string> {
    const { last } = this.#chat;
    const judged = this.#judged;
    if (judged === undefined || last === undefined || judged.turn !== last) return 'The last answer is not judged.';
    await (await this.#open()).undo(judged.judgement);
    if (judged.judgement.verdict === 'edit') this.#chat.replaceLast(judged.answer);
    this.#judged = undefined;
    return 'Withdrawn: nothing is learnt from it.';
  }

  #earlier(last: AnsweredTurn): Judgement | undefined {
    return this.#judged?.turn === last ? this.#judged.judgement : undefined;
  }

  async #keep(verdict: Verdict, turn: AnsweredTurn, answer: Message, edited?: Message): Promise<string> {
    const { identity, sampling } = this.#chat.model;
    const origin = {
      model: identity,
      ...this.#origin,
      sampling: { ...sampling },
      seed: turn.seed,
      finish: turn.finish,
    };
    const given = {
      ...{ conversation: this.#conversation, verdict, prompt: [...turn.prompt] },
      ...(turn.tools !== undefined && { tools: [...turn.tools] }),
      answers: [{ messages: [...turn.steps, answer], ...origin }],
      ...(edited !== undefined && { edited: [...turn.steps, edited] }),
    };
    const session = await this.#open();
    const judgement = await session.judge(given, this.#earlier(turn));
    this.#judged = { judgement, turn, answer };
    const what = verdict === 'edit' ? 'your text as the better answer' : `it as ${verdict}`;
    return `Kept ${what}, with the conversation up to it: ${shownPath(session.path)} (/undo withdraws it).`;
  }
}

const nothingYet = 'There is no answer yet to judge.';
