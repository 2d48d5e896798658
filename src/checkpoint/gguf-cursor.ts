// A place in the header of a third-party GGUF file. Every length is checked against the file before it is believed, and
// what is returned takes no more memory than the bytes it came from, times a small constant.
import { UserError } from '../base/errors.js';
import { shorten } from '../base/format.js';

/** The largest vocabularies known (260,000 tokens) need 20 MB. */
export const maxHeaderBytes = 64 << 20;

export const numberArrays = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
} as const;
export type NumberArray = InstanceType<(typeof numberArrays)[keyof typeof numberArrays]>;

/** Thrown where the bytes at hand end. */
export const endOfBytes = Symbol('end of bytes');

export class Cursor {
  position = 0;
  readonly fileSize: number;
  readonly #bytes: Buffer;
  readonly #path: string;

  constructor(bytes: Buffer, fileSize: number, path: string) {
    this.#bytes = bytes;
    this.fileSize = fileSize;
    this.#path = path;
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** A size, which must be an exact number. */
  uint64(): number {
    const value = this.#bytes.readBigUInt64LE(this.#take(8));
    if (value >= 2n ** 53n) throw this.fault(`it claims a size of ${value}`);
    return Number(value);
  }

  /** How many of something follow, each of at least `bytesEach` bytes: the file must be long enough for all. */
  count(bytesEach: number): number {
    const count = this.uint64();
    if (count * bytesEach > this.fileSize - this.position) {
      throw this.fault(`it claims ${count} items where ${this.fileSize - this.position} bytes are left`);
    }
    return count;
  }

  text(maxBytes = maxHeaderBytes): string {
    const length = this.count(1);
    if (length > maxBytes) throw this.fault(`it has a text of ${length} bytes; ${maxBytes} is the limit`);
    const start = this.#take(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  numbers<T extends keyof typeof numberArrays>(type: T, count: number): InstanceType<(typeof numberArrays)[T]> {
    const Numbers = numberArrays[type];
    const length = count * Numbers.BYTES_PER_ELEMENT;
    const start = this.#take(length);
    const copy = new Uint8Array(this.#bytes.subarray(start, start + length));
    return new Numbers(copy.buffer) as InstanceType<(typeof numberArrays)[T]>;
  }

  fault(why: string): UserError {
    const next = 'Fetch or make this file again';
    return new UserError({ what: 'this GGUF file cannot be read', where: this.#path, why, next });
  }

  #take(length: number): number {
    const start = this.position;
    if (start + length > this.#bytes.length) throw endOfBytes;
    this.position += length;
    return start;
  }
}

export function quoted(text: string): string {
  return JSON.stringify(shorten(text, 80));
}
