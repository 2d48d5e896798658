// The schema of somebody's Arrow file: which of its columns hold text, and where their buffers stand among those of all
// the columns that we skip. Type numbers and buffers: Schema.fbs and the columnar format.
import type { Table } from '../flat-buffers.js';

export interface TextColumn {
  name: string;
  type: string;
  isText: boolean;
  /** Bytes of an offset: 4 for utf8, 8 for large utf8. */
  offsetBytes: 4 | 8;
  /** The cells are indices into a dictionary. */
  dictionary?: Dictionary;
  /** Where its arrays begin in a record batch. */
  node: number;
  buffer: number;
}

export interface Dictionary {
  id: number;
  indexBytes: number;
}

interface Layout {
  nodes: number;
  buffers: number;
}

const maxFields = 10_000;
const maxDepth = 64;
const union = 14;
const largeUtf8 = 20;

/** Type number → its name and its own buffers, beside those of its children. */
const types: Readonly<Record<number, readonly [name: string, buffers: number]>> = {
  1: ['null', 0],
  2: ['int', 2],
  3: ['float', 2],
  4: ['binary', 3],
  5: ['utf8', 3],
  6: ['bool', 2],
  7: ['decimal', 2],
  8: ['date', 2],
  9: ['time', 2],
  10: ['timestamp', 2],
  11: ['interval', 2],
  12: ['list', 2],
  13: ['struct', 1],
  [union]: ['union', 1],
  15: ['fixed-size binary', 2],
  16: ['fixed-size list', 1],
  17: ['map', 2],
  18: ['duration', 2],
  19: ['large binary', 3],
  [largeUtf8]: ['large utf8', 3],
  21: ['large list', 2],
  22: ['run-end encoded', 0],
};

/** @throws Error where a column is of a kind whose buffers we cannot count. */
export function readSchema(schema: Table): TextColumn[] {
  if (schema.byte(0) !== 0) throw new Error('its numbers are big-endian, which is not read');
  const fields = schema.vector(1, 4);
  const seen = { fields: 0 };
  let node = 0;
  let buffer = 0;
  return Array.from({ length: Math.min(fields.length, maxFields) }, (_, i) => {
    const field = fields.table(i);
    const name = field.text(0);
    const number = field.byte(2);
    const type = types[number]?.[0] ?? `type ${number}`;
    const isText = type.endsWith('utf8');
    const offsetBytes = number === largeUtf8 ? 8 : 4;
    const dictionary = field.has(4) ? dictionaryOf(field.table(4)) : undefined;
    const column = { name, type, isText, offsetBytes, ...(dictionary && { dictionary }), node, buffer } as const;
    const layout = layoutOf(field, name, seen, 0);
    node += layout.nodes;
    buffer += layout.buffers;
    return column;
  });
}

function dictionaryOf(encoding: Table): Dictionary {
  const bits = encoding.has(1) ? encoding.table(1).int(0) : 32;
  if (![8, 16, 32, 64].includes(bits)) throw new Error(`its dictionary has indices of ${bits} bits`);
  return { id: encoding.long(0), indexBytes: bits / 8 };
}

/** Fields may share their children: what is counted is each visit. */
function layoutOf(field: Table, name: string, seen: { fields: number }, depth: number): Layout {
  if (++seen.fields > maxFields || depth > maxDepth) throw new Error(`it has more than ${maxFields} columns`);
  // Of a dictionary-encoded column, only the indices stand in a batch.
  if (field.has(4)) return { nodes: 1, buffers: 2 };
  const number = field.byte(2);
  const known = types[number];
  if (known === undefined) throw new Error(`its column ${name} is of a kind (type ${number}) that is not read`);
  const isDense = number === union && field.table(3).byte(0) === 1;
  const total = { nodes: 1, buffers: known[1] + (isDense ? 1 : 0) };
  if (!field.has(5)) return total;
  const children = field.vector(5, 4);
  for (let i = 0; i < children.length; i++) {
    const layout = layoutOf(children.table(i), name, seen, depth + 1);
    total.nodes += layout.nodes;
    total.buffers += layout.buffers;
  }
  return total;
}
