// The tools that a row offers, ready to run: those of the person's toolbox, and in place of the others the results that the row
// has of them. So rows of others can be asked whose tools nobody here can run: a call that the row itself makes gets the
// result that the row has; any other gets none, and says so.
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../base/errors.js';
import { countOf } from '../base/format.js';
import { isRecord } from '../base/objects.js';
import { Slots } from '../base/slots.js';
import type { Conversation, SessionStart } from '../data/types.js';
import type { ChatTemplate } from '../tokenizer/chat-template.js';
import type { Message, Tool } from '../tokenizer/message.js';
import { ToolTurns } from '../tokenizer/tool-turns.js';
import { defaultLimits, type Executor, ToolFailure } from '../tools/tool.js';
import type { Toolbox, ToolSession } from '../tools/toolbox.js';
import { callsWithResults, type ReferenceCall } from './reference.js';

export interface TaskTools {
  /** What the model is told. */
  tools: readonly Tool[];
  toolbox: Toolbox;
  /** Names of tools whose results are the row's own. */
  replayed: readonly string[];
}

/** Of a row that lists tools, these; of any other, all of the toolbox. `toolbox` stays the caller's to close. */
export function taskTools({ tools, messages }: Pick<Conversation, 'tools' | 'messages'>, toolbox: Toolbox): TaskTools {
  if (tools === undefined) return { tools: toolbox.tools, toolbox, replayed: [] };
  const replayed: string[] = [];
  const executors = tools.map((tool): Executor => {
    const own = toolbox.executors.find(
      (executor) => executor.tool.name === tool.name && takesTheSame(executor.tool, tool),
    );
    if (own !== undefined) return own;
    replayed.push(tool.name);
    return replay(tool, messages);
  });
  return { tools, toolbox: toolbox.with(executors), replayed };
}

/** Calls of tools that run at a time: a tool may be a process, or somebody's server. */
export const callsAtATime = 8;

/** For one answer. */
export function sessionOf({ toolbox, tools }: TaskTools, start: SessionStart | undefined, slots: Slots): ToolSession {
  const session = toolbox.session(start);
  return {
    ...session,
    tools,
    // A signal of its own: hundreds of answers share one, and Node warns of the listeners that calls add to it.
    call: (call, signal) => slots.use(() => session.call(call, signal && AbortSignal.any([signal]))),
  };
}

/** Built-in tools that need nothing but their arguments: they run without being named. */
export const selfContained: readonly string[] = ['Calculate', 'Solve', 'Now', 'World'];

/** Which tools are replayed and what that means, in words; undefined: none is. */
export function replayedTools(offered: readonly TaskTools[]): string | undefined {
  const names = [...new Set(offered.flatMap(({ replayed }) => replayed))].sort();
  if (names.length === 0) return undefined;
  const shown = `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
  return `${countOf(names.length, 'tool')} that rows list ${names.length === 1 ? 'does' : 'do'} not run here (${shown}): a call that its row makes gets the result that the row has, any other none`;
}

/** Whether a call that is written for the one is one for the other: all that either requires, the other knows. */
function takesTheSame(own: Tool, offered: Tool): boolean {
  const [a, b] = [own, offered].map(({ parameters }) => ({
    known: isRecord(parameters?.properties) ? Object.keys(parameters.properties) : [],
    required: Array.isArray(parameters?.required) ? (parameters.required as unknown[]) : [],
  }));
  // Rows may list names alone.
  if (offered.parameters === undefined) return true;
  return (
    a.required.every((name) => b.known.includes(name as string)) && b.known.every((name) => a.known.includes(name))
  );
}

function replay(tool: Tool, messages: readonly Message[]): Executor {
  const known = callsWithResults(messages).filter(({ call }) => call.name === tool.name);
  return {
    // Whatever the arguments are: the row's maker, not we, says what the tool takes.
    tool: { name: tool.name, ...(tool.description !== undefined && { description: tool.description }) },
    limits: { ...defaultLimits, characters: Number.MAX_SAFE_INTEGER },
    run(given) {
      const found = known.find(({ call, result }) => result !== undefined && isDeepStrictEqual(call.arguments, given));
      if (found?.result === undefined) throw new ToolFailure('There is no result for these arguments.');
      return found.result;
    },
  };
}

/** Why nothing can be called in a template; undefined: it can. */
export function toolTurnsFault(template: ChatTemplate, tools: readonly Tool[]): string | undefined {
  try {
    new ToolTurns(template, tools);
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.faults.map(({ what, why }) => [what, why].filter(Boolean).join(': ')).join('; ');
  }
}

/** Tools whose result alone says what was asked of them: `2*3` is as good a call as `3*2`. */
const judgedByResult: ReadonlySet<string> = new Set(['Calculate', 'Solve', 'Query']);

/** The calls with the results that the toolbox gives today, where equal results make calls equal; the others without. */
export async function withResults(
  wanted: readonly ReferenceCall[],
  { start, ...offered }: TaskTools & { start?: SessionStart },
  signal?: AbortSignal,
): Promise<ReferenceCall[]> {
  const session = sessionOf(offered, start, new Slots(1));
  return Promise.all(
    wanted.map(async ({ call }) => {
      if (!judgedByResult.has(call.name) || offered.replayed.includes(call.name)) return { call };
      const { content, fault } = await session.call(call, signal);
      return fault === undefined ? { call, result: content } : { call };
    }),
  );
}
