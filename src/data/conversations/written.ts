// What a chat template writes of a conversation, found out by rendering it with and without each field that it has: a field
// that changes nothing would be lost in silence. What the template cannot carry is said, or the conversation is skipped.
import type { ChatTemplate } from '../../tokenizer/chat-template.js';
import type { Message, Tool } from '../../tokenizer/message.js';
import { mayBeKept } from '../../tokenizer/message-escape.js';
import { TemplateFault } from '../../tokenizer/template-fault.js';
import type { Conversation } from '../types.js';
import { distinct, type RowNote, RowRefusal } from './notes.js';

/** The part of a conversation that is rendered. */
type Chat = Pick<Conversation, 'messages' | 'tools'>;

export interface WrittenChat extends Chat {
  notes: RowNote[];
}

const unwritten = 'which the chat template does not write';

/**
 * The conversation as this template can be given it. A skipped conversation is one that the template refuses, or whose
 * calls or tool results it would omit.
 * @param prompt whether it ends with a question: the opening of the answer is rendered as well.
 */
export function writtenChat(
  { messages, tools }: Chat,
  template: ChatTemplate,
  { prompt = false }: { prompt?: boolean } = {},
): WrittenChat | { skipped: string } {
  try {
    const writer = new Writer(template, { messages: [...messages], tools }, prompt);
    return writer.checked();
  } catch (error) {
    if (error instanceof RowRefusal) return { skipped: error.message };
    if (error instanceof TemplateFault) return { skipped: `the chat template ${error.reason}` };
    throw error;
  }
}

class Writer {
  readonly #template: ChatTemplate;
  readonly #prompt: boolean;
  readonly #notes: RowNote[] = [];
  #messages: Message[];
  #tools: readonly Tool[] | undefined;

  constructor(template: ChatTemplate, { messages, tools }: Chat, prompt: boolean) {
    this.#template = template;
    this.#messages = messages;
    this.#tools = tools;
    this.#prompt = prompt;
  }

  checked(): WrittenChat {
    this.#checkTools();
    this.#checkCalls();
    if (!this.#template.isOurs) this.#checkContents();
    this.#checkReasoning();
    this.#checkNames();
    const messages = this.#messages;
    const spelt = messages
      .map((message) => message.role === 'assistant' && this.#template.spelt(message))
      .find(Boolean);
    if (spelt) {
      const keep = mayBeKept(this.#template.tokenizer, spelt) ? ' (sft.keepTokens keeps it as a token)' : '';
      this.#notes.push({ level: 'warning', text: `${spelt} spelt inside an answer: it stays text${keep}` });
    }
    return { messages, tools: this.#tools && [...this.#tools], notes: distinct(this.#notes) };
  }

  #checkTools(): void {
    const tools = this.#tools;
    if (
      tools === undefined ||
      !this.#isSame(
        () => this.#render(),
        () => this.#template.render(this.#messages, { addGenerationPrompt: this.#prompt }),
      )
    )
      return;
    this.#tools = undefined;
    const [first, ...others] = this.#messages;
    const own = first.role === 'system' ? first.content : '';
    const system: Message = { role: 'system', content: [own, JSON.stringify(tools)].filter(Boolean).join('\n\n') };
    this.#messages = [system, ...(first.role === 'system' ? others : this.#messages)];
    this.#notes.push({ level: 'warning', text: `tools, ${unwritten}: their list joins the system message` });
  }

  #checkCalls(): void {
    const calls = this.#messages.filter(({ toolCalls }) => toolCalls !== undefined);
    if (calls.length === 0) return;
    const isWritten = calls.every((message) => {
      const without = { ...message, toolCalls: undefined };
      return !this.#isSame(
        () => this.#render(),
        () => this.#render(this.#replaced(message, without)),
      );
    });
    if (isWritten && this.#namesEveryCall(calls)) return;
    if (calls.some(({ callText }) => callText === undefined)) {
      throw new RowRefusal(`it has tool calls (tool_calls), ${unwritten}`);
    }
    this.#messages = this.#messages.map(({ toolCalls, callText, ...message }) => {
      return callText === undefined ? message : { ...message, content: callText };
    });
    this.#notes.push({ level: 'info', text: `tool calls (function_call), ${unwritten}: they are learnt as text` });
  }

  /** Some templates write only the first call of a message. */
  #namesEveryCall(messages: readonly Message[]): boolean {
    const text = this.#render();
    return messages.every(({ toolCalls = [] }) => {
      return toolCalls.every(
        ({ name, arguments: given }) => text.includes(name) && wordsIn(given).every((word) => text.includes(word)),
      );
    });
  }

  #checkContents(): void {
    const text = this.#render();
    const doubtful = this.#messages.flatMap(({ content }, i) =>
      content.trim() === '' || occurs(content.trim(), text) ? [] : [i],
    );
    const probed = doubtful.length === 0 ? '' : this.#probe(doubtful);
    for (const i of doubtful) {
      const { role, content } = this.#messages[i];
      if (probed.includes(probe(i)) && !content.includes('</think>')) continue;
      if (role === 'assistant') this.#checkAnswer(i);
      else if (!this.#reacts(i, { content: 'another text' })) {
        if (role === 'tool') throw new RowRefusal(`it has tool results, ${unwritten}`);
        const what = role === 'system' ? 'a system message' : "a person's message";
        this.#notes.push({ level: 'warning', text: `${what}, ${unwritten}` });
      }
    }
  }

  /** The rendering with a text of its own in place of each of these contents; empty where the template refuses that. */
  #probe(places: readonly number[]): string {
    try {
      return this.#render(
        this.#messages.map((message, i) => (places.includes(i) ? { ...message, content: probe(i) } : message)),
      );
    } catch (error) {
      if (error instanceof TemplateFault) return '';
      throw error;
    }
  }

  /** An answer is learnt where the rendering ends with it: later, its thoughts may be gone. */
  #checkAnswer(i: number): void {
    const { content } = this.#messages[i];
    const text = this.#renderUpTo(i);
    if (occurs(content.trim(), text)) return;
    const thoughts = /^\s*<think>([\s\S]*?)<\/think>/.exec(content)?.[1].trim();
    const answer = content.replace(/^\s*<think>[\s\S]*?<\/think>/, '').trim();
    const other = `<think>\nanother\n</think>\n\n${answer}`;
    if (thoughts && !occurs(thoughts, text) && !this.#reacts(i, { content: other })) {
      this.#notes.push({ level: 'warning', text: `<think>…</think> in an answer, ${unwritten}: it is not learnt` });
    }
    if (answer && !occurs(answer, text) && !this.#reacts(i, { content: content.replace(answer, 'another text') })) {
      this.#notes.push({ level: 'warning', text: `text of an answer, ${unwritten}: it is not learnt` });
    }
  }

  #checkReasoning(): void {
    const whole = this.#messages.some(({ reasoning }) => reasoning !== undefined) ? this.#render() : '';
    for (const [i, { reasoning }] of this.#messages.entries()) {
      if (reasoning === undefined || occurs(reasoning.trim(), whole)) continue;
      if (this.#reacts(i, { reasoning: 'another' })) continue;
      this.#notes.push({ level: 'warning', text: `reasoning_content, ${unwritten}: it is not learnt` });
      return;
    }
  }

  #checkNames(): void {
    for (const [key, field] of [
      ['name', 'name'],
      ['toolCallId', 'tool_call_id'],
    ] as const) {
      const without = this.#messages.map((message) => ({ ...message, [key]: undefined }));
      if (this.#messages.every((message) => message[key] === undefined)) continue;
      if (
        this.#isSame(
          () => this.#render(),
          () => this.#render(without),
        )
      ) {
        this.#notes.push({ level: 'info', text: `the message field ${field}, ${unwritten}` });
      }
    }
  }

  /** Whether the rendering that ends with message i depends on these fields of it. */
  #reacts(i: number, fields: Partial<Message>): boolean {
    const message = this.#messages[i];
    return !this.#isSame(
      () => this.#renderUpTo(i),
      () => this.#renderUpTo(i, this.#replaced(message, { ...message, ...fields })),
    );
  }

  #renderUpTo(i: number, messages: readonly Message[] = this.#messages): string {
    const role = messages[i].role;
    if (role === 'system') return this.#render(messages);
    return this.#template.render(messages.slice(0, i + 1), { tools: this.#tools });
  }

  #render(messages: readonly Message[] = this.#messages): string {
    return this.#template.render(messages, { tools: this.#tools, addGenerationPrompt: this.#prompt });
  }

  #replaced(message: Message, other: Message): Message[] {
    return this.#messages.map((each) => (each === message ? other : each));
  }

  /** A template that fails without a field reads it. */
  #isSame(withField: () => string, without: () => string): boolean {
    const text = withField();
    try {
      return text === without();
    } catch (error) {
      if (error instanceof TemplateFault) return false;
      throw error;
    }
  }
}

/** Whether a text stands in a rendering as it is; a short one may be there by chance. */
function occurs(text: string, rendering: string): boolean {
  return text.length >= 16 && rendering.includes(text);
}

function probe(i: number): string {
  return `mossctl probe ${i}.`;
}

/** Texts in some data that every way to quote leaves as they are. */
function wordsIn(data: unknown): string[] {
  if (typeof data === 'string') return /^[\p{L}\p{N} ]+$/u.test(data) ? [data] : [];
  return typeof data === 'object' && data !== null ? Object.values(data).flatMap(wordsIn) : [];
}
