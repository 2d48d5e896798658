// A model that a program opened: it answers conversations, scores texts, and has its tokenizer.
import { z } from 'zod';
import { openCheckpoint } from '../checkpoint/directory.js';
import { type ComputeChoice, computeSchema } from '../config/compute.js';
import { LocalModel } from '../inference/local-model.js';
import { scoreTexts } from '../inference/score.js';
import { openBackend } from '../tensor/backends.js';
import type { Message, Tool, ToolCall } from '../tokenizer/message.js';
import { askSchema, checked, checkKeys, checkText, messagesSchema } from './checked.js';

export interface OpenOptions {
  /** Default: auto, the fastest that works here. */
  backend?: 'auto' | 'tensorflow' | 'native' | 'wasm' | 'cpu';
  /** Of the native engine; default: all cores. */
  threads?: number;
  /** Of matrix products; bf16 on the native engine only. Default: fp32. */
  precision?: 'fp32' | 'bf16';
  /** An adapter to put into the model: a folder of `mossctl sft --lora`, or of PEFT. */
  lora?: string;
  /** Round the matrices to GGUF's q8_0: faster answers, on the native engine only. */
  quantize?: 'q8_0';
  /** False: files are not compared with their sha256. Default: true. */
  verify?: boolean;
}

/** Of sampling, what is absent is as the model's makers published it, else as `mossctl chat` has it. */
export interface AskOptions {
  /** 0 always takes the likeliest token. */
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  /** Longest answer, in tokens. Default: 256. */
  maxNewTokens?: number;
  /** The same seed gives the same answer. Default: 42. */
  seed?: number;
  /** Stops an answer where it is. */
  signal?: AbortSignal;
}

export interface Answer {
  text: string;
  /** `stop`: it ended by itself; `length`: at maxNewTokens or the end of the context; `aborted`: by the signal. */
  finish: string;
  /** What the model thought before it answered, where its template sets that apart. */
  reasoning?: string;
  /** What it asks to be called. */
  toolCalls?: ToolCall[];
}

/** How likely the model holds a text to be. */
export interface TextScore {
  text: string;
  /** UTF-8 bytes. */
  bytes: number;
  /** Each token with log p(token | all before it), in nats. */
  tokens: { id: number; logProbability: number }[];
  /** log p(text), in nats. */
  total: number;
  /** −total / (ln 2 · bytes) */
  bitsPerByte: number;
}

type Asked = string | readonly Message[];

export interface Model {
  /** The whole answer to a question or a conversation. @throws UserError where it does not fit into the context. */
  answer(asked: Asked, options?: AskOptions & { tools?: readonly Tool[] }): Promise<Answer>;
  /** The same as it comes: yields pieces of text and returns the whole. Leaving the loop stops it. */
  stream(asked: Asked, options?: AskOptions & { tools?: readonly Tool[] }): AsyncGenerator<string, Answer, void>;
  /** Log-probabilities of texts. */
  score(texts: readonly string[], signal?: AbortSignal): Promise<TextScore[]>;
  readonly tokenizer: {
    /** Text → ids; control tokens that a text spells stay text. */
    encode(text: string): number[];
    decode(ids: readonly number[]): string;
    readonly vocabSize: number;
  };
  /** Tokens of a prompt and its answer, at most. */
  readonly contextLength: number;
  /** sha256 that identifies the weights. */
  readonly digest: string;
  /** What a person should know of how it is read. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export const openKeys = [
  'backend',
  'threads',
  'precision',
  'lora',
  'quantize',
  'verify',
] satisfies (keyof OpenOptions)[];
export const askKeys = [...Object.keys(askSchema.shape), 'signal'];

export async function open(path: string, options: OpenOptions): Promise<Model> {
  checkKeys(options, openKeys);
  const compute = computeOf(options);
  const { note } = await openBackend(compute.backend, compute);
  const { verify, quantize } = options;
  const { place, base } = placeOf(path, options);
  const checkpoint = await openCheckpoint(place, { verify, ...base });
  const model = await LocalModel.of(checkpoint, { quantize });
  async function* stream(asked: Asked, given: AskOptions & { tools?: readonly Tool[] } = {}) {
    const messages: readonly Message[] = typeof asked === 'string' ? [{ role: 'user', content: asked }] : asked;
    checkText('messages', messagesSchema, messages);
    checkKeys(given, [...askKeys, 'tools']);
    const { text, finish, reasoning, toolCalls } = yield* model.reply(messages, {
      ...askOf(given),
      tools: given.tools,
    });
    return { text, finish, ...(reasoning !== undefined && { reasoning }), ...(toolCalls && { toolCalls }) };
  }
  return {
    stream,
    answer: async (asked, given) => {
      const pieces = stream(asked, given);
      for (;;) {
        const next = await pieces.next();
        if (next.done) return next.value;
      }
    },
    score: async (texts, signal) => {
      checkText('texts', z.array(z.string()), texts);
      const scores = await scoreTexts(model, texts, signal);
      return scores.map(({ text, bytes, tokens, total, bitsPerByte }) => ({ text, bytes, tokens, total, bitsPerByte }));
    },
    tokenizer: {
      encode: (text) => model.tokenizer.encode(text),
      decode: (ids) => model.tokenizer.decode([...ids]),
      vocabSize: model.tokenizer.vocabSize,
    },
    contextLength: model.contextLength,
    digest: model.identity,
    notes: [note, ...model.notes],
    close: () => model.dispose(),
  };
}

/** What is opened: the adapter, which is put into the model that was named, or that model. */
export function placeOf(path: string, { lora }: OpenOptions): { place: string; base: { base?: string } } {
  return lora === undefined ? { place: path, base: {} } : { place: lora, base: { base: path } };
}

export function computeOf({ backend, threads, precision }: OpenOptions): ComputeChoice {
  return checked('options', computeSchema, { backend, threads, precision });
}

/** As the engine takes it. */
export function askOf({ signal, ...others }: AskOptions) {
  const { temperature, topK, topP, minP, repetitionPenalty, maxNewTokens, seed } = others;
  const asked = { temperature, topK, topP, minP, repetitionPenalty, maxNewTokens, seed };
  return { ...checked('options', askSchema, asked), signal };
}
