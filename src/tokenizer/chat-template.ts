// Messages to tokens, with a mask of what the assistant said. Contents come from users: before the template renders
// them, whatever could be read as a control token or as one of our marks is replaced by a private-use pair, and put
// back after the rendering was cut at the real control tokens. So no content can ever become a control token.
import { Template } from '@huggingface/jinja';
import { UserError } from '../base/errors.js';
import { BoundedTemplate } from './bounded-template.js';
import { chatmlTemplate } from './chatml.js';
import { escapeRegex } from './escape-regex.js';
import { specialTokens } from './special-tokens.js';
import type { Tokenizer } from './tokenizer.js';

export interface ChatMessage {
  role: string;
  content: string;
}

export interface ChatTemplateOptions {
  /** End with the opening of an assistant's turn, for the model to go on. Default false. */
  addGenerationPrompt?: boolean;
}

/** `loss[i]` is 1 where token i belongs to what the assistant said, its end token included. */
export interface EncodedChat {
  tokens: number[];
  loss: number[];
}

const escapeMark = '\u{e0f0}';
const answerStart = '\u{e0f1}';
const answerEnd = '\u{e0f2}';
const ownCharacters = escapeMark + answerStart + answerEnd;
/** `escapeMark` and the character at this plus i stand for the i-th escaped character. */
const escapedBase = 0xf0000;
const maxTemplateLength = 1 << 16;

/** transformers runs `{% generation %}` as a call block; so do we, with a macro that puts marks around its body. */
const markMacro = `{%- macro mossctl_answer() -%}${answerStart}{{- caller() -}}${answerEnd}{%- endmacro %}\n`;

export class ChatTemplate {
  /** Whether the template says which tokens are the assistant's; if not, `loss` is 0 everywhere. */
  readonly marksAnswers: boolean;
  readonly #tokenizer: Tokenizer;
  readonly #render: (context: Record<string, unknown>) => string;
  /** Our own marks, and the characters that a control string starts with. */
  readonly #escapable: readonly string[];
  readonly #dangerous: RegExp;

  /**
   * @param template Jinja source; the tokenizer's own by default. Throws `UserError` where it does not parse.
   * @param options `timeLimitMs` holds for each rendering of a template that is not ours; see bounded-template.ts.
   */
  constructor(tokenizer: Tokenizer, template: string = tokenizer.chatTemplate, { timeLimitMs = 5000 } = {}) {
    this.#tokenizer = tokenizer;
    this.#render = compile(template, timeLimitMs);
    this.marksAnswers = generationTag.test(template);
    const controls = tokenizer.controlStrings;
    const firsts = controls.map((text) => String.fromCodePoint(text.codePointAt(0) ?? 0));
    this.#escapable = [...new Set([...ownCharacters, ...firsts])];
    const controlAhead = controls.map((text) => `(?=${escapeRegex(text)}).`);
    this.#dangerous = new RegExp([`[${ownCharacters}]`, ...controlAhead].join('|'), 'gsu');
  }

  /** The text of a conversation, for people to read: contents appear as they are. */
  render(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): string {
    const rendering = this.#renderEscaped(messages, options);
    return this.#unescape(rendering.replaceAll(answerStart, '').replaceAll(answerEnd, ''));
  }

  /** The tokens of a conversation and which of them the assistant said. Throws `UserError` where rendering fails. */
  encode(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): EncodedChat {
    const tokens: number[] = [];
    const loss: number[] = [];
    let inAnswer = 0;
    // An answer starts a piece of its own, as it does when the model writes it after the prompt.
    for (const stretch of this.#renderEscaped(messages, options).split(marks)) {
      if (stretch === answerStart || stretch === answerEnd) {
        inAnswer = stretch === answerStart ? 1 : 0;
        continue;
      }
      for (const part of this.#tokenizer.splitAtControls(stretch)) {
        const control = this.#tokenizer.controlId(part);
        const ids = control === undefined ? this.#tokenizer.encode(this.#unescape(part)) : [control];
        for (const id of ids) {
          tokens.push(id);
          loss.push(inAnswer);
        }
      }
    }
    return { tokens, loss };
  }

  #renderEscaped(messages: readonly ChatMessage[], { addGenerationPrompt = false }: ChatTemplateOptions): string {
    return this.#render({
      messages: messages.map(({ role, content }) => ({
        role: this.#escape(role),
        content: this.#escape(content),
      })),
      add_generation_prompt: addGenerationPrompt,
      bos_token: specialTokens.endOfText,
      eos_token: specialTokens.endOfText,
      pad_token: specialTokens.pad,
    });
  }

  #escape(text: string): string {
    const pair = (character: string): string =>
      escapeMark + String.fromCodePoint(escapedBase + this.#escapable.indexOf(character));
    return text.replace(this.#dangerous, pair);
  }

  #unescape(text: string): string {
    return text.replace(escapedPair, (pair) => this.#escapable[(pair.codePointAt(1) ?? 0) - escapedBase] ?? pair);
  }
}

const marks = new RegExp(`([${answerStart}${answerEnd}])`, 'u');
const ours = new RegExp(`[${ownCharacters}]`, 'u');
const escapedPair = new RegExp(`${escapeMark}[\\u{f0000}-\\u{fffff}]`, 'gu');
const generationTag = /\{%-?\s*generation\s*-?%\}/;

function compile(source: string, timeLimitMs: number): (context: Record<string, unknown>) => string {
  if (source.length > maxTemplateLength) throw broken(`it is longer than ${maxTemplateLength} characters`);
  if (ours.test(source)) throw broken('it contains a private-use character that we need ourselves');
  const marked = source
    .replace(/\{%(-?)\s*generation\s*(-?)%\}/g, '{%$1 call mossctl_answer() $2%}')
    .replace(/\{%(-?)\s*endgeneration\s*(-?)%\}/g, '{%$1 endcall $2%}');
  const runnable = marked === source ? source : markMacro + marked;
  const template = attempt(() =>
    source === chatmlTemplate ? new Template(runnable) : new BoundedTemplate(runnable, timeLimitMs),
  );
  return (context) => attempt(() => template.render(context));
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw broken((error as Error).message, error);
  }
}

function broken(why: string, cause?: unknown): UserError {
  return new UserError(
    {
      what: 'the chat template does not work',
      why,
      next: "Mend chat_template in the checkpoint's tokenizer_config.json",
    },
    { cause },
  );
}
