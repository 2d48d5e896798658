// Zstandard by fzstd: Node has it itself from 22.15 on only. Damaged input can make fzstd loop for ever, so it works in
// a thread that is ended then.
import { ReaderThread } from './thread.js';
import type { ZstdAnswer, ZstdRequest } from './zstd-worker.js';

/** What `zstd --long` uses at most, and what its own decoder takes. */
export const maxZstdWindow = 128 << 20;

export function isZstd(head: Uint8Array): boolean {
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
}

/** Bytes that the decoder will hold back, as the frame header says (RFC 8878, 3.1.1.1). */
export function zstdWindow(head: Uint8Array): number {
  const isSingle = (head[4] & 32) !== 0;
  if (!isSingle) return 2 ** (10 + (head[5] >> 3)) * (1 + (head[5] & 7) / 8);
  const at = 5 + [0, 1, 2, 4][head[4] & 3];
  const size = [1, 2, 4, 8][head[4] >> 6];
  let content = 0;
  for (let i = at + size - 1; i >= at; i--) content = content * 256 + head[i];
  return content;
}

export class ZstdThread {
  readonly #thread = new ReaderThread(new URL('./zstd-worker.js', import.meta.url), { seconds: 10 });

  /** One stream after another. @throws Error where it is damaged or cut short, after what stood before. */
  async *unpack(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    let isFirst = true;
    for await (const input of source) {
      if (input.length > 0) yield* this.#feed({ input, isFirst });
      isFirst = false;
    }
    const isWhole = yield* this.#feed({ input: new Uint8Array(0) });
    if (!isWhole) throw new Error('it ends within a block');
  }

  async *#feed(request: ZstdRequest): AsyncGenerator<Buffer, boolean> {
    for (let next = request; ; next = {}) {
      const answer = await this.#thread.ask<ZstdAnswer>(next);
      if ('damage' in answer) throw new Error(answer.damage);
      for (const chunk of answer.chunks) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (!answer.hasMore) return answer.isWhole;
    }
  }

  /** One frame of exactly `size` bytes. */
  async unpackWhole(bytes: Uint8Array, size: number): Promise<Buffer> {
    if (!isZstd(bytes) || zstdWindow(bytes) > maxZstdWindow) throw new Error('it is no Zstandard frame that we read');
    const out = Buffer.alloc(size);
    let done = 0;
    for await (const chunk of this.unpack([bytes])) {
      if (done + chunk.length > size) throw new Error(`it holds more than the ${size} bytes that it speaks of`);
      done += chunk.copy(out, done);
    }
    if (done !== size) throw new Error(`it holds ${done} bytes, not ${size}`);
    return out;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
