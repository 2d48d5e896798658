// What kind of character a code point is, looked up: a text is read once, and a corpus uses a few thousand of the million.

/** Code point → its kind, a byte that is not 0, worked out by `kindOf` when it is first asked for (1.1 MB). */
export function characterTable(kindOf: (codePoint: number) => number): (codePoint: number) => number {
  const kinds = new Uint8Array(0x110000);
  return (codePoint) => {
    const known = kinds[codePoint];
    if (known !== 0) return known;
    kinds[codePoint] = kindOf(codePoint);
    return kinds[codePoint];
  };
}
