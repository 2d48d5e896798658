// A tool's result as the model reads it and a person sees it: well-formed text whose control characters are spelt out, so that
// none steers a terminal or hides anything, and no longer than the tool's limit.

/** Controls, direction marks, invisible tags and characters that are none. Templates escape marks. */
const hidden = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}\ufdd0-\ufdef\ufffe\uffff]/gu;

const loneSurrogates = /\p{Surrogate}/gu;

/** `\u001b` for an escape character; line ends and tabs stay. */
export function shown(text: string): string {
  return text
    .replace(loneSurrogates, '\ufffd')
    .replace(/\r\n?/g, '\n')
    .replace(hidden, (character) => (character === '\n' || character === '\t' ? character : spelt(character)));
}

function spelt(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
}

const cutNote = '\n[Cut here: the result is longer.]';

/** At most `limit` characters, the sentence that says so included. */
export function cutTo(text: string, limit: number): { content: string; cut?: number } {
  // What is far too long is not looked at whole.
  const whole = shown(text.slice(0, limit + 1));
  if (whole.length <= limit && text.length <= limit) return { content: whole };
  const room = Math.max(0, limit - cutNote.length);
  const start = whole.slice(0, room).replace(loneSurrogates, '');
  const lineEnd = start.lastIndexOf('\n');
  const kept = lineEnd > room * 0.8 ? start.slice(0, lineEnd) : start;
  return { content: kept + cutNote, cut: Math.max(1, text.length - kept.length) };
}
