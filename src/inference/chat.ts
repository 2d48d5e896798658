// A conversation with a checkpoint: the whole of it is the context of every answer; answers stream as they are drawn.
import { UserError } from '../base/errors.js';
import type { ComputeChoice } from '../config/compute.js';
import { openBackend } from '../tensor/backends.js';
import type { Message } from '../tokenizer/message.js';
import { StreamDecoder } from '../tokenizer/stream-decoder.js';
import { type Generation, generate } from './engine.js';
import { loadModel, unload } from './load.js';
import type { SamplingOptions } from './sampling.js';

export interface ChatOptions extends SamplingOptions {
  compute: ComputeChoice;
  seed: number;
  maxNewTokens: number;
  system?: string;
  /** False: the files are not compared with their sha256. */
  verify?: boolean;
}

export interface Chat {
  /** Adds the user's turn and streams the answer's text. Leaving the loop early stops the answer where it is. */
  send(text: string): AsyncGenerator<string, void>;
  reset(): void;
  transcript(): Message[];
  /** What a person should know before they type: the backend, and whether the model has learnt to answer at all. */
  readonly notes: readonly string[];
  /** Turns left out of the last answer's context because they no longer fit. */
  readonly forgotten: number;
  close(): void;
}

/** Opens a checkpoint to chat with. A base model has learnt no turns: it will continue text instead of answering. */
export async function openChat(path: string, options: ChatOptions): Promise<Chat> {
  const { note } = await openBackend(options.compute.backend, options.compute);
  const loaded = await loadModel(path, options);
  const { model, tokenizer, template, checkpoint } = loaded;
  const opening: Message[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  let messages: Message[] = [...opening];
  let turns = 0;
  let forgotten = 0;

  /** The newest turns that leave room for an answer, the system message always. */
  const prompt = (): number[] => {
    const room = model.config.max_position_embeddings - Math.min(16, model.config.max_position_embeddings >> 1);
    for (let skip = 0; ; skip += 2) {
      const kept = [...opening, ...messages.slice(opening.length + skip)];
      const { tokens } = template.encode(kept, { addGenerationPrompt: true });
      forgotten = skip;
      if (tokens.length <= room) return tokens;
      if (kept.length <= opening.length + 1) {
        messages.pop();
        throw new UserError({
          what: `this message takes ${tokens.length} tokens, ${room} fit into the model's context`,
          where: checkpoint.path,
          next: 'Send a shorter one',
        });
      }
    }
  };

  async function* send(text: string): AsyncGenerator<string, void> {
    messages.push({ role: 'user', content: text });
    const tokens = prompt();
    const decoder = new StreamDecoder(tokenizer, { skipSpecial: true });
    const pieces: string[] = [];
    let wake: (() => void) | undefined;
    let stopped = false;
    let answer = '';
    const generation: Promise<Generation[]> = generate(model, [tokens], {
      ...options,
      seed: (options.seed + turns++) >>> 0,
      stopIds: [...checkpoint.eosTokenIds, ...tokenizer.stopIds],
      onToken: (_, id) => {
        const piece = decoder.push(id);
        answer += piece;
        pieces.push(piece);
        wake?.();
        return !stopped;
      },
    });
    let finished = false;
    const done = generation.finally(() => {
      finished = true;
      wake?.();
    });
    done.catch(() => undefined); // awaited below; this only keeps an early failure from being "unhandled"
    try {
      while (!finished || pieces.length > 0) {
        const piece = pieces.shift();
        if (piece !== undefined) yield piece;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (finished) resolve();
          });
      }
      await done;
      const rest = decoder.end();
      answer += rest;
      if (rest !== '') yield rest;
    } finally {
      stopped = true;
      await done.catch(() => undefined);
      // A turn without an answer is taken back: a conversation alternates, and an empty answer teaches nothing.
      if (answer.trim() === '') messages.pop();
      else messages.push({ role: 'assistant', content: answer });
    }
  }

  const notes = [note];
  if (checkpoint.manifest.stage === 'pretrain') {
    notes.push('this is a base model: it continues text and has not learnt to answer. Use the output of sft or align');
  }
  return {
    send,
    notes,
    reset: () => {
      messages = [...opening];
    },
    transcript: () => [...messages],
    get forgotten() {
      return forgotten;
    },
    close: () => unload(loaded),
  };
}
