// From a conversation to the token sequences that a training learns: as the template writes it, within the context.

import { cleanText } from '../../base/clean-text.js';
import type { ChatTemplate, EncodedTurns } from '../../tokenizer/chat-template.js';
import type { Conversation, TokenSequence } from '../types.js';
import type { RowNote } from './notes.js';
import { writtenChat } from './written.js';

export interface FittedConversation {
  sequences: TokenSequence[];
  /** Answers that would carry loss in a longer context. */
  cutAnswers: number;
  notes: RowNote[];
}

/**
 * The tokens of a conversation with loss on the assistant's turns: one sequence, or one for each turn where the template
 * renders earlier turns otherwise once later ones follow. Each has at most `contextLength` + 1 tokens (a row of
 * `contextLength` inputs). A conversation that is too long stops before the turn that overflows, after an assistant's
 * turn; one whose first exchange does not fit is skipped.
 */
export function fitConversation(
  { id, ...given }: Conversation,
  template: ChatTemplate,
  contextLength: number,
): FittedConversation | { skipped: string } {
  const marked = given.messages.some(({ train }) => train === false);
  const answers = given.messages.filter(({ role }) => role === 'assistant');
  if (answers.length === 0) return { skipped: 'no assistant turn to learn from' };
  if (answers.every(({ train }) => train === false)) return { skipped: 'every answer is marked as not to be learnt' };
  const written = writtenChat(given, template);
  if ('skipped' in written) return written;
  const { messages, tools, notes } = written;
  const fits = ({ tokens }: { tokens: ArrayLike<number> }): boolean => tokens.length <= contextLength + 1;
  const ends = messages.flatMap(({ role }, i) => (role === 'assistant' ? [i + 1] : []));
  const encode = (end: number): EncodedTurns => template.encodeTurns(messages.slice(0, end), { tools });
  const whole = encode(ends[ends.length - 1]);
  const learnt = whole.sequences.filter(({ loss }) => loss.includes(1));
  if (learnt.length === 0) return { skipped: whole.faults[0] ?? 'the chat template marks no answer to learn' };
  let fitting = learnt.filter(fits);
  let cutAnswers = learnt.length - fitting.length;
  if (whole.sequences.length === 1 && fitting.length === 0) {
    const count = longest(ends.length - 1, (exchanges) => encode(ends[exchanges - 1]).sequences.every(fits));
    fitting = count === 0 ? [] : encode(ends[count - 1]).sequences.filter(({ loss }) => loss.includes(1));
    cutAnswers = messages
      .slice(ends[count - 1] ?? 0)
      .filter(({ role, train }) => role === 'assistant' && train !== false).length;
  }
  if (fitting.length === 0)
    return {
      skipped: `its first ${marked ? 'answer that is learnt' : 'exchange'} takes more than ${contextLength} tokens`,
    };
  notes.push(...answerNotes(whole));
  const name = (i: number): string => (fitting.length === 1 ? id : `${id}#${i + 1}`);
  return { sequences: fitting.map((sequence, i) => ({ id: name(i), ...sequence })), cutAnswers, notes };
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

function answerNotes({ faults, promptTail }: EncodedTurns): RowNote[] {
  const notes: RowNote[] = [...new Set(faults)].map((fault) => {
    return { level: 'warning', text: `an answer that is not learnt: ${fault}` };
  });
  if (promptTail !== undefined) {
    const shown = JSON.stringify(cleanText(promptTail, 60));
    const text = `an answer without ${shown}, with which the template ends the prompt: loss begins where they part, and in use the model is given ${shown}, which it has not learnt to continue`;
    notes.push({ level: 'warning', text });
  }
  return notes;
}
