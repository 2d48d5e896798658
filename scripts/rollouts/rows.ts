// Rows of the small world for a run that begins with nothing: texts of what happens there, conversations to learn from, and
// questions of which only the goal is known.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonl } from '../../src/base/jsonl.js';
import { Random } from '../../src/base/random.js';
import type { Conversation } from '../../src/data/types.js';
import { fieldMessage, type Message } from '../../src/tokenizer/message.js';
import { openTools } from '../../src/tools/open.js';
import type { Toolbox } from '../../src/tools/toolbox.js';
import { drawWorldTask, type WorldTask } from '../../src/tools/world/task.js';
import { boxNames, type Name, roomNames, thingNames } from '../../src/tools/world/vocabulary.js';

interface RowOptions {
  random: Random;
  toolbox: Toolbox;
  count: number;
}

/** `text.jsonl`, `learn.jsonl` and `ask.jsonl`. */
export async function writeRows(folder: string): Promise<void> {
  const toolbox = await openTools(['World']);
  const options = (name: string, count: number): RowOptions => ({ random: Random.stream(5, name), toolbox, count });
  const write = (name: string, rows: readonly object[]): void => writeFileSync(join(folder, name), toJsonl(rows));
  const texts = await conversations(options('text', 4000));
  write(
    'text.jsonl',
    texts.map((row) => ({ text: textOf(row) })),
  );
  write('learn.jsonl', (await conversations(options('learn', 400))).map(fields));
  write('ask.jsonl', questions(options('ask', 800)).map(fields));
}

/** Whole conversations: the request, calls with the results that the tool gives, the answer. */
async function conversations({ toolbox, ...options }: RowOptions): Promise<Conversation[]> {
  const rows: Conversation[] = [];
  for (const task of drawTasks(options)) {
    const session = toolbox.session({ scene: task.scene });
    const messages: Message[] = [];
    for (const action of task.actions) {
      const call = { name: 'World', arguments: { ...action } };
      const { content } = await session.call(call);
      messages.push({ role: 'assistant', content: '', toolCalls: [call] }, { role: 'tool', content });
    }
    rows.push(rowOf(task, toolbox, [...messages, { role: 'assistant', content: task.answer }]));
  }
  return rows;
}

/** Requests alone, each with its goal. */
function questions({ toolbox, ...options }: RowOptions): Conversation[] {
  return drawTasks(options).map((task) => rowOf(task, toolbox, []));
}

const kinds = ['open', 'fetch', 'close', 'go'] as const;
const isFew = (name: Name): boolean =>
  [roomNames, boxNames, thingNames].some((names) => names.slice(0, 6).includes(name));

function drawTasks({ random, count }: Omit<RowOptions, 'toolbox'>): WorldTask[] {
  const house = { language: 'en', rooms: 2, boxes: 1, things: 2, maxActions: 4 } as const;
  const draw = (kind: WorldTask['kind']): WorldTask =>
    drawWorldTask(random, { kind, wording: random.integer(0, 4), ...house }, isFew);
  return Array.from({ length: count }, (_, i) => draw(kinds[i % 4]));
}

function rowOf({ request, kind, language, scene, goal }: WorldTask, toolbox: Toolbox, more: Message[]): Conversation {
  return {
    ...{ id: scene, messages: [{ role: 'user', content: request }, ...more], tools: toolbox.tools, kind, language },
    ...{ start: { scene }, check: { type: 'world', goal } },
  };
}

/** As a file spells it. */
function fields({ id: _, messages, tools = [], ...row }: Conversation): object {
  return {
    ...row,
    messages: messages.map(fieldMessage),
    tools: tools.map((tool) => ({ type: 'function', function: tool })),
  };
}

/** What happens, as plain text. */
function textOf({ messages }: Conversation): string {
  return messages
    .map(({ content, toolCalls }) => toolCalls?.map((call) => JSON.stringify(call)).join('\n') ?? content)
    .join('\n');
}
