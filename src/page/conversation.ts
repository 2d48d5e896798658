// A conversation as the page holds it: turns of one question and one or two answers, each of parts in the order they came.
import type { ChatEvent, PageMessage } from '../serve/contract.js';

export interface CallPart {
  type: 'call';
  name: string;
  arguments?: Record<string, unknown>;
  /** A call that cannot be read, as the model wrote it. */
  written?: string;
  result?: { text: string; failed: boolean };
}

export type Part = { type: 'text'; text: string } | { type: 'thought'; text: string } | CallPart;

export interface Problem {
  what: string;
  next?: string;
  /** Nobody answered. */
  isLost?: boolean;
  /** Of a refusal that the page has words of its own for. */
  code?: string;
}

export interface Sampling {
  temperature?: number;
  topP?: number;
}

/** What was asked with the answer, and is recorded with a judgement of it. */
export interface Asked {
  model: string;
  tools: boolean;
  sampling: Sampling;
  seed: number;
  maxNewTokens?: number;
}

export type Verdict = 'good' | 'bad' | 'edit';

export interface Answer extends Asked {
  key: number;
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed';
  parts: Part[];
  /** As they are to be sent back. */
  messages: PageMessage[];
  finish?: Extract<ChatEvent, { type: 'end' }>['finish'];
  problem?: Problem;
  /** Milliseconds from the question to its first token on the screen, and to the end. */
  firstToken?: number;
  total?: number;
  outputTokens?: number;
  verdict?: { kind: Verdict; id: string; edited?: string };
}

export type Preference = 0 | 1 | 'tie' | 'both bad';

export interface Turn {
  key: number;
  question: string;
  answers: Answer[];
  /** The answer that the conversation continues from. */
  chosen: 0 | 1;
  preference?: { better: Preference; id: string };
}

export function isRunning({ state }: Answer): boolean {
  return state === 'waiting' || state === 'streaming';
}

/** Both have ended and say the same: there is nothing to compare. */
export function areSame({ answers: [first, second] }: Turn): boolean {
  if (second === undefined || isRunning(first) || isRunning(second) || first.messages.length === 0) return false;
  return JSON.stringify(first.messages) === JSON.stringify(second.messages);
}

/** Adds what came to the parts; text joins the text before it. */
export function addEvent(parts: Part[], event: ChatEvent): void {
  const last = parts.at(-1);
  switch (event.type) {
    case 'text':
    case 'thought':
      if (last !== undefined && last.type !== 'call' && last.type === event.type) last.text += event.text;
      else parts.push({ type: event.type, text: event.text });
      return;
    case 'call': {
      const { name = '', written } = event;
      parts.push({ type: 'call', name, arguments: event.arguments, ...(written !== undefined && { written }) });
      return;
    }
    case 'result': {
      const open = parts.find((part) => part.type === 'call' && part.result === undefined && part.name === event.name);
      const result = { text: event.text, failed: event.failed };
      if (open?.type === 'call') open.result = result;
      else parts.push({ type: 'call', name: event.name, result });
      return;
    }
    case 'end':
    case 'error':
      return;
    default:
      event satisfies never;
  }
}

export function textOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
}

/** As they are to be sent back of an answer that did not come to its end. */
export function messagesSoFar({ messages, parts }: Answer): PageMessage[] {
  if (messages.length > 0 || parts.length === 0) return messages;
  return [{ role: 'assistant', content: textOf(parts) }];
}

/** The last text of an answer: what a correction replaces. */
export function answerText({ messages, parts }: Answer): string {
  return messages.findLast(({ role }) => role === 'assistant')?.content ?? textOf(parts);
}

/**
 * What is sent for a question after these turns. A base model continues a text and has learnt no turns: it is given the question
 * alone.
 */
export function messagesFor(before: readonly Turn[], question: string, isBase: boolean): PageMessage[] {
  const asked: PageMessage = { role: 'user', content: question };
  if (isBase) return [asked];
  const history = before.flatMap((turn): PageMessage[] => {
    const answer = turn.answers[turn.chosen] ?? turn.answers[0];
    const corrected = answer.verdict?.edited;
    const said = corrected === undefined ? answer.messages : [{ role: 'assistant' as const, content: corrected }];
    return said.length === 0 ? [] : [{ role: 'user', content: turn.question }, ...said];
  });
  return [...history, asked];
}
