// What a message says besides its text reaches the model only where the chat template writes it. Each kind of field that a
// request uses is tried on a short conversation, with it and without; what makes no difference is refused, not dropped.
import type { ChatTemplate } from '../tokenizer/chat-template.js';
import type { Message } from '../tokenizer/message.js';
import { TemplateFault } from '../tokenizer/template-fault.js';
import { RefusedRequest } from './refusal.js';

const question: Message = { role: 'user', content: 'question' };
const answer: Message = { role: 'assistant', content: 'answer' };
/** Nine letters and digits: some templates take no other id. */
const id = 'call00001';
const call = { id, name: 'name', arguments: { argument: 'value' } };
const result: Message = { role: 'tool', content: 'result', toolCallId: id, name: 'name' };

interface Trial {
  /** What the template is to write. */
  what: string;
  next: string;
  with: readonly Message[];
  without: readonly Message[];
}

const systemTrial: Trial = {
  what: 'system message',
  next: 'Say it in the first message of the user instead',
  with: [{ role: 'system', content: 'system' }, question],
  without: [question],
};

/** @throws RefusedRequest where there is a system message and the template does not write it. */
export function checkSystem(template: ChatTemplate, messages: readonly Message[]): void {
  const at = messages.findIndex(({ role, content }) => role === 'system' && content !== '');
  if (at >= 0 && !template.isOurs) attemptTrial(template, systemTrial, 'messages');
}

/** @throws RefusedRequest where a message has thoughts, calls or a name, and the template does not write them. */
export function checkFields(template: ChatTemplate, messages: readonly Message[]): void {
  const tried = new Set<string>();
  for (const [i, message] of messages.entries()) {
    const { role, name, reasoning, toolCalls } = message;
    const attempt = (field: string, trial: Trial): void => {
      if (tried.has(trial.what)) return;
      tried.add(trial.what);
      attemptTrial(template, trial, `messages[${i}].${field}`);
    };
    if (reasoning !== undefined) attempt('reasoning_content', reasoningTrial);
    if (toolCalls !== undefined) attempt('tool_calls', callTrial);
    // A result has the name of the tool that was called.
    if (name !== undefined && role !== 'tool') attempt('name', nameTrial(role));
  }
}

const reasoningTrial: Trial = {
  what: 'thoughts of earlier answers',
  next: 'Omit reasoning_content',
  with: [question, { ...answer, reasoning: 'thought' }],
  without: [question, answer],
};

const callTrial: Trial = {
  what: 'calls of tools',
  next: 'Say in words what was called, and what came of it',
  with: [question, { ...answer, toolCalls: [call] }, result],
  without: [question, answer, result],
};

function nameTrial(role: Message['role']): Trial {
  const [before, message]: [Message[], Message] =
    role === 'assistant' ? [[question], answer] : [[], { ...question, role }];
  return {
    what: `name in a message of role ${role}`,
    next: 'Say it in the content instead',
    with: [...before, { ...message, name: 'name' }, ...(role === 'system' ? [question] : [])],
    without: [...before, message, ...(role === 'system' ? [question] : [])],
  };
}

function attemptTrial(template: ChatTemplate, { what, next, ...trial }: Trial, param: string): void {
  const without = written(template, trial.without);
  // A template that takes no such conversation at all says nothing of the field.
  if (without instanceof TemplateFault) return;
  const found = written(template, trial.with);
  if (found === without || found instanceof TemplateFault) {
    const why = `its chat template ${found instanceof TemplateFault ? found.reason : 'does not write that'}`;
    throw new RefusedRequest({ status: 400, what: `this model takes no ${what}`, why, next, param });
  }
}

function written(template: ChatTemplate, messages: readonly Message[]): string | TemplateFault {
  try {
    return template.render(messages, { addGenerationPrompt: true });
  } catch (error) {
    if (error instanceof TemplateFault) return error;
    throw error;
  }
}
