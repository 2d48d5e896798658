// What holds of a request to either endpoint before a model looks at it: how much it asks for at once, and the seed that is
// drawn where it names none.
import { randomInt } from 'node:crypto';
import type { Limits } from './limits.js';
import type { ChatRequest } from './openai-request.js';
import { RefusedRequest } from './refusal.js';

/** @throws RefusedRequest where it asks for more than one request may. */
export function checkAnswers(
  { stream, stream_options: options }: Pick<ChatRequest, 'stream' | 'stream_options'>,
  { count, asked, limits }: { count: number; asked?: number; limits: Pick<Limits, 'requestAnswers' | 'requestTokens'> },
): void {
  const refused = (what: string, param: string, next?: string) =>
    new RefusedRequest({ status: 400, what, next, param });
  if (options !== undefined && !stream) throw refused('stream_options goes with stream: true', 'stream_options');
  const { requestAnswers, requestTokens } = limits;
  if (count > requestAnswers)
    throw refused(`${count} answers were asked for, ${requestAnswers} at most are given`, 'n');
  if (asked === undefined || count * asked <= requestTokens) return;
  const what = `${count} answers of ${asked} tokens are ${count * asked} tokens, one request may ask for ${requestTokens}`;
  throw refused(what, 'max_tokens', 'Ask for fewer, or shorter ones');
}

export function drawnSeed(): number {
  return randomInt(2 ** 32);
}
