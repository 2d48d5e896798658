// Conversations → token sequences, each with the tokens that are learnt; what is skipped or cut is said.
import { type Fault, UserError } from '../../base/errors.js';
import type { LossChoice } from '../../config/sft.js';
import { fitConversation } from '../../data/conversations/fit.js';
import type { RowNotes } from '../../data/conversations/notes.js';
import type { Conversation, TokenSequence } from '../../data/types.js';
import { unlearntEnd } from '../../tokenizer/answer-ends.js';
import { ChatTemplate } from '../../tokenizer/chat-template.js';
import { missingTemplate } from '../../tokenizer/chatml.js';
import { checkKeptTokens } from '../../tokenizer/message-escape.js';
import { noTemplate } from '../../tokenizer/template-fault.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';

/**
 * How conversations are written.
 * @param padId the model's pad token.
 * @throws UserError where the model's template and tokenizer cannot end an answer.
 */
export function openTemplate(
  tokenizer: Tokenizer,
  { keepTokens = [], padId, where }: { keepTokens?: readonly string[]; padId: number; where: string },
): ChatTemplate {
  if (tokenizer.chatTemplate === missingTemplate) throw noTemplate(where);
  checkKeptTokens(tokenizer, keepTokens, 'sft.keepTokens');
  if (tokenizer.turnEnd !== undefined && tokenizer.controlId(tokenizer.turnEnd) === padId) {
    throw new UserError({
      where,
      what: `the pad token of this model is ${tokenizer.turnEnd}, which ends a turn`,
      why: 'trainings elsewhere learn nothing of the pad token, so that a model that has both in one soon writes without end',
      next: 'Name another special token as pad_token_id in its config.json, such as that of the unknown token',
    });
  }
  const template = new ChatTemplate(tokenizer, tokenizer.chatTemplate, { keepTokens });
  const fault = template.endFault;
  if (fault === undefined) return template;
  const ends = tokenizer.stopIds.map((id) => tokenizer.decode([id])).join(' or ');
  throw new UserError({
    where,
    what: fault,
    why: 'so nothing would end an answer, and the model would not learn to stop',
    next: `End an answer with a token that is there${ends && `, ${ends}`}: change chat_template.jinja, or add the token to the tokenizer`,
  });
}

/** How the conversations of one training become sequences. */
export interface FittingRows {
  template: ChatTemplate;
  columns: number;
  loss: LossChoice;
  keepTokens?: readonly string[];
}

interface Fitting extends FittingRows {
  /** Nobody hears of what was said before. */
  notes?: RowNotes;
  where: string;
  /** Hears of a row that should be learnt and of which no token would be; without it, such a row is skipped. */
  untrained?(fault: Fault): void;
}

/** The sequences of a conversation; none where it is skipped, which `notes` hears of. */
export function fitted(
  row: Conversation,
  { template, columns, loss, notes, where, untrained }: Fitting,
): TokenSequence[] {
  const result = fitConversation(row, template, columns, loss);
  if ('untrained' in result && untrained !== undefined) {
    const next = 'Fix or delete that row. Its tokens and their weights: mossctl inspect MODEL --row FILE:LINE';
    untrained({ where, what: 'not one token of this row would be learnt', why: result.untrained, next });
    return [];
  }
  if (!('sequences' in result)) {
    notes?.skip('skipped' in result ? result.skipped : result.untrained, where);
    return [];
  }
  if (result.cutAnswers > 0) notes?.cut(result.cutAnswers, where);
  for (const note of result.notes) notes?.add(note, where);
  if (loss === 'all') return result.sequences;
  const end = result.sequences.map((sequence) => unlearntEnd(template.tokenizer, sequence)).find(Boolean);
  if (end !== undefined)
    notes?.add({ level: 'warning', text: `an answer that is not learnt to its end: ${end}` }, where);
  return result.sequences;
}
