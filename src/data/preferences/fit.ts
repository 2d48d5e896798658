// From a preference to tokens: one prompt, and what follows it in each answer, as the model's template writes them. An answer
// begins a token of its own, as it does when the model writes it, so both answers share the prompt's tokens.
import type { ChatTemplate, EncodedChat } from '../../tokenizer/chat-template.js';
import type { Message } from '../../tokenizer/message.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { answerNotes } from '../conversations/fit.js';
import { distinct, type RowNote } from '../conversations/notes.js';
import { writtenChat } from '../conversations/written.js';
import type { Preference } from './types.js';

/** What follows the prompt, up to the token that ends the answer. */
export interface AnswerTokens {
  tokens: number[];
  /** 1 where the assistant said the token, 0 where a tool or the template did. Absent: 1 everywhere. */
  loss?: number[];
  text: string;
}

interface FittedPair {
  chosen: AnswerTokens;
  rejected: AnswerTokens;
}

interface FittedLabel {
  answer: AnswerTokens;
  isGood: boolean;
}

export interface FittedPreference {
  prompt: number[];
  judged: FittedPair | FittedLabel;
  notes: RowNote[];
}

interface Rendering extends EncodedChat {
  /** Where the answer begins: its first token with loss. */
  start: number;
  notes: RowNote[];
}

/**
 * The tokens of a preference; `skipped` says why a training has no use for it. Nothing is cut: prompt and answer have at
 * most `contextLength` + 1 tokens (a row of `contextLength` inputs), or the preference is skipped.
 */
export function fitPreference(
  { prompt, tools, judgement }: Pick<Preference, 'prompt' | 'tools' | 'judgement'>,
  template: ChatTemplate,
  contextLength: number,
): FittedPreference | { skipped: string } {
  const answers = 'chosen' in judgement ? [judgement.chosen, judgement.rejected] : [judgement.answer];
  const shown = answers.length === 1 ? ['the answer'] : ['the chosen answer', 'the rejected answer'];
  const renderings: Rendering[] = [];
  for (const [i, answer] of answers.entries()) {
    const rendering = renderAnswer(prompt, answer, tools, template);
    if ('skipped' in rendering) return rendering;
    const { tokens, start } = rendering;
    if (tokens.length > contextLength + 1) {
      return { skipped: `with its prompt, ${shown[i]} takes more than ${contextLength} tokens` };
    }
    if (tokens.length === start + 1 && isControl(template.tokenizer, tokens[start])) {
      return { skipped: `${shown[i]} has no token but its end` };
    }
    renderings.push(rendering);
  }
  const start = commonStart(renderings);
  const sides = renderings.map(({ tokens, loss }, i): AnswerTokens => {
    const text = answers[i].map(({ content }) => content).join('\n');
    const own = loss.slice(start);
    return { tokens: tokens.slice(start), text, ...(own.includes(0) && { loss: own }) };
  });
  const fitted = {
    prompt: renderings[0].tokens.slice(0, start),
    notes: distinct(renderings.flatMap(({ notes }) => notes)),
  };
  if (!('chosen' in judgement)) return { ...fitted, judged: { answer: sides[0], isGood: judgement.isGood } };
  const [chosen, rejected] = sides;
  if (chosen.tokens.join() === rejected.tokens.join()) return { skipped: 'chosen and rejected are the same tokens' };
  return { ...fitted, judged: { chosen, rejected } };
}

/** Prompt and answer, up to the last token of the answer. */
function renderAnswer(
  prompt: readonly Message[],
  answer: readonly Message[],
  tools: Preference['tools'],
  template: ChatTemplate,
): Rendering | { skipped: string } {
  const asked = prompt.map((message) => (message.role === 'assistant' ? { ...message, weight: 0 } : message));
  const written = writtenChat({ messages: [...asked, ...answer], tools }, template);
  if ('skipped' in written) return written;
  const encoded = template.encodeTurns(written.messages, { tools: written.tools });
  const learnt = encoded.sequences.filter(({ loss }) => loss.some((weight) => weight > 0));
  if (learnt.length === 0) return { skipped: encoded.faults[0] ?? 'the chat template marks no answer to learn' };
  if (learnt.length > 1) return { skipped: 'the chat template writes parts of an answer otherwise once others follow' };
  const [{ tokens, loss }] = learnt;
  const end = loss.findLastIndex((weight) => weight > 0) + 1;
  const notes = [...written.notes, ...answerNotes(encoded)];
  return {
    tokens: tokens.slice(0, end),
    loss: loss.slice(0, end),
    start: loss.findIndex((weight) => weight > 0),
    notes,
  };
}

/** How many tokens stand before the answers in all renderings alike. */
function commonStart(renderings: readonly Rendering[]): number {
  const [{ tokens }, ...others] = renderings;
  let count = 0;
  const most = Math.min(...renderings.map(({ start }) => start));
  while (count < most && others.every((other) => other.tokens[count] === tokens[count])) count++;
  return count;
}

function isControl(tokenizer: Tokenizer, id: number): boolean {
  return tokenizer.controlId(tokenizer.decode([id])) === id;
}
