// A question as the turns of a chat, in the tokens of a model's template.
import { UserError } from '../../base/errors.js';
import type { LocalModel } from '../../inference/local-model.js';
import { missingTemplate } from '../../tokenizer/chatml.js';
import type { Message, Tool, ToolCall } from '../../tokenizer/message.js';
import { TemplateFault } from '../../tokenizer/template-fault.js';
import type { Question } from './question.js';

/** Whether a question is asked as a chat: as its row says, or as the model has learnt. */
export function isAskedAsChat({ ask }: Pick<Question, 'ask'>, model: Pick<LocalModel, 'isBase'>): boolean {
  return ask === undefined ? !model.isBase : ask === 'chat';
}

/** A template that has no system turns gets that text before the first question. */
export function chatTokens(
  { template, tokenizer }: LocalModel,
  messages: readonly Message[],
  { where }: Pick<Question, 'where'>,
  tools?: readonly Tool[],
): number[] {
  if (tokenizer.chatTemplate === missingTemplate) {
    throw new UserError({
      where,
      what: 'this row is asked as a chat, and the model has no chat template',
      next: 'Omit "ask": "chat", or measure a model that has learnt turns',
    });
  }
  const options = { addGenerationPrompt: true, tools };
  try {
    return template.encode(messages, options).tokens;
  } catch (error) {
    const [system, first, ...rest] = messages;
    if (!(error instanceof TemplateFault) || system?.role !== 'system' || first === undefined) throw error;
    const joined = { ...first, content: `${system.content}\n\n${first.content}` };
    return template.encode([joined, ...rest], options).tokens;
  }
}

export function shownChat(messages: readonly Message[]): string {
  return messages
    .map(({ role, content, toolCalls = [] }) => {
      return `${role}: ${[content, ...toolCalls.map(callText)].filter((text) => text !== '').join('\n')}`;
    })
    .join('\n');
}

export function callText({ name, arguments: given }: ToolCall): string {
  return `${name}(${JSON.stringify(given)})`;
}
