// A regular expression as Python writes it, as JavaScript does: for the patterns of response templates, which say of
// themselves that they keep to what both have. What has no counterpart is refused by name.
const spaces = String.raw`\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const space = new RegExp(`[${spaces}]`);

/** What Python's `\\s` and `strip` take for white space. */
export function isPythonSpace(character: string): boolean {
  return space.test(character);
}

/** Escapes that mean more in Python: outside a class, and in one. */
const classes: Readonly<Record<string, [string, string | undefined]>> = {
  s: [`[${spaces}]`, spaces],
  S: [`[^${spaces}]`, undefined],
  d: [String.raw`\p{Nd}`, String.raw`\p{Nd}`],
  D: [String.raw`\P{Nd}`, String.raw`\P{Nd}`],
  w: [String.raw`[\p{L}\p{N}_]`, String.raw`\p{L}\p{N}_`],
  W: [String.raw`[^\p{L}\p{N}_]`, undefined],
  A: [String.raw`(?<![\s\S])`, undefined],
  Z: [String.raw`(?![\s\S])`, undefined],
};
const same = /^(?:[nrtfv0]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})/;
const syntax = /[\^$\\.*+?()[\]{}|/]/;

/** For the flags `s` and `u`. @throws Error where it has no counterpart. */
export function fromPython(pattern: string): string {
  let result = '';
  let isClass = false;
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    if (rest[0] === '\\') {
      const [written, length] = escaped(rest.slice(1), isClass);
      result += written;
      at += 1 + length;
      continue;
    }
    if (isClass) {
      isClass = rest[0] !== ']' || /\[\^?$/.test(result);
      result += (rest[0] === ']' && isClass) || rest[0] === '[' ? `\\${rest[0]}` : rest[0];
      at++;
      continue;
    }
    const group = /^\(\?(?:P<(\w+)>|P=(\w+)\)|(?=[:=!])|<(?=[=!])|<(\w+)>)/.exec(rest);
    if (group !== null) {
      const [whole, named, again, plain] = group;
      result += again !== undefined ? `\\k<${again}>` : named || plain ? `(?<${named ?? plain}>` : whole;
      at += whole.length;
      continue;
    }
    if (rest.startsWith('(?')) throw new Error(`${rest.slice(0, 4)} is not read`);
    if (/^(?:[*+?]|\{\d*,?\d*\})\+/.test(rest)) throw new Error('possessive quantifiers are not read');
    if (rest[0] === '[') isClass = true;
    // Python's `$` holds before a line end that ends the text, too.
    if (rest[0] === '$') result += String.raw`(?=\n?(?![\s\S]))`;
    else if (rest[0] === '{' && !/^\{\d+(?:,\d*)?\}/.test(rest)) result += '\\{';
    else if (rest[0] === '}' && !/\{\d+(?:,\d*)?$/.test(result)) result += '\\}';
    else if (rest[0] === ']') result += '\\]';
    else result += rest[0];
    at++;
  }
  return result;
}

/** What stands for the escape, and its length without the backslash. */
function escaped(rest: string, isClass: boolean): [string, number] {
  const known = classes[rest[0]];
  const [plain, inClass] = known ?? [];
  const written = isClass ? inClass : plain;
  if (written !== undefined) return [written, 1];
  const alike = same.exec(rest);
  if (alike !== null) return [`\\${alike[0]}`, alike[0].length];
  if ((rest[0] === 'b' || rest[0] === 'B') && !isClass) return [`\\${rest[0]}`, 1];
  if (rest === '' || /^[\p{L}\p{N}]/u.test(rest)) throw new Error(`\\${rest.slice(0, 1)} is not read`);
  const [character] = rest;
  const code = rest.codePointAt(0) ?? 0;
  const whole = code > 0xffff ? String.fromCodePoint(code) : character;
  return [syntax.test(whole) || (isClass && whole === '-') ? `\\${whole}` : whole, whole.length];
}
