// Zstandard frames, walked block by block (RFC 8878) and decompressed by fzstd, which checks nothing of what is
// around the blocks: the checksum and size of a frame, the window and dictionary that it asks for, where it ends.
import { Decompress } from 'fzstd';
import { Xxh64 } from './xxh64.js';

/** What `zstd --long` uses at most, and what its own decoder takes. */
const maxWindowBytes = 128 << 20;
const maxBlockBytes = 128 << 10;
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const repeatedByte = 1;
/** Bytes that name a dictionary and that say the size of the content, by bits of the frame's descriptor. */
const dictionaryWidths = [0, 1, 2, 4] as const;
const sizeWidths = [0, 2, 4, 8] as const;
const empty = Buffer.alloc(0);

/** @param head the first bytes of a file. */
export function isZstd(head: Buffer): boolean {
  if (head.length < 4) return false;
  const magic = head.readUInt32LE(0);
  return magic === frameMagic || isSkippable(magic);
}

/** pzstd and the seekable format put what is theirs into such frames. */
function isSkippable(magic: number): boolean {
  return magic >>> 4 === skippableMagic >>> 4;
}

export class ZstdStream {
  #isBetweenFrames = true;
  readonly #unpacked: Uint8Array[] = [];
  /** Yields how many bytes it needs next, and is given them. */
  readonly #walk = this.#frames();
  #needed = this.#walk.next().value;
  #held: Uint8Array = empty;

  /** What the input has made whole, a block at a time, in memory of its own. @throws Error where it is damaged. */
  *push(input: Uint8Array): Generator<Uint8Array> {
    const bytes = Buffer.concat([this.#held, input]);
    this.#held = empty;
    let at = 0;
    while (bytes.length - at >= this.#needed) {
      const piece = bytes.subarray(at, at + this.#needed);
      at += piece.length;
      this.#needed = this.#walk.next(piece).value;
      yield* this.#unpacked.splice(0);
    }
    this.#held = bytes.subarray(at);
  }

  /** Whether the input has ended as a file does. */
  get isWhole(): boolean {
    return this.#isBetweenFrames && this.#held.length === 0;
  }

  *#frames(): Generator<number, never, Buffer> {
    for (;;) {
      this.#isBetweenFrames = true;
      const magic = yield 4;
      this.#isBetweenFrames = false;
      const kind = magic.readUInt32LE(0);
      if (kind === frameMagic) yield* this.#frame(magic);
      else if (isSkippable(kind)) yield* skip((yield 4).readUInt32LE(0));
      else throw new Error('where a frame should begin stands something else');
    }
  }

  *#frame(magic: Buffer): Generator<number, void, Buffer> {
    const descriptor = (yield 1)[0];
    const isSingleSegment = (descriptor & 32) !== 0;
    const hasChecksum = (descriptor & 4) !== 0;
    const windowWidth = isSingleSegment ? 0 : 1;
    const dictionaryWidth = dictionaryWidths[descriptor & 3];
    const sizeWidth = sizeWidths[descriptor >> 6] || (isSingleSegment ? 1 : 0);
    const fields = yield windowWidth + dictionaryWidth + sizeWidth;
    if ((descriptor & 8) !== 0) throw new Error('a frame uses a reserved bit');
    if (fields.subarray(windowWidth, windowWidth + dictionaryWidth).some((byte) => byte !== 0)) {
      throw new Error('it needs a dictionary, which is not read: compress it without one');
    }
    const size = sizeWidth === 0 ? undefined : contentSize(fields.subarray(-sizeWidth));
    const windowBytes = isSingleSegment ? (size ?? 0) : 2 ** (10 + (fields[0] >> 3)) * (1 + (fields[0] & 7) / 8);
    if (windowBytes > maxWindowBytes) throw new Error(`it asks for a window of more than ${maxWindowBytes >> 20} MiB`);
    const hash = new Xxh64();
    let length = 0;
    const decoder = new Decompress((chunk) => {
      length += chunk.length;
      if (length > (size ?? length)) throw new Error(`a frame holds more than the ${size} bytes that it speaks of`);
      if (hasChecksum) hash.update(chunk);
      this.#unpacked.push(chunk);
    });
    // The checksum is ours to read.
    decoder.push(Buffer.concat([magic, Buffer.of(descriptor & ~4), fields]));
    for (let isLast = false; !isLast; ) {
      const head = yield 3;
      const word = head.readUIntLE(0, 3);
      const blockBytes = word >> 3;
      if (blockBytes > Math.min(maxBlockBytes, windowBytes)) throw new Error('a block is larger than a block can be');
      isLast = (word & 1) === 1;
      const content = yield ((word >> 1) & 3) === repeatedByte ? 1 : blockBytes;
      decoder.push(Buffer.concat([head, content]), isLast);
    }
    if (length !== (size ?? length))
      throw new Error(`a frame holds ${length} bytes, not the ${size} that it speaks of`);
    if (hasChecksum && (yield 4).readUInt32LE(0) !== hash.low32()) {
      throw new Error('the checksum of a frame is not that of its content: something in it, already read, is wrong');
    }
  }
}

function* skip(bytes: number): Generator<number, void, Buffer> {
  for (let left = bytes; left > 0; left -= maxBlockBytes) yield Math.min(left, maxBlockBytes);
}

function contentSize(bytes: Buffer): number {
  if (bytes.length === 8) return Number(bytes.readBigUInt64LE(0));
  return bytes.readUIntLE(0, bytes.length) + (bytes.length === 2 ? 256 : 0);
}
