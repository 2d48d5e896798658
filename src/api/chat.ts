// A conversation that a program has with a model.
import { openChat } from '../inference/chat.js';
import type { Message } from '../tokenizer/message.js';
import { type AskOptions, askOf, computeOf, type OpenOptions } from './model.js';

export interface Chat {
  /** Says something and yields the answer as it comes. Leaving the loop, or the signal, stops it where it is. */
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
  const { maxNewTokens, seed, signal: _, ...sampling } = askOf(options);
  const { verify, quantize, system } = options;
  const compute = computeOf(options);
  const session = await openChat(path, { compute, sampling, seed, maxNewTokens, system, verify, quantize });
  return {
    async *send(text, signal) {
      for await (const piece of session.send(text, signal)) if (typeof piece === 'string') yield piece;
    },
    transcript: () => session.transcript(),
    reset: () => session.reset(),
    notes: session.notes,
    close: () => session.close(),
  };
}
