// Rows of the small world for a run that begins with nothing: texts of what happens there, conversations to learn from, and
// questions of which only the goal is known.
import type { Random } from '../../src/base/random.js';
import type { Conversation } from '../../src/data/types.js';
import type { Message, Tool } from '../../src/tokenizer/message.js';
import type { Toolbox } from '../../src/tools/toolbox.js';
import { drawWorldTask, type WorldTask } from '../../src/tools/world/task.js';
import type { WorldKind } from '../../src/tools/world/wordings.js';

export interface RowOptions {
  random: Random;
  toolbox: Toolbox;
  kinds: readonly WorldKind[];
  count: number;
}

/** Whole conversations: the request, calls with the results that the tool gives, the answer. */
export async function conversations({ toolbox, ...options }: RowOptions): Promise<Conversation[]> {
  const rows: Conversation[] = [];
  for (const [i, task] of drawTasks(options).entries()) {
    const session = toolbox.session({ scene: task.scene });
    const messages: Message[] = [];
    for (const action of task.actions) {
      const call = { name: 'World', arguments: { ...action } };
      const { content } = await session.call(call);
      messages.push({ role: 'assistant', content: '', toolCalls: [call] }, { role: 'tool', content });
    }
    messages.push({ role: 'assistant', content: task.answer });
    rows.push(rowOf(task, { id: `learn-${i}`, messages, tools: session.tools }));
  }
  return rows;
}

/** Requests alone, each with its goal. */
export function questions({ toolbox, ...options }: RowOptions): Conversation[] {
  return drawTasks(options).map((task, i) => rowOf(task, { id: `ask-${i}`, messages: [], tools: toolbox.tools }));
}

function drawTasks({ random, kinds, count }: Omit<RowOptions, 'toolbox'>): WorldTask[] {
  return Array.from({ length: count }, (_, i) =>
    drawWorldTask(random, { kind: kinds[i % kinds.length], language: i % 2 === 0 ? 'en' : 'zh', maxActions: 5 }),
  );
}

function rowOf(
  { request, kind, language, scene, goal }: WorldTask,
  { id, messages, tools }: { id: string; messages: readonly Message[]; tools: readonly Tool[] },
): Conversation {
  return {
    ...{ id, messages: [{ role: 'user', content: request }, ...messages], tools: [...tools], kind, language },
    ...{ start: { scene }, check: { type: 'world', goal } },
  };
}

/** What happens, as plain text. */
export function textOf({ messages }: Conversation): string {
  return messages
    .map(({ content, toolCalls }) =>
      toolCalls === undefined ? content : toolCalls.map((call) => JSON.stringify(call)).join('\n'),
    )
    .join('\n');
}
