// What a field of a response template makes of its text: the parsers that transformers has, as it has them.
import { isRecord } from '../base/objects.js';
import { TimedRegex } from '../base/timed-regex.js';
import { fromPython, isPythonSpace } from './python-regex.js';

export type ContentArguments = Record<string, unknown>;

const parsers: Readonly<Record<string, (text: string, given: ContentArguments) => unknown>> = {
  text: stripped,
  int: (text, given) => number(stripped(text, given), /^[+-]?\d+(?:_\d+)*$/),
  float: (text, given) => number(stripped(text, given), /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/),
  bool: (text, given) => ['true', '1'].includes(stripped(text, given).toLowerCase()),
  json,
  'xml-inline': xmlInline,
  'kv-lines': lines,
};

/** Names of those that are read. `python-call-list` is not. */
export const contentParsers: readonly string[] = Object.keys(parsers);

/** @throws Error where the text is not what this parser takes. */
export function contentOf(parser: string, text: string, given: ContentArguments): unknown {
  return parsers[parser](text, given);
}

/** As Python's `strip`. */
function stripped(text: string, { strip = true }: ContentArguments): string {
  if (strip === false) return text;
  let [start, end] = [0, text.length];
  while (start < end && isPythonSpace(text[start])) start++;
  while (end > start && isPythonSpace(text[end - 1])) end--;
  return text.slice(start, end);
}

function number(text: string, form: RegExp): number {
  if (!form.test(text)) throw new Error(`${JSON.stringify(text.slice(0, 60))} is no number`);
  return Number(text.replaceAll('_', ''));
}

function json(text: string, given: ContentArguments): unknown {
  for (const strange of ['unquoted_keys', 'string_delims']) {
    if (given[strange] !== undefined) throw new Error(`JSON with ${strange} is not read`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (given.allow_non_json === true) return stripped(text, given);
    throw new Error(`${JSON.stringify(text.slice(0, 60))} is no JSON: ${(error as Error).message}`);
  }
}

/** Tags by a pattern with the groups key and value. */
function xmlInline(text: string, given: ContentArguments): unknown {
  if (typeof given.tag_pattern !== 'string') throw new Error('xml-inline has no tag_pattern');
  const regex = new TimedRegex(fromPython(given.tag_pattern), { flags: 'su' });
  const found = new Map<string, unknown[]>();
  for (let at = 0; at <= text.length; ) {
    const match = regex.exec(text, at);
    if (match === undefined) break;
    const { key, value = '' } = match.groups;
    if (key === undefined) throw new Error('the tag_pattern of xml-inline has no group key');
    const read = innerValue(value, given);
    found.set(key, given.merge_duplicates === true ? [...(found.get(key) ?? []), read] : [read]);
    at = Math.max(match.end, match.start + 1);
  }
  return Object.fromEntries([...found].map(([key, values]) => [key, values.length === 1 ? values[0] : values]));
}

function lines(text: string, given: ContentArguments): unknown {
  const { line_sep: lineEnd = '\n', kv_sep: between = ':' } = given;
  if (typeof lineEnd !== 'string' || typeof between !== 'string' || lineEnd === '' || between === '')
    throw new Error('kv-lines has a separator that is no text');
  const pairs = text.split(lineEnd).flatMap((written) => {
    const line = stripped(written, given);
    const at = line.indexOf(between);
    if (line === '' || at < 0) return [];
    const [key, value] = [line.slice(0, at), line.slice(at + between.length)].map((part) => stripped(part, given));
    return [[key, innerValue(value, given)]];
  });
  return Object.fromEntries(pairs) as unknown;
}

function innerValue(text: string, { value_parser: parser }: ContentArguments): unknown {
  if (parser === undefined || parser === null) return text;
  const { name = 'text', args = {} } = isRecord(parser) ? parser : {};
  if (typeof name !== 'string' || !Object.hasOwn(parsers, name) || !isRecord(args))
    throw new Error('a value_parser is not read');
  return contentOf(name, text, args);
}
