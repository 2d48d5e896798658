// Messages to tokens, with a mask of what the assistant said. Their texts come from users: before the template renders
// them, whatever could be read as a control token or as one of our marks is replaced by a private-use pair, and put
// back after the rendering was cut at the real control tokens. So no text can ever become a control token.
// What the assistant said is what `{% generation %}` marks; in a template without marks, what a rendering has beyond
// the prompt that the model would have been given for that turn, up to the token that ends it.
import { UserError } from '../base/errors.js';
import { chatmlTemplate, missingTemplate } from './chatml.js';
import { CompiledTemplate } from './compiled-template.js';
import { escapeRegex } from './escape-regex.js';
import type { Message, Tool } from './message.js';
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

/** A rendering, contents still escaped, and the stretches of it that carry loss, in order. */
interface Rendering {
  text: string;
  answers: Span[];
}

interface Span {
  start: number;
  end: number;
}

const escapeMark = '\u{e0f0}';
const marks = { start: '\u{e0f1}', end: '\u{e0f2}' };
const ownCharacters = escapeMark + marks.start + marks.end;
/** `escapeMark` and the character at this plus i mean the i-th escaped character. */
const escapedBase = 0xf0000;

export class ChatTemplate {
  /** Whether the template says itself which tokens are the assistant's. */
  readonly marksAnswers: boolean;
  readonly #tokenizer: Tokenizer;
  readonly #template: CompiledTemplate;
  /** Ours renders each turn the same whatever follows it. */
  readonly #isOurs: boolean;
  readonly #isMissing: boolean;
  readonly #turnEnd: string | undefined;
  /** Our own marks, and the characters that a control string starts with. */
  readonly #escapable: readonly string[];
  /** What must not occur in a content; an assistant's may hold added tokens that control nothing, such as `<think>`. */
  readonly #dangerous: { person: RegExp; assistant: RegExp };

  /**
   * @param template Jinja source; the tokenizer's own by default, which `Tokenizer.open` has tried out in a worker.
   *   Throws `UserError` where it does not parse.
   */
  constructor(tokenizer: Tokenizer, template: string = tokenizer.chatTemplate) {
    this.#tokenizer = tokenizer;
    this.#template = compile(template);
    this.#isOurs = template === chatmlTemplate;
    this.#isMissing = template === missingTemplate;
    this.marksAnswers = this.#template.marksAnswers;
    this.#turnEnd = tokenizer.turnEnd;
    const controls = tokenizer.controlStrings;
    const firsts = controls.map((text) => String.fromCodePoint(text.codePointAt(0) ?? 0));
    this.#escapable = [...new Set([...ownCharacters, ...firsts])];
    const special = controls.filter(
      (text) => text === this.#turnEnd || tokenizer.isSpecial(tokenizer.controlId(text) ?? -1),
    );
    this.#dangerous = { person: startOfAny(controls), assistant: startOfAny(special) };
  }

  /** The text of a conversation, for people to read: contents appear as they are. */
  render(messages: readonly Message[], options: ChatTemplateOptions = {}): string {
    return this.#unescape(this.#render(messages, options).text);
  }

  /**
   * The tokens of a conversation and which of them the assistant said. Throws `UserError` where rendering fails.
   * Answers that the template renders otherwise once more turns follow carry no loss here; see `encodeTurns`.
   */
  encode(messages: readonly Message[], options: ChatTemplateOptions = {}): EncodedChat {
    const rendering = this.#render(messages, options);
    if (this.marksAnswers) return this.#encode(rendering);
    const answers = this.#turns(messages, options.tools).flatMap((turn) =>
      turn !== undefined && holds(turn, rendering) ? [turn.span] : [],
    );
    return this.#encode({ ...rendering, answers });
  }

  /**
   * Every answer of a conversation as it will be served, with loss on it: in one sequence where one rendering has them
   * all so, else (a template that drops earlier thoughts, say) in a sequence of its own for each, which ends with it.
   * An answer is skipped where the template's prompt is not the beginning of it, or no token ends it.
   */
  encodeTurns(messages: readonly Message[], { tools }: Pick<ChatTemplateOptions, 'tools'> = {}): EncodedChat[] {
    const whole = this.#render(messages, { tools });
    if (this.#isOurs) return [this.#encode(whole)];
    const turns = this.#turns(messages, tools);
    const good = turns.filter((turn) => turn !== undefined);
    if (good.length === turns.length && good.every((turn) => holds(turn, whole))) {
      return [this.#encode(this.marksAnswers ? whole : { ...whole, answers: good.map(({ span }) => span) })];
    }
    return good.map(({ text, span }) => this.#encode({ text, answers: [span] }));
  }

  /** The rendering up to each assistant's turn, and where in it that turn is; undefined where that is unknown. */
  #turns(messages: readonly Message[], tools?: readonly Tool[]): ({ text: string; span: Span } | undefined)[] {
    const ends = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []));
    return ends.map((i) => {
      const { text: prompt } = this.#render(messages.slice(0, i), { addGenerationPrompt: true, tools });
      const { text } = this.#render(messages.slice(0, i + 1), { tools });
      if (!text.startsWith(prompt) || this.#turnEnd === undefined) return undefined;
      const end = text.indexOf(this.#turnEnd, prompt.length);
      return end < 0 ? undefined : { text, span: { start: prompt.length, end: end + this.#turnEnd.length } };
    });
  }

  /** Tokens of a rendering. An answer starts a piece of its own, as it does when the model writes it after the prompt. */
  #encode({ text, answers }: Rendering): EncodedChat {
    const tokens: number[] = [];
    const loss: number[] = [];
    const add = (start: number, end: number, value: number): void => {
      for (const part of this.#tokenizer.splitAtControls(text.slice(start, end))) {
        const control = this.#tokenizer.controlId(part);
        const ids = control === undefined ? this.#tokenizer.encode(this.#unescape(part)) : [control];
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
      at = end;
    }
    add(at, text.length, 0);
    return { tokens, loss };
  }

  #render(messages: readonly Message[], { addGenerationPrompt = false, tools }: ChatTemplateOptions): Rendering {
    if (this.#isMissing) throw missing();
    const { bos, eos, pad, unk } = this.#tokenizer.roles;
    const marked = attempt(() =>
      this.#template.render(
        {
          messages: messages.map((message) => this.#escapeMessage(message)),
          tools:
            tools?.map(({ name, description, parameters }) => ({
              type: 'function',
              function: this.#escapeAll({ name, description, parameters }),
            })) ?? null,
          documents: null,
          add_generation_prompt: addGenerationPrompt,
          bos_token: bos,
          eos_token: eos,
          pad_token: pad,
          unk_token: unk,
        },
        {
          ...marks,
          escaping: {
            undo: (text) => this.#unescape(text),
            redo: (text) => this.#escape(text, this.#dangerous.person),
          },
        },
      ),
    );
    return withoutMarks(marked);
  }

  /** A message as templates know it. What it lacks, it has no key for: templates ask `'tool_calls' in message`. */
  #escapeMessage({ role, content, toolCalls, toolCallId, name }: Message): object {
    const { person, assistant } = this.#dangerous;
    return {
      role: this.#escapeAll(role),
      content: this.#escape(this.#tokenizer.forControls(content), role === 'assistant' ? assistant : person),
      tool_calls: toolCalls?.map((call) => ({
        type: 'function',
        id: this.#escapeAll(call.id),
        function: this.#escapeAll({ name: call.name, arguments: call.arguments }),
      })),
      tool_call_id: this.#escapeAll(toolCallId),
      name: this.#escapeAll(name),
    };
  }

  /** Every text of some data, the keys of its objects too. */
  #escapeAll(data: unknown): unknown {
    if (typeof data === 'string') return this.#escape(this.#tokenizer.forControls(data), this.#dangerous.person);
    if (Array.isArray(data)) return data.map((item) => this.#escapeAll(item));
    if (typeof data !== 'object' || data === null) return data;
    return Object.fromEntries(Object.entries(data).map(([key, item]) => [this.#escapeAll(key), this.#escapeAll(item)]));
  }

  #escape(text: string, dangerous: RegExp): string {
    const pair = (character: string): string =>
      escapeMark + String.fromCodePoint(escapedBase + this.#escapable.indexOf(character));
    return text.replace(dangerous, pair);
  }

  #unescape(text: string): string {
    return text.replace(escapedPair, (pair) => this.#escapable[(pair.codePointAt(1) ?? 0) - escapedBase] ?? pair);
  }
}

const ownCharacter = new RegExp(`[${ownCharacters}]`, 'u');
const escapedPair = new RegExp(`${escapeMark}[\\u{f0000}-\\u{fffff}]`, 'gu');
const anyMark = new RegExp(`([${marks.start}${marks.end}])`, 'u');

function compile(source: string): CompiledTemplate {
  if (ownCharacter.test(source)) throw broken('it contains a private-use character that we need ourselves');
  return attempt(() => new CompiledTemplate(source));
}

/**
 * The first character of each of these strings, and every character of our own. All in one lookahead: the engine makes
 * a table of plain alternatives, where a lookahead for each of Llama's 256 tokens would be a thousand times slower.
 */
function startOfAny(strings: readonly string[]): RegExp {
  const any = strings.length === 0 ? '' : `|(?=${strings.map(escapeRegex).join('|')}).`;
  return new RegExp(`[${ownCharacters}]${any}`, 'gsu');
}

function withoutMarks(marked: string): Rendering {
  const answers: Span[] = [];
  let text = '';
  let start = 0;
  for (const part of marked.split(anyMark)) {
    if (part === marks.start) start = text.length;
    else if (part === marks.end) answers.push({ start, end: text.length });
    else text += part;
  }
  return { text, answers };
}

/** Whether the longer rendering has this turn, and all before it, unchanged. */
function holds({ text, span }: { text: string; span: Span }, longer: Rendering): boolean {
  return longer.text.startsWith(text.slice(0, span.end));
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw broken((error as Error).message.slice(0, 500), error);
  }
}

function missing(): UserError {
  return new UserError({
    what: 'this model has no chat template',
    why: 'it is a base model, or the file was left behind: how turns are written cannot be guessed',
    next: 'Put one into its folder as chat_template.jinja',
  });
}

function broken(why: string, cause?: unknown): UserError {
  return new UserError(
    {
      what: 'the chat template does not work',
      why,
      next: "Fix chat_template.jinja, or chat_template in tokenizer_config.json, of the model's folder",
    },
    { cause },
  );
}
