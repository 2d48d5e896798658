// The tools of a conversation: finds the one that is called, holds its arguments to the schema, runs it within its limits,
// and makes of whatever happens a result for the model.
import { nearest } from '../base/errors.js';
import type { SessionStart } from '../data/types.js';
import type { Tool, ToolCall } from '../tokenizer/message.js';
import { type CallFault, type Executor, ToolFailure, type ToolResult } from './tool.js';

export interface ToolboxOptions {
  /** Asked before each call runs; false: the person says no. Default: nobody is asked. */
  confirm?(executor: Executor, call: ToolCall): Promise<boolean>;
  /** Hears in words what a person should know and no model: a file that cannot be read, a tool that does not end. */
  note?(text: string): void;
}

/** The tools of one conversation, with what they keep from call to call. */
export interface ToolSession {
  readonly tools: readonly Tool[];
  call(call: ToolCall, signal?: AbortSignal): Promise<ToolResult>;
  /** The result of a call that is none: `written` is what stood between the marks. */
  unreadable(written: string): ToolResult;
  /** What a tool keeps; undefined where it has not been called. */
  stateOf(name: string): ReadonlyMap<string, unknown> | undefined;
}

export class Toolbox {
  readonly #executors: ReadonlyMap<string, Executor>;
  readonly #options: ToolboxOptions;

  constructor(executors: readonly Executor[], options: ToolboxOptions = {}) {
    this.#executors = new Map(executors.map((executor) => [executor.tool.name, executor]));
    this.#options = options;
  }

  get tools(): Tool[] {
    return [...this.#executors.values()].map(({ tool }) => tool);
  }

  get executors(): Executor[] {
    return [...this.#executors.values()];
  }

  session(start: SessionStart = {}): ToolSession {
    const states = new Map<string, Map<string, unknown>>();
    return {
      tools: this.tools,
      call: (call, signal) => this.#call(call, { start, states, signal }),
      unreadable: () => fault('unreadable', 'This call is not JSON with a name and arguments.'),
      stateOf: (name) => states.get(name),
    };
  }

  async close(): Promise<void> {
    for (const executor of this.#executors.values()) await executor.close?.();
  }

  async #call(
    { name, arguments: given }: ToolCall,
    { start, states, signal }: { start: SessionStart; states: Map<string, Map<string, unknown>>; signal?: AbortSignal },
  ): Promise<ToolResult> {
    const executor = this.#executors.get(name);
    if (executor === undefined) {
      const near = nearest(name, [...this.#executors.keys()]);
      return fault('unknown', `There is no tool ${name}.${near === undefined ? '' : ` Did you mean ${near}?`}`);
    }
    const state = states.get(name) ?? new Map<string, unknown>();
    states.set(name, state);
    const { confirm } = this.#options;
    const call = { name, arguments: given };
    if (confirm !== undefined && !(await confirm(executor, call)))
      return fault('denied', 'The person did not allow this call.');
    const limit = AbortSignal.timeout(executor.limits.seconds * 1000);
    const both = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    try {
      return { content: await executor.run(given, { signal: both, start, state }) };
    } catch (error) {
      if (error instanceof ToolFailure) return fault('failed', error.message);
      throw error;
    }
  }
}

function fault(kind: CallFault, content: string): ToolResult {
  return { content, fault: kind };
}
