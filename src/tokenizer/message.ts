// The one message type: what data files hold, chat templates render, models and endpoints answer with. The shape is
// ours (camel case, arguments as an object); templates, endpoints and files are given the field's (`tool_calls`).
import { z } from 'zod';

/** Longer texts are refused: such a message is a broken file, not a conversation. */
export const maxContent = 4 << 20;
export const maxMessages = 4096;
export const maxToolCalls = 128;
/** Of lists and objects in each other: arguments that are deeper fill the stack of whoever writes them as JSON. */
export const maxArgumentDepth = 64;

export const messageText = z.string().max(maxContent);
const shortText = z.string().max(1000);

export const toolCallSchema = z.object({
  id: shortText.optional(),
  name: shortText,
  arguments: z.record(z.string(), z.unknown()),
});
export type ToolCall = z.output<typeof toolCallSchema>;

export type Role = 'system' | 'user' | 'assistant' | 'tool';

export interface Message {
  role: Role;
  content: string;
  /** What an assistant thought before it answered. */
  reasoning?: string;
  /** What an assistant asks to be called. */
  toolCalls?: ToolCall[];
  /** The calls as the file wrote them, where that was text: what a template without calls is given as the content. */
  callText?: string;
  /** Of a tool's message: the call it answers, and the tool's name. */
  toolCallId?: string;
  name?: string;
  /** How much each token of this message weighs in the loss; 0: none is learnt. Absent: what `sft.loss` says. */
  weight?: number;
}

/** A tool that an assistant may call. What else its maker wrote (`strict`, `returns`) reaches the template as well. */
export interface Tool {
  name: string;
  description?: string;
  /** A JSON schema of the arguments, an object. */
  parameters?: Record<string, unknown>;
  [field: string]: unknown;
}

/** The message as templates and files spell it. What it lacks, it has no key for: templates ask `'tool_calls' in message`. */
export function fieldMessage({ role, content, reasoning, toolCalls, toolCallId, name }: Message): object {
  const calls = toolCalls?.map((call) => ({
    type: 'function',
    ...(call.id !== undefined && { id: call.id }),
    function: { name: call.name, arguments: call.arguments },
  }));
  return {
    ...{ role, content },
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls !== undefined && { tool_calls: calls }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
    ...(name !== undefined && { name }),
  };
}
