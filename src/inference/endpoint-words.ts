// What an endpoint says in its own words, whatever form it says it in: OpenAI's `error`, FastAPI's `detail`, a web page of a
// proxy. Bounded, and without markup and control characters.
import { cleanText } from '../base/clean-text.js';
import { isRecord, jsonIn } from '../base/objects.js';

const maxWords = 300;
/** Of JSON. */
const maxDepth = 500;

/** What went wrong, by the endpoint. */
export interface SaidError {
  words: string;
  /** The field of the request that it is about. */
  param?: string;
  /** `rate_limit_exceeded`, 502, … */
  code?: string;
}

/** The error that an answer holds; undefined where it holds none. */
export function errorIn(value: unknown): SaidError | undefined {
  if (!isRecord(value)) return undefined;
  const error = value.error ?? errorOfChoice(value.choices);
  if (error === undefined || error === null || error === false) return undefined;
  return saidBy(error);
}

function errorOfChoice(choices: unknown): unknown {
  const [first] = Array.isArray(choices) ? (choices as unknown[]) : [];
  return isRecord(first) ? first.error : undefined;
}

function saidBy(error: unknown): SaidError {
  if (!isRecord(error)) return { words: plain(error) };
  const { message, param, code, type } = error;
  const named = [code, type].find((each) => typeof each === 'string' || typeof each === 'number');
  return {
    words: plain(message ?? error),
    param: typeof param === 'string' ? param.slice(0, 100) : undefined,
    code: named === undefined ? undefined : cleanText(String(named), 100),
  };
}

/** What the body of an answer with an error's status says. */
export function errorOfBody(body: string): SaidError {
  const value = parsed(body);
  if (value === undefined) return { words: wordsOfText(body) };
  const error = errorIn(value);
  if (error !== undefined) return error;
  if (isRecord(value)) {
    const { detail, message, errors } = value;
    return { ...saidBy(value), words: plain(detail ?? message ?? errors ?? value) };
  }
  return { words: plain(value) };
}

/** The words of a text that is no JSON: of a web page its title and text. */
export function wordsOfText(text: string): string {
  const withoutMarkup = /<(?:!doctype|html|head|body|h1|title)/i.test(text.slice(0, 2000))
    ? text
        .slice(0, 8000)
        .replace(/<(script|style)[\s\S]*?(?:<\/\1>|$)/gi, ' ')
        .replace(/<[^>]*>/g, ' ')
    : text.slice(0, 4 * maxWords);
  return cleanText(withoutMarkup.replace(/\s+/g, ' '), maxWords);
}

export function isWebPage(text: string): boolean {
  return /^\s*<(?:!doctype html|html|head|body)/i.test(text);
}

/** JSON; undefined for what is none, or so deep that no reader could walk it. */
export function parsed(text: string): unknown {
  for (let i = 0, depth = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (depth > maxDepth) return undefined;
  }
  return jsonIn(text);
}

function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return wordsOfText(text);
}
