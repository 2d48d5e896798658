// The bytes of a token as a person can tell them apart: blanks and invisible characters get a sign, bytes that are no
// UTF-8 their number. Nothing that comes out steers a terminal.
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { splitUtf8 } from '../tokenizer/utf8.js';

const signs: Readonly<Record<string, string>> = { ' ': '␣', '\n': '↵', '\t': '⇥' };
/** Controls, formatting (directions, joiners), all blanks and line ends, private use, unassigned. */
const invisible = /[\p{Cc}\p{Cf}\p{Z}\p{Co}\p{Cn}\p{Variation_Selector}]/gu;

/** A token as a person can read it; ⟨274⟩ for an id that no token has. */
export function visibleToken(tokenizer: Tokenizer, id: number): string {
  return tokenizer.hasToken(id) ? visibleBytes(tokenizer.tokenBytes(id)) : `⟨${id}⟩`;
}

export function visibleBytes(bytes: Uint8Array): string {
  let text = '';
  for (const part of splitUtf8(bytes)) {
    if (part.valid) text += new TextDecoder('utf-8', { ignoreBOM: true }).decode(part.bytes).replace(invisible, signOf);
    else for (const byte of part.bytes) text += `<0x${hex(byte, 2)}>`;
  }
  return text;
}

function signOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return signs[character] ?? (code < 0x80 ? `<0x${hex(code, 2)}>` : `<U+${hex(code, 4)}>`);
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
