// The cuts of the two families of regexes that GPT-2, Llama 3 and Qwen 2 use, in one pass without a regex: an engine
// that backtracks may need memory and time beyond all bounds on a megabyte of spaces, and its \s and its case folding
// are not those of the libraries whose ids we must give.
import { characterKinds, firstOwnKind, lineEnd, numeral, widthAt } from './character-kinds.js';

const other = firstOwnKind;
const letter = firstOwnKind + 1;

const { kindAt, skip, whiteSpaceEnd } = characterKinds((character) => (/^\p{L}/u.test(character) ? letter : other));

const isNumeral = (kind: number): boolean => kind === numeral;
const never = (): boolean => false;

/** cl100k and its heirs: contractions in any case, letters with one character before, line ends of their own. */
export function tiktokenEnd(text: string, start: number, maxNumerals: number): number {
  const kind = kindAt(text, start);
  if (kind === letter) return skip(text, start, letter);
  if (kind === numeral) return skip(text, start, numeral, maxNumerals);
  if (kind === lineEnd) return whiteSpaceEnd(text, start, true, never);
  const contracted = start + contractionLength(text, start, true);
  if (contracted > start) return contracted;
  const next = start + widthAt(text, start);
  const following = kindAt(text, next);
  if (following === letter) return skip(text, next, letter);
  if (kind === other) return skip(text, skip(text, next, other), lineEnd);
  if (following === other && text.charCodeAt(start) === 32) return skip(text, skip(text, next, other), lineEnd);
  return whiteSpaceEnd(text, start, true, never);
}

/** `numeralsApart` first makes every numeral a text of its own. */
export function gpt2End(text: string, start: number, numeralsApart: boolean): number {
  const kind = kindAt(text, start);
  if (kind === numeral && numeralsApart) return start + widthAt(text, start);
  const contracted = start + contractionLength(text, start, false);
  if (contracted > start) return contracted;
  if (kind === letter || kind === numeral || kind === other) return skip(text, start, kind);
  if (text.charCodeAt(start) === 32) {
    const following = kindAt(text, start + 1);
    const joins = following === letter || following === other || (following === numeral && !numeralsApart);
    if (joins) return skip(text, start + 1, following);
  }
  return whiteSpaceEnd(text, start, false, numeralsApart ? isNumeral : never);
}

/** UTF-16 units of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `start`; 0 without one. `ſ` folds to s. */
function contractionLength(text: string, start: number, anyCase: boolean): number {
  if (text.charCodeAt(start) !== 39) return 0;
  const unit = (index: number): number => {
    const code = text.charCodeAt(index);
    if (!anyCase) return code;
    return code === 0x17f ? 115 : code >= 65 && code <= 90 ? code | 32 : code;
  };
  switch (unit(start + 1)) {
    case 115: // s
    case 116: // t
    case 109: // m
    case 100: // d
      return 2;
    case 114: // re
    case 118: // ve
      return unit(start + 2) === 101 ? 3 : 0;
    case 108: // ll
      return unit(start + 2) === 108 ? 3 : 0;
    default:
      return 0;
  }
}
