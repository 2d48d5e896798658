// Whether the arguments of a call fit the tool's JSON schema, and in words that a model can act on what does not. A closed part
// of JSON Schema, so that holding to it costs no more than reading it: no references, no regular expressions.
import { nearest } from '../base/errors.js';
import { isRecord } from '../base/objects.js';
import { shown } from './shown.js';

type Schema = Readonly<Record<string, unknown>>;

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

/** Keywords that hold a value to something. */
const bounds = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
];
const checked = [
  'type',
  'enum',
  'const',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'anyOf',
  ...bounds,
];
/** Those that only say something. */
const said = ['title', 'description', 'default', 'examples', 'format', 'deprecated', '$schema', '$comment', 'strict'];
const maxDepth = 8;
const maxFaults = 3;

/** What of a tool's schema cannot be held, each with its path; empty: all of it can. */
export function schemaFaults(schema: unknown, at = 'parameters', depth = 0): string[] {
  if (!isRecord(schema)) return [`${at}: it must be a JSON schema, an object`];
  if (depth > maxDepth) return [`${at}: it is nested too deeply`];
  const faults = Object.keys(schema)
    .filter((key) => !checked.includes(key) && !said.includes(key))
    .map((key) => `${at}.${key}: this keyword is not checked; known are ${checked.join(', ')}`);
  if (depth === 0 && schema.type !== 'object') faults.push(`${at}.type: it must be object, the arguments by name`);
  for (const type of typesOf(schema)) if (!(type in typeWords)) faults.push(`${at}.type: ${type} is no type of JSON`);
  for (const key of bounds)
    if (schema[key] !== undefined && typeof schema[key] !== 'number') faults.push(`${at}.${key}: it must be a number`);
  const inner: [string, unknown][] = [];
  if (schema.properties !== undefined && !isRecord(schema.properties))
    faults.push(`${at}.properties: it must be an object`);
  if (isRecord(schema.properties))
    for (const [key, value] of Object.entries(schema.properties)) inner.push([`${at}.properties.${key}`, value]);
  if (schema.items !== undefined) inner.push([`${at}.items`, schema.items]);
  if (isRecord(schema.additionalProperties)) inner.push([`${at}.additionalProperties`, schema.additionalProperties]);
  for (const key of ['anyOf', 'enum', 'required'])
    if (schema[key] !== undefined && !Array.isArray(schema[key])) faults.push(`${at}.${key}: it must be a list`);
  for (const [i, value] of listOf(schema.anyOf).entries()) inner.push([`${at}.anyOf.${i}`, value]);
  for (const value of [...listOf(schema.enum), ...(schema.const === undefined ? [] : [schema.const])])
    if (typeof value === 'object' && value !== null)
      faults.push(`${at}.enum: it must hold text, numbers, true or false`);
  for (const name of listOf(schema.required))
    if (!Object.hasOwn(propertiesOf(schema), String(name)))
      faults.push(`${at}.required: there is no argument ${String(name)}`);
  return [...faults, ...inner.flatMap(([path, value]) => schemaFaults(value, path, depth + 1))];
}

/** What is wrong with the arguments and what would fit, for a model; undefined where they fit. */
export function argumentFault(
  schema: Schema | undefined,
  given: Record<string, unknown>,
  tool: string,
): string | undefined {
  if (schema === undefined) return undefined;
  const faults = faultsOf(schema, given, '');
  if (faults.length === 0) return undefined;
  const more = faults.length > maxFaults ? ` ${faults.length - maxFaults} more are wrong.` : '';
  const sentences = faults.slice(0, maxFaults).map((fault) => `${fault}.`);
  return `${sentences.join(' ')}${more} ${tool} takes ${signature(schema)}.`;
}

/** `city: text, days: a whole number from 1 to 7 (optional)` */
export function signature(schema: Schema | undefined): string {
  const required = listOf(schema?.required);
  const parts = Object.entries(schema === undefined ? {} : propertiesOf(schema)).map(([name, property]) => {
    const words = isRecord(property) ? expected(property) : 'anything';
    return `${name}: ${words}${required.includes(name) ? '' : ' (optional)'}`;
  });
  return parts.length === 0 ? 'no arguments' : parts.join(', ');
}

function faultsOf(schema: Schema, value: unknown, at: string): string[] {
  const branches = listOf(schema.anyOf).filter(isRecord);
  if (branches.length > 0 && branches.every((branch) => faultsOf(branch, value, at).length > 0))
    return [mismatch(schema, value, at)];
  const types = typesOf(schema);
  if (types.length > 0 && !types.some((type) => isOf(type, value))) return [mismatch(schema, value, at)];
  if (schema.enum !== undefined && !listOf(schema.enum).includes(value)) return [mismatch(schema, value, at)];
  if (schema.const !== undefined && schema.const !== value) return [mismatch(schema, value, at)];
  if (typeof value === 'number' && !isWithin(schema, value, ['minimum', 'maximum']))
    return [mismatch(schema, value, at)];
  if (typeof value === 'string') {
    const length = [...value].length;
    return isWithin(schema, length, ['minLength', 'maxLength'])
      ? []
      : [`${at} has ${length} characters, it must be ${expected(schema)}`];
  }
  if (Array.isArray(value)) {
    if (!isWithin(schema, value.length, ['minItems', 'maxItems']))
      return [`${at} has ${value.length} items, it must be ${expected(schema)}`];
    const { items } = schema;
    return isRecord(items) ? value.flatMap((item, i) => faultsOf(items, item, `${at}[${i}]`)) : [];
  }
  return isRecord(value) ? objectFaults(schema, value, at) : [];
}

function objectFaults(schema: Schema, value: Record<string, unknown>, at: string): string[] {
  const properties = propertiesOf(schema);
  const nameOf = (key: string): string => (at === '' ? named(key) : `${at}.${named(key)}`);
  const faults = listOf(schema.required)
    .filter((key) => !Object.hasOwn(value, String(key)))
    .map((key) => `${nameOf(String(key))} is missing`);
  const { additionalProperties: others = schema.properties === undefined } = schema;
  for (const [key, inner] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : others;
    if (isRecord(property)) faults.push(...faultsOf(property, inner, nameOf(key)));
    else if (property === false) {
      const near = nearest(key.slice(0, 64), Object.keys(properties));
      faults.push(`There is no argument ${nameOf(key)}${near === undefined ? '' : `, perhaps ${near} is meant`}`);
    }
  }
  return faults;
}

function mismatch(schema: Schema, value: unknown, at: string): string {
  return `${at} must be ${expected(schema)}, not ${found(value)}`;
}

/** What would fit. */
function expected(schema: Schema): string {
  const choices = schema.const === undefined ? listOf(schema.enum) : [schema.const];
  if (choices.length > 0)
    return `${choices.length === 1 ? '' : 'one of '}${choices.map((choice) => JSON.stringify(choice)).join(', ')}`;
  const branches = listOf(schema.anyOf).filter(isRecord);
  if (branches.length > 0) return branches.map(expected).join(' or ');
  const types = typesOf(schema);
  if (types.length !== 1)
    return types.length === 0 ? 'anything' : types.map((type) => typeWords[type] ?? type).join(' or ');
  const [type] = types;
  const words = typeWords[type] ?? type;
  if (type === 'number' || type === 'integer') return `${words}${range(schema, 'minimum', 'maximum')}`;
  if (type === 'string' && schema.minLength === 1 && schema.maxLength === undefined) return 'text that is not empty';
  if (type === 'string') return `${words}${range(schema, 'minLength', 'maxLength', ' characters')}`;
  if (type !== 'array') return words;
  const items = isRecord(schema.items) ? `, each ${expected(schema.items)}` : '';
  return `${words}${range(schema, 'minItems', 'maxItems', ' items')}${items}`;
}

function range(schema: Schema, low: string, high: string, unit = ''): string {
  const { [low]: min, [high]: max, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}${unit}`;
  const words = { 'of at least': min, above, 'of at most': max, below };
  const parts = Object.entries(words).filter(([, limit]) => limit !== undefined);
  return parts.length === 0 ? '' : ` ${parts.map(([word, limit]) => `${word} ${limit}`).join(' and ')}${unit}`;
}

/** What stands there instead. A number in quotes is the usual mistake. */
function found(value: unknown): string {
  if (typeof value === 'string') return `the text ${JSON.stringify(named(value))}`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

const maxNamed = 40;

function named(text: string): string {
  return shown(text.length > maxNamed ? `${text.slice(0, maxNamed)}…` : text);
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isRecord(value);
  if (type === 'null') return value === null;
  return typeof value === type;
}

function isWithin(schema: Schema, size: number, [low, high]: [string, string]): boolean {
  const {
    [low]: least = -Infinity,
    [high]: most = Infinity,
    exclusiveMinimum = -Infinity,
    exclusiveMaximum = Infinity,
  } = schema as Record<string, number>;
  if (size < least || size > most) return false;
  return low !== 'minimum' || (size > exclusiveMinimum && size < exclusiveMaximum);
}

function propertiesOf({ properties }: Schema): Record<string, unknown> {
  return isRecord(properties) ? properties : {};
}

function typesOf({ type }: Schema): string[] {
  return type === undefined ? [] : [type].flat().map(String);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
