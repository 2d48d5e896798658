// Numbers to and from a file, in order and in pieces. The sha256 of what passes is taken on the way, while the disk is
// busy with the next piece: a file of weights is never read a second time for it.
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { decodeFloat16, encodeFloat16, type Float16Dtype, type FloatDtype } from './float16.js';

const pieceBytes = 8 << 20;
/** Numbers converted at a time. */
const halvesAtOnce = 1 << 17;

export class TensorWriter {
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async bytes(source: Uint8Array): Promise<void> {
    for (let at = 0; at < source.length; at += pieceBytes) {
      const piece = source.subarray(at, at + pieceBytes);
      const written = this.#write(piece);
      this.#hash.update(piece);
      await written;
    }
  }

  /** @returns the index of the first number that does not fit into `dtype`, or -1. */
  async numbers(source: Float32Array, dtype: FloatDtype): Promise<number> {
    if (dtype !== 'f32') return this.#halves(source, dtype);
    await this.bytes(asBytes(source));
    return -1;
  }

  /** Of all bytes so far, hex. */
  sha256(): string {
    return this.#hash.digest('hex');
  }

  async #halves(source: Float32Array, dtype: Float16Dtype): Promise<number> {
    const piece = new Uint16Array(Math.min(halvesAtOnce, source.length));
    for (let at = 0; at < source.length; at += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, source.length - at));
      const overflow = encodeFloat16(dtype, source.subarray(at, at + part.length), part);
      if (overflow >= 0) return at + overflow;
      await this.bytes(asBytes(part));
    }
    return -1;
  }

  async #write(piece: Uint8Array): Promise<void> {
    for (let done = 0; done < piece.length; ) {
      done += (await this.#handle.write(piece, done, piece.length - done)).bytesWritten;
    }
  }
}

export class TensorReader {
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  #position = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @throws EndOfFile where the file ends first. */
  async bytes(target: Uint8Array): Promise<void> {
    const pieceAt = (at: number): Uint8Array => target.subarray(at, at + pieceBytes);
    let reading = this.#read(pieceAt(0), this.#position);
    for (let at = 0; at < target.length; at += pieceBytes) {
      await reading;
      const next = at + pieceBytes;
      reading = next < target.length ? this.#read(pieceAt(next), this.#position + next) : Promise.resolve();
      this.#hash.update(pieceAt(at));
    }
    await reading;
    this.#position += target.length;
  }

  /** Reads past `count` bytes: they are hashed, and forgotten. */
  async skip(count: number): Promise<void> {
    const scratch = new Uint8Array(Math.min(pieceBytes, count));
    for (let left = count; left > 0; left -= scratch.length) await this.bytes(scratch.subarray(0, left));
  }

  /** 16-bit numbers as they are. */
  async halves(target: Uint16Array): Promise<void> {
    await this.bytes(asBytes(target));
  }

  async numbers(target: Float32Array, dtype: FloatDtype): Promise<void> {
    if (dtype === 'f32') return this.bytes(asBytes(target));
    const piece = new Uint16Array(Math.min(halvesAtOnce, target.length));
    for (let at = 0; at < target.length; at += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, target.length - at));
      await this.bytes(asBytes(part));
      decodeFloat16(dtype, part, target.subarray(at, at + part.length));
    }
  }

  /** Of all bytes so far, hex. */
  sha256(): string {
    return this.#hash.digest('hex');
  }

  async #read(piece: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < piece.length; ) {
      const { bytesRead } = await this.#handle.read(piece, done, piece.length - done, position + done);
      if (bytesRead === 0) throw new EndOfFile(position + done);
      done += bytesRead;
    }
  }
}

/** The file is shorter than what was to be read. */
export class EndOfFile extends Error {
  readonly size: number;

  constructor(size: number) {
    super(`it ends after ${size} bytes: truncated`);
    this.size = size;
  }
}

function asBytes(data: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
