// What happens in a conversation: asking, stopping, asking again, two answers side by side, judging. It holds the turns, keeps
// them in the browser, and says when they changed; components only show them.
import type { ChatBody, ChatEvent, FeedbackBody, FeedbackId, ServedModel } from '../serve/contract.js';
import { store, stored } from './browser-storage.js';
import { type Connection, problemOf, RequestError } from './connection.js';
import {
  type Answer,
  type Asked,
  addEvent,
  isRunning,
  messagesFor,
  messagesSoFar,
  type Preference,
  type Sampling,
  type Turn,
  type Verdict,
} from './conversation.js';
import {
  type ConversationEntry,
  deleteConversation,
  forgetJudgement,
  listConversations,
  type NotKept,
  onOtherTab,
  readConversation,
  revisionOf,
  writeConversation,
} from './saved-conversations.js';

/** What the next question is asked with; `second`: a model to compare with, which may be the same one. */
export interface ChatSetup extends Omit<Asked, 'seed'> {
  /** Undefined: another one each time. */
  seed?: number;
  second?: string;
}

/** What a person has set for the next questions. */
export interface ChatSettings {
  tools: boolean;
  sampling: Sampling;
  seed?: number;
  maxNewTokens?: number;
  /** A model whose answer is shown beside; it may be the same one, with another seed. */
  second?: string;
}

/** Of this tab: the conversation that is shown, and what is written but not sent. */
const [shownKey, draftKey] = ['mossctl-shown', 'mossctl-draft'];

export class ChatStore {
  turns: Turn[] = [];
  /** Kept here, so that another view may be looked at meanwhile. */
  settings: ChatSettings = { tools: true, sampling: {} };
  /** All that the browser keeps, this one included. */
  conversations: ConversationEntry[] = [];
  /** Why this one is not kept. */
  notKept: NotKept | undefined;
  #draft = stored('session', draftKey) ?? '';
  #connection: Connection;
  #changed: () => void;
  #models: readonly ServedModel[] = [];
  #running = new Map<Answer, AbortController>();
  #lastKey = 0;
  /** Of the conversation, in the feedback store as well. */
  #id = newConversation();
  /** Of it as this tab last wrote or read it; 0: it is not kept yet. */
  #revision = 0;

  constructor(connection: Connection, changed: () => void) {
    this.#connection = connection;
    this.#changed = changed;
    const shown = stored('session', shownKey);
    if (shown !== undefined) this.open(shown);
    this.conversations = listConversations();
    onOtherTab((id) => this.#hear(id));
    addEventListener('pagehide', () => this.isRunning && this.#keep());
  }

  get id(): string {
    return this.#id;
  }

  get draft(): string {
    return this.#draft;
  }

  set draft(text: string) {
    this.#draft = text;
    store('session', draftKey, text);
  }

  /** @returns whether it can be read. */
  open(id: string): boolean {
    const found = readConversation(id);
    if (found === undefined) return false;
    this.#leave();
    this.#begin(id, found.revision);
    this.turns = found.turns.map((turn) => {
      const answers = turn.answers.map((answer) => ({ ...answer, key: this.#key() }));
      return { ...turn, answers, key: this.#key() };
    });
    this.#changed();
    return true;
  }

  remove(id: string): void {
    if (id === this.#id) this.clear();
    deleteConversation(id);
    if (this.notKept !== undefined) this.#keep(); // there may be room now
    this.conversations = listConversations();
    this.#changed();
  }

  set models(models: readonly ServedModel[]) {
    this.#models = models;
  }

  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  ask(question: string, { seed, second, ...asked }: ChatSetup): void {
    const turn: Turn = { key: this.#key(), question, answers: [], chosen: 0 };
    this.turns.push(turn);
    const first = seed ?? newSeed();
    this.#answer(turn, { ...asked, seed: first });
    if (second !== undefined)
      this.#answer(turn, { ...asked, model: second, seed: seedBeside(first, second === asked.model) });
  }

  /** The question of a turn anew; what followed is removed, as the page has said. */
  askFrom(turn: Turn, question: string, setup: ChatSetup): void {
    this.stop();
    this.turns.splice(this.turns.indexOf(turn));
    this.ask(question, setup);
  }

  /** Another answer in the place of this one, with another seed. */
  regenerate(turn: Turn, answer: Answer): void {
    const index = turn.answers.indexOf(answer);
    this.#running.get(answer)?.abort();
    delete turn.preference;
    const { model, tools, sampling, maxNewTokens } = answer;
    this.#answer(turn, { model, tools, sampling, seed: newSeed(), ...(maxNewTokens && { maxNewTokens }) }, index);
  }

  /** A second answer beside the only one. */
  addSecond(turn: Turn, model: string): void {
    const { tools, sampling, seed, maxNewTokens, model: first } = turn.answers[0];
    const asked = { model, tools, sampling, ...(maxNewTokens && { maxNewTokens }) };
    this.#answer(turn, { ...asked, seed: seedBeside(seed, model === first) });
  }

  stop(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  /** A new conversation; the one before stays where it is kept. */
  clear(): void {
    this.#leave();
    this.turns = [];
    this.#begin(newConversation(), 0);
    this.#changed();
  }

  /** Takes the place of an earlier judgement, which is kept until this one is saved. @throws RequestError */
  async judge(turn: Turn, answer: Answer, kind: Verdict, edited = ''): Promise<void> {
    const earlier = answer.verdict?.id;
    const { model, seed, sampling, tools, maxNewTokens } = answer;
    const asked = { model, seed, sampling, tools, conversation: this.#id, ...(maxNewTokens && { maxNewTokens }) };
    const messages = [...this.#sent(turn, answer), ...answer.messages];
    const body: FeedbackBody = kind === 'edit' ? { kind, messages, edited, ...asked } : { kind, messages, ...asked };
    const { id } = await this.#connection.post<FeedbackId>('/api/feedback', body);
    answer.verdict = { kind, id, ...(kind === 'edit' && { edited }) };
    this.#keep();
    // The server finds it itself, except where the turns before it have been corrected since.
    if (earlier !== undefined && earlier !== id) await this.#undo(earlier);
  }

  /** As `judge` does, of both answers. @throws RequestError */
  async prefer(turn: Turn, better: Preference): Promise<void> {
    const earlier = turn.preference?.id;
    const [first, second] = turn.answers.map(({ model, messages, seed, sampling }) => ({
      model,
      messages,
      seed,
      sampling,
    }));
    const messages = this.#sent(turn, turn.answers[0]);
    const { tools, maxNewTokens } = turn.answers[0];
    const asked = { tools, conversation: this.#id, ...(maxNewTokens && { maxNewTokens }) };
    const body: FeedbackBody = { kind: 'better', messages, answers: [first, second], better, ...asked };
    const { id } = await this.#connection.post<FeedbackId>('/api/feedback', body);
    turn.preference = { better, id };
    if (better === 0 || better === 1) turn.chosen = better;
    this.#keep();
    if (earlier !== undefined && earlier !== id) await this.#undo(earlier);
  }

  /** Takes back what was said about an answer, or about the two of a turn. @throws RequestError */
  async withdraw(judged: Answer | Turn): Promise<void> {
    const judgement = 'answers' in judged ? judged.preference : judged.verdict;
    if (judgement === undefined) return;
    await this.#undo(judgement.id);
    if ('answers' in judged) delete judged.preference;
    else delete judged.verdict;
    this.#keep();
  }

  /** An answer that is being written is kept as far as it has come. */
  #leave(): void {
    if (!this.isRunning) return;
    this.stop();
    this.#keep();
  }

  /** A judgement was erased elsewhere on the page. */
  forget(judgement: string): void {
    const isNewest = revisionOf(this.#id) === this.#revision;
    forgetJudgement(judgement);
    // In place: a conversation in which an answer is being written is not read again.
    for (const turn of this.turns) {
      if (turn.preference?.id === judgement) delete turn.preference;
      for (const answer of turn.answers) if (answer.verdict?.id === judgement) delete answer.verdict;
    }
    if (isNewest) this.#revision = revisionOf(this.#id) ?? this.#revision;
    this.#hear(this.#id);
  }

  #begin(id: string, revision: number): void {
    this.#id = id;
    this.#revision = revision;
    this.notKept = undefined;
    store('session', shownKey, id);
  }

  /** Another tab has written or deleted a conversation. What is being written here stays, and is kept beside the other. */
  #hear(id: string): void {
    if (id === this.#id && !this.isRunning && (revisionOf(id) ?? this.#revision) !== this.#revision) this.open(id);
    this.conversations = listConversations();
    this.#changed();
  }

  #keep(): void {
    if (this.turns.length > 0) {
      const kept = revisionOf(this.#id);
      if (kept !== undefined && kept !== this.#revision) this.#begin(newConversation(), 0);
      this.notKept = writeConversation(this.#id, this.turns, this.#revision + 1);
      if (this.notKept === undefined) this.#revision++;
      this.conversations = listConversations();
    }
    this.#changed();
  }

  async #undo(id: string): Promise<void> {
    await this.#connection.post('/api/feedback/undo', { id });
  }

  #sent(turn: Turn, { model }: Asked): ChatBody['messages'] {
    const isBase = this.#models.find(({ id }) => id === model)?.isBase ?? false;
    return messagesFor(this.turns.slice(0, this.turns.indexOf(turn)), turn.question, isBase);
  }

  #answer(turn: Turn, asked: Asked, index = turn.answers.length): void {
    const answer: Answer = { ...asked, key: this.#key(), state: 'waiting', parts: [], messages: [] };
    turn.answers[index] = answer;
    const controller = new AbortController();
    this.#running.set(answer, controller);
    store('session', shownKey, this.#id);
    this.#keep();
    void this.#receive(answer, this.#sent(turn, asked), controller.signal).finally(() => {
      this.#running.delete(answer);
      if (this.turns.includes(turn)) this.#keep();
      else this.#changed();
    });
  }

  async #receive(answer: Answer, messages: ChatBody['messages'], signal: AbortSignal): Promise<void> {
    const { model, seed, sampling, maxNewTokens, tools } = answer;
    const body: ChatBody = { model, messages, seed, sampling, tools, ...(maxNewTokens && { maxNewTokens }) };
    const start = performance.now();
    try {
      for await (const event of this.#connection.stream<ChatEvent>('/api/chat', signal, body)) {
        if (event.type === 'error') throw new RequestError(event.what, event.next, false, event.code);
        addEvent(answer.parts, event);
        if (event.type === 'end') end(answer, event);
        else if (answer.state === 'waiting') {
          answer.state = 'streaming';
          afterPaint(() => {
            answer.firstToken = performance.now() - start;
            console.info(`first token on the page after ${Math.round(answer.firstToken)} ms (${model})`);
            this.#changed(); // of a short answer the rest may have come before
          });
        }
        this.#changed();
      }
      if (isRunning(answer) && !signal.aborted) throw new RequestError('', undefined, true);
    } catch (error) {
      answer.state = 'failed';
      answer.problem = problemOf(error);
    }
    answer.total = performance.now() - start;
    if (isRunning(answer)) answer.state = 'stopped';
    answer.messages = messagesSoFar(answer);
  }

  #key(): number {
    this.#lastKey++;
    return this.#lastKey;
  }
}

function end(answer: Answer, { finish, usage, seed, messages }: Extract<ChatEvent, { type: 'end' }>): void {
  Object.assign(answer, { state: 'done', finish, seed, messages, outputTokens: usage.output });
}

function newConversation(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** Of the same model another seed, or both answers would be the same; of two models the same one, so that only they differ. */
function seedBeside(seed: number, isSameModel: boolean): number {
  return isSameModel ? (seed + 1) >>> 0 : seed;
}

/** Once what was just shown is on the screen: the second frame begins when the first has been painted. */
function afterPaint(run: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(run));
}
