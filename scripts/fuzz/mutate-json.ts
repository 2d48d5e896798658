// Damage to JSON that stays JSON: other types, boundary numbers, renamed, doubled and missing keys, deep nesting,
// subtrees in the wrong place. A parser that only meets broken syntax is never asked what it believes.
import type { Random } from '../../src/base/random.js';
import { maxInputBytes, mutateBytes } from './mutate-bytes.js';

/** JSON with what JavaScript objects cannot hold: the order and the repetition of keys, and text as it stands. */
type Node = { pairs: [string, Node][] } | { items: Node[] } | { raw: string };

const deep = (open: string, close: string) => (random: Random) => {
  const depth = random.choose([5, 20, 60]);
  return open.repeat(depth) + close.repeat(random.uniform() < 0.8 ? depth : 0);
};

/** Replacements for any value, as JSON text. */
const values: readonly (string | ((random: Random) => string))[] = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1',
  '2',
  '1.5',
  '1e308',
  '1e999',
  '-1e-999',
  '255',
  '65536',
  '16777216',
  '16777217',
  '2147483647',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '-9223372036854775808',
  '18446744073709551616',
  '123456789012345678901234567890e100',
  '""',
  '"0"',
  '"toString"',
  '"../no/such/file"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\u202e\\ufeff"',
  '"{{ messages }}"',
  '"(a|b)$"',
  '[]',
  '{}',
  '[null]',
  '{"toString":{"valueOf":true}}',
  (random) => JSON.stringify(random.choose(['a', '词', ' ', '\n', '"']).repeat(random.choose([300, 5_000, 70_000]))),
  (random) => `[${Array.from({ length: random.choose([20, 2_000]) }, () => '0').join()}]`,
  deep('[', ']'),
  deep('{"a":', '}'),
];

const keys = ['toString', 'valueOf', 'length', '', ' ', '0', 'type', 'a\u0000', '..'];

/** One to three changes of the tree; one in eight is then damaged as bytes, too. */
export function mutateJson(random: Random, seed: Buffer, others: readonly Buffer[] = [seed]): Buffer {
  const tree = parse(seed.toString('utf8'));
  if (tree === undefined) return mutateBytes(random, seed, others);
  const stranger = parse(random.choose(others).toString('utf8')) ?? tree;
  for (let i = random.integer(1, 4); i > 0; i--) change(tree, random, stranger);
  const bytes = Buffer.from(print(tree, { left: maxInputBytes })).subarray(0, maxInputBytes);
  return random.uniform() < 0.125 ? mutateBytes(random, bytes, others) : bytes;
}

function parse(text: string): { root: Node } | undefined {
  try {
    return { root: toNode(JSON.parse(text) as unknown) };
  } catch {
    return undefined;
  }
}

/** What nests deeper than we want to walk was nested by an earlier change: its bytes can still be damaged. */
function toNode(value: unknown, depth = 0): Node {
  if (depth > 200) throw new Error('nested too deeply to be changed as JSON');
  if (Array.isArray(value)) return { items: value.map((item) => toNode(item, depth + 1)) };
  if (typeof value !== 'object' || value === null) return { raw: JSON.stringify(value) };
  return { pairs: Object.entries(value).map(([key, inner]) => [key, toNode(inner, depth + 1)]) };
}

/** Stops adding once `budget` is used up: what comes out is then cut off, which is a case like any other. */
function print(tree: { root: Node }, budget: { left: number }): string {
  const write = (node: Node): string => {
    if (budget.left < 0) return '';
    if ('raw' in node) {
      budget.left -= node.raw.length;
      return node.raw;
    }
    if ('items' in node) return `[${node.items.map(write).join()}]`;
    return `{${node.pairs.map(([key, inner]) => `${JSON.stringify(key)}:${write(inner)}`).join()}}`;
  };
  return write(tree.root);
}

interface Place {
  node: Node;
  replace(by: Node): void;
}

/** A node, every level above it equally likely: the few outer fields are reached as often as the many inner ones. */
function choosePlace(tree: { root: Node }, random: Random): Place {
  let place: Place = {
    node: tree.root,
    replace(by) {
      tree.root = by;
    },
  };
  for (;;) {
    const { node } = place;
    const size = 'items' in node ? node.items.length : 'pairs' in node ? node.pairs.length : 0;
    if (size === 0 || random.uniform() < 0.25) return place;
    const index = random.integer(0, size);
    if ('items' in node) {
      place = {
        node: node.items[index],
        replace(by) {
          node.items[index] = by;
        },
      };
    } else if ('pairs' in node) {
      place = {
        node: node.pairs[index][1],
        replace(by) {
          node.pairs[index][1] = by;
        },
      };
    }
  }
}

function change(tree: { root: Node }, random: Random, stranger: { root: Node }): void {
  const { node, replace } = choosePlace(tree, random);
  const kind = random.integer(0, 4);
  if (kind === 1 && 'pairs' in node && node.pairs.length > 0) changePairs(node.pairs, random);
  else if (kind === 1 && 'items' in node && node.items.length > 0) changeItems(node.items, random);
  else if (kind === 2) replace(structuredClone(choosePlace(random.choose([tree, stranger]), random).node));
  else if (kind === 3 && 'raw' in node) replace({ raw: nudge(node.raw, random) });
  else {
    const value = random.choose(values);
    replace({ raw: typeof value === 'string' ? value : value(random) });
  }
}

function changePairs(pairs: [string, Node][], random: Random): void {
  const index = random.integer(0, pairs.length);
  const [key, value] = pairs[index];
  switch (random.integer(0, 4)) {
    case 0:
      pairs.splice(index, 1);
      break;
    case 1: // the same key twice, with another value
      pairs.push([key, structuredClone(random.choose(pairs)[1])]);
      break;
    case 2:
      pairs[index] = [random.choose([...keys, `${key} `, key.toUpperCase(), key.slice(1)]), value];
      break;
    default:
      pairs.push([random.choose(keys), structuredClone(value)]);
  }
}

function changeItems(items: Node[], random: Random): void {
  const index = random.integer(0, items.length);
  switch (random.integer(0, 4)) {
    case 0:
      items.splice(index, 1);
      break;
    case 1:
      for (let i = random.choose([1, 20, 2_000]); i > 0 && items.length < 20_000; i--) items.push(items[index]);
      break;
    case 2:
      items.reverse();
      break;
    default:
      items.splice(index, 0, structuredClone(random.choose(items)));
  }
}

/** The same scalar, a little different: near enough to be believed. */
function nudge(raw: string, random: Random): string {
  if (!isJson(raw)) return raw;
  const value = JSON.parse(raw) as unknown;
  if (typeof value === 'number') return String(random.choose([value + 1, value - 1, -value, value * 2, value + 0.5]));
  if (typeof value === 'boolean') return String(!value);
  if (typeof value !== 'string') return raw;
  const at = random.integer(0, value.length + 1);
  const insert = random.choose(['', 'x', '\u0000', '<|im_end|>', '<|im_start|>', '词', '\ud83d']);
  return JSON.stringify(value.slice(0, at) + insert + value.slice(at + random.integer(0, 3)));
}

/** Some replacements above are broken on purpose. */
function isJson(raw: string): boolean {
  try {
    JSON.parse(raw);
    return true;
  } catch {
    return false;
  }
}
