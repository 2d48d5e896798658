// Text is cut into pieces before BPE, and no token crosses a cut. The cuts are those of the `deepseek-v3` set, which
// llama.cpp knows by name (a GGUF file carries no regex): numbers in threes, Han and kana runs, then words,
// punctuation and white space. Each regex cuts the pieces of the one before, so the third sees them as whole texts.
// `pieceEnd` finds the same cuts in one pass, from one table of character kinds.
import { characterKinds, firstOwnKind, lineEnd, numeral, space, widthAt } from './character-kinds.js';

const number = '\\p{N}{1,3}';
const hanAndKana = '[一-龥\u3040-ゟ゠-ヿ]+';
const words =
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+';

/** tokenizer.json's `pre_tokenizer`, exactly that of DeepSeek-V3. */
export const preTokenizerJson = {
  type: 'Sequence',
  pretokenizers: [
    ...[number, hanAndKana, words].map((regex) => ({
      type: 'Split',
      pattern: { Regex: regex },
      behavior: 'Isolated',
      invert: false,
    })),
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
  ],
};

/** Control, format, private-use and unassigned characters. */
const other = firstOwnKind;
/** Letters and marks. */
const letter = firstOwnKind + 1;
/** Punctuation and symbols. */
const symbol = firstOwnKind + 2;
/** Added to the three kinds above where the second regex matches: most are letters, but `・` is punctuation. */
const han = 3;

const { kindAt, skip, whiteSpaceEnd } = characterKinds((character, codePoint) => {
  const kind = /^[\p{L}\p{M}]/u.test(character) ? letter : /^[\p{P}\p{S}]/u.test(character) ? symbol : other;
  return (codePoint >= 0x4e00 && codePoint <= 0x9fa5) || (codePoint >= 0x3040 && codePoint <= 0x30ff)
    ? kind + han
    : kind;
});

/** The first two regexes have cut before these. */
const isApart = (kind: number): boolean => kind === numeral || kind >= firstOwnKind + han;

/** Index just after the piece that starts at `start` (which must be 0 or the end of a piece, and inside `text`). */
export function pieceEnd(text: string, start: number): number {
  const kind = kindAt(text, start);
  const next = start + widthAt(text, start);
  switch (kind) {
    case numeral:
      return skip(text, start, numeral, 3);
    case letter:
    case letter + han:
    case symbol + han:
      return skip(text, next, kind);
    case symbol:
      return text.charCodeAt(start) < 128 && isAsciiLetter(text, next)
        ? asciiWordEnd(text, next)
        : symbolsEnd(text, start);
    case lineEnd:
      return whiteSpaceEnd(text, start, true, isApart);
    case space: {
      const following = kindAt(text, next);
      if (following === letter) return skip(text, next, letter);
      if (following === symbol && text.charCodeAt(start) === 32) return symbolsEnd(text, next);
      return whiteSpaceEnd(text, start, true, isApart);
    }
    case other + han:
      return gapEnd(text, start, other + han, letter + han);
    default:
      return gapEnd(text, start, other, letter);
  }
}

/** Whether the piece that starts here is made of numerals. */
export function isNumeral(text: string, start: number): boolean {
  return kindAt(text, start) === numeral;
}

function symbolsEnd(text: string, start: number): number {
  return skip(text, skip(text, start, symbol), lineEnd);
}

function asciiWordEnd(text: string, start: number): number {
  let end = start;
  while (isAsciiLetter(text, end)) end++;
  return end;
}

/** Characters that no regex matches stay together, but the last one goes with the word that follows. */
function gapEnd(text: string, start: number, gapKind: number, wordKind: number): number {
  let end = start;
  do {
    const next = end + widthAt(text, end);
    if (kindAt(text, next) === wordKind) return end === start ? skip(text, next, wordKind) : end;
    end = next;
  } while (kindAt(text, end) === gapKind);
  return end;
}

function isAsciiLetter(text: string, index: number): boolean {
  const unit = text.charCodeAt(index) | 32;
  return unit >= 97 && unit <= 122;
}

/**
 * GPT-2's alphabet: the printable character that stands for each byte in tokenizer.json. Bytes that print in Latin-1
 * stand for themselves, the others for U+0100 and on.
 */
export const byteCharacters: readonly string[] = (() => {
  let shifted = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 255 && byte !== 173);
    return String.fromCharCode(prints ? byte : shifted++);
  });
})();

const bytesOfCharacters = (() => {
  const bytes = new Int16Array(512).fill(-1);
  for (const [byte, character] of byteCharacters.entries()) bytes[character.charCodeAt(0)] = byte;
  return bytes;
})();

/** The byte that a character of the alphabet (its UTF-16 unit) stands for; -1 for any other. */
export function byteOf(unit: number): number {
  return unit < 512 ? bytesOfCharacters[unit] : -1;
}
