// What kind of character a code point is, as one byte of bits: a rule reads a text once and looks each character up.

export const wordPart = 2;
export const han = 4;
export const kana = 8;
export const digit = 16;
export const letter = 32;
export const space = 64;
export const hangul = 128;

const known = 1;
const properties: readonly [number, RegExp][] = [
  [wordPart, /[\p{L}\p{N}\p{M}]/u],
  [han, /\p{Script=Han}/u],
  [kana, /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  [digit, /\p{Nd}/u],
  [letter, /[\p{L}\p{M}]/u],
  [space, /\s/u],
  [hangul, /\p{Script=Hangul}/u],
];

/** Code point → its bits, 0 where nobody has asked yet: a corpus uses a few thousand of the million. */
const kinds = new Uint8Array(0x110000);

export function kindOf(codePoint: number): number {
  return kinds[codePoint] || learn(codePoint);
}

function learn(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  let bits = known;
  for (const [bit, pattern] of properties) if (pattern.test(character)) bits |= bit;
  kinds[codePoint] = bits;
  return bits;
}

/** The code point at `i`; a lone surrogate is itself. Those from 2^16 on take two code units. */
export function codePointAt(text: string, i: number): number {
  const code = text.charCodeAt(i);
  return (code & 0xfc00) === 0xd800 ? (text.codePointAt(i) ?? code) : code;
}
