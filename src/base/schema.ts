// One declaration per knob: the zod field carries type, default, help and bounds, and everything else is read off it
// here: help tables, the words of an error, which values are paths.
import { z } from 'zod';

/** The part of JSON Schema that `z.toJSONSchema` gives us and that we read. */
export interface SchemaNode {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  minItems?: number;
  format?: string;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  additionalProperties?: boolean | SchemaNode;
  /** Of a record: what its keys are. */
  propertyNames?: SchemaNode;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
  /** From `.meta({ path: true })`: a file name, relative to the file it is written in. */
  path?: boolean;
  /** From `.meta({ rows: true })`: a file of rows, or a folder or pattern of them. */
  rows?: boolean;
  /** From `.meta({ tokenizer: true })`: a tokenizer.json, or a folder, checkpoint or model that has one. */
  tokenizer?: boolean;
  /** From `.meta({ formerly: 'name' })`: what the key was called before; still read. */
  formerly?: string;
}

/** One knob, as a help table shows it. */
export interface Field {
  /** Dotted; `[]` stands for the items of a list. */
  path: string;
  /** In words: 'whole number', 'text', 'one of a, b'. */
  type: string;
  required: boolean;
  default?: unknown;
  help?: string;
  /** In words, for example 'from 1 to 64'; absent where there are none. */
  bounds?: string;
  choices?: string[];
}

/** That of a whole pipeline takes some milliseconds. */
const nodes = new WeakMap<z.ZodType, SchemaNode>();

/** The schema of what a person writes (defaults not yet applied). */
export function schemaNode(schema: z.ZodType): SchemaNode {
  const node = nodes.get(schema) ?? (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode);
  nodes.set(schema, node);
  return node;
}

/** Every knob of a schema, in the order they are declared. */
export function describeSchema(schema: z.ZodType): Field[] {
  return fieldsOf(schemaNode(schema), '', true);
}

function fieldsOf(node: SchemaNode, path: string, required: boolean): Field[] {
  if (node.properties !== undefined) {
    return Object.entries(node.properties).flatMap(([key, child]) =>
      fieldsOf(child, path === '' ? key : `${path}.${key}`, node.required?.includes(key) ?? false),
    );
  }
  if (node.items?.properties !== undefined) return fieldsOf(node.items, `${path}[]`, required);
  return [
    {
      ...{ path, type: typeInWords(node), required: required && node.default === undefined },
      ...{ default: node.default, help: node.description, bounds: boundsInWords(node) || undefined },
      choices: (node.enum ?? node.items?.enum)?.map(String),
    },
  ];
}

/** What a value must be, for an error: 'a whole number from 1 to 64'. */
export function expectation(node: SchemaNode): string {
  const choices = node.enum ?? (node.const === undefined ? undefined : [node.const]);
  if (choices !== undefined) return choices.length === 1 ? String(choices[0]) : `one of ${choices.join(', ')}`;
  const branches = branchesOf(node);
  if (branches.length > 0) return branches.map(expectation).join(', or ');
  return `${article(typeInWords(node))} ${boundsInWords(node)}`.trim();
}

function typeInWords(node: SchemaNode): string {
  if (node.enum !== undefined) return 'choice';
  const branches = branchesOf(node);
  if (branches.length > 0) return [...new Set(branches.map(typeInWords))].join(' or ');
  if (node.type === 'string') return node.path ? 'path' : node.format === 'uri' ? 'URL' : 'text';
  return typesInWords[node.type ?? ''] ?? node.type ?? 'value';
}

const typesInWords: Readonly<Record<string, string>> = {
  integer: 'whole number',
  boolean: 'true or false',
  array: 'list',
  object: 'block of keys',
};

function article(type: string): string {
  return type === 'text' || type === 'true or false' ? type : `a ${type}`;
}

function boundsInWords(node: SchemaNode): string {
  const low = bounded(node.minimum ?? node.exclusiveMinimum);
  const high = bounded(node.maximum ?? node.exclusiveMaximum);
  if (low !== undefined && high !== undefined)
    return node.exclusiveMinimum === undefined ? `from ${low} to ${high}` : `above ${low} and at most ${high}`;
  if (low !== undefined) return node.exclusiveMinimum === undefined ? `of at least ${low}` : `above ${low}`;
  if (high !== undefined) return node.exclusiveMaximum === undefined ? `of at most ${high}` : `below ${high}`;
  if (node.minItems !== undefined) return `of at least ${node.minItems} item${node.minItems === 1 ? '' : 's'}`;
  return node.minLength === undefined ? '' : 'that is not empty';
}

/** zod bounds every integer by what a double holds exactly: nothing to tell a person. */
function bounded(limit: number | undefined): number | undefined {
  return limit === undefined || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? undefined : limit;
}

/** The schema at `path`; undefined where there is none. `value` picks the branch of a union. */
export function nodeAt(root: SchemaNode, path: readonly PropertyKey[], value?: unknown): SchemaNode | undefined {
  if (path.length === 0) return root;
  const [key, ...rest] = path;
  const inner = childValue(value, key);
  for (const node of branchesFor(root, value)) {
    const child = childNode(node, key);
    const found = child === undefined ? undefined : nodeAt(child, rest, inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The keys that a block may have, over all branches that fit `value`. */
export function keysOf(node: SchemaNode, value?: unknown): string[] {
  return [
    ...new Set(
      branchesFor(node, value).flatMap(({ properties = {}, propertyNames }) => [
        ...Object.keys(properties),
        ...(propertyNames?.enum ?? []).map(String),
      ]),
    ),
  ];
}

/** The words that a value may be, over all branches that fit it. */
export function choicesOf(node: SchemaNode, value?: unknown): string[] {
  return branchesFor(node, value)
    .flatMap((branch) => branch.enum ?? [])
    .map(String);
}

/** A copy of `value` with every text that the schema marks as a path replaced by `change(text, key path)`. */
export function mapPaths(
  node: SchemaNode,
  value: unknown,
  change: (text: string, at: readonly string[]) => unknown,
  at: readonly string[] = [],
): unknown {
  if (typeof value === 'string') {
    const branches = branchesFor(node, value);
    // A word that the schema names is that word, be it one of a union with paths.
    if (branches.some((branch) => branch.const === value)) return value;
    return branches.some((branch) => branch.path === true) ? change(value, at) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const child = (key: string, inner: unknown): unknown => {
    const schema = nodeAt(node, [key], value);
    return schema === undefined ? inner : mapPaths(schema, inner, change, [...at, key]);
  };
  if (Array.isArray(value)) return value.map((inner, index) => child(String(index), inner));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, child(key, inner)]));
}

/**
 * A copy of `value` with every key under the name that the schema gives it now, or under the one that it had before; a key
 * that stands there under both is left for the schema to refuse. `renamed` hears of each change, with its dotted path.
 */
export function renameKeys(
  node: SchemaNode,
  value: unknown,
  to: 'present' | 'former',
  renamed: (from: string, to: string) => void = () => undefined,
  at = '',
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const rename = (key: string, inner: unknown): [string, unknown] => {
    const other = to === 'present' ? presentName(node, key) : nodeAt(node, [key], value)?.formerly;
    const name = other === undefined || Object.hasOwn(value, other) ? key : other;
    if (name !== key) renamed(at + key, at + name);
    const child = nodeAt(node, [key], value);
    return [name, child === undefined ? inner : renameKeys(child, inner, to, renamed, `${at}${name}.`)];
  };
  if (Array.isArray(value)) return value.map((inner, index) => rename(String(index), inner)[1]);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => rename(key, inner)));
}

/** The path with every key under its present name. */
export function presentPath(root: SchemaNode, path: readonly string[], value?: unknown): string[] {
  return path.map((key, index) => {
    const block = nodeAt(root, path.slice(0, index), value);
    return (block && presentName(block, key)) ?? key;
  });
}

/** Of the key that was called `former` before; undefined where there is none. */
function presentName(block: SchemaNode, former: string): string | undefined {
  const fields = branchesFor(block, undefined).flatMap(({ properties = {} }) => Object.entries(properties));
  return fields.find(([, field]) => field.formerly === former)?.[0];
}

/** Whether the value, or one that it holds, may name a file; `rows`: a file, folder or pattern of rows; `tokenizer`: what has one. */
export function namesFile(node: SchemaNode, kind: 'path' | 'rows' | 'tokenizer' = 'path'): boolean {
  if (node[kind] === true || (node.items !== undefined && namesFile(node.items, kind))) return true;
  const inner = [...branchesOf(node), ...Object.values(node.properties ?? {})];
  return inner.some((each) => namesFile(each, kind));
}

function branchesOf(node: SchemaNode): SchemaNode[] {
  return node.anyOf ?? node.oneOf ?? [];
}

/** The node itself, or the branches of a union whose fixed fields (`kind: 'file'`) agree with `value`. */
function branchesFor(node: SchemaNode, value: unknown): SchemaNode[] {
  const branches = branchesOf(node);
  if (branches.length === 0) return [node];
  const agrees = (branch: SchemaNode): boolean =>
    Object.entries(branch.properties ?? {}).every(
      ([key, field]) => field.const === undefined || childValue(value, key) === field.const,
    );
  const fitting = branches.filter(agrees);
  return (fitting.length === 0 ? branches : fitting).flatMap((branch) => branchesFor(branch, value));
}

function childNode(node: SchemaNode, key: PropertyKey): SchemaNode | undefined {
  const name = String(key);
  if (node.properties !== undefined && Object.hasOwn(node.properties, name)) return node.properties[name];
  const present = presentName(node, name);
  if (present !== undefined) return node.properties?.[present];
  if (node.items !== undefined && /^\d+$/.test(name)) return node.items;
  const { additionalProperties: other, propertyNames } = node;
  const isKnown = propertyNames?.enum?.includes(name) ?? true;
  return isKnown && typeof other === 'object' ? other : undefined;
}

/** What stands at `path` inside `value`; undefined where nothing does. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(childValue, value);
}

function childValue(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<PropertyKey, unknown>)[key];
}

/** A number from JSON, which writes NaN as null. */
export const jsonNumber = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

/** What JSON text holds, where it fits the schema. @throws what `broken` makes of the first thing that does not. */
export function jsonAs<S extends z.ZodType>(schema: S, text: string, broken: (why: string) => Error): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken((error as Error).message);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0];
  throw broken(`${path.join('.')}: ${message}`);
}
