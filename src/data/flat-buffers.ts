// FlatBuffers, as far as Arrow's metadata needs them: tables and vectors, read where they lie.
// Nothing is trusted: every access is checked by the `DataView`, which throws a `RangeError` outside its bytes.
// Format: https://flatbuffers.dev/internals/

/** A table; its fields are known by their place in the schema. */
export class Table {
  readonly #view: DataView;
  readonly #position: number;

  constructor(view: DataView, position: number) {
    this.#view = view;
    this.#position = position;
  }

  static root(bytes: Buffer): Table {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return new Table(view, view.getUint32(0, true));
  }

  /** Absolute position of a field; undefined where the table omits it. */
  #field(index: number): number | undefined {
    const vtable = this.#position - this.#view.getInt32(this.#position, true);
    if (4 + 2 * index >= this.#view.getUint16(vtable, true)) return undefined;
    const offset = this.#view.getUint16(vtable + 4 + 2 * index, true);
    return offset === 0 ? undefined : this.#position + offset;
  }

  #target(index: number): number {
    const at = this.#field(index);
    if (at === undefined) throw new Error(`field ${index} of its metadata is missing`);
    return at + this.#view.getUint32(at, true);
  }

  has(index: number): boolean {
    return this.#field(index) !== undefined;
  }

  byte(index: number): number {
    const at = this.#field(index);
    return at === undefined ? 0 : this.#view.getUint8(at);
  }

  short(index: number): number {
    const at = this.#field(index);
    return at === undefined ? 0 : this.#view.getInt16(at, true);
  }

  int(index: number): number {
    const at = this.#field(index);
    return at === undefined ? 0 : this.#view.getInt32(at, true);
  }

  long(index: number): number {
    const at = this.#field(index);
    return at === undefined ? 0 : longAt(this.#view, at);
  }

  table(index: number): Table {
    return new Table(this.#view, this.#target(index));
  }

  text(index: number): string {
    const at = this.#target(index);
    const length = Math.min(this.#view.getUint32(at, true), 1000);
    return Buffer.from(this.#view.buffer, this.#view.byteOffset + at + 4, length).toString('utf8');
  }

  vector(index: number, elementBytes: number): Vector {
    const at = this.#target(index);
    return new Vector(this.#view, at + 4, this.#view.getUint32(at, true), elementBytes);
  }
}

/** A vector of tables or structs, none of it outside the bytes. */
class Vector {
  readonly length: number;
  readonly #view: DataView;
  readonly #start: number;
  readonly #elementBytes: number;

  constructor(view: DataView, start: number, length: number, elementBytes: number) {
    if (start + length * elementBytes > view.byteLength) throw new Error('its metadata is cut short');
    this.length = length;
    this.#view = view;
    this.#start = start;
    this.#elementBytes = elementBytes;
  }

  table(index: number): Table {
    const at = this.#at(index, 0);
    return new Table(this.#view, at + this.#view.getUint32(at, true));
  }

  int(index: number, offset: number): number {
    return this.#view.getInt32(this.#at(index, offset), true);
  }

  long(index: number, offset: number): number {
    return longAt(this.#view, this.#at(index, offset));
  }

  #at(index: number, offset: number): number {
    if (index >= this.length) throw new Error('its metadata has too few entries');
    return this.#start + index * this.#elementBytes + offset;
  }
}

function longAt(view: DataView, at: number): number {
  const value = view.getBigInt64(at, true);
  if (value < 0n || value > Number.MAX_SAFE_INTEGER) throw new Error(`its metadata holds the size ${value}`);
  return Number(value);
}
