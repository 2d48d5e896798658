// The schema of a third-party Arrow file as a tree of fields: what each holds, and how many buffers it has in a batch, so
// that those of a column that is not wanted can be passed over. Type numbers and buffers: Schema.fbs, the columnar format.
import type { Table } from '../flat-buffers.js';
import type { ArrowUnit } from './arrow-times.js';

export interface ArrowField {
  name: string;
  /** As errors call it. */
  type: string;
  number: number;
  /** Its own buffers in a batch, beside those of its children. Views have a number of further ones that a batch says. */
  buffers: number;
  /** Bytes of an offset or of a value, where all have the same; bits of a truth value are 0. */
  width: number;
  /** Of an integer. */
  isSigned: boolean;
  /** Of a date, a time, a timestamp. */
  unit?: ArrowUnit;
  /** Of a decimal: digits behind the point. */
  scale: number;
  children: ArrowField[];
  /** Its cells are indices of `width` into a dictionary of values of this field. */
  dictionary?: { id: number; values: ArrowField };
}

export const arrowTypes = {
  ...{ null: 1, int: 2, float: 3, binary: 4, utf8: 5, bool: 6, list: 12, struct: 13, fixedSizeList: 16, map: 17 },
  ...{ decimal: 7, date: 8, time: 9, timestamp: 10, duration: 18 },
  ...{ union: 14, largeBinary: 19, largeUtf8: 20, largeList: 21, binaryView: 23, utf8View: 24 },
} as const;

/** Type number → its name, its own buffers, the bytes of an offset or value. */
const types: Readonly<Record<number, readonly [name: string, buffers: number, width?: number]>> = {
  [arrowTypes.null]: ['null', 0],
  [arrowTypes.int]: ['int', 2],
  [arrowTypes.float]: ['float', 2],
  [arrowTypes.binary]: ['binary', 3, 4],
  [arrowTypes.utf8]: ['utf8', 3, 4],
  [arrowTypes.bool]: ['bool', 2],
  [arrowTypes.decimal]: ['decimal', 2],
  [arrowTypes.date]: ['date', 2],
  [arrowTypes.time]: ['time', 2],
  [arrowTypes.timestamp]: ['timestamp', 2, 8],
  11: ['interval', 2],
  [arrowTypes.list]: ['list', 2, 4],
  [arrowTypes.struct]: ['struct', 1],
  [arrowTypes.union]: ['union', 1],
  15: ['fixed-size binary', 2],
  [arrowTypes.fixedSizeList]: ['fixed-size list', 1],
  [arrowTypes.map]: ['map', 2, 4],
  [arrowTypes.duration]: ['duration', 2, 8],
  [arrowTypes.largeBinary]: ['large binary', 3, 8],
  [arrowTypes.largeUtf8]: ['large utf8', 3, 8],
  [arrowTypes.largeList]: ['large list', 2, 8],
  22: ['run-end encoded', 0],
  [arrowTypes.binaryView]: ['binary view', 2, 16],
  [arrowTypes.utf8View]: ['utf8 view', 2, 16],
  25: ['list view', 3],
  26: ['large list view', 3],
};

const maxFields = 10_000;
const maxDepth = 64;
const dense = 1;

/** @throws Error where a column is of a kind whose buffers we cannot count. */
export function readSchema(schema: Table): ArrowField[] {
  if (schema.byte(0) !== 0) throw new Error('its numbers are big-endian, which is not read');
  return childrenOf(schema, 1, { fields: 0 }, 0);
}

export function isText({ number, dictionary }: ArrowField): boolean {
  const held = dictionary?.values.number ?? number;
  return held === arrowTypes.utf8 || held === arrowTypes.largeUtf8 || held === arrowTypes.utf8View;
}

export function hasVariadicBuffers({ number, dictionary }: ArrowField): boolean {
  return dictionary === undefined && (number === arrowTypes.utf8View || number === arrowTypes.binaryView);
}

/** Fields may share their children: what is counted is each visit. */
function childrenOf(parent: Table, index: number, counted: { fields: number }, depth: number): ArrowField[] {
  const fields = parent.vector(index, 4);
  if (fields.length > maxFields) throw tooMany();
  return Array.from({ length: fields.length }, (_, i) => fieldOf(fields.table(i), counted, depth));
}

function fieldOf(field: Table, counted: { fields: number }, depth: number): ArrowField {
  if (++counted.fields > maxFields || depth > maxDepth) throw tooMany();
  const name = field.has(0) ? field.text(0) : '';
  const number = field.byte(2);
  const known = types[number];
  if (known === undefined) throw new Error(`its column ${name} is of a kind (type ${number}) that is not read`);
  const [type, buffers, width = widthOf(field, number)] = known;
  const isDense = number === arrowTypes.union && field.table(3).byte(0) === dense;
  const isSigned = number === arrowTypes.int && field.table(3).byte(1) !== 0;
  const children = field.has(5) ? childrenOf(field, 5, counted, depth + 1) : [];
  const unit = unitOf(field, number);
  const scale = number === arrowTypes.decimal ? field.table(3).int(1) : 0;
  if (Math.abs(scale) > 1000) throw new Error(`its column ${name} has ${scale} digits behind the point`);
  const isOdd = (number === arrowTypes.time || number === arrowTypes.decimal) && ![4, 8, 16, 32].includes(width);
  if (isOdd) throw new Error(`its column ${name} has values of ${width} bytes`);
  const form = { width, isSigned, scale, ...(unit !== undefined && { unit }) };
  const values = { name, type, number, buffers: buffers + (isDense ? 1 : 0), ...form, children };
  if (!field.has(4)) return values;
  const encoding = field.table(4);
  const bits = encoding.has(1) ? encoding.table(1).int(0) : 32;
  if (![8, 16, 32, 64].includes(bits)) throw new Error(`its dictionary has indices of ${bits} bits`);
  // Of a dictionary-encoded column, only the indices are in a batch.
  return { ...values, buffers: 2, width: bits / 8, children: [], dictionary: { id: encoding.long(0), values } };
}

/** Of numbers, by their bits or their precision (half, single, double); of a fixed-size list the length. */
function widthOf(field: Table, number: number): number {
  if (number === arrowTypes.int) return field.table(3).int(0) / 8;
  if (number === arrowTypes.float) return 2 << field.table(3).short(0);
  if (number === arrowTypes.date) return unitOf(field, number) === 'day' ? 4 : 8;
  if (number === arrowTypes.time) return field.table(3).has(1) ? field.table(3).int(1) / 8 : 4;
  if (number === arrowTypes.decimal) return field.table(3).has(2) ? field.table(3).int(2) / 8 : 16;
  return number === arrowTypes.fixedSizeList ? field.table(3).int(0) : 0;
}

const units = ['second', 'millisecond', 'microsecond', 'nanosecond'] as const;

/** A date is of days or, where nothing is said, of milliseconds; a time of milliseconds; a timestamp and a duration of seconds. */
function unitOf(field: Table, number: number): ArrowUnit | undefined {
  const { date, time, timestamp, duration } = arrowTypes;
  if (![date, time, timestamp, duration].includes(number as never)) return undefined;
  const table = field.table(3);
  if (number === date) return table.has(0) && table.short(0) === 0 ? 'day' : 'millisecond';
  const given = table.has(0) ? table.short(0) : number === timestamp ? 0 : 1;
  return units[given];
}

function tooMany(): Error {
  return new Error(`it has more than ${maxFields} columns`);
}
