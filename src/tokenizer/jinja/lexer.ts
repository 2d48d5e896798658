// Cuts a template into text and tokens as Jinja 3.1's lexer does with `trim_blocks` and `lstrip_blocks`, which transformers
// sets: the line end after a block goes, and the white space before one that a line begins with; `-` takes all white
// space beside it, `+` keeps it. One pass, every pattern anchored where the last one ended.
import { TemplateError } from './budget.js';
import { spaces, trim } from './strings.js';

export type Token =
  | { type: 'text' | 'name' | 'string' | 'operator'; value: string }
  | { type: 'integer' | 'float'; value: number }
  /** `{{`, `}}`, `{%`, `%}`; and the end of the template. */
  | { type: 'begin' | 'end'; value: 'print' | 'block' }
  | { type: 'eof'; value: '' };

const space = `[${spaces}]`;
const raw = new RegExp(`\\{%([-+]?)${space}*raw${space}*(?:-%\\}${space}*|%\\})`, 'y');
const endRaw = new RegExp(`\\{%([-+]?)${space}*endraw${space}*(?:\\+%\\}|-%\\}${space}*|%\\}\\n?)`, 'g');
const begin = /\{[{%#]([-+]?)/y;
const ends = {
  print: new RegExp(`-\\}\\}${space}*|\\}\\}`, 'y'),
  block: new RegExp(`\\+%\\}|-%\\}${space}*|%\\}\\n?`, 'y'),
};
const someSpace = new RegExp(`${space}+`, 'y');
const digits = '(?:\\d+_)*\\d+';
const float = new RegExp(`(?<!\\.)${digits}(?:(?:\\.${digits})?e[+-]?${digits}|\\.${digits})`, 'iy');
const integer = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const name = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}]*/uy;
const string = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const operator = /\/\/|\*\*|[=!<>]=|[-+/*%~[\](){}<>=.:|,]/y;
const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Throws a `TemplateError` where the source is no template. */
export function tokenize(written: string): Token[] {
  const source = written.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  const addText = (text: string): void => {
    if (text !== '') tokens.push({ type: 'text', value: text });
  };
  while (at < source.length) {
    const start = at;
    while (at < source.length && !(source[at] === '{' && '{%#'.includes(source[at + 1] ?? ' '))) at++;
    const text = source.slice(start, at);
    if (at === source.length) addText(text);
    else {
      const isFresh = start === 0 || source[start - 1] === '\n';
      const kind = source[at + 1];
      const opening = (kind === '%' && take(raw)) || null;
      const sign = (opening ?? take(begin))?.[1] ?? '';
      addText(kind === '{' && sign !== '-' ? text : beforeTag(text, sign, isFresh));
      if (opening !== null) addText(rawText());
      else if (kind === '#') skipComment();
      else readCode(kind === '{' ? 'print' : 'block');
    }
  }
  tokens.push({ type: 'eof', value: '' });
  return tokens;

  function rawText(): string {
    const from = at;
    const end = take(endRaw);
    if (end === null) throw new TemplateError('a raw block has no end');
    return beforeTag(source.slice(from, end.index), end[1], source[from - 1] === '\n');
  }

  function skipComment(): void {
    const from = at;
    const close = source.indexOf('#}', at);
    if (close < 0) throw new TemplateError('a comment has no end');
    at = close + 2;
    const sign = close > from ? source[close - 1] : '';
    if (sign === '-') take(someSpace);
    else if (sign !== '+' && source[at] === '\n') at++;
  }

  function readCode(kind: 'print' | 'block'): void {
    tokens.push({ type: 'begin', value: kind });
    const open: string[] = [];
    for (;;) {
      if (open.length === 0 && take(ends[kind]) !== null) {
        tokens.push({ type: 'end', value: kind });
        return;
      }
      if (at === source.length) throw new TemplateError(`it ends inside ${kind === 'print' ? '{{' : '{%'}`);
      if (take(someSpace) !== null) continue;
      tokens.push(readToken(open));
    }
  }

  function readToken(open: string[]): Token {
    const number = take(float)?.[0];
    if (number !== undefined) return { type: 'float', value: Number(number.replaceAll('_', '')) };
    const whole = take(integer)?.[0];
    if (whole !== undefined) return { type: 'integer', value: Number(whole.replaceAll('_', '')) };
    const word = take(name)?.[0];
    if (word !== undefined) return { type: 'name', value: word };
    const quoted = take(string)?.[0];
    if (quoted !== undefined) return { type: 'string', value: unquote(quoted.slice(1, -1)) };
    const sign = take(operator)?.[0];
    if (sign === undefined) throw new TemplateError(`it has an unexpected ${JSON.stringify(source[at])}`);
    if (closing[sign] !== undefined) open.push(closing[sign]);
    else if (')]}'.includes(sign) && open.pop() !== sign) throw new TemplateError(`it has an unexpected "${sign}"`);
    return { type: 'operator', value: sign };
  }
}

/** The text before a tag, less what its sign and `lstrip_blocks` take. */
function beforeTag(text: string, sign: string, isFresh: boolean): string {
  if (sign === '-') return trim(text, 'right');
  if (sign === '+') return text;
  const line = text.lastIndexOf('\n') + 1;
  return (line > 0 || isFresh) && trim(text.slice(line), 'right') === '' ? text.slice(0, line) : text;
}

const named: Readonly<Record<string, string>> = {
  ...{ '\n': '', '\\': '\\', "'": "'", '"': '"', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
};

/** Python's escapes; one that it does not know stays as it is. */
function unquote(text: string): string {
  return text.replace(/\\(?:x(.{0,2})|u(.{0,4})|U(.{0,8})|([0-7]{1,3})|(.))/gs, (all, x, u, long, octal, letter) => {
    if (letter === 'N') throw new TemplateError('an escape \\N is not supported');
    if (letter !== undefined) return named[letter as string] ?? all;
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal as string, 8));
    const hex = (x ?? u ?? long) as string;
    const code = Number.parseInt(hex, 16);
    const isWhole = hex.length === (x === undefined ? (u === undefined ? 8 : 4) : 2) && /^[\da-f]+$/i.test(hex);
    if (!isWhole || code > 0x10ffff) throw new TemplateError(`it has a broken escape ${all}`);
    return code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code);
  });
}
