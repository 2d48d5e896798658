// The numbers, names and signs of an expression, whichever keyboard they were typed with.
import { ToolFailure } from '../tool.js';

export interface Token {
  kind: 'number' | 'name' | 'superscript' | 'sign';
  text: string;
}

const signs: Record<string, string> = {
  '−': '-',
  '–': '-',
  '—': '-',
  '×': '*',
  '·': '*',
  '⋅': '*',
  '∙': '*',
  '•': '*',
  '∗': '*',
  '✕': '*',
  '÷': '/',
  '∕': '/',
  '⁄': '/',
  '【': '(',
  '】': ')',
  '〔': '(',
  '〕': ')',
  '。': '.',
  '、': ',',
  '；': ';',
  Π: 'π',
  Ω: 'Ω',
};
const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** Full-width forms (U+FF01–FF5E) as their ASCII ones, the signs of print and of Chinese keyboards as those of a calculator. */
export function plainSigns(text: string): string {
  return text
    .replace(/[！-～]/g, (form) => String.fromCharCode(form.charCodeAt(0) - 0xfee0))
    .replace(/[^\s\p{L}\p{Nd}]/gu, (sign) => signs[sign] ?? sign);
}

const token =
  /\s+|(?<number>(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>π|(?:(?!π)\p{L})(?:(?!π)[\p{L}\d_])*)|(?<superscript>[⁰¹²³⁴-⁹]+)|(?<sign>\*\*|[-+*/^%!°√∛()[\]{},])/uy;

/** @throws ToolFailure at a sign that is none of an expression's. */
export function tokens(text: string): Token[] {
  const list: Token[] = [];
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) throw unexpected(text, at);
    const { number, name, superscript, sign } = found.groups ?? {};
    if (/^0[xX]$/.test(text.slice(at, at + 2)) && /^0[xX][\da-fA-F]/.test(text.slice(at)))
      throw new ToolFailure('Numbers are decimal here: there is no 0x.');
    if (number !== undefined) list.push({ kind: 'number', text: number });
    else if (name !== undefined) list.push({ kind: 'name', text: name });
    else if (superscript !== undefined) list.push({ kind: 'superscript', text: fromSuperscript(superscript) });
    else if (sign !== undefined) list.push({ kind: 'sign', text: sign === '**' ? '^' : sign });
  }
  return list;
}

function fromSuperscript(text: string): string {
  return [...text].map((digit) => superscripts.indexOf(digit)).join('');
}

function unexpected(text: string, at: number): ToolFailure {
  const sign = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if ('<>=≤≥≠'.includes(sign)) return new ToolFailure('This compares; only a value can be calculated.');
  return new ToolFailure(`${JSON.stringify(sign)} is not part of an expression.`);
}
