// Messages to tokens, with a mask of what the assistant said. The texts are escaped while the template has them (see
// message-escape.ts), so none becomes a control token.
// What the assistant said is what `{% generation %}` marks; in a template without marks, what a rendering has beyond
// the prompt that the model would have been given for that turn, up to the token that ends it.
import { cleanText } from '../base/clean-text.js';
import type { LossChoice } from '../config/sft.js';
import type { Answer } from './answer.js';
import { missingTemplate } from './chatml.js';
import { CompiledTemplate } from './compiled-template.js';
import type { Message, Tool } from './message.js';
import { MessageEscape, marks, ownCharacter } from './message-escape.js';
import { ownTemplate } from './own-templates.js';
import {
  holds,
  markWeights,
  overlap,
  partingOf,
  type Rendering,
  type Span,
  type Turn,
  type WeighedSpan,
  withoutMarks,
} from './rendering.js';
import { attempt, noTemplate, noTools, TemplateFault } from './template-fault.js';
import type { Tokenizer } from './tokenizer.js';
import type { CallForm } from './tool-turns.js';

export interface ChatTemplateOptions {
  /** End with the opening of an assistant's turn, for the model to continue. Default false. */
  addGenerationPrompt?: boolean;
  /** What the assistant may call, for templates that list it. */
  tools?: readonly Tool[];
}

/** `loss[i]` is how much token i weighs in the loss: 1 where the assistant said it, its end token included, else 0; or as asked. */
export interface EncodedChat {
  tokens: number[];
  loss: number[];
}

/** What a training learns of a conversation. */
export interface EncodedTurns {
  /** One, or one for each answer. */
  sequences: EncodedChat[];
  /** Why an answer that should carry loss does not: one text for each such answer. */
  faults: string[];
  /** Whether the template's own marks leave out what ends an answer: it is learnt all the same. */
  endsAdded?: boolean;
  /** What the prompt ends with and the renderings of answers lack; absent where they begin with the whole prompt. */
  promptTail?: string;
}

export class ChatTemplate {
  /** Whether the template says itself which tokens are the assistant's. */
  readonly marksAnswers: boolean;
  /** Ours renders each turn the same whatever follows it, and writes every content as it is. */
  readonly isOurs: boolean;
  readonly tokenizer: Tokenizer;
  readonly #template: CompiledTemplate;
  readonly #own: ReturnType<typeof ownTemplate>;
  readonly #isMissing: boolean;
  readonly #turnEnd: string | undefined;
  readonly #escape: MessageEscape;

  /**
   * @param template Jinja source; the tokenizer's own by default, which `Tokenizer.open` has tried out in a worker.
   * @param keepTokens special tokens that an assistant's content keeps as such; see `checkKeptTokens`.
   *   Throws `UserError` where the template does not parse.
   */
  constructor(
    tokenizer: Tokenizer,
    template: string = tokenizer.chatTemplate,
    { keepTokens = [] }: { keepTokens?: readonly string[] } = {},
  ) {
    this.tokenizer = tokenizer;
    this.#template = compile(template);
    this.#own = ownTemplate(template);
    this.isOurs = this.#own !== undefined;
    this.#isMissing = template === missingTemplate;
    this.marksAnswers = this.#template.marksAnswers;
    this.#turnEnd = tokenizer.turnEnd;
    this.#escape = new MessageEscape(tokenizer, { keepTokens, writesMarks: this.isOurs });
  }

  /** The text of a conversation, for people to read: contents appear as they are. Throws `TemplateFault`. */
  render(messages: readonly Message[], options: ChatTemplateOptions = {}): string {
    return this.#escape.undo(this.#render(messages, options).text);
  }

  /**
   * The tokens of a conversation and which of them the assistant said. Throws `TemplateFault` where rendering fails.
   * Answers that the template renders otherwise once more turns follow carry no loss here; see `encodeTurns`.
   */
  encode(messages: readonly Message[], options: ChatTemplateOptions = {}): EncodedChat {
    const rendering = this.#render(messages, options);
    if (this.marksAnswers) return this.#encode(rendering.text, weighed(rendering.answers));
    const answers = this.#turns(messages, options.tools).flatMap((turn) =>
      typeof turn !== 'string' && holds(turn, rendering) ? [turn.span] : [],
    );
    return this.#encode(rendering.text, weighed(answers));
  }

  /**
   * Every answer of a conversation as it will be served, each token with its weight in the loss: in one sequence where one
   * rendering has them all so, else (a template that drops earlier thoughts, say) in a sequence of its own for each, which
   * ends with it. Throws `TemplateFault` where rendering fails.
   */
  encodeTurns(
    messages: readonly Message[],
    { tools, loss = 'assistant' }: Pick<ChatTemplateOptions, 'tools'> & { loss?: LossChoice } = {},
  ): EncodedTurns {
    const whole = this.#render(messages, { tools });
    const weights = markWeights(messages, loss, this.#own?.owners?.(messages));
    if (this.isOurs) {
      const answers = whole.answers.map((span, i) => ({ ...span, weight: weights[i] }));
      return this.#sequences([{ text: whole.text, answers }], messages, { tools, loss });
    }
    const turns = this.#turns(messages, tools);
    const faults = turns.filter((turn, i) => typeof turn === 'string' && weights[i] > 0) as string[];
    const found = turns.flatMap((turn, i) => (typeof turn === 'string' ? [] : [{ turn, weight: weights[i] }]));
    const wanted = found.filter(({ weight }) => weight > 0);
    const promptTail = wanted.find(({ turn }) => turn.promptTail !== '')?.turn.promptTail;
    if (found.length < turns.length || !found.every(({ turn }) => holds(turn, whole))) {
      if (loss === 'all' && messages.some(({ weight }) => weight !== undefined)) {
        return { sequences: [], faults: [`${unplaced}, where all is learnt but what they say`] };
      }
      const texts = wanted.map(({ turn: { text, span }, weight }) => ({ text, answers: [{ ...span, weight }] }));
      return { ...this.#sequences(texts, [], { tools, loss }), faults, promptTail };
    }
    const spans = found.map(({ turn: { span }, weight }) => ({ ...span, weight }));
    const marked = whole.answers.map((mark) => this.#withEnd(mark, whole.text));
    const answers = this.marksAnswers
      ? marked.map((mark) => ({ ...mark, weight: spans.find((span) => overlap(span, mark))?.weight ?? 0 }))
      : spans;
    const endsAdded = this.marksAnswers && marked.some(({ end }, i) => end !== whole.answers[i].end);
    const encoded = this.#sequences([{ text: whole.text, answers }], messages, { tools, loss });
    return { ...encoded, faults: [...encoded.faults, ...faults], ...(endsAdded && { endsAdded }), promptTail };
  }

  /** With `all`, what stands between the answers is learnt too; `messages` weigh what they say, where they say it. */
  #sequences(
    renderings: readonly { text: string; answers: readonly WeighedSpan[] }[],
    messages: readonly Message[],
    { tools, loss }: { tools?: readonly Tool[]; loss: LossChoice },
  ): EncodedTurns {
    const isApart = loss === 'all' && this.#own?.owners === undefined;
    const own = isApart ? this.#weighedMessages(messages, renderings[0]?.text ?? '', tools) : [];
    if (own === undefined) return { sequences: [], faults: [unplaced] };
    const sequences = renderings.map(({ text, answers }) => {
      const spans = [...answers, ...own].sort((a, b) => a.start - b.start);
      return this.#encode(text, spans, loss === 'all' ? 1 : 0);
    });
    return { sequences, faults: [] };
  }

  /** Where messages that are no answers and have a weight stand in the rendering of all; undefined where that is unknown. */
  #weighedMessages(
    messages: readonly Message[],
    text: string,
    tools?: readonly Tool[],
  ): readonly WeighedSpan[] | undefined {
    const spans: WeighedSpan[] = [];
    for (const [i, { role, weight }] of messages.entries()) {
      if (role === 'assistant' || weight === undefined) continue;
      const [before, upTo] = [i, i + 1].map((end) =>
        end === 0 ? '' : this.#render(messages.slice(0, end), { tools }).text,
      );
      if (!text.startsWith(before) || !text.startsWith(upTo)) return undefined;
      spans.push({ start: before.length, end: upTo.length, weight });
    }
    return spans;
  }

  /** A mark of the template's own, and the token that ends the turn where that follows it. */
  #withEnd({ start, end }: Span, text: string): Span {
    const after = end + (/^\s*/.exec(text.slice(end))?.[0].length ?? 0);
    const isLeftOut = this.#turnEnd !== undefined && text.startsWith(this.#turnEnd, after);
    return { start, end: isLeftOut ? after + (this.#turnEnd?.length ?? 0) : end };
  }

  /** How calls are written and answered under a template of ours that has them. */
  get calls(): CallForm | undefined {
    return this.#own?.calls;
  }

  /**
   * The message that these end with, an assistant's calls, as the tokens that follow its prompt, `end` included; and what
   * follows that: these results, and the opening of the next turn.
   * @throws TemplateFault; UserError where the template changes what comes before the calls once the results are there.
   */
  encodeResults(
    messages: readonly Message[],
    results: readonly Message[],
    { tools, end }: { tools?: readonly Tool[]; end: string },
  ): { turn: number[]; results: number[] } {
    const options = { tools, addGenerationPrompt: true };
    const { text: prompt } = this.#render(messages.slice(0, -1), options);
    const { text } = this.#render([...messages, ...results], options);
    if (!text.startsWith(prompt)) throw noTools('it changes what comes before a call once its result is there');
    const at = text.indexOf(end, prompt.length);
    if (at < 0) throw noTools(`it writes no ${end} after a call`);
    const after = at + end.length;
    return {
      turn: this.#encode(text.slice(prompt.length, after), []).tokens,
      results: this.#encode(text.slice(this.tokenizer.pastSpace(text, after)), []).tokens,
    };
  }

  /** What a model wrote after a prompt of this template. Of a template from outside, all of it is the content. */
  read(ids: readonly number[]): Answer {
    return this.#own?.read(this.tokenizer, ids) ?? { content: this.tokenizer.decode(ids, { skipSpecial: true }) };
  }

  /** The first special token that an assistant's message spells; it stays text. */
  spelt(message: Message): string | undefined {
    return this.#escape.spelt(message);
  }

  /** Why no answer at all can be learnt to its end: what the template writes after one is no token. */
  get endFault(): string | undefined {
    const answer = 'answer';
    const { text } = this.#render([
      { role: 'user', content: 'question' },
      { role: 'assistant', content: answer },
    ]);
    const after = text.slice(text.lastIndexOf(answer) + answer.length);
    if (this.#turnEnd !== undefined && after.includes(this.#turnEnd)) return undefined;
    const end = /\S+/.exec(after)?.[0];
    if (end === undefined) return 'the chat template writes no token after an answer';
    const what = this.tokenizer.controlId(end) === undefined ? 'no token of this tokenizer' : 'not what ends a turn';
    return `the chat template ends an answer with ${cleanText(this.#escape.undo(end), 60)}, which is ${what}`;
  }

  /** Each assistant's turn, or why it is unknown. */
  #turns(messages: readonly Message[], tools?: readonly Tool[]): (Turn | string)[] {
    const ends = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []));
    return ends.map((i) => {
      try {
        return this.#turn(messages.slice(0, i + 1), tools);
      } catch (error) {
        // Some templates refuse a conversation that ends with a call, say.
        if (error instanceof TemplateFault) return `up to it, the chat template ${error.reason}`;
        throw error;
      }
    });
  }

  /** The last message of these, which is an assistant's. */
  #turn(messages: readonly Message[], tools?: readonly Tool[]): Turn | string {
    const before = messages.slice(0, -1);
    const { text: prompt } = this.#render(before, { addGenerationPrompt: true, tools });
    const { text } = this.#render(messages, { tools });
    let start: number | undefined = prompt.length;
    if (!text.startsWith(prompt)) {
      const { text: history } = this.#render(before, { tools });
      start = partingOf(prompt, text, history, (part) => this.tokenizer.splitAtControls(part));
    }
    if (start === undefined) return 'the chat template changes what comes before an answer once it is there';
    const end = this.#turnEnd === undefined ? -1 : text.indexOf(this.#turnEnd, start);
    if (this.#turnEnd === undefined || end < 0) {
      return this.endFault ?? `the chat template writes no ${this.#turnEnd} after this answer`;
    }
    return { text, span: { start, end: end + this.#turnEnd.length }, promptTail: prompt.slice(start) };
  }

  /**
   * Tokens of a rendering. An answer starts a piece of its own, as it does when the model writes it after the prompt.
   * @param others what the tokens outside of these stretches weigh.
   */
  #encode(text: string, spans: readonly WeighedSpan[], others = 0): EncodedChat {
    const tokens: number[] = [];
    const loss: number[] = [];
    const add = (start: number, end: number, value: number): void => {
      for (const part of this.tokenizer.splitAtControls(text.slice(start, end))) {
        const ids = part.id === undefined ? this.tokenizer.encode(this.#escape.undo(part.text)) : [part.id];
        for (const id of ids) {
          tokens.push(id);
          loss.push(value);
        }
      }
    };
    let at = 0;
    for (const { start, end, weight } of spans) {
      if (start > at) add(at, start, others);
      add(Math.max(at, start), end, weight);
      at = this.tokenizer.pastSpace(text, end);
    }
    add(at, text.length, others);
    if (loss.length > 0) loss[0] = 0; // nothing comes before it, from which it could be predicted
    return { tokens, loss };
  }

  #render(messages: readonly Message[], { addGenerationPrompt = false, tools }: ChatTemplateOptions = {}): Rendering {
    if (this.#isMissing) throw noTemplate();
    const { bos, eos, pad, unk } = this.tokenizer.roles;
    const undo = (text: string): string => this.#escape.undo(text);
    const marked = attempt(
      () =>
        this.#template.render(
          {
            messages: messages.map((message) => this.#escape.message(message)),
            tools: tools?.map((tool) => ({ type: 'function', function: this.#escape.all(tool) })) ?? null,
            documents: null,
            add_generation_prompt: addGenerationPrompt,
            bos_token: bos,
            eos_token: eos,
            pad_token: pad,
            unk_token: unk,
          },
          { ...marks, escaping: { undo, redo: (text) => this.#escape.redo(text) } },
        ),
      undo,
    );
    return withoutMarks(marked);
  }
}

const unplaced =
  'the chat template writes earlier turns otherwise once others follow, so weights of messages have no place';

function weighed(spans: readonly Span[]): WeighedSpan[] {
  return spans.map((span) => ({ ...span, weight: 1 }));
}

function compile(source: string): CompiledTemplate {
  return attempt(() => {
    if (ownCharacter.test(source)) throw new Error('it contains a private-use character that we need ourselves');
    return new CompiledTemplate(source);
  });
}
