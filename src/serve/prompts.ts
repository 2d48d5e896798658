// What a model is to read and how its answer is read, for each thing that can be asked of it: a text to continue, or a
// conversation with tools or without. What does not fit is refused here, before anything is computed.
import type { LocalModel } from '../inference/local-model.js';
import type { Message, Tool } from '../tokenizer/message.js';
import { ownTemplate } from '../tokenizer/own-templates.js';
import { TemplateFault } from '../tokenizer/template-fault.js';
import { ToolTurns } from '../tokenizer/tool-turns.js';
import { type AnswerReader, MarkedReader, PlainReader, ShownReader } from './answer-readers.js';
import type { ChoicePlan } from './choice.js';
import { asAsked, RefusedRequest } from './refusal.js';

export type Prompt = Pick<ChoicePlan, 'tokens' | 'stopIds' | 'reader' | 'force'>;

export function textPrompt(model: LocalModel, text: string): Prompt {
  checkLength(model, text.length, 'prompt');
  // As every document began that the model has learnt from.
  const tokens = [model.tokenizer.documentStart, ...model.tokenizer.encode(text)];
  return { tokens, stopIds: model.stopIds, reader: () => new PlainReader(model.tokenizer) };
}

/** @param tools what it is told that it may call; empty: nothing. */
export function chatPrompt(
  model: LocalModel,
  messages: readonly Message[],
  tools: readonly Tool[],
): Prompt & { turns?: ToolTurns } {
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  checkLength(model, characters, 'messages');
  const { tokenizer, template } = asAsked(() => ({ tokenizer: model.tokenizer, template: model.template }));
  const turns = tools.length === 0 ? undefined : asAsked(() => new ToolTurns(template, tools), 'tools');
  checkSystem(model, messages);
  const options = { addGenerationPrompt: true, ...(turns !== undefined && { tools }) };
  const { tokens } = asAsked(() => template.encode(messages, options), 'messages');
  if (tokens.length === 0) {
    throw new RefusedRequest({ status: 400, what: 'the chat template writes nothing of this', param: 'messages' });
  }
  const hasResults = messages.at(-1)?.role === 'tool';
  if (turns === undefined) {
    return { tokens, stopIds: model.stopIds, reader: () => readerOf(model, hasResults) };
  }
  const { form, endId } = turns;
  const read = (ids: readonly number[]) => {
    const { message, calls } = turns.read(ids);
    const toolCalls = calls.filter((call) => typeof call !== 'string');
    return { content: message.content, reasoning: message.reasoning, toolCalls };
  };
  const { withoutCalls } = turns;
  const reader = (): AnswerReader =>
    form.showsThoughts ? new MarkedReader(tokenizer, true) : new ShownReader(tokenizer, { form, read, hasResults });
  return {
    ...{ tokens, reader, turns, stopIds: [...new Set([...model.stopIds, endId])] },
    ...(withoutCalls !== undefined && {
      force: (ids: readonly number[]) =>
        ids.at(-1) === endId && turns.read(ids).calls.length === 0 ? withoutCalls : [],
    }),
  };
}

/** Without tools. Of a template from outside, all that it writes is the answer. */
function readerOf({ tokenizer, template }: LocalModel, hasResults: boolean): AnswerReader {
  if (!template.isOurs) return new PlainReader(tokenizer);
  const { calls } = template;
  if (calls === undefined || calls.showsThoughts) return new MarkedReader(tokenizer, false);
  const own = ownTemplate(tokenizer.chatTemplate);
  const read = (ids: readonly number[]) => own?.read(tokenizer, ids) ?? { content: '' };
  return new ShownReader(tokenizer, { form: calls, read, hasResults });
}

/** A system message that the template does not write would be dropped silently. */
function checkSystem(model: LocalModel, messages: readonly Message[]): void {
  const system = messages.find(({ role, content }) => role === 'system' && content !== '');
  if (system === undefined || model.template.isOurs) return;
  const question: Message[] = [{ role: 'user', content: 'question' }];
  const write = (asked: Message[]): string => model.template.render(asked, { addGenerationPrompt: true });
  const next = 'Say it in the first message of the user instead';
  const refused = (why: string): RefusedRequest =>
    new RefusedRequest({ status: 400, what: 'this model takes no system message', why, next, param: 'messages' });
  try {
    if (write([{ role: 'system', content: 'system' }, ...question]) !== write(question)) return;
  } catch (error) {
    if (error instanceof TemplateFault) throw refused(`its chat template ${error.reason}`);
    throw error;
  }
  throw refused('its chat template does not write one');
}

/** Bytes of the longest token, so that a text that can never fit is not tokenised first. */
const maxTokenBytes = new WeakMap<LocalModel, number>();

function checkLength(model: LocalModel, characters: number, param: string): void {
  let longest = maxTokenBytes.get(model);
  if (longest === undefined) {
    longest = 1;
    const { tokenizer } = model;
    for (let id = 0; id < tokenizer.vocabSize; id++) {
      if (tokenizer.hasToken(id)) longest = Math.max(longest, tokenizer.tokenBytes(id).length);
    }
    maxTokenBytes.set(model, longest);
  }
  // A normalizer may shorten a text first, but not to a quarter.
  if (characters > 4 * longest * model.contextLength) {
    throw tooLong(model, `more than ${model.contextLength}`, undefined, param);
  }
}

/**
 * How many tokens an answer may have: as many as are asked for, else to the end of the context, at most `defaultTokens`.
 * @throws RefusedRequest where prompt and answer do not fit: nothing is cut.
 */
export function roomFor(
  model: LocalModel,
  { tokens, asked, defaultTokens, param }: { tokens: number; asked?: number; defaultTokens: number; param: string },
): number {
  const room = model.contextLength - tokens;
  if (room <= 0 || (asked !== undefined && asked > room)) throw tooLong(model, String(tokens), asked, param);
  return asked ?? Math.min(room, defaultTokens);
}

function tooLong(
  { contextLength }: LocalModel,
  tokens: string,
  asked: number | undefined,
  param: string,
): RefusedRequest {
  const more = asked === undefined ? '' : ` and ${asked} were asked for as the answer`;
  return new RefusedRequest({
    status: 400,
    what: `this model's context holds ${contextLength} tokens, the prompt has ${tokens}${more}`,
    next: asked === undefined ? 'Shorten it' : 'Shorten it, or ask for fewer',
    param,
    code: 'context_length_exceeded',
  });
}
