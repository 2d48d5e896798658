// Asks one question with tools: those that its row lists, or all that the person gives. Results of tools that nobody here can
// run are the row's own.
import { Random } from '../../base/random.js';
import type { Slots } from '../../base/slots.js';
import { greedy } from '../../config/sampling.js';
import type { LocalModel } from '../../inference/local-model.js';
import { answerWithTools } from '../../inference/tool-loop.js';
import { missingTemplate } from '../../tokenizer/chatml.js';
import type { Toolbox } from '../../tools/toolbox.js';
import { finalText, wantedCalls } from '../reference.js';
import { sessionOf, type TaskTools, taskTools, toolTurnsFault, withResults } from '../task-tools.js';
import type { GeneratedAnswer } from './ask.js';
import { chatTokens, isAskedAsChat, shownChat } from './chat-tokens.js';
import { finalAnswer } from './final-answer.js';
import { chatOf } from './prompt.js';
import type { Example, Question } from './question.js';

/** Why a question cannot be asked with tools; undefined: it can. */
export function toolFault(model: LocalModel, question: Question, toolbox: Toolbox): string | undefined {
  if (!isAskedAsChat(question, model) || model.tokenizer.chatTemplate === missingTemplate)
    return 'tools are called in chats, and this model only continues text';
  const { tools } = questionTools(question, toolbox);
  if (tools.length === 0) return 'no tool is given';
  return toolTurnsFault(model.template, tools);
}

export function questionTools({ row = { messages: [] } }: Pick<Question, 'row'>, toolbox: Toolbox): TaskTools {
  return taskTools(row, toolbox);
}

export interface ToolAskOptions {
  examples: readonly Example[];
  toolbox: Toolbox;
  slots: Slots;
  signal?: AbortSignal;
}

export async function generateWithTools(
  model: LocalModel,
  question: Question,
  { examples, toolbox, slots, signal }: ToolAskOptions,
): Promise<GeneratedAnswer> {
  const offered = questionTools(question, toolbox);
  const messages = chatOf(question, 'tools', examples);
  const tokens = chatTokens(model, messages, question, offered.tools);
  const { row } = question;
  const known = row === undefined ? undefined : wantedCalls(row);
  const wanted = known && (await slots.use(() => withResults(known, { ...offered, start: row?.start }, signal)));
  const about = {
    question,
    mode: 'tools' as const,
    isChat: true,
    prompt: shownChat(messages),
    ...(wanted && { wanted }),
  };
  const isTooLong = tokens.length >= model.contextLength;
  if (isTooLong) return { ...about, text: '', answer: '', ended: false, isTooLong, calls: [] };
  const {
    calls,
    messages: said,
    ended,
  } = await answerWithTools(model, {
    ...{ tokens, prompt: messages, sampling: greedy, maxNewTokens: question.maxNewTokens, signal },
    seed: Random.stream(0, question.id).uint32(),
    session: sessionOf(offered, row?.start, slots),
  });
  const text = finalText(said);
  return { ...about, text, answer: finalAnswer(text, 'tools', false), ended, isTooLong, calls };
}
