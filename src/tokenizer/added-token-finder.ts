// Finds added tokens in text as Hugging Face's tokenizers 0.23 does: two passes, first for the tokens that are looked for
// in the text as it came, then, in what is left of it, normalized, for the others. Within a pass the leftmost match counts, of
// those the longest; `single_word` gives a match up, `lstrip` and `rstrip` take the white space beside it along.
import { escapeRegex } from './escape-regex.js';
import { type Normalize, unchanged } from './normalizer.js';

export interface AddedToken {
  id: number;
  content: string;
  /** Only where no word goes on at either side. */
  single_word: boolean;
  /** With the white space before it. */
  lstrip: boolean;
  /** With the white space after it. */
  rstrip: boolean;
  /** Looked for in the normalized text, not in the text as it came. */
  normalized: boolean;
  /** Without a text of its own. */
  special: boolean;
}

/** A stretch of a text; with an id it is that token, else ordinary text. */
export interface TextPart {
  text: string;
  id?: number;
}

interface Pass {
  pattern: RegExp;
  tokens: ReadonlyMap<string, AddedToken>;
}

const whiteSpace = /^\p{White_Space}$/u;
/** `\w` of Rust's regular expressions. */
const wordCharacter = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;

export class AddedTokenFinder {
  /** By what each is found by: its content, normalized where its text is. */
  readonly ids: ReadonlyMap<string, number>;
  readonly #normalize: Normalize;
  readonly #raw: Pass | undefined;
  readonly #normalized: Pass | undefined;
  readonly #takesSpaceAfter: readonly string[];

  constructor(added: readonly AddedToken[], normalize: Normalize) {
    this.#normalize = normalize;
    const raw = new Map(added.filter((token) => !token.normalized).map((token) => [token.content, token]));
    const late = added.filter((token) => token.normalized).map((token) => [normalize(token.content), token] as const);
    this.ids = new Map([...late, ...raw].map(([text, { id }]) => [text, id]));
    this.#raw = passOf(raw);
    this.#takesSpaceAfter = added.filter(({ rstrip }) => rstrip).map(({ content }) => content);
    this.#normalized = passOf(new Map(late));
  }

  /** The text in order, each added token a part of its own. */
  split(text: string): TextPart[] {
    const parts = find(text, this.#raw);
    const late = this.#normalized;
    if (late === undefined) return parts;
    return parts.flatMap((part) => (part.id === undefined ? find(this.#normalize(part.text), late) : part));
  }

  /** Where a text that is cut after a token goes on: past the white space that the token takes along. */
  pastSpace(text: string, cut: number): number {
    return this.#takesSpaceAfter.some((content) => text.endsWith(content, cut)) ? spaceAfter(text, cut) : cut;
  }

  /** The text in which tokens are looked for last. */
  lastForm(text: string): string {
    return this.#normalized === undefined || this.#normalize === unchanged ? text : this.#normalize(text);
  }
}

function passOf(tokens: ReadonlyMap<string, AddedToken>): Pass | undefined {
  if (tokens.size === 0) return undefined;
  const longestFirst = [...tokens.keys()].sort((a, b) => b.length - a.length);
  return { pattern: new RegExp(longestFirst.map(escapeRegex).join('|'), 'gu'), tokens };
}

function find(text: string, pass: Pass | undefined): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const { 0: content, index } of pass === undefined ? [] : text.matchAll(pass.pattern)) {
    const token = pass?.tokens.get(content);
    const end = index + content.length;
    if (token === undefined || (token.single_word && !isApart(text, index, end))) continue;
    const start = token.lstrip ? spaceBefore(text, index, from) : index;
    const stop = token.rstrip ? spaceAfter(text, end) : end;
    // What the token before has taken along may reach into this one: it is a part twice, or nothing of it remains.
    if (start >= stop) continue;
    if (from < start) parts.push({ text: text.slice(from, start) });
    parts.push({ text: text.slice(start, stop), id: token.id });
    from = stop;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

function isApart(text: string, start: number, end: number): boolean {
  const isPair = start > 1 && (text.charCodeAt(start - 1) & 0xfc00) === 0xdc00;
  const before = text.slice(start - (isPair ? 2 : 1), start);
  const after = String.fromCodePoint(text.codePointAt(end) ?? 0x20);
  return !(start > 0 && wordCharacter.test(before)) && !wordCharacter.test(after);
}

function spaceBefore(text: string, start: number, from: number): number {
  let at = start;
  while (at > from && whiteSpace.test(text[at - 1])) at--;
  return at < from ? from : at;
}

function spaceAfter(text: string, end: number): number {
  let at = end;
  while (at < text.length && whiteSpace.test(text[at])) at++;
  return at;
}
