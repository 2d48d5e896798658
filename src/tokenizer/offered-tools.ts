// tools.json of a checkpoint: what its training rows offered to be called, in the form that transformers and servers take.
// Names, descriptions and schemas alone: how a tool runs is the business of the person who runs it.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { isDeeperThan } from '../base/objects.js';
import { jsonAs } from '../base/schema.js';
import type { Tool } from './message.js';

/** Tools of one checkpoint, and bytes of them all: such a list goes into a prompt. */
export const maxOfferedTools = 128;
const maxBytes = 1 << 20;
const maxDepth = 32;

const toolSchema = z.object({
  name: z.string().min(1).max(1000),
  description: z.string().max(10_000).optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
});
const fileSchema = z.array(z.object({ type: z.literal('function'), function: toolSchema })).max(maxOfferedTools);

/** The tools of rows, as they are read: of each name the first, within bounds. */
export class OfferedTools {
  readonly #tools = new Map<string, Tool>();
  readonly #left = new Set<string>();
  #bytes = 0;

  add(tools: readonly Tool[]): void {
    for (const { name, description, parameters } of tools) {
      if (this.#tools.has(name) || this.#left.has(name)) continue;
      const tool: Tool = { name, ...(description !== undefined && { description }), ...(parameters && { parameters }) };
      const isSound = toolSchema.safeParse(tool).success && !isDeeperThan(tool, maxDepth);
      const bytes = isSound ? Buffer.byteLength(JSON.stringify(tool)) : 0;
      if (!isSound || this.#tools.size === maxOfferedTools || this.#bytes + 2 * bytes > maxBytes) this.#left.add(name);
      else {
        this.#tools.set(name, tool);
        this.#bytes += 2 * bytes; // indented it takes more
      }
      if (this.#left.size > 10 * maxOfferedTools) return;
    }
  }

  get all(): Tool[] {
    return [...this.#tools.values()];
  }

  /** How many tools are not among `all`. */
  get leftOut(): number {
    return this.#left.size;
  }
}

export function offeredToolsText(tools: readonly Tool[]): string {
  return `${JSON.stringify(
    tools.map((tool) => ({ type: 'function', function: tool })),
    undefined,
    2,
  )}\n`;
}

/** @throws UserError where the file is not one of these; `where` names it. */
export function parseOfferedTools(text: string, where: string): Tool[] {
  const broken = (why: string): UserError =>
    new UserError({
      ...{ what: 'this is no list of tools', where, why },
      next: 'Write [{"type": "function", "function": {"name": …, "description": …, "parameters": {…}}}, …], or delete it',
    });
  if (text.length > 4 * maxBytes) throw broken(`it has more than ${(4 * maxBytes) >> 20} MiB`);
  const tools = jsonAs(fileSchema, text, broken).map((tool) => tool.function);
  const deep = tools.find((tool) => isDeeperThan(tool, maxDepth));
  if (deep !== undefined) throw broken(`the schema of ${deep.name.slice(0, 100)} is nested deeper than ${maxDepth}`);
  return tools;
}
