// Conversations → token sequences, each with the tokens that are learnt; what is skipped or cut is said.
import { type Fault, UserError } from '../../base/errors.js';
import type { LossChoice } from '../../config/sft.js';
import { fitConversation } from '../../data/conversations/fit.js';
import type { RowNotes } from '../../data/conversations/notes.js';
import type { Conversation, TokenSequence } from '../../data/types.js';
import { unlearntEnd } from '../../tokenizer/answer-ends.js';
import { ChatTemplate, noTemplate } from '../../tokenizer/chat-template.js';
import { missingTemplate } from '../../tokenizer/chatml.js';
import { checkKeptTokens } from '../../tokenizer/message-escape.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';

/**
 * How conversations are written.
 * @throws UserError where the model's template and tokenizer cannot end an answer.
 */
export function openTemplate(
  tokenizer: Tokenizer,
  { keepTokens = [], where }: { keepTokens?: readonly string[]; where: string },
): ChatTemplate {
  if (tokenizer.chatTemplate === missingTemplate) throw noTemplate(where);
  checkKeptTokens(tokenizer, keepTokens, 'sft.keepTokens');
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

/**
 * What a person should know where a model pads with what ends its turns, as SmolLM2 and others do. Here padding is known by its
 * place, never by its token.
 */
export function padNote(tokenizer: Tokenizer, padId: number): string | undefined {
  const { turnEnd } = tokenizer;
  if (turnEnd === undefined || tokenizer.controlId(turnEnd) !== padId) return undefined;
  return `this model pads with ${turnEnd}, which ends its turns: here the end of an answer is learnt all the same; a training elsewhere that masks the pad token would not learn it`;
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
