// From a conversation to the token sequences that a training learns: as the template writes it, within the context.

import { cleanText } from '../../base/clean-text.js';
import type { LossChoice } from '../../config/sft.js';
import type { ChatTemplate, EncodedChat, EncodedTurns } from '../../tokenizer/chat-template.js';
import type { Conversation, TokenSequence } from '../types.js';
import type { RowNote } from './notes.js';
import { writtenChat } from './written.js';

export interface FittedConversation {
  sequences: TokenSequence[];
  /** Answers that would carry loss in a longer context. */
  cutAnswers: number;
  notes: RowNote[];
}

/** Why there is nothing: the row is of no use here, or it is meant to be learnt and no token of it would be. */
export type UnfitConversation = { skipped: string } | { untrained: string };

/**
 * The tokens of a conversation with their weights in the loss: one sequence, or one for each turn where the template
 * renders earlier turns otherwise once later ones follow. Each has at most `contextLength` + 1 tokens (a row of
 * `contextLength` inputs). A conversation that is too long stops before the turn that overflows, after an assistant's
 * turn; one whose first exchange does not fit is skipped.
 */
export function fitConversation(
  { id, ...given }: Conversation,
  template: ChatTemplate,
  contextLength: number,
  loss: LossChoice = 'assistant',
): FittedConversation | UnfitConversation {
  const answers = given.messages.filter(({ role }) => role === 'assistant');
  const marked = loss === 'last' || answers.some(({ weight }) => weight === 0);
  if (answers.length === 0) return { skipped: 'no assistant turn to learn from' };
  if (answers.every(({ weight }) => weight === 0)) return { untrained: 'every answer is marked as not to be learnt' };
  const written = writtenChat(given, template);
  if ('skipped' in written) return written;
  const { messages, tools, notes } = written;
  const fits = ({ tokens }: { tokens: ArrayLike<number> }): boolean => tokens.length <= contextLength + 1;
  const ends = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i + 1] : []));
  const encode = (end: number): EncodedTurns => template.encodeTurns(messages.slice(0, end), { tools, loss });
  const whole = encode(ends[ends.length - 1]);
  const learnt = whole.sequences.filter(isLearnt);
  if (learnt.length === 0) return { untrained: whole.faults[0] ?? 'the chat template marks no answer to learn' };
  let fitting = learnt.filter(fits);
  let cutAnswers = learnt.length - fitting.length;
  if (whole.sequences.length === 1 && fitting.length === 0) {
    // The last answer alone would be another one where the conversation is cut.
    const count = longest(loss === 'last' ? 0 : ends.length - 1, (exchanges) =>
      encode(ends[exchanges - 1]).sequences.every(fits),
    );
    fitting = count === 0 ? [] : encode(ends[count - 1]).sequences.filter(isLearnt);
    cutAnswers = messages
      .slice(ends[count - 1] ?? 0)
      .filter(({ role, weight }) => role === 'assistant' && weight !== 0).length;
  }
  if (fitting.length === 0)
    return {
      skipped: `its first ${marked ? 'answer that is learnt' : 'exchange'} takes more than ${contextLength} tokens`,
    };
  notes.push(...answerNotes(whole));
  if (loss !== 'all' && messages.some(({ role, weight = 0 }) => role !== 'assistant' && weight > 0)) {
    const text =
      'a weight on a message that is no answer: only answers are learnt (sft.loss: all learns the others too)';
    notes.push({ level: 'warning', text });
  }
  const name = (i: number): string => (fitting.length === 1 ? id : `${id}#${i + 1}`);
  return { sequences: fitting.map((sequence, i) => ({ id: name(i), ...sequence })), cutAnswers, notes };
}

function isLearnt({ loss }: EncodedChat): boolean {
  return loss.some((weight) => weight > 0);
}

/** The largest count up to `most` for which `fits` holds, as it does for all smaller ones; 0 where for none. */
function longest(most: number, fits: (count: number) => boolean): number {
  let low = 0;
  for (let high = most; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function answerNotes({ faults, promptTail, endsAdded }: EncodedTurns): RowNote[] {
  const notes: RowNote[] = [...new Set(faults)].map((fault) => {
    return { level: 'warning', text: `an answer that is not learnt: ${fault}` };
  });
  if (endsAdded) {
    const text = "an answer whose end the template's marks omit: the token that ends it is learnt all the same";
    notes.push({ level: 'info', text });
  }
  if (promptTail !== undefined) {
    const shown = JSON.stringify(cleanText(promptTail, 60));
    const text = `an answer without ${shown}, with which the template ends the prompt: loss begins where they part, and in use the model is given ${shown}, which it has not learnt to continue`;
    notes.push({ level: 'warning', text });
  }
  return notes;
}
