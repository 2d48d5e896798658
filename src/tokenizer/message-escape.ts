// Texts of users on their way through a template. Whatever in them could be read as a control token or as one of our marks
// is replaced by a private-use pair before the template renders them, and put back after the rendering was cut at the real
// control tokens. So no text can ever become a control token.
import { UserError } from '../base/errors.js';
import { escapeRegex } from './escape-regex.js';
import { fieldMessage, type Message } from './message.js';
import { specialTokens } from './special-tokens.js';
import type { Tokenizer } from './tokenizer.js';

const escapeMark = '\u{e0f0}';
/** Around what `{% generation %}` holds. */
export const marks = { start: '\u{e0f1}', end: '\u{e0f2}' };
const ownCharacters = escapeMark + marks.start + marks.end;
/** `escapeMark` and the character at this plus i mean the i-th escaped character. */
const escapedBase = 0xf0000;

export const ownCharacter = new RegExp(`[${ownCharacters}]`, 'u');
const escapedPair = new RegExp(`${escapeMark}[\\u{f0000}-\\u{fffff}]`, 'gu');

interface EscapeOptions {
  keepTokens?: readonly string[];
  writesMarks?: boolean;
}

export class MessageEscape {
  readonly #tokenizer: Tokenizer;
  /** Our own marks, and the characters that a control string starts with. */
  readonly #escapable: readonly string[];
  /** What must not occur in a text. For a third-party template an assistant's may hold tokens that control nothing (`<think>`). */
  readonly #dangerous: { person: RegExp; assistant: RegExp };
  readonly #special: RegExp | undefined;

  /**
   * @param keepTokens control strings that an assistant's content keeps as tokens.
   * @param writesMarks the template writes thoughts and calls from fields of their own, as ours do: in a text their marks
   *   are text.
   */
  constructor(tokenizer: Tokenizer, { keepTokens = [], writesMarks = false }: EscapeOptions = {}) {
    this.#tokenizer = tokenizer;
    const controls = tokenizer.controlStrings;
    const firsts = controls.map((text) => String.fromCodePoint(text.codePointAt(0) ?? 0));
    this.#escapable = [...new Set([...ownCharacters, ...firsts])];
    const special = controls.filter(
      (text) =>
        (writesMarks || text === tokenizer.turnEnd || tokenizer.isSpecial(tokenizer.controlId(text) ?? -1)) &&
        !keepTokens.includes(text),
    );
    this.#dangerous = { person: startOfAny(controls), assistant: startOfAny(special) };
    this.#special = special.length === 0 ? undefined : new RegExp(special.map(escapeRegex).join('|'), 'u');
  }

  /** A message as templates know it, escaped. */
  message(message: Message): object {
    const { content, reasoning, ...others } = message;
    const said = message.role === 'assistant' ? this.#dangerous.assistant : this.#dangerous.person;
    const thought = reasoning === undefined ? undefined : this.#text(reasoning, said);
    return {
      ...(this.all(fieldMessage({ ...others, content: '' })) as object),
      content: this.#text(content, said),
      // Templates read it under the one name or the other; transformers gives it under both, too.
      ...(thought !== undefined && { thinking: thought, reasoning_content: thought }),
    };
  }

  /** Every text of some data, the keys of its objects too. */
  all(data: unknown): unknown {
    if (typeof data === 'string') return this.#text(data, this.#dangerous.person);
    if (Array.isArray(data)) return data.map((item) => this.all(item));
    if (typeof data !== 'object' || data === null) return data;
    return Object.fromEntries(Object.entries(data).map(([key, item]) => [this.all(key), this.all(item)]));
  }

  /** For what a template has quoted, and so has shown to be text. */
  redo(text: string): string {
    return this.#escape(text, this.#dangerous.person);
  }

  undo(text: string): string {
    return text.replace(escapedPair, (pair) => this.#escapable[(pair.codePointAt(1) ?? 0) - escapedBase] ?? pair);
  }

  /** The first special token that an assistant's text spells, and that stays text. */
  spelt({ content, reasoning = '' }: Message): string | undefined {
    return this.#special?.exec(this.#tokenizer.forControls(`${reasoning}\0${content}`))?.[0];
  }

  #text(text: string, dangerous: RegExp): string {
    return this.#escape(this.#tokenizer.forControls(text), dangerous);
  }

  #escape(text: string, dangerous: RegExp): string {
    const pair = (character: string): string =>
      escapeMark + String.fromCodePoint(escapedBase + this.#escapable.indexOf(character));
    return text.replace(dangerous, pair);
  }
}

/**
 * The first character of each of these strings, and every character of our own. All in one lookahead: the engine makes
 * a table of plain alternatives, where a lookahead for each of Llama's 256 tokens would be a thousand times slower.
 */
function startOfAny(strings: readonly string[]): RegExp {
  const any = strings.length === 0 ? '' : `|(?=${strings.map(escapeRegex).join('|')}).`;
  return new RegExp(`[${ownCharacters}]${any}`, 'gsu');
}

/** Whether answers can hold this token: it neither begins nor ends turns or texts, and fills no place. */
export function mayBeKept(tokenizer: Tokenizer, token: string): boolean {
  const { bos, eos, pad, unk } = tokenizer.roles;
  return ![tokenizer.turnEnd, specialTokens.turnStart, bos, eos, pad, unk].includes(token);
}

/** Throws `UserError`, which names `where`, for a text that is no token or has a part of its own in every conversation. */
export function checkKeptTokens(tokenizer: Tokenizer, keepTokens: readonly string[], where: string): void {
  const faults = keepTokens.flatMap((text) => {
    const what = JSON.stringify(text);
    const next = 'Name special tokens of the tokenizer that answers are to write, such as <|sep|>';
    if (tokenizer.controlId(text) === undefined)
      return [{ where, what: `${what} is no token of this tokenizer`, next }];
    if (mayBeKept(tokenizer, text)) return [];
    const why = 'it begins or ends turns or texts: an answer that holds it would be two';
    return [{ where, what: `${what} cannot be kept inside answers`, why, next }];
  });
  if (faults.length > 0) throw new UserError(faults);
}
