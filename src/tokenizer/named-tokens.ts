// The tokens that a folder gives a part (`eos_token`, `image_token`, …), out of tokenizer_config.json and
// special_tokens_map.json, in the order and with the precedence of transformers 5.24 (tokenization_utils_base.py). The map
// overrules the configuration where that has no `added_tokens_decoder`; where it has one, the map is not even read.
import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';
import { specialTokensMapName, tokenizerConfigName } from '../base/layout.js';
import { isRecord } from '../base/objects.js';

const content = z.string().min(1).max(256);
/** As Python's `AddedToken(**fields)`. */
export const flagsSchema = z.object({
  content,
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  /** Where nothing is said, the opposite of `special`. */
  normalized: z.boolean().nullish(),
  special: z.boolean().default(false),
});
export type TokenFlags = z.output<typeof flagsSchema>;
export type NamedToken = string | TokenFlags;

const token = z.union([content, flagsSchema]);
const maxListed = 10_000;
const list = z.array(token).max(maxListed);
const extraSchema = z.union([list, z.record(z.string().max(256), token)]).nullish();

/** What transformers keeps as `bos_token` and so on; any other key that ends in `_token` is a name as well. */
const standardNames = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((name) => `${name}_token`);

export interface NamedTokens {
  /** By key, `eos_token` for example, in the order in which they are added. */
  named: Map<string, NamedToken>;
  /** Without a name. */
  extra: NamedToken[];
  /** What added_tokens.json takes to be special. */
  special: Set<string>;
  notes: string[];
}

type Table = Readonly<Record<string, unknown>>;
const tableOf = (source: unknown): Table => (isRecord(source) ? source : {});

export function textOf(named: NamedToken): string {
  return typeof named === 'object' ? named.content : named;
}

/** Whether tokenizer_config.json lists its added tokens: then it is what counts, and the older files beside it do not. */
export function listsAdded(config: unknown): boolean {
  return (tableOf(config).added_tokens_decoder ?? undefined) !== undefined;
}

interface NamedSources {
  /** Parsed tokenizer_config.json and special_tokens_map.json; undefined where they are missing. */
  config?: unknown;
  map?: unknown;
  /** Of the tokenizer's class, for keys that no file has. */
  defaults?: Readonly<Record<string, string>>;
}

/** @throws UserError where a value is neither a text nor an object with `content`. */
export function readNamed({ config, map, defaults = {} }: NamedSources, directory: string): NamedTokens {
  const [first, second] = [config, map].map(tableOf);
  const overrules = !listsAdded(config);
  const places = [tokenizerConfigName, specialTokensMapName].map((name) => `${directory}/${name}`);
  const values = new Map(Object.entries(first).filter(([key]) => isName(key)));
  const special = new Set(
    [...values].flatMap(([key, value]) => (isStandard(key) && typeof value === 'string' ? value : [])),
  );
  const extras = [readExtra(first, places[0])];
  if (overrules) {
    for (const [key, value] of Object.entries(second).filter(([name]) => isName(name))) {
      if (!isStandard(key) && typeof first[key] === 'string') continue;
      const isObject = typeof value === 'object' && value !== null;
      values.set(key, isObject ? { ...value, special: true } : value);
      const text = isObject ? (value as { content?: unknown }).content : value;
      if (isStandard(key) && typeof text === 'string') special.add(text);
    }
    const isTaken = 'extra_special_tokens' in first || 'additional_special_tokens' in first;
    extras.push(readExtra(isTaken ? { ...second, additional_special_tokens: null } : second, places[1]));
  }
  for (const [key, value] of Object.entries(defaults)) if (!values.has(key)) values.set(key, value);
  const named = new Map<string, NamedToken>();
  const custom = [...values.keys()].filter((key) => !isStandard(key));
  const isText = (key: string): boolean => typeof first[key] === 'string';
  for (const key of [...standardNames, ...custom.filter((key) => !isText(key)), ...custom.filter(isText)]) {
    const value = values.get(key) ?? undefined;
    if (value !== undefined) named.set(key, readAs(token, value, `${overrules ? directory : places[0]}: ${key}`));
  }
  for (const { byName } of extras) for (const [key, value] of Object.entries(byName)) named.set(key, value);
  const extra = extras.flatMap(({ listed }) => listed);
  for (const each of extra) special.add(textOf(each));
  return { named, extra, special, notes: overrules ? [] : ignoredMap(first, second) };
}

function readExtra(table: Table, where: string): { listed: NamedToken[]; byName: Record<string, NamedToken> } {
  const key = isEmpty(table.extra_special_tokens) ? 'additional_special_tokens' : 'extra_special_tokens';
  const extra = readAs(extraSchema, table[key], `${where}: ${key}`) ?? [];
  return Array.isArray(extra) ? { listed: extra, byName: {} } : { listed: [], byName: extra };
}

function isEmpty(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}

function readAs<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError({
    what: 'this names no token',
    where,
    why: 'a text was expected, or an object with content and flags, as transformers writes them',
    next: 'Correct or remove that entry',
  });
}

/** What special_tokens_map.json says otherwise, in vain. */
function ignoredMap(config: Table, map: Table): string[] {
  const text = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
  const other = standardNames.filter(
    (key) => (map[key] ?? undefined) !== undefined && text(map[key]) !== text(config[key]),
  );
  if (other.length === 0) return [];
  const [key] = other;
  const quoted = (value: unknown): string => JSON.stringify(shorten(String(text(value) ?? 'none'), 40));
  return [
    `${specialTokensMapName} says ${key} ${quoted(map[key])}, ${tokenizerConfigName} ${quoted(config[key])}${andMore(other.length)}: the latter counts, as in transformers, because it has added_tokens_decoder`,
  ];
}

/** After the first of so many. */
export function andMore(count: number): string {
  return count === 1 ? '' : ` (and ${count - 1} more)`;
}

/** `add_bos_token` and its kin are switches. */
function isName(key: string): boolean {
  return key.endsWith('_token') && !key.startsWith('add_');
}

function isStandard(key: string): boolean {
  return standardNames.includes(key);
}
