// Zstandard by fzstd: Node has it itself from 22.15 on only. Damaged input can make fzstd loop for ever, so it works in
// a thread that is ended then.
import { ReaderThread } from './thread.js';
import type { ZstdAnswer, ZstdRequest } from './zstd-worker.js';

/** For a portion of at most 1 MiB, and the start of the thread. */
const maxSeconds = 10;

export class ZstdThread {
  /** Started with the first stream. */
  #thread?: ReaderThread;

  /** One stream after another. @throws Error where it is damaged or cut short, after what comes before that. */
  async *unpack(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    this.#thread ??= new ReaderThread(new URL('./zstd-worker.js', import.meta.url));
    let isFirst = true;
    let isWhole = true;
    for await (const input of source) {
      isWhole = yield* this.#feed(this.#thread, { input, isFirst });
      isFirst = false;
    }
    if (!isWhole) throw new Error('it ends within a frame');
  }

  async *#feed(thread: ReaderThread, request: ZstdRequest): AsyncGenerator<Buffer, boolean> {
    for (let next = request; ; next = {}) {
      const { chunks, hasMore, isWhole, damage } = await thread.ask<ZstdAnswer>(next, maxSeconds);
      for (const chunk of chunks) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (damage !== undefined) throw new Error(damage);
      if (!hasMore) return isWhole;
    }
  }

  /** All of `bytes`, which hold exactly `size`. */
  async unpackWhole(bytes: Uint8Array, size: number): Promise<Buffer> {
    const out = Buffer.alloc(size);
    let done = 0;
    for await (const chunk of this.unpack([bytes])) {
      if (done + chunk.length > size) throw new Error(`it holds more than the ${size} bytes that it speaks of`);
      done += chunk.copy(out, done);
    }
    if (done !== size) throw new Error(`it holds ${done} bytes, not ${size}`);
    return out;
  }

  async close(): Promise<void> {
    await this.#thread?.close();
  }
}
