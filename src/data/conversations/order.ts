// Who may speak after whom: what a chat template can write and a model can be asked.
import type { Message } from '../../tokenizer/message.js';
import { RowRefusal } from './notes.js';

/** What is wrong with the order or the content of the messages, if anything, and where. */
export function orderFault(messages: readonly Message[]): RowRefusal | undefined {
  let before: Message['role'] | 'nothing' = 'nothing';
  for (const [i, { role, content, toolCalls }] of messages.entries()) {
    const mayBeEmpty = role === 'system' || role === 'tool' || toolCalls !== undefined;
    if (content.trim() === '' && !mayBeEmpty) return new RowRefusal(`the ${role} message is empty`, `message ${i + 1}`);
    if (!mayFollow[before].includes(role)) {
      const expected = mayFollow[before].join(' or ');
      return new RowRefusal(`a message of the ${role} where ${expected} was expected`, `message ${i + 1}`);
    }
    before = role;
  }
  return before === 'nothing' || before === 'system' ? new RowRefusal('there is no user message') : undefined;
}

const mayFollow: Record<Message['role'] | 'nothing', readonly Message['role'][]> = {
  nothing: ['system', 'user'],
  system: ['user'],
  user: ['assistant'],
  assistant: ['user', 'tool'],
  tool: ['assistant', 'tool'],
};
