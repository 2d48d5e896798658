// What a model writes, as a client sees it come: thoughts, text, and at the end the calls. A reader says of each token what
// is certain by then, so that all it said is in the end what reading the whole answer gives.
import { type Answer, type AnswerPart, readAnswer, splitAtMarks } from '../tokenizer/answer.js';
import type { ToolCall } from '../tokenizer/message.js';
import { answerMarkList, answerMarks } from '../tokenizer/special-tokens.js';
import { StreamDecoder } from '../tokenizer/stream-decoder.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { CallForm } from '../tokenizer/tool-turns.js';

export interface Delta {
  content: string;
  reasoning: string;
}

export interface AnswerReader {
  push(id: number): Delta;
  /** The rest. `stopId`: the token that ended it, if one did. `calls`: those that it makes, where tools were offered. */
  end(stopId?: number): Delta & { calls: readonly ToolCall[] };
}

const none: Delta = { content: '', reasoning: '' };

/** Text as it is. */
export class PlainReader implements AnswerReader {
  readonly #decoder: StreamDecoder;

  constructor(tokenizer: Tokenizer) {
    this.#decoder = new StreamDecoder(tokenizer, { skipSpecial: true });
  }

  push(id: number): Delta {
    return { content: this.#decoder.push(id), reasoning: '' };
  }

  end(): Delta & { calls: readonly ToolCall[] } {
    return { content: this.#decoder.end(), reasoning: '', calls: [] };
  }
}

/** Of ChatML, Hermes and Qwen: thoughts between marks in front, calls between marks behind. */
export class MarkedReader implements AnswerReader {
  readonly #tokenizer: Tokenizer;
  readonly #decoder: StreamDecoder;
  readonly #reads: boolean;
  /** The tokens that are marks; empty in a vocabulary that lacks any of them, where marks are text. */
  readonly #marks: ReadonlySet<number>;
  readonly #ids: number[] = [];
  #parts: AnswerPart[] = [];
  #sent: Delta = none;

  /** @param reads whether calls are read; else they stay text, because none was offered. */
  constructor(tokenizer: Tokenizer, reads: boolean) {
    this.#tokenizer = tokenizer;
    this.#decoder = new StreamDecoder(tokenizer, { skipSpecial: true });
    this.#reads = reads;
    const ids = answerMarkList.map((mark) => tokenizer.controlId(mark));
    this.#marks = new Set(ids.includes(undefined) ? [] : (ids as number[]));
  }

  push(id: number): Delta {
    this.#ids.push(id);
    if (this.#marks.has(id)) {
      this.#add(this.#decoder.end());
      this.#parts.push({ text: this.#tokenizer.decode([id]), isMark: true });
    } else this.#add(this.#decoder.push(id));
    return this.#more(shownOf(this.#parts, { reads: this.#reads, isWhole: false }));
  }

  end(): Delta & { calls: readonly ToolCall[] } {
    this.#add(this.#decoder.end());
    if (!this.#reads) return { ...this.#more(shownOf(this.#parts, { reads: false, isWhole: true })), calls: [] };
    const { content, reasoning = '', toolCalls = [] } = readAnswer(this.#tokenizer, this.#ids);
    return { ...this.#more({ content, reasoning }), calls: toolCalls };
  }

  #add(text: string): void {
    const last = this.#parts.at(-1);
    if (text === '') return;
    if (last !== undefined && !last.isMark) last.text += text;
    else this.#parts.push({ text, isMark: false });
    if (this.#marks.size > 0) return;
    const whole = this.#parts.pop()?.text ?? '';
    this.#parts.push(...splitAtMarks(whole));
  }

  #more(shown: Delta): Delta {
    const more = {
      content: rest(shown.content, this.#sent.content),
      reasoning: rest(shown.reasoning, this.#sent.reasoning),
    };
    this.#sent = { content: this.#sent.content + more.content, reasoning: this.#sent.reasoning + more.reasoning };
    return more;
  }
}

const { callStart, thoughtStart, thoughtEnd } = answerMarks;

/** As `readAnswer` has it; of what is not whole, only what stays whatever follows. */
function shownOf(parts: readonly AnswerPart[], { reads, isWhole }: { reads: boolean; isWhole: boolean }): Delta {
  const is = (at: number, mark: string): boolean => parts[at]?.isMark && parts[at].text === mark;
  const lead = parts[0]?.isMark === false && parts[0].text.trim() === '' ? 1 : 0;
  let at = 0;
  let reasoning = '';
  const thinks = is(lead, thoughtStart);
  if (thinks) {
    for (at = lead + 1; at < parts.length && !is(at, thoughtEnd); at++) reasoning += parts[at].text;
    reasoning = (at < parts.length ? reasoning : unambiguous(reasoning, isWhole)).replace(/^\n/, '').replace(/\n$/, '');
    at++;
  } else if (!isWhole && parts.length < 2 && unambiguous(parts[0]?.text ?? '', false).trim() === '') return none;
  let content = '';
  for (const first = at; at < parts.length && !(reads && is(at, callStart)); at++) {
    const { text, isMark } = parts[at];
    content += thinks && at === first && !isMark ? text.replace(/^\n{1,2}/, '') : text;
  }
  const isOpen = at >= parts.length && !isWhole;
  if (isOpen) content = unambiguous(content, false);
  return { content: isOpen || (reads && at < parts.length) ? content.replace(/\n$/, '') : content, reasoning };
}

/** Without what may yet become a mark. */
function unambiguous(text: string, isWhole: boolean): string {
  if (isWhole) return text;
  for (let length = Math.min(text.length, maxMark - 1); length > 0; length--) {
    const end = text.slice(-length);
    if (answerMarkList.some((mark) => mark.startsWith(end))) return text.slice(0, -length);
  }
  return text;
}

const maxMark = Math.max(...answerMarkList.map(({ length }) => length));

/** Of MOSS, whose text comes last: what is shown follows from all that was written so far. */
export class ShownReader implements AnswerReader {
  readonly #form: Pick<CallForm, 'shown'>;
  readonly #read: (ids: readonly number[]) => Answer;
  readonly #hasResults: boolean;
  readonly #decoder: StreamDecoder;
  readonly #ids: number[] = [];
  #text = '';
  #sent: Delta = { content: '', reasoning: '' };

  constructor(
    tokenizer: Tokenizer,
    {
      form,
      read,
      hasResults,
    }: { form: Pick<CallForm, 'shown'>; read(ids: readonly number[]): Answer; hasResults: boolean },
  ) {
    this.#form = form;
    this.#read = read;
    this.#hasResults = hasResults;
    this.#decoder = new StreamDecoder(tokenizer);
  }

  push(id: number): Delta {
    this.#ids.push(id);
    this.#text += this.#decoder.push(id);
    const shown = this.#form.shown(this.#text, { isWhole: false, hasResults: this.#hasResults });
    const content = rest(shown, this.#sent.content);
    if (content === '') return none;
    // Its thoughts come before its text, so that they are whole by now.
    const reasoning = this.#sent.content === '' ? (this.#read(this.#ids).reasoning ?? '') : '';
    this.#sent = { content: shown, reasoning: this.#sent.reasoning + reasoning };
    return { content, reasoning };
  }

  end(stopId?: number): Delta & { calls: readonly ToolCall[] } {
    const ids = stopId === undefined ? this.#ids : [...this.#ids, stopId];
    const { content, reasoning = '', toolCalls = [] } = this.#read(ids);
    return {
      content: rest(content, this.#sent.content),
      reasoning: rest(reasoning, this.#sent.reasoning),
      calls: toolCalls,
    };
  }
}

/** What of a text has not been sent. */
function rest(text: string, sent: string): string {
  return text.startsWith(sent) ? text.slice(sent.length) : '';
}
