// Conversations → token sequences, each with the tokens that are learnt; what is skipped or cut is said.
import { UserError } from '../../base/errors.js';
import type { SftConfig } from '../../config/sft.js';
import { fitConversation } from '../../data/conversations/fit.js';
import { RowNotes } from '../../data/conversations/notes.js';
import { readConversations } from '../../data/conversations/read.js';
import type { Conversation, TokenSequence } from '../../data/types.js';
import { unlearntEnd } from '../../tokenizer/answer-ends.js';
import { ChatTemplate, noTemplate } from '../../tokenizer/chat-template.js';
import { missingTemplate } from '../../tokenizer/chatml.js';
import { checkKeptTokens } from '../../tokenizer/message-escape.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { Job } from '../stage.js';

/** How conversations are written. @throws UserError where the model's template and tokenizer cannot end an answer. */
export function openTemplate(tokenizer: Tokenizer, keepTokens: readonly string[] = [], where: string): ChatTemplate {
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

interface Fitting {
  template: ChatTemplate;
  columns: number;
  notes: RowNotes;
  where: string;
}

/** The sequences of a conversation; none where it is skipped, which `notes` hears of. */
export function fitted(row: Conversation, { template, columns, notes, where }: Fitting): TokenSequence[] {
  const result = fitConversation(row, template, columns);
  if ('skipped' in result) {
    notes.skip(result.skipped, where);
    return [];
  }
  if (result.cutAnswers > 0) notes.cut(result.cutAnswers, where);
  for (const note of result.notes) notes.add(note, where);
  const end = result.sequences.map((sequence) => unlearntEnd(template.tokenizer, sequence)).find(Boolean);
  if (end !== undefined)
    notes.add({ level: 'warning', text: `an answer that is not learnt to its end: ${end}` }, where);
  return result.sequences;
}

export async function readSequences(
  { reporter }: Job<SftConfig>,
  path: string,
  template: ChatTemplate,
  columns: number,
): Promise<TokenSequence[]> {
  const sequences: TokenSequence[] = [];
  const notes = new RowNotes();
  for await (const { conversation, where } of readConversations(path, notes)) {
    sequences.push(...fitted(conversation, { template, columns, notes, where }));
  }
  notes.report(reporter, columns);
  if (sequences.length === 0) {
    throw new UserError({
      where: path,
      what: 'there is no conversation to train on',
      why: notes.skippedInWords || 'the file is empty',
      next: 'Give conversations with an answer to learn: --data FILE. mossctl inspect MODEL --row FILE:1 shows what becomes of one',
    });
  }
  return sequences;
}
