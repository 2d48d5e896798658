// How transformers (5.13 and later) and vLLM read an answer: by the response_template in tokenizer_config.json. Ours reads the
// same fields from the same text, so that an export can be held to what others will make of it.
// The format is described in transformers' docs/source/en/chat_response_parsing.md. It comes with anybody's model: what it asks
// for is checked, and its patterns run against the clock.
import { isRecord } from '../base/objects.js';
import { TimedRegex } from '../base/timed-regex.js';
import { escapeRegex } from './escape-regex.js';
import { fromPython } from './python-regex.js';
import { type ContentArguments, contentOf, contentParsers } from './response-content.js';

export interface ResponseField {
  name: string;
  open?: TimedRegex;
  close?: TimedRegex;
  content: string;
  contentArguments: ContentArguments;
  repeats: boolean;
  join?: string;
  optional: boolean;
  transform?: unknown;
  transformEach: boolean;
}

const templateKeys = ['version', 'defaults', 'fields', 'start_anchor', 'start_anchor_pattern'];
const fieldKeys = [
  ...['open', 'open_pattern', 'close', 'close_pattern', 'content', 'content_args'],
  ...['repeats', 'join', 'optional', 'transform', 'transform_each'],
];
const maxFields = 32;
const maxText = 1 << 20;

export class ResponseTemplate {
  readonly #anchor: TimedRegex;
  readonly #defaults: Record<string, unknown>;
  readonly #fields: readonly ResponseField[];
  /** What takes the text that no other field does. */
  readonly #implicit: ResponseField | undefined;

  /** @throws Error that says why this is no template, or what of it is not read. */
  constructor(spec: unknown, { milliseconds }: { milliseconds?: number } = {}) {
    if (!isRecord(spec)) throw new Error('it is no object');
    expectKeys(spec, templateKeys, 'the template');
    if ((spec.version ?? 1) !== 1) throw new Error(`its version is ${String(spec.version)}, and only 1 is known`);
    if (spec.defaults !== undefined && !isRecord(spec.defaults)) throw new Error('its defaults are no object');
    const fields = isRecord(spec.fields) ? Object.entries(spec.fields) : [];
    if (fields.length === 0 || fields.length > maxFields)
      throw new Error(`it has no fields, or more than ${maxFields}`);
    this.#defaults = structuredClone((spec.defaults ?? {}) as Record<string, unknown>);
    this.#fields = fields.map(([name, field]) => readField(name, field, milliseconds));
    const implicit = this.#fields.filter(({ open }) => open === undefined);
    if (implicit.length > 1) throw new Error(`both ${implicit[0].name} and ${implicit[1].name} lack what opens them`);
    [this.#implicit] = implicit;
    const anchor = readAnchor(spec, 'start_anchor', 'the template', milliseconds);
    if (anchor === undefined) throw new Error('it has neither start_anchor nor start_anchor_pattern');
    this.#anchor = anchor;
  }

  /**
   * The message in a text. @param prefix the prompt before it: part of a message may stand there already.
   * @throws Error where a field cannot be read: then transformers reads nothing of the answer either.
   */
  parse(text: string, prefix: string): Record<string, unknown> {
    if (text.length + prefix.length > maxText) throw new Error(`the text has more than ${maxText} characters`);
    const whole = this.#opened(prefix) + text;
    const message = structuredClone(this.#defaults);
    let field = this.#implicit;
    let body = '';
    let isOpen = false;
    let captures: Record<string, string> = {};
    const close = (): void => {
      if (field !== undefined && isOpen) put(message, field, readBody(body, field, captures));
      [field, body, isOpen, captures] = [this.#implicit, '', false, {}];
    };
    const take = (end: number): void => {
      if (end > at && field !== undefined) {
        body += whole.slice(at, end);
        isOpen = true;
      }
    };
    let at = 0;
    for (;;) {
      const next = this.#next(whole, at, field);
      if (next === undefined) break;
      take(next.start);
      at = next.end;
      const hadContent = isOpen;
      if (next.field !== field || next.isOpening) {
        close();
        [field, isOpen, captures] = [next.field, true, next.groups];
      } else {
        captures = { ...captures, ...next.groups };
        close();
        if (!hadContent && next.start === next.end) break; // it would close nothing for ever
      }
    }
    take(whole.length);
    close();
    const missing = this.#fields.find(({ name, optional }) => !optional && !(name in message));
    if (missing !== undefined) throw new Error(`${missing.name} is missing`);
    return Object.fromEntries(
      Object.entries(message).filter(([name, value]) => name in this.#defaults || !isEmpty(value)),
    );
  }

  /** The prompt from the beginning of the last message on. */
  #opened(prefix: string): string {
    let end = 0;
    for (let at = 0; at <= prefix.length; ) {
      const found = this.#anchor.exec(prefix, at);
      if (found === undefined) break;
      end = found.end;
      at = Math.max(found.end, found.start + 1);
    }
    return prefix.slice(end);
  }

  /** What ends the field that is open; where none is, what opens one or ends the implicit one: the first, then the longest. */
  #next(text: string, at: number, current: ResponseField | undefined) {
    const isExplicit = current !== undefined && current !== this.#implicit;
    const opening = isExplicit ? [] : this.#fields.filter(({ open }) => open !== undefined);
    const closing = current?.close === undefined ? [] : [current];
    const found = [
      ...opening.map((field) => ({ field, isOpening: true, regex: field.open })),
      ...closing.map((field) => ({ field, isOpening: false, regex: field.close })),
    ].flatMap(({ field, isOpening, regex }) => {
      const match = regex?.exec(text, at);
      return match === undefined ? [] : [{ field, isOpening, ...match }];
    });
    found.sort(
      (a, b) =>
        a.start - b.start ||
        b.end - b.start - (a.end - a.start) ||
        Number(b.isOpening) - Number(a.isOpening) ||
        (a.field.name < b.field.name ? -1 : 1),
    );
    return found.at(0);
  }
}

function readField(name: string, field: unknown, milliseconds?: number): ResponseField {
  const at = `the field ${name.slice(0, 100)}`;
  if (!isRecord(field)) throw new Error(`${at} is no object`);
  expectKeys(field, fieldKeys, at);
  const { content = 'text', content_args: given = {}, repeats = false, join, optional = true } = field;
  const { transform, transform_each: each = false } = field;
  if (typeof content !== 'string' || !contentParsers.includes(content)) {
    throw new Error(`${at} has the content ${String(content).slice(0, 100)}, which is not read`);
  }
  if (!isRecord(given)) throw new Error(`${at} has content_args that are no object`);
  if (typeof repeats !== 'boolean' || typeof optional !== 'boolean' || typeof each !== 'boolean')
    throw new Error(`${at} has a switch that is neither true nor false`);
  if (join !== undefined && (typeof join !== 'string' || !repeats)) throw new Error(`${at} joins what does not repeat`);
  if (each && transform === undefined) throw new Error(`${at} has transform_each without a transform`);
  return {
    ...{ name, content, contentArguments: given, repeats, optional, transform, transformEach: each },
    ...{
      join: join as string | undefined,
      open: readAnchor(field, 'open', at, milliseconds),
      close: readAnchor(field, 'close', at, milliseconds),
    },
  };
}

/** A text, one of several texts, or a pattern. */
function readAnchor(
  from: Record<string, unknown>,
  name: string,
  at: string,
  milliseconds?: number,
): TimedRegex | undefined {
  const literal = from[name];
  const pattern = from[`${name}_pattern`];
  if (literal !== undefined && pattern !== undefined) throw new Error(`${at} has both ${name} and ${name}_pattern`);
  if (pattern !== undefined) {
    if (typeof pattern !== 'string' || pattern.length > 1000)
      throw new Error(`${at} has a ${name}_pattern that is no text`);
    try {
      return new TimedRegex(fromPython(pattern), { flags: 'su', milliseconds });
    } catch (error) {
      throw new Error(`${at} has a ${name}_pattern that is not read: ${(error as Error).message}`);
    }
  }
  if (literal === undefined) return undefined;
  const texts: unknown[] = Array.isArray(literal) ? literal : [literal];
  const sound = texts.filter((text) => typeof text === 'string' && text !== '') as string[];
  if (sound.length === 0 || sound.length < texts.length || sound.length > 256)
    throw new Error(`${at} has no text as ${name}`);
  const longest = [...new Set(sound)].sort((a, b) => b.length - a.length);
  return new TimedRegex(longest.map(escapeRegex).join('|'), { flags: 's', milliseconds });
}

function expectKeys(object: Record<string, unknown>, known: readonly string[], at: string): void {
  const strange = Object.keys(object).find((key) => !known.includes(key));
  if (strange !== undefined) throw new Error(`${at} has ${strange.slice(0, 100)}, which is not known`);
}

function put(message: Record<string, unknown>, { name, repeats, join }: ResponseField, value: unknown): void {
  if (join !== undefined) {
    if (typeof value !== 'string') throw new Error(`${name} joins what is no text`);
    message[name] = message[name] === undefined ? value : `${message[name] as string}${join}${value}`;
  } else if (repeats) message[name] = [...((message[name] ?? []) as unknown[]), value];
  else message[name] = value;
}

function readBody(body: string, field: ResponseField, captures: Record<string, string>): unknown {
  const content = contentOf(field.content, body, field.contentArguments);
  if (field.transform === undefined) return content;
  if (!field.transformEach) return transformed(field.transform, { ...captures, content });
  if (!Array.isArray(content)) throw new Error(`${field.name} is no list, and transform_each wants one`);
  return content.map((item) => {
    if (!isRecord(item)) throw new Error(`${field.name} holds something else than objects`);
    return transformed(field.transform, { ...captures, ...item });
  });
}

/** `{content.name}` as what stands there; all else as it is. */
function transformed(transform: unknown, scope: Record<string, unknown>): unknown {
  if (Array.isArray(transform)) return transform.map((each) => transformed(each, scope));
  if (isRecord(transform)) {
    return Object.fromEntries(Object.entries(transform).map(([key, each]) => [key, transformed(each, scope)]));
  }
  const path = typeof transform === 'string' ? /^\{(\w+(?:\.\w+)*)\}$/.exec(transform)?.[1] : undefined;
  if (path === undefined) return transform;
  return path.split('.').reduce((value: unknown, key) => {
    if (!isRecord(value) || !Object.hasOwn(value, key)) throw new Error(`{${path}} is not there`);
    return value[key];
  }, scope);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}
