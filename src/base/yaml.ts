// YAML that a person wrote → a validated value. Every fault is found in one go and named by file, line and column,
// with the key, what was expected, and the nearest name that exists.
import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { asUserError, type Fault, nearest, UserError } from './errors.js';
import { shorten } from './format.js';
import { isRecord } from './objects.js';
import { applyOverrides, type Override } from './overrides.js';
import {
  choicesOf,
  expectation,
  keysOf,
  mapPaths,
  nodeAt,
  renameKeys,
  type SchemaNode,
  schemaNode,
  valueAt,
} from './schema.js';

/** A configuration is small; anything larger is the wrong file, and takes the parser minutes where it is meant to. */
const maxBytes = 64 << 10;
/** Aliases may repeat this many nodes in all (the "billion laughs" guard). */
const maxAliases = 100;
/** Mistakes that are reported at once; a text with more is no configuration. */
const maxFaults = 50;

/** Dotted key → the flag that set it, or file:line:column: for a fault that only its reader finds. */
export type WhereIs = (key: string) => string;

export interface YamlListener {
  warn?: (text: string) => void;
  /** Called once, where all is valid. */
  locate?: (whereIs: WhereIs) => void;
}

/**
 * Reads, overrides and validates a YAML file.
 * @param overrides `a.b=c` assignments, applied last; each may carry the words it was typed as.
 * @param listener hears of keys that have another name now, and where each key stands.
 * @throws UserError with one fault for each mistake.
 */
export async function loadYaml<S extends z.ZodType>(
  path: string,
  schema: S,
  overrides: readonly (string | Override)[] = [],
  listener?: YamlListener,
): Promise<z.output<S>> {
  return parseYaml({ path, text: await readText(path) }, schema, overrides, listener);
}

/** The same for text already in memory; paths inside it are relative to the folder of `path`. */
export function parseYaml<S extends z.ZodType>(
  source: { path: string; text: string },
  schema: S,
  overrides: readonly (string | Override)[] = [],
  { warn, locate }: YamlListener = {},
): z.output<S> {
  const lines = new LineCounter();
  const document = parseText(source, lines);
  const node = schemaNode(schema);
  const renamed = (from: string, to: string): void => warn?.(`${from} is called ${to} now`);
  const written = fillEmptyBlocks(node, renameKeys(node, toValue(document, source.path), 'present', renamed));
  const folder = dirname(resolve(source.path));
  const overridden = applyOverrides(
    node,
    mapPaths(node, written, (text) => resolvePath(folder, text)),
    overrides,
    (schemaOfKey, value) => mapPaths(schemaOfKey, value, (text) => resolvePath(process.cwd(), text)),
    renamed,
  );
  const result = schema.safeParse(overridden.value);
  const context: Context = { path: source.path, document, lines, node, ...overridden };
  const faults = overridden.faults.concat(result.error?.issues.flatMap((issue) => toFaults(issue, context)) ?? []);
  if (faults.length > 0 || !result.success) throw new UserError(faults.slice(0, maxFaults));
  locate?.((key) => whereIs(key.split('.'), context));
  return result.data;
}

async function readText(path: string): Promise<string> {
  try {
    const bytes = await buffer(createReadStream(path, { end: maxBytes }));
    if (bytes.length > maxBytes) {
      const what = `this file is larger than ${maxBytes >> 10} KiB`;
      throw new UserError({ what, where: path, why: 'a configuration is small text' });
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new UserError({ what: 'this is not UTF-8 text', where: path, why: 'a YAML file was expected' });
    }
    throw asUserError(error, path);
  }
}

function parseText({ path, text }: { path: string; text: string }, lines: LineCounter): Document.Parsed {
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, schema: 'core', prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    if (error instanceof RangeError) throw new UserError({ what: 'the YAML is nested too deeply', where: path });
    throw error;
  }
  const problems = [...document.errors, ...document.warnings].slice(0, maxFaults);
  if (problems.length > 0) {
    throw new UserError(
      problems.map((problem) => ({
        what: `this is not valid YAML: ${problem.message.replace(/\.$/, '')}`,
        where: position(path, lines, problem.pos[0]),
        ...(problem.code === 'TAB_AS_INDENT' ? { next: 'Indent with spaces' } : {}),
      })),
    );
  }
  return document;
}

function toValue(document: Document.Parsed, path: string): unknown {
  try {
    const value = (document.toJS({ maxAliasCount: maxAliases }) as unknown) ?? {};
    JSON.stringify(value); // fails where an anchor holds an alias of itself
    return value;
  } catch (error) {
    const { name, message } = error as Error;
    const why = { RangeError: 'it is nested too deeply', TypeError: 'an anchor holds itself' }[name] ?? message;
    throw new UserError({ what: 'this YAML cannot be read', where: path, why });
  }
}

/** `tokenizer:` with nothing under it is a block with every default. */
function fillEmptyBlocks(node: SchemaNode, value: unknown): unknown {
  if (value === null && node.properties !== undefined) return {};
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const child = nodeAt(node, [key], value);
      return [key, child === undefined ? inner : fillEmptyBlocks(child, inner)];
    }),
  );
}

/**
 * `file:x` and plain paths become absolute; other schemes (`npm:`, `https:`) are left as they are, and so is a path that is
 * empty, which would become the folder itself: the schema refuses it.
 */
function resolvePath(folder: string, text: string): string {
  if (text === '' || text === 'file:') return text;
  const scheme = /^[a-z][a-z0-9+.-]+:/.exec(text)?.[0];
  if (scheme === undefined) return resolve(folder, text);
  return scheme === 'file:' ? `file:${resolve(folder, text.slice(scheme.length))}` : text;
}

interface Context {
  path: string;
  document: Document.Parsed;
  lines: LineCounter;
  node: SchemaNode;
  value: unknown;
  /** Dotted key → the words it was typed as. */
  typed: ReadonlyMap<string, string>;
}

function toFaults(issue: z.core.$ZodIssue, context: Context): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...issue.path, key], context));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of branches with as many faults, the one that the value has the shape of: its fault lies deeper.
    const depth = ([first]: z.core.$ZodIssue[]): number => first.path.length;
    const closest = issue.errors.reduce((a, b) =>
      b.length < a.length || (b.length === a.length && depth(b) > depth(a)) ? b : a,
    );
    return closest.flatMap((inner) => toFaults({ ...inner, path: [...issue.path, ...inner.path] }, context));
  }
  const key = issue.path.join('.') || 'the file';
  const where = whereIs(issue.path, context);
  const node = nodeAt(context.node, issue.path, context.value);
  const value = valueAt(context.value, issue.path);
  if (node === undefined || issue.code === 'custom' || hasOwnWords(issue)) {
    return [{ what: `${key}: ${issue.message}`, where }];
  }
  if (issue.code === 'invalid_key') {
    return [{ what: `${key} is no name that can stand here`, where, why: issue.issues[0].message }];
  }
  const help = node.description === undefined ? '' : ` (${node.description})`;
  if (value === undefined) {
    return [{ what: `${key} is missing`, where, why: `it must be ${expectation(node)}${help}` }];
  }
  const near = typeof value === 'string' ? nearest(value, choicesOf(node, value)) : undefined;
  const what = `${key} must be ${expectation(node)}${help}, got ${shorten(JSON.stringify(value) ?? String(value), 60)}`;
  return [{ what, where, ...(near && { next: `Did you mean ${near}?` }) }];
}

/** A message that the schema's author wrote says more than what we could derive. */
function hasOwnWords(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_format' && !issue.message.startsWith('Invalid');
}

function unknownKey(path: PropertyKey[], context: Context): Fault {
  const block = path.slice(0, -1);
  const node = nodeAt(context.node, block, context.value);
  const known = node === undefined ? [] : keysOf(node, valueAt(context.value, block));
  const near = nearest(String(path.at(-1)), known);
  return {
    what: `unknown key ${path.join('.')}`,
    where: whereIs(path, context),
    next: near === undefined ? `Known here: ${known.join(', ')}` : `Did you mean ${near}?`,
  };
}

/** The flag that set this key (or a block around it), else file:line:column of the value, or of the nearest block. */
function whereIs(path: readonly PropertyKey[], context: Context): string {
  for (let length = path.length; length > 0; length--) {
    const flag = context.typed.get(path.slice(0, length).join('.'));
    if (flag !== undefined) return flag;
  }
  return position(context.path, context.lines, offsetOf(context.document, path));
}

/** Offset of the key for what is under a map (a person looks for the name), of the item for what is in a list. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let current: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const key of path) {
    if (isMap(current)) {
      const pair = current.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return offset;
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      current = pair.value;
    } else {
      const item = (current as { items?: unknown[] } | null)?.items?.[Number(key)];
      if (item === undefined) return offset;
      offset = (item as { range?: [number] }).range?.[0] ?? offset;
      current = item;
    }
  }
  return offset;
}

function position(path: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${Math.max(1, line)}:${Math.max(1, col)}`;
}
