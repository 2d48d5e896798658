// The kinds of characters that a splitter tells apart, looked up in a table of all code points. The splitters walk over
// text by kinds and never run a regex on it: one would be slow, and the engines differ in what \s means.

/** The kind that every table has: past the end of the text. */
export const unknownKind = 0;

export interface CharacterKinds {
  /** Kind of the character at `index`; 0 past the end. */
  kindAt(text: string, index: number): number;
  /** Index after the run of `kind` (of `most` characters, at most) that starts at `index`. */
  skip(text: string, index: number, kind: number, most?: number): number;
}

/** A table filled as characters are first met (1.1 MB). `classify` gives a code point a kind from 1 to 255. */
export function characterKinds(classify: (codePoint: number) => number): CharacterKinds {
  const kinds = new Uint8Array(0x110000);

  function kindAt(text: string, index: number): number {
    const codePoint = text.codePointAt(index);
    if (codePoint === undefined) return unknownKind;
    const known = kinds[codePoint];
    if (known !== unknownKind) return known;
    kinds[codePoint] = classify(codePoint);
    return kinds[codePoint];
  }

  function skip(text: string, index: number, kind: number, most = Number.POSITIVE_INFINITY): number {
    let end = index;
    for (let count = 0; count < most && kindAt(text, end) === kind; count++) end += widthAt(text, end);
    return end;
  }

  return { kindAt, skip };
}

/** UTF-16 units of the character at `index`; a lone surrogate counts as one. */
export function widthAt(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdbff) return 1;
  const low = text.charCodeAt(index + 1);
  return low >= 0xdc00 && low <= 0xdfff ? 2 : 1;
}
