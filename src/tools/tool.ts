// A tool that runs: what the model is told of it, and what happens when it is called. Nothing that a model writes or a tool
// does wrong is an exception for whoever asks: it is a result that says what went wrong.
import type { SessionStart } from '../data/types.js';
import type { Tool, ToolCall } from '../tokenizer/message.js';

export type { SessionStart };

export interface ToolLimits {
  /** Longest wait for one result. */
  seconds: number;
  /** Longest result in characters; what is longer is cut, and says so. */
  characters: number;
}

export const defaultLimits: ToolLimits = { seconds: 5, characters: 2000 };

export interface CallContext {
  /** Aborts at the time limit, or when nobody waits for the result any more. */
  signal: AbortSignal;
  start: SessionStart;
  /** Of this tool in this conversation: what it keeps from call to call. */
  state: Map<string, unknown>;
}

/** Why there is no result, in words for the model. */
export class ToolFailure extends Error {}

export interface Executor {
  /** What the model is told: name, description, JSON schema of the arguments. */
  readonly tool: Tool;
  readonly limits: ToolLimits;
  /** Other names of its arguments: models that were taught elsewhere write them. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** What leaves this program when it is called, in words for a person: a command line, an address. Absent: nothing does. */
  readonly reaches?: string;
  /** @param given arguments that fit the schema. @throws ToolFailure where there is no result. */
  run(given: Record<string, unknown>, context: CallContext): Promise<string> | string;
  close?(): Promise<void>;
}

/** Why a call has no proper result; `limit`: it was one too many. */
export type CallFault = 'unreadable' | 'unknown' | 'arguments' | 'failed' | 'timeout' | 'denied' | 'aborted' | 'limit';

export interface ToolResult {
  /** What the model reads: no control characters, within the limit, never a mark. */
  content: string;
  /** Absent: the tool answered. */
  fault?: CallFault;
  /** Characters of the result that were cut. */
  cut?: number;
}

/** A call and what came of it. `call` is absent where it could not be read: `written` is what stood there. */
export interface RanCall {
  call?: ToolCall;
  written?: string;
  result: ToolResult;
}
