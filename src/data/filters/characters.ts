// What kind of character a code point is, as one byte of bits: a rule reads a text once and looks each character up.
import { characterTable } from '../../base/character-table.js';

export const wordPart = 2;
export const han = 4;
export const kana = 8;
export const digit = 16;
export const letter = 32;
export const space = 64;
const hangul = 128;

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

export const kindOf = characterTable((codePoint) => {
  const character = String.fromCodePoint(codePoint);
  return properties.reduce((bits, [bit, pattern]) => (pattern.test(character) ? bits | bit : bits), known);
});

/** The code point at `i`; a lone surrogate is itself. Those from 2^16 on take two code units. */
export function codePointAt(text: string, i: number): number {
  const code = text.charCodeAt(i);
  return (code & 0xfc00) === 0xd800 ? (text.codePointAt(i) ?? code) : code;
}

/** How many characters of each kind there are up to `end`; `latin` are the basic letters, a to z. */
export function countCharacters(text: string, end = text.length) {
  let [characters, letters, latin, ofHan, ofKana, ofHangul] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < end; i++) {
    const code = codePointAt(text, i);
    if (code > 0xffff) i++;
    const kind = kindOf(code);
    characters++;
    if ((kind & letter) !== 0) letters++;
    if ((code | 32) >= 97 && (code | 32) <= 122) latin++;
    if ((kind & han) !== 0) ofHan++;
    if ((kind & kana) !== 0) ofKana++;
    if ((kind & hangul) !== 0) ofHangul++;
  }
  return { characters, letters, latin, han: ofHan, kana: ofKana, hangul: ofHangul };
}
