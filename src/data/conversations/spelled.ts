// A conversation as files spell it: messages with the field's names for what they have (`tool_calls`), as other tools read them.
import { fieldMessage } from '../../tokenizer/message.js';
import type { Conversation } from '../types.js';

export function spelled({ messages, ...row }: Conversation): object {
  return {
    ...row,
    messages: messages.map((message) => ({
      ...fieldMessage(message),
      ...(message.weight !== undefined && { weight: message.weight }),
    })),
  };
}
