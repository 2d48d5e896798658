// `{city}` in a command or an address of a person's own tool: what it may name, and what a call puts there. What a model writes
// is one value and nothing else: it ends no argument, begins no option, names no other path.
import { isRecord } from '../base/objects.js';
import type { Tool } from '../tokenizer/message.js';
import { ToolFailure } from './tool.js';

/** `{{name}}` is `{name}` itself; what is no name between braces (`{print $1}`) is text. */
const placeholder = /\{\{([\w-]+)\}\}|\{([\w-]+)\}/g;
/** A system's limit for one argument of a command is 128 KiB; an address has less. */
const maxValue = 16_384;

export interface Arguments {
  names: string[];
  isOptional(name: string): boolean;
}

/** The arguments of a tool; those with a default always have a value. */
export function argumentsOf({ parameters = {} }: Tool): Arguments {
  const properties = isRecord(parameters.properties) ? parameters.properties : {};
  const required = Array.isArray(parameters.required) ? parameters.required : [];
  const hasDefault = (name: string): boolean => isRecord(properties[name]) && properties[name].default !== undefined;
  return {
    names: Object.keys(properties),
    isOptional: (name) => !required.includes(name) && !hasDefault(name),
  };
}

/** The names of the placeholders in a text. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(placeholder)].flatMap(([, , name]) => (name === undefined ? [] : [name]));
}

/** @param write how a value is written there. Undefined where a placeholder has no value. */
export function filled(
  text: string,
  values: ReadonlyMap<string, string>,
  write = (value: string) => value,
): string | undefined {
  if (placeholdersIn(text).some((name) => !values.has(name))) return undefined;
  return text.replace(placeholder, (_, literal: string | undefined, name: string) =>
    literal === undefined ? write(values.get(name) ?? '') : `{${literal}}`,
  );
}

/** The values of a call as text, defaults of the schema where it has none. @throws ToolFailure for one that is too long. */
export function valuesOf({ parameters = {} }: Tool, given: Record<string, unknown>): Map<string, string> {
  const properties = isRecord(parameters.properties) ? parameters.properties : {};
  const values = new Map<string, string>();
  for (const [name, property] of Object.entries(properties)) {
    const value = Object.hasOwn(given, name) ? given[name] : isRecord(property) ? property.default : undefined;
    if (value === undefined) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text.length > maxValue) throw new ToolFailure(`${name} is longer than ${maxValue} characters.`);
    if (text.includes('\0')) throw new ToolFailure(`${name} holds a NUL character.`);
    values.set(name, text.replace(/\p{Surrogate}/gu, '\ufffd'));
  }
  return values;
}

/** Of a spec: placeholders that are no arguments, and arguments that are nowhere. */
export function placeholderFaults(tool: Tool, texts: readonly string[], needsAll: boolean): string[] {
  const { names } = argumentsOf(tool);
  const used = texts.flatMap(placeholdersIn);
  const known = names.length === 0 ? 'it has none' : `known are ${names.join(', ')}`;
  return [
    ...used
      .filter((name) => !names.includes(name))
      .map((name) => `{${name}} is no argument of ${tool.name}: ${known}; {{${name}}} is {${name}} as text`),
    ...names
      .filter((name) => needsAll && !used.includes(name))
      .map((name) => `{${name}} stands nowhere: the argument ${name} would be lost`),
  ];
}
