// Messages to tokens, with a mask of what the assistant said. The texts are escaped while the template has them (see
// message-escape.ts), so none becomes a control token.
// What the assistant said is what `{% generation %}` marks; in a template without marks, what a rendering has beyond
// the prompt that the model would have been given for that turn, up to the token that ends it.
import { cleanText } from '../base/clean-text.js';
import { UserError } from '../base/errors.js';
import { chatmlTemplate, missingTemplate } from './chatml.js';
import { CompiledTemplate } from './compiled-template.js';
import { RefusalError } from './jinja/budget.js';
import type { Message, Tool } from './message.js';
import { MessageEscape, marks, ownCharacter } from './message-escape.js';
import { holds, overlap, partingOf, type Rendering, type Turn, withoutMarks } from './rendering.js';
import type { Tokenizer } from './tokenizer.js';

export interface ChatTemplateOptions {
  /** End with the opening of an assistant's turn, for the model to continue. Default false. */
  addGenerationPrompt?: boolean;
  /** What the assistant may call, for templates that list it. */
  tools?: readonly Tool[];
}

/** `loss[i]` is 1 where token i belongs to what the assistant said, its end token included. */
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
  /** What the prompt ends with and the renderings of answers lack; absent where they begin with the whole prompt. */
  promptTail?: string;
}

/** A conversation that the template cannot render. `reason` follows "the chat template": `refuses it: …`, `fails on it: …`. */
export class TemplateFault extends UserError {
  readonly reason: string;
  constructor(cause: unknown, shown: (text: string) => string = (text) => text) {
    const why = shown((cause as Error).message).slice(0, 500);
    const refused = cause instanceof RefusalError;
    const next = refused
      ? 'Change the conversation: templates mostly refuse system messages, tools or an order of roles'
      : "Fix chat_template.jinja, or chat_template in tokenizer_config.json, of the model's folder";
    const what = refused ? 'the chat template refuses this conversation' : 'the chat template does not work';
    super({ what, why, next }, { cause });
    this.reason = `${refused ? 'refuses' : 'fails on'} it: ${cleanText(why, 200)}`;
  }
}

export class ChatTemplate {
  /** Whether the template says itself which tokens are the assistant's. */
  readonly marksAnswers: boolean;
  /** Ours renders each turn the same whatever follows it, and writes every content as it is. */
  readonly isOurs: boolean;
  readonly tokenizer: Tokenizer;
  readonly #template: CompiledTemplate;
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
    this.isOurs = template === chatmlTemplate;
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
    if (this.marksAnswers) return this.#encode(rendering);
    const answers = this.#turns(messages, options.tools).flatMap((turn) =>
      typeof turn !== 'string' && holds(turn, rendering) ? [turn.span] : [],
    );
    return this.#encode({ ...rendering, answers });
  }

  /**
   * Every answer of a conversation as it will be served, with loss on it unless its message says otherwise: in one
   * sequence where one rendering has them all so, else (a template that drops earlier thoughts, say) in a sequence of its
   * own for each, which ends with it. Throws `TemplateFault` where rendering fails.
   */
  encodeTurns(messages: readonly Message[], { tools }: Pick<ChatTemplateOptions, 'tools'> = {}): EncodedTurns {
    const whole = this.#render(messages, { tools });
    const learnt = messages.flatMap(({ role, train }) => (role === 'assistant' ? [train !== false] : []));
    if (this.isOurs) {
      const answers = whole.answers.filter((_, i) => learnt[i]);
      return { sequences: [this.#encode({ ...whole, answers })], faults: [] };
    }
    const turns = this.#turns(messages, tools);
    const faults = turns.filter((turn, i) => typeof turn === 'string' && learnt[i]) as string[];
    const found = turns.filter((turn) => typeof turn !== 'string');
    const wanted = turns.filter((turn, i): turn is Turn => typeof turn !== 'string' && learnt[i]);
    const promptTail = wanted.find((turn) => turn.promptTail !== '')?.promptTail;
    if (found.length < turns.length || !found.every((turn) => holds(turn, whole))) {
      const sequences = wanted.map(({ text, span }) => this.#encode({ text, answers: [span] }));
      return { sequences, faults, promptTail };
    }
    const unwanted = found.filter((turn) => !wanted.includes(turn));
    const answers = this.marksAnswers
      ? whole.answers.filter((mark) => !unwanted.some(({ span }) => overlap(span, mark)))
      : wanted.map(({ span }) => span);
    return { sequences: [this.#encode({ ...whole, answers })], faults, promptTail };
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

  /** Tokens of a rendering. An answer starts a piece of its own, as it does when the model writes it after the prompt. */
  #encode({ text, answers }: Rendering): EncodedChat {
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
    for (const { start, end } of answers) {
      add(at, start, 0);
      add(start, end, 1);
      at = this.tokenizer.pastSpace(text, end);
    }
    add(at, text.length, 0);
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

function compile(source: string): CompiledTemplate {
  return attempt(() => {
    if (ownCharacter.test(source)) throw new Error('it contains a private-use character that we need ourselves');
    return new CompiledTemplate(source);
  });
}

/** @param shown how a person reads what the template says of an escaped text. */
function attempt<T>(work: () => T, shown?: (text: string) => string): T {
  try {
    return work();
  } catch (error) {
    throw new TemplateFault(error, shown);
  }
}

/** @param where the model's folder. */
export function noTemplate(where?: string): UserError {
  return new UserError({
    where,
    what: 'this model has no chat template',
    why: 'it is a base model, or the file was left behind: how turns are written cannot be guessed',
    next: 'Put one into its folder as chat_template.jinja',
  });
}
