// What a model thinks before it answers is not what it says. Here, and nowhere else, thoughts are cut off: between tags, in
// a channel of their own, from a reply that begins inside one. A thought that the token limit cut leaves no answer.
import type { Message } from '../tokenizer/message.js';
import { QuestionRefused, type Reply, type ReplyOptions, replyOf, unusable } from './chat-model.js';
import type { Question, RecordedModel, Recording } from './recording.js';

/** How thoughts are marked, by different makers of models. */
const opening =
  /<(?:think|thinking|thought|reasoning|seed:think)>|\[THINK\]|◁think▷|<\|(?:begin_of_thought|START_THINKING|inner_prefix)\|>/gi;
const closing =
  /<\/(?:think|thinking|thought|reasoning|seed:think)>|\[\/THINK\]|◁\/think▷|<\|(?:end_of_thought|END_THINKING|inner_suffix)\|>/gi;
/** Around the answer that follows. */
const wrapping =
  /^\s*(?:<answer>([\s\S]*?)(?:<\/answer>|$)|<\|(?:begin_of_solution|START_RESPONSE)\|>([\s\S]*?)(?:<\|(?:end_of_solution|END_RESPONSE)\|>|$))\s*$/;

interface Spoken {
  /** Without thoughts; '' where a thought did not end. */
  text: string;
  hasThought: boolean;
  /** A thought was opened and not closed. */
  isCut: boolean;
  /** A thought was closed that was not opened: the prompt had opened it. */
  beganInside: boolean;
}

/** `text` without its thoughts. */
export function withoutThoughts(text: string): Spoken {
  const channels = ofChannels(text);
  if (channels !== undefined) return { ...channels, hasThought: true, beganInside: false };
  const marksOf = (mark: RegExp, opens: boolean) =>
    [...text.matchAll(mark)].map(({ 0: { length }, index }) => ({ index, end: index + length, opens }));
  const marks = [...marksOf(opening, true), ...marksOf(closing, false)].sort((a, b) => a.index - b.index);
  let said = '';
  let from = 0;
  let isInside = false;
  let beganInside = false;
  for (const { index, end, opens } of marks) {
    if (opens) {
      if (!isInside) said += text.slice(from, index);
      isInside = true; // a tag that a thought speaks of opens nothing
      continue;
    }
    if (!isInside) {
      said = ''; // all before it was thought
      beganInside = true;
    }
    isInside = false;
    from = end;
  }
  const hasThought = marks.length > 0;
  if (isInside) return { text: '', hasThought, isCut: true, beganInside };
  said = (said + text.slice(from)).trim();
  const inner = hasThought ? wrapping.exec(said) : null;
  return { text: (inner?.[1] ?? inner?.[2] ?? said).trim(), hasThought, isCut: false, beganInside };
}

/** Channels (gpt-oss): `analysis` is thought, `final` is said; also where a server has left the special tokens out. */
function ofChannels(text: string): { text: string; isCut: boolean } | undefined {
  const isMarked = text.includes('<|channel|>');
  if (!isMarked && !/^\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z“"\p{Script=Han}])/u.test(text)) return undefined;
  const final = isMarked ? /<\|channel\|>\s*final[^<]*<\|message\|>/g : /assistant\s*final(?=\S)/g;
  const last = [...text.matchAll(final)].at(-1);
  if (last === undefined) return { text: '', isCut: true };
  const said = text.slice(last.index + last[0].length).split(/<\|(?:return|end|start|call)\|>/)[0];
  return { text: said.trim(), isCut: false };
}

/** Tokens beside those of the answer, tried in turn once the limit has cut a thought. */
const budgets = [0, 4096, 16_384];

export interface ThoughtOptions {
  /** The person has set the limit: asking with another is of no use. */
  hasOwnLimit?: boolean;
  /** Hears once of each change in how many tokens a model is given to think. */
  note?: (text: string) => void;
}

/** A recorded model whose replies are what it says: thoughts stay in the recording. */
export class SpokenModel implements RecordedModel {
  readonly identity: string;
  readonly #inner: Recording;
  readonly #options: ThoughtOptions;
  /** Of `budgets`: what has been found to be needed, and what may be asked for. */
  #level = 0;
  #highest: number;
  /** Whether replies begin inside a thought, whose opening tag stands in the prompt. */
  #beginsInside: boolean | undefined;

  constructor(inner: Recording, options: ThoughtOptions = {}) {
    this.#inner = inner;
    this.identity = inner.identity;
    this.#options = options;
    this.#highest = options.hasOwnLimit ? 0 : budgets.length - 1;
  }

  async *reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply> {
    const reply = await this.#ask(this.#level, messages, options);
    if (reply.text !== '') yield reply.text;
    return reply;
  }

  /** Asks with the budget of `level`; with the next one where a thought has taken it all, and the reply so far is `before`. */
  async #ask(level: number, messages: readonly Message[], options: ReplyOptions, before?: Reply): Promise<Reply> {
    const maxNewTokens = options.maxNewTokens + budgets[level];
    let whole: Reply;
    try {
      whole = await replyOf(this.#inner, messages, { ...options, maxNewTokens });
    } catch (error) {
      if (!(error instanceof QuestionRefused) || level === 0) throw error;
      this.#lowerTo(level - 1); // most likely more than its context holds
      return before ?? this.#ask(level - 1, messages, options);
    }
    const { reply, took } = this.#spoken(whole);
    if (took === undefined || level >= this.#highest) return reply;
    if (took === 'thought') this.#raiseTo(level + 1);
    return this.#ask(level + 1, messages, options, reply);
  }

  forget(questions: readonly Question[]): Promise<void> {
    const atEveryLimit = questions.flatMap(({ messages, options }) =>
      budgets.map((budget) => ({
        messages,
        options: { ...options, maxNewTokens: options.maxNewTokens + budget },
      })),
    );
    return this.#inner.forget(atEveryLimit);
  }

  /** What of a reply is said, and what took the tokens that its answer needed. */
  #spoken({ reasoning, ...whole }: Reply): { reply: Reply; took?: 'thought' | 'unknown' } {
    const { text, hasThought, isCut, beganInside } = withoutThoughts(whole.text);
    const wasCut = whole.finish === 'length';
    if (beganInside) this.#beginsInside = true;
    else if (!wasCut && !isCut) this.#beginsInside ??= false;
    // Without a tag, a reply that was cut may be all thought: known only of a model that has answered before.
    const mayBeThought = wasCut && !hasThought && this.#beginsInside !== false;
    const isThought = isCut || (wasCut && (text === '' || (mayBeThought && this.#beginsInside === true)));
    if (isThought) return { reply: { ...whole, text: '', finish: 'thinking' }, took: wasCut ? 'thought' : undefined };
    if (hasThought && text === '') return { reply: unusable('it thought, and answered nothing') };
    const thinks = hasThought || reasoning !== undefined;
    return {
      reply: { ...whole, text },
      took: !wasCut ? undefined : thinks ? 'thought' : mayBeThought ? 'unknown' : undefined,
    };
  }

  #raiseTo(level: number): void {
    if (level <= this.#level) return;
    this.#level = level;
    const tokens = budgets[level];
    this.#options.note?.(`it thinks before it answers: it is given ${tokens} tokens more, its thoughts are cut off`);
  }

  #lowerTo(level: number): void {
    if (level >= this.#highest) return;
    this.#options.note?.(
      `it refuses ${budgets[level + 1]} tokens more for a thought: a longer one counts as no answer`,
    );
    this.#highest = level;
    this.#level = Math.min(this.#level, level);
  }
}
