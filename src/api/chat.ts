// A conversation that a program has with a model.
import { openChat } from '../inference/chat.js';
import { type Message, messageText } from '../tokenizer/message.js';
import { checkKeys, checkText } from './checked.js';
import { type AskOptions, askKeys, askOf, computeOf, type OpenOptions, openKeys, placeOf } from './model.js';

export interface Chat {
  /** Says something and yields the answer as it comes. Leaving the loop, this signal, or that of the conversation stops it where it is. */
  send(text: string, signal?: AbortSignal): AsyncGenerator<string, void, void>;
  /** The conversation so far. */
  transcript(): Message[];
  /** Forgets it. */
  reset(): void;
  /** What a person should know of how the model is read and answers. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export async function openConversation(
  path: string,
  options: OpenOptions & AskOptions & { system?: string },
): Promise<Chat> {
  checkKeys(options, [...openKeys, ...askKeys, 'system']);
  const { maxNewTokens, seed, signal: whole, ...sampling } = askOf(options);
  const { verify, quantize, system } = options;
  const { place, base } = placeOf(path, options);
  const compute = computeOf(options);
  const session = await openChat(place, {
    ...{ compute, sampling, seed, maxNewTokens, system, verify, quantize },
    ...base,
  });
  return {
    async *send(text, own) {
      checkText('text', messageText, text);
      const signal = own && whole ? AbortSignal.any([own, whole]) : (own ?? whole);
      for await (const piece of session.send(text, signal)) if (typeof piece === 'string') yield piece;
    },
    transcript: () => session.transcript(),
    reset: () => session.reset(),
    notes: session.notes,
    close: () => session.close(),
  };
}
