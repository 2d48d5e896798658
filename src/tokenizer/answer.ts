// What a model wrote as a message: thoughts, text and calls apart, as our ChatML writes them (Hermes' and Qwen3's form). A
// mark counts where it is a token; in a vocabulary without these tokens, where its text stands. A call that cannot be read stays
// in the text, whole: nothing that a model says is lost.
import { isDeeperThan, isRecord, jsonIn } from '../base/objects.js';
import { maxArgumentDepth, type ToolCall } from './message.js';
import { answerMarkList, answerMarks } from './special-tokens.js';
import type { Tokenizer } from './tokenizer.js';

export interface Answer {
  content: string;
  reasoning?: string;
  toolCalls?: ToolCall[];
  /** Calls that are none, as they were written: no JSON object with a name and arguments, or one that is nested too deep. They are part of the content. */
  brokenCalls?: string[];
  /** Both kinds in the order in which they were written; where some are broken. */
  callsInOrder?: (ToolCall | string)[];
}

/** A stretch of text, or one mark of `answerMarks`. */
export interface AnswerPart {
  text: string;
  isMark: boolean;
}

const { callStart, callEnd, thoughtStart, thoughtEnd } = answerMarks;

/** @param ids as generated; an end token and other control tokens are skipped. */
export function readAnswer(tokenizer: Tokenizer, ids: Iterable<number>): Answer {
  const parts = partsOf(tokenizer, ids);
  let at = 0;
  /** The text up to a mark, which is passed; to the end where there is none. */
  const upTo = (mark: string): { text: string; isClosed: boolean } => {
    let text = '';
    for (; at < parts.length; at++) {
      if (parts[at].isMark && parts[at].text === mark) return { text, isClosed: at++ >= 0 };
      text += parts[at].text;
    }
    return { text, isClosed: false };
  };
  const opens = (mark: string): boolean => at < parts.length && parts[at].isMark && parts[at].text === mark;
  const answer: Answer = { content: '' };
  const lead = parts[0]?.isMark === false && parts[0].text.trim() === '' ? 1 : 0;
  if (parts[lead]?.isMark && parts[lead].text === thoughtStart) {
    at = lead + 1;
    answer.reasoning = upTo(thoughtEnd).text.replace(/^\n/, '').replace(/\n$/, '');
    if (at < parts.length && !parts[at].isMark) parts[at].text = parts[at].text.replace(/^\n{1,2}/, '');
  }
  const calls: (ToolCall | string)[] = [];
  let wasCall = false;
  while (at < parts.length) {
    if (!opens(callStart)) {
      let { text } = parts[at++];
      if (opens(callStart)) text = text.replace(/\n$/, '');
      if (!wasCall || text.trim() !== '') answer.content += text;
      continue;
    }
    at++;
    const { text, isClosed } = upTo(callEnd);
    const call = readCall(text); // an answer may end with a whole call that is not closed: others read it, too
    if (call !== undefined) calls.push(call);
    else {
      const written = callStart + text + (isClosed ? callEnd : '');
      calls.push(written);
      answer.content += (answer.content === '' ? '' : '\n') + written;
    }
    wasCall = true;
  }
  return { ...answer, ...sorted(calls) };
}

/** Calls, as an answer has them; a text is one that cannot be read. */
export function sorted(calls: readonly (ToolCall | string)[]): Omit<Answer, 'content' | 'reasoning'> {
  const toolCalls = calls.filter((call) => typeof call !== 'string');
  const brokenCalls = calls.filter((call) => typeof call === 'string');
  return {
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(brokenCalls.length > 0 && { brokenCalls, callsInOrder: [...calls] }),
  };
}

/**
 * The text of a message without its calls; while it comes, without what may yet turn out to be one. It is asked at each token,
 * so it takes time in proportion to the text: a model may write nothing but blanks.
 */
export function besideCalls(text: string, { isWhole }: { isWhole: boolean }): string {
  let known = '';
  for (let at = 0; ; ) {
    const start = text.indexOf(callStart, at);
    if (start < 0) {
      known += text.slice(at);
      break;
    }
    const end = text.indexOf(callEnd, start + callStart.length);
    const isCall = end >= 0 || !isWhole || readCall(text.slice(start + callStart.length)) !== undefined;
    known += isCall ? text.slice(at, start).trimEnd() : text.slice(at);
    if (end < 0) break;
    at = end + callEnd.length;
  }
  if (isWhole) return known;
  let held = Math.min(callStart.length - 1, known.length);
  while (held > 0 && !callStart.startsWith(known.slice(-held))) held--;
  return known.slice(0, known.length - held).trimEnd();
}

/** `{"name": …, "arguments": …}`, the arguments as an object or as JSON text of one. */
function readCall(text: string): ToolCall | undefined {
  const call = jsonIn(text);
  if (!isRecord(call) || typeof call.name !== 'string') return undefined;
  const given = typeof call.arguments === 'string' ? jsonIn(call.arguments) : call.arguments;
  if (!isRecord(given) || isDeeperThan(given, maxArgumentDepth)) return undefined;
  return { name: call.name, arguments: given };
}

function partsOf(tokenizer: Tokenizer, ids: Iterable<number>): AnswerPart[] {
  const marks = new Set(answerMarkList.map((mark) => tokenizer.controlId(mark)));
  const parts: AnswerPart[] = [];
  let run: number[] = [];
  const end = (): void => {
    const text = tokenizer.decode(run, { skipSpecial: true });
    if (text !== '') parts.push(...(marks.has(undefined) ? splitAtMarks(text) : [{ text, isMark: false }]));
    run = [];
  };
  for (const id of ids) {
    if (!marks.has(id)) {
      run.push(id);
      continue;
    }
    end();
    parts.push({ text: tokenizer.decode([id]), isMark: true });
  }
  end();
  return parts;
}

const anyMark = new RegExp(`(${answerMarkList.join('|')})`);

/** In a vocabulary without these tokens, where marks are text. */
export function splitAtMarks(text: string): AnswerPart[] {
  return text.split(anyMark).flatMap((part, i) => (part === '' ? [] : [{ text: part, isMark: i % 2 === 1 }]));
}
