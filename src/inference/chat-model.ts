// Who answers a conversation: a local checkpoint, an endpoint, or a recording of either. Chat, evaluation, teachers and
// judges ask through this one shape and do not know which it is.
import { UserError } from '../base/errors.js';
import type { Sampling } from '../config/sampling.js';
import type { Message, Tool, ToolCall } from '../tokenizer/message.js';

/** What is not said of sampling is as the model's makers would have it. */
export interface ReplyOptions extends Partial<Sampling> {
  maxNewTokens: number;
  seed?: number;
  /** What the model may call. */
  tools?: readonly Tool[];
  signal?: AbortSignal;
  /** Tells equal questions apart in a recording. */
  index?: number;
  /** For an endpoint that continues text: how the reply begins, and the texts before which it ends. */
  continuation?: { begin?: string; stop?: readonly string[] };
  /** What the reply is, where it is to be JSON (json-model.ts): the lines of a numbered list, or a text. */
  form?: 'list' | 'text';
  /** The reply is JSON of this schema, where the endpoint can be held to it. */
  schema?: Readonly<Record<string, unknown>>;
}

/** Tokens of a request and of its answer, thoughts included. */
export interface TokenUsage {
  input: number;
  output: number;
}

export interface Reply {
  text: string;
  /**
   * `unusable`: what came back is no reply, and `text` is empty. `thinking`: it ended before its thought did, there is no
   * answer (thoughts.ts). An endpoint may have other reasons of its own.
   */
  finish: 'stop' | 'length' | 'aborted' | 'unusable' | 'thinking' | (string & {});
  /** What it thought before it answered, where that came apart from the text. */
  reasoning?: string;
  /** Of an unusable one: what came back in its place, in the endpoint's words. */
  why?: string;
  toolCalls?: ToolCall[];
  /** As an endpoint counts them. */
  usage?: TokenUsage;
  /** Of a paid one: its request in the ledger, which ends when the reply is kept. */
  request?: string;
}

export function unusable(why: string): Reply {
  return { text: '', finish: 'unusable', why };
}

/** It refuses this question as it is asked (not its key, and not for now): asked otherwise, it might answer. */
export class QuestionRefused extends UserError {}

export interface ChatModel {
  /** Names the model and where it runs: a reply of one is never taken for that of another. */
  readonly identity: string;
  /** Yields pieces of the text as they come and returns the whole. Stopping the loop early stops the reply. */
  reply(messages: readonly Message[], options: ReplyOptions): AsyncGenerator<string, Reply>;
}

/** The whole reply, for those who need no pieces. */
export async function replyOf(model: ChatModel, messages: readonly Message[], options: ReplyOptions): Promise<Reply> {
  const pieces = model.reply(messages, options);
  for (;;) {
    const piece = await pieces.next();
    if (piece.done) return piece.value;
  }
}
