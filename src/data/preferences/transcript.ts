// Conversations written as one text, as Anthropic's hh-rlhf has them: "\n\nHuman: … \n\nAssistant: …". A text without these
// marks may still be a pair's: then what both texts begin with is what was asked, as TRL takes it.
import type { Message } from '../../tokenizer/message.js';

const mark = /(?:^|\n\n)(Human|Assistant):/g;

/** The turns of a transcript, the last possibly empty: it is the opening of an answer. undefined: the text is none. */
export function transcriptTurns(text: string): Message[] | undefined {
  const marks = [...text.matchAll(mark)];
  if (marks[0]?.[1] !== 'Human' || text.slice(0, marks[0].index).trim() !== '') return undefined;
  if (marks.length < 2) return undefined;
  return marks.map((found, i): Message => {
    const start = found.index + found[0].length;
    const content = text.slice(start, marks[i + 1]?.index ?? text.length).trim();
    return { role: found[1] === 'Human' ? 'user' : 'assistant', content };
  });
}

/**
 * The prompt that two texts begin with and what is left of each. It ends where a line, a sentence or a word does, so that
 * none is cut in two: of "It is blue" and "It is black" that is "It is". undefined where they have no beginning in common.
 */
export function commonPrompt(
  chosen: string,
  rejected: string,
): { prompt: string; answers: [string, string] } | undefined {
  let length = 0;
  while (length < chosen.length && length < rejected.length && chosen[length] === rejected[length]) length++;
  while (length > 0 && !isBoundary(chosen, rejected, length)) length--;
  const prompt = chosen.slice(0, length).trim();
  if (prompt === '') return undefined;
  return { prompt, answers: [chosen.slice(length).trim(), rejected.slice(length).trim()] };
}

/** Whether a word, a sentence or a line of both texts ends before this place. */
function isBoundary(chosen: string, rejected: string, place: number): boolean {
  const isAfter = /[\s\p{P}]/u.test(chosen[place - 1]);
  return isAfter || [chosen, rejected].every((text) => /\s/.test(text[place] ?? ' '));
}
