// The tools that a checkpoint learnt to call, where nobody names any: opened as far as its template can write calls and their list
// leaves room for a conversation.
import { UserError } from '../base/errors.js';
import type { Message, Tool } from '../tokenizer/message.js';
import { offeredIn } from '../tokenizer/serving-files.js';
import { ToolTurns } from '../tokenizer/tool-turns.js';
import type { ToolListRoom } from '../tools/learnt.js';
import type { Toolbox } from '../tools/toolbox.js';
import type { OpenedModel } from './local-model.js';

/** @param room of the list of tools: what is left of the context is the conversation's. */
export type OpenLearnt = (learnt: readonly Tool[], room: ToolListRoom) => Promise<Toolbox | undefined>;

/** Of the context, for the list of tools. */
const listShare = 5 / 8;

/** What its template cannot write is not called, and `refusal` says so. */
export async function learntToolbox(
  model: OpenedModel,
  open: OpenLearnt,
): Promise<{ toolbox?: Toolbox; refusal?: string }> {
  const learnt = offeredIn(model.checkpoint.tokenizerFiles);
  try {
    if (learnt.length > 0) new ToolTurns(model.template, learnt);
  } catch (error) {
    if (error instanceof UserError) return { refusal: `the tools that it learnt are not called: ${error.message}` };
    throw error;
  }
  const question: Message[] = [{ role: 'user', content: '' }];
  const tokensOf = (tools: readonly Tool[]): number =>
    model.template.encode(question, { tools, addGenerationPrompt: true }).tokens.length;
  const room = { tokens: Math.floor(model.contextLength * listShare), tokensOf };
  return { toolbox: await open(learnt, room) };
}
