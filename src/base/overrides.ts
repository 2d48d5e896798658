// `--set a.b=c`: one value typed on the command line, laid over what the file says. The schema decides how the text is
// read, so `--set name=123` is text and `--set seed=123` a number.
import { parse } from 'yaml';
import { type Fault, nearest } from './errors.js';
import { kebabCase } from './format.js';
import { keysOf, namesFile, nodeAt, presentPath, renameKeys, type SchemaNode, valueAt } from './schema.js';

export interface Override {
  /** `a.b=c`; the value `null` removes the key. */
  assignment: string;
  /** What the person typed, for errors: `--seed 7`. */
  typed: string;
  /** Only where the key is not set yet. */
  ifAbsent?: boolean;
  /** Only where the whole value, as it is by then, is so. */
  onlyWhere?: (value: unknown) => boolean;
  /** Hears that a value was there, which `null` has removed. */
  removed?: () => void;
}

/** Named flags: dotted key → value. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** `--batchSize 8` for `pretrain.train.batchSize`. */
export function flagOverrides(flags: Flags): Override[] {
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({
      assignment: `${key}=${value}`,
      typed: `--${kebabCase(key.split('.').at(-1) ?? key)} ${value}`,
    }));
}

/**
 * Lays each assignment over `value`. Faults are returned, not thrown: the caller reports them with the file's own; and so
 * are the words that each dotted key was typed as.
 * `finish(schema of the key, value)` may change the value last (paths become absolute); `renamed` hears of former names.
 */
export function applyOverrides(
  root: SchemaNode,
  value: unknown,
  overrides: readonly (string | Override)[],
  finish: (node: SchemaNode, value: unknown) => unknown,
  renamed: (from: string, to: string) => void,
): { value: unknown; faults: Fault[]; typed: Map<string, string> } {
  const result = { value, faults: [] as Fault[], typed: new Map<string, string>() };
  for (const given of overrides) {
    const { assignment, typed, ifAbsent, onlyWhere, removed }: Override =
      typeof given === 'string' ? { assignment: given, typed: `--set ${given}` } : given;
    if (onlyWhere?.(result.value) === false) continue;
    const split = assignment.indexOf('=');
    if (split <= 0) {
      result.faults.push({ what: 'this sets nothing', where: typed, next: 'Write it as --set a.b=value' });
      continue;
    }
    const written = assignment.slice(0, split).trim().split('.');
    const path = presentPath(root, written, result.value);
    if (path.join() !== written.join()) renamed(written.join('.'), path.join('.'));
    const node = nodeAt(root, path, result.value);
    if (node === undefined) {
      result.faults.push(unknownKey(root, path, typed, result.value));
      continue;
    }
    if (ifAbsent && valueAt(result.value, path) !== undefined) continue;
    const read = readScalar(node, assignment.slice(split + 1).trim());
    const scalar = renameKeys(node, read, 'present', renamed, `${path.join('.')}.`);
    if (scalar === null && valueAt(result.value, path) !== undefined) removed?.();
    result.value = assign(result.value, path, scalar === null ? undefined : finish(node, scalar));
    result.typed.set(path.join('.'), typed);
  }
  return result;
}

function readScalar(node: SchemaNode, text: string): unknown {
  if (text === 'null') return null;
  if (node.type === 'string' || (namesFile(node) && !/^[[{"']/.test(text))) return text;
  try {
    return parse(takesList(node) && !/^[[{]/.test(text) ? `[${text}]` : text, { maxAliasCount: 0 }) as unknown;
  } catch {
    return text; // the schema will say what was expected
  }
}

/** Whether `a,b` is a list: of a key that takes a list, or one or a block of keys. */
function takesList({ type, anyOf }: SchemaNode): boolean {
  return type === 'array' || (anyOf?.every((each) => each.type === 'array' || each.type === 'object') ?? false);
}

/** A copy of `value` with the key set, or removed where `inner` is undefined; blocks on the way are made. */
function assign(value: unknown, [key, ...rest]: readonly string[], inner: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) =>
      String(index) !== key ? item : rest.length > 0 ? assign(item, rest, inner) : inner,
    );
  }
  const block: Record<string, unknown> = typeof value === 'object' && value !== null ? { ...value } : {};
  if (rest.length > 0) block[key] = assign(block[key], rest, inner);
  else if (inner === undefined) delete block[key];
  else block[key] = inner;
  return block;
}

function unknownKey(root: SchemaNode, path: readonly string[], typed: string, value: unknown): Fault {
  let known = 1;
  while (known < path.length && nodeAt(root, path.slice(0, known), value) !== undefined) known++;
  const block = path.slice(0, known - 1);
  const node = nodeAt(root, block, value);
  const names = node === undefined ? [] : keysOf(node);
  const whole = (name: string): string => [...block, name].join('.');
  // By the name alone: what stands before it is the same of all.
  const near = nearest(path[known - 1], names);
  const elsewhere = block.length === 0 ? dottedEndingIn(root, path.join('.')) : [];
  const next =
    elsewhere.length > 0
      ? `Did you mean ${elsewhere.slice(0, 4).join(', or ')}?`
      : near !== undefined
        ? `Did you mean ${whole(near)}?`
        : `Known ${block.length === 0 ? 'keys' : `under ${block.join('.')}`}: ${names.map(whole).join(', ') || 'none'}`;
  return { what: `unknown key ${path.join('.')}`, where: typed, next };
}

/** `learningRate` → `pretrain.train.learningRate`, … */
function dottedEndingIn(node: SchemaNode, tail: string, prefix = ''): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const path = `${prefix}${key}`;
    return [...(path.endsWith(`.${tail}`) ? [path] : []), ...dottedEndingIn(child, tail, `${path}.`)];
  });
}
