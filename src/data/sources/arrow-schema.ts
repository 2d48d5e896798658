// The schema of a third-party Arrow file: which of its columns hold text, and where their buffers are among those of all
// the columns that we skip. Type numbers and buffers: Schema.fbs and the columnar format.
import type { Table } from '../flat-buffers.js';
import type { FoundColumn } from './columnar.js';

export interface TextColumn extends FoundColumn {
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

/** What the fields before have taken, those inside others included. */
interface Layout {
  fields: number;
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
  const layout: Layout = { fields: 0, nodes: 0, buffers: 0 };
  return Array.from({ length: Math.min(fields.length, maxFields) }, (_, i) => {
    const field = fields.table(i);
    const name = field.text(0);
    const number = field.byte(2);
    const type = types[number]?.[0] ?? `type ${number}`;
    const isText = type.endsWith('utf8');
    const offsetBytes = number === largeUtf8 ? 8 : 4;
    const dictionary = field.has(4) ? dictionaryOf(field.table(4)) : undefined;
    const { nodes: node, buffers: buffer } = layout;
    addField(layout, field, name, 0);
    return { name, type, isText, offsetBytes, ...(dictionary && { dictionary }), node, buffer };
  });
}

function dictionaryOf(encoding: Table): Dictionary {
  const bits = encoding.has(1) ? encoding.table(1).int(0) : 32;
  if (![8, 16, 32, 64].includes(bits)) throw new Error(`its dictionary has indices of ${bits} bits`);
  return { id: encoding.long(0), indexBytes: bits / 8 };
}

/** Fields may share their children: what is counted is each visit. */
function addField(layout: Layout, field: Table, name: string, depth: number): void {
  if (++layout.fields > maxFields || depth > maxDepth) throw new Error(`it has more than ${maxFields} columns`);
  layout.nodes++;
  const number = field.byte(2);
  const type = types[number];
  const isEncoded = field.has(4);
  if (!isEncoded && type === undefined) {
    throw new Error(`its column ${name} is of a kind (type ${number}) that is not read`);
  }
  const isDense = !isEncoded && number === union && field.table(3).byte(0) === 1;
  // Of a dictionary-encoded column, only the indices are in a batch.
  layout.buffers += isEncoded ? 2 : type[1] + (isDense ? 1 : 0);
  if (isEncoded || !field.has(5)) return;
  const children = field.vector(5, 4);
  for (let i = 0; i < children.length; i++) addField(layout, children.table(i), name, depth + 1);
}
