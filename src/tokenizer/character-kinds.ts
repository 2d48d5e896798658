// The kinds of characters that a splitter tells apart, looked up in a table of all code points. The splitters walk over
// text by kinds and never run a regex on it: one would be slow, and the engines differ in what \s means.
import { characterTable } from '../base/character-table.js';

/** The kinds that every table has; the first is past the end of the text. */
const unknownKind = 0;
export const numeral = 1;
/** Unicode's White_Space, less the line ends: not JavaScript's \s, which has U+FEFF and lacks U+0085. */
export const space = 2;
/** Carriage return and line feed. */
export const lineEnd = 3;
/** Those of a splitter's own begin here. */
export const firstOwnKind = 4;

/**
 * A table filled as characters are first met (1.1 MB). `classify` gives each character that is no numeral, space or line
 * end a kind from `firstOwnKind` to 255.
 */
export function characterKinds(classify: (character: string, codePoint: number) => number) {
  const kindOf = characterTable((codePoint) => {
    if (codePoint === 10 || codePoint === 13) return lineEnd;
    // A lone surrogate becomes U+FFFD when the text becomes UTF-8.
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) return classify('\ufffd', 0xfffd);
    const character = String.fromCodePoint(codePoint);
    if (/^\p{N}/u.test(character)) return numeral;
    return /^\p{White_Space}/u.test(character) ? space : classify(character, codePoint);
  });

  /** Kind of the character at `index`; 0 past the end. */
  function kindAt(text: string, index: number): number {
    const codePoint = text.codePointAt(index);
    return codePoint === undefined ? unknownKind : kindOf(codePoint);
  }

  /** Index after the run of `kind` (of `maxCharacters` at most) that starts at `index`. */
  function skip(text: string, index: number, kind: number, maxCharacters = Number.POSITIVE_INFINITY): number {
    let end = index;
    for (let count = 0; count < maxCharacters && kindAt(text, end) === kind; count++) end += widthAt(text, end);
    return end;
  }

  /**
   * `\s*[\r\n]+|\s+(?!\S)|\s+`, the first part only with `linesApart`: up to the last line end of the run; without one,
   * the whole run less the character that the next piece takes along. One of a kind that `isApart` takes nothing.
   */
  function whiteSpaceEnd(text: string, start: number, linesApart: boolean, isApart: (kind: number) => boolean): number {
    let end = start;
    let afterLineEnd = -1;
    let kind = kindAt(text, end);
    while (kind === space || kind === lineEnd) {
      end++; // all white space is in the first plane
      if (kind === lineEnd) afterLineEnd = end;
      kind = kindAt(text, end);
    }
    if (linesApart && afterLineEnd > 0) return afterLineEnd;
    const atEnd = kind === unknownKind || isApart(kind);
    return atEnd || end === start + 1 ? end : end - 1;
  }

  return { kindAt, skip, whiteSpaceEnd };
}

/** UTF-16 units of the character at `index`; a lone surrogate counts as one. */
export function widthAt(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdbff) return 1;
  const low = text.charCodeAt(index + 1);
  return low >= 0xdc00 && low <= 0xdfff ? 2 : 1;
}
