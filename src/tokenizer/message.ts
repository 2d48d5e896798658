// The one message type: what data files hold, chat templates render, models and endpoints answer with. The shape is
// ours (camel case, arguments as an object); templates and endpoints are given the field's (`tool_calls`).
import { z } from 'zod';

/** Longer texts are refused: such a message is a broken file, not a conversation. */
const maxContent = 4 << 20;
export const maxMessages = 4096;
const maxToolCalls = 128;

export const messageText = z.string().max(maxContent);
const shortText = z.string().max(1000);

export const toolCallSchema = z.object({
  id: shortText.optional(),
  name: shortText,
  arguments: z.record(z.string(), z.unknown()),
});

export const messageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: messageText,
  /** What an assistant asks to be called. */
  toolCalls: z.array(toolCallSchema).max(maxToolCalls).optional(),
  /** Of a tool's message: the call it answers, and the tool's name. */
  toolCallId: shortText.optional(),
  name: shortText.optional(),
});

export type ToolCall = z.output<typeof toolCallSchema>;
export type Message = z.output<typeof messageSchema>;
export type Role = Message['role'];

/** A tool that an assistant may call. */
export interface Tool {
  name: string;
  description: string;
  /** A JSON schema of the arguments, an object. */
  parameters: Record<string, unknown>;
}
