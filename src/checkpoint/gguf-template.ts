// Chat templates for engines that do not know `{% generation %}` (llama.cpp's): its two tags become an `if` that always
// holds. A block tag stays a block tag, so what Jinja does to the white space around it stays the same.

const tag = /^\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/;
const rawTag = /^\{%[-+]?\s*raw\s*[-+]?%\}/;
const endRaw = /\{%[-+]?\s*endraw\s*[-+]?%\}/g;

/** Only real tags change: what comments, strings and raw blocks say stays. One pass over the text. */
export function withoutGenerationTags(template: string): string {
  let result = '';
  for (let at = 0; at < template.length; ) {
    const start = template.indexOf('{', at);
    if (start === -1) return result + template.slice(at);
    const end = constructEnd(template, start);
    const found = tag.exec(template.slice(start, end));
    result += template.slice(at, start);
    result += found === null ? template.slice(start, end) : asIf(found);
    at = end;
  }
  return result;
}

function asIf([, before, closing, after]: RegExpExecArray): string {
  return `{%${before} ${closing === undefined ? 'if true' : 'endif'} ${after}%}`;
}

/** Where the comment, expression, tag or raw block that starts at `start` ends; the next character where none does. */
function constructEnd(template: string, start: number): number {
  switch (template[start + 1]) {
    case '#':
      return after(template, template.indexOf('#}', start + 2));
    case '{':
      return after(template, codeEnd(template, start + 2, '}}'));
    case '%': {
      const end = after(template, codeEnd(template, start + 2, '%}'));
      if (!rawTag.test(template.slice(start, end))) return end;
      endRaw.lastIndex = end;
      return endRaw.exec(template) === null ? template.length : endRaw.lastIndex;
    }
    default:
      return start + 1;
  }
}

function after(template: string, closing: number): number {
  return closing === -1 ? template.length : closing + 2;
}

/** The first `closing` outside a quoted string. */
function codeEnd(template: string, from: number, closing: string): number {
  let quote = '';
  for (let at = from; at < template.length; at++) {
    const character = template[at];
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (template.startsWith(closing, at)) return at;
  }
  return -1;
}
