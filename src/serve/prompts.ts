// What a model is to read and how its answer is read, for each thing that can be asked of it: a text to continue, or a
// conversation with tools or without. What does not fit is refused here, before anything is computed.
import { isRecord } from '../base/objects.js';
import type { LocalModel } from '../inference/local-model.js';
import type { Message, Tool } from '../tokenizer/message.js';
import { ownTemplate } from '../tokenizer/own-templates.js';
import { ToolTurns } from '../tokenizer/tool-turns.js';
import { type AnswerReader, MarkedReader, PlainReader, ShownReader } from './answer-readers.js';
import type { ChoicePlan } from './choice.js';
import { asAsked, RefusedRequest } from './refusal.js';
import { checkSystem } from './written-fields.js';

export type Prompt = Pick<ChoicePlan, 'tokens' | 'stopIds' | 'reader' | 'force'>;

export function textPrompt(model: LocalModel, text: string): Prompt {
  checkLength(model, [text], 'prompt');
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
  const said = messages.flatMap(({ content, reasoning = '', toolCalls }) => [
    content,
    reasoning,
    ...textsIn(toolCalls),
  ]);
  checkLength(model, said, 'messages');
  checkLength(model, [...textsIn(tools)], 'tools');
  const { tokenizer, template } = asAsked(() => ({ tokenizer: model.tokenizer, template: model.template }));
  const turns = tools.length === 0 ? undefined : asAsked(() => new ToolTurns(template, tools), 'tools');
  checkSystem(template, messages);
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

/** In characters, of what is counted at a time. */
const countedAtOnce = 4096;

/** So that a text that can never fit is not rendered and tokenised first: that stops everybody else for seconds. */
function checkLength(model: LocalModel, texts: readonly string[], param: string): void {
  const { tokenizer, contextLength } = model;
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  if (characters <= 8 * contextLength) return;
  let tokens = 0;
  for (const text of texts) {
    for (let at = 0; at < text.length; at += countedAtOnce) {
      tokens += tokenizer.encode(text.slice(at, at + countedAtOnce)).length;
      // Cuts may add a few tokens, but do not double them.
      if (tokens > 2 * contextLength) throw tooLong(model, `more than ${contextLength}`, undefined, param);
    }
  }
}

/** Every text in a value of JSON, and every name. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const each of value) yield* textsIn(each);
  else if (isRecord(value)) {
    for (const [name, each] of Object.entries(value)) {
      yield name;
      yield* textsIn(each);
    }
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
