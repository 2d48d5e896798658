// The fields of a row or of a message, taken one by one: what nobody has taken in the end was not read. Lists and objects
// may stand in JSON text, as Parquet and CSV make people store them.
import { UserError } from '../../base/errors.js';
import { isRecord, jsonIn } from '../../base/objects.js';
import { maxContent } from '../../tokenizer/message.js';
import { RowRefusal, shownName } from './notes.js';

export type JsonObject = Record<string, unknown>;

export class Fields {
  readonly #values: JsonObject;
  readonly #taken = new Set<string>();
  /** In errors: `messages.3`; empty for the row itself. */
  readonly at: string;

  /** @throws UserError where it is no object. */
  constructor(value: unknown, at: string) {
    if (!isRecord(value)) throw wrongShape(at, 'an object with fields was expected');
    this.#values = value;
    this.at = at;
  }

  /** Whether one of these fields is there and says something. */
  has(...names: string[]): boolean {
    return names.some((name) => !isEmpty(this.#get(name)));
  }

  /** The first of these fields that says something, and its name. Fields that say the same or nothing are read with it. */
  take(...names: string[]): { name: string; value: unknown } | undefined {
    let found: { name: string; value: unknown } | undefined;
    for (const name of names) {
      const value = this.#get(name);
      if (isEmpty(value)) continue;
      if (found !== undefined && JSON.stringify(value) !== JSON.stringify(found.value)) continue;
      found ??= { name, value };
      this.#taken.add(name);
    }
    return found;
  }

  /** The value of a field, read or not. */
  peek(name: string): unknown {
    return this.#get(name);
  }

  /** A text. @throws UserError where it is something else, or far too long. */
  text(...names: string[]): string | undefined {
    const found = this.take(...names);
    return found === undefined ? undefined : expectText(found.value, this.path(found.name));
  }

  /** What nobody took and says something. */
  get rest(): string[] {
    return Object.keys(this.#values).filter((name) => !this.#taken.has(name) && !isEmpty(this.#values[name]));
  }

  get names(): string[] {
    return Object.keys(this.#values);
  }

  path(name: string): string {
    return this.at === '' ? name : `${this.at}.${name}`;
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }
}

/** The list or object that the value is, or that it holds as JSON text. @throws RowRefusal */
export function parsed(value: unknown, at: string): unknown {
  if (typeof value !== 'string') return value;
  const json = jsonIn(value);
  if (json === undefined) throw new RowRefusal(`${at} is a text and no JSON, where a list or an object was expected`);
  return json;
}

export function expectText(value: unknown, at: string): string {
  if (typeof value !== 'string') throw wrongShape(at, `a text was expected, not ${kindOf(value)}`);
  if (value.length > maxContent) throw wrongShape(at, `a text of more than ${maxContent} characters is refused`);
  return value;
}

export const fixRow = 'Fix or delete that row';

export function wrongShape(at: string, what: string): UserError {
  return new UserError({ what: at === '' ? what : `${shownName(at)}: ${what}`, next: fixRow });
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Tables have every column in every row: what is null or empty there says nothing. */
function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0)
  );
}
