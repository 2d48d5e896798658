// The tools of a conversation: finds the one that is called, holds its arguments to the schema, runs it within its limits,
// and makes of whatever happens a result for the model.
import { nearest } from '../base/errors.js';
import { isRecord, jsonIn } from '../base/objects.js';
import type { SessionStart } from '../data/types.js';
import type { Tool, ToolCall } from '../tokenizer/message.js';
import { answerMarks } from '../tokenizer/special-tokens.js';
import { argumentFault } from './arguments.js';
import { fault, runLimited } from './limited.js';
import type { Executor, ToolResult } from './tool.js';

export interface ToolboxOptions {
  /** Asked before each call runs; false, or no answer: the person says no. Default: nobody is asked. */
  confirm?(executor: Executor, call: ToolCall): Promise<boolean>;
  /** Hears in words what a person should know and no model: a file that cannot be read, a tool that does not end. */
  note?(text: string): void;
}

/** The tools of one conversation, with what they keep from call to call. */
export interface ToolSession {
  readonly tools: readonly Tool[];
  /** Never throws: whatever happens is a result. */
  call(call: ToolCall, signal?: AbortSignal): Promise<ToolResult>;
  /** The result of a call that is none: `written` is what stood between the marks, with or without them. */
  unreadable(written: string): ToolResult;
  /** What a tool keeps; undefined where it has not been called. */
  stateOf(name: string): ReadonlyMap<string, unknown> | undefined;
}

interface Surroundings {
  start: SessionStart;
  states: Map<string, Map<string, unknown>>;
  signal?: AbortSignal;
}

/** Names that a model makes up are shown as far as that. */
const maxName = 64;

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

  /** Other tools, with the same person to ask and to note to. */
  with(executors: readonly Executor[]): Toolbox {
    return new Toolbox(executors, this.#options);
  }

  session(start: SessionStart = {}): ToolSession {
    const states = new Map<string, Map<string, unknown>>();
    return {
      tools: this.tools,
      call: (call, signal) => this.#call(call, { start, states, signal }),
      unreadable: (written) => fault('unreadable', unreadableWords(written)),
      stateOf: (name) => states.get(name),
    };
  }

  async close(): Promise<void> {
    for (const executor of this.#executors.values()) await executor.close?.();
  }

  async #call({ name, arguments: written }: ToolCall, { start, states, signal }: Surroundings): Promise<ToolResult> {
    const executor = this.#executors.get(name);
    if (executor === undefined) return fault('unknown', this.#unknownWords(name));
    const given = renamed(executor, written);
    const misfit = argumentFault(executor.tool.parameters, given, name);
    if (misfit !== undefined) return fault('arguments', misfit);
    const { confirm, note = () => undefined } = this.#options;
    if (confirm !== undefined && !(await confirm(executor, { name, arguments: given }).catch(() => false))) {
      return fault('denied', 'The person did not allow this call.');
    }
    const state = states.get(name) ?? new Map<string, unknown>();
    states.set(name, state);
    return runLimited(executor, given, { start, state, signal, note });
  }

  #unknownWords(name: string): string {
    const names = [...this.#executors.keys()];
    const written = name.slice(0, maxName);
    const near = nearest(written, names);
    if (near !== undefined) return `There is no tool ${written}. Did you mean ${near}?`;
    return names.length === 0
      ? 'There are no tools.'
      : `There is no tool ${written}. The tools are ${names.join(', ')}.`;
  }
}

/** Arguments under the names of the schema. */
function renamed({ aliases = {} }: Executor, given: Record<string, unknown>): Record<string, unknown> {
  const nameOf = (name: string): string =>
    Object.hasOwn(aliases, name) && !Object.hasOwn(given, aliases[name]) ? aliases[name] : name;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [nameOf(name), value]));
}

function unreadableWords(written: string): string {
  const { callStart, callEnd } = answerMarks;
  const isClosed = !written.includes(callStart) || written.includes(callEnd);
  const call = jsonIn(written.replace(callStart, '').replace(callEnd, ''));
  const why = !isClosed
    ? 'it does not end'
    : call === undefined
      ? 'it is not JSON'
      : !isRecord(call) || typeof call.name !== 'string'
        ? 'it has no name'
        : 'its arguments are no object';
  return `This call cannot be read: ${why}. A call is {"name": …, "arguments": {…}}.`;
}
