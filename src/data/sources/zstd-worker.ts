// The thread in which fzstd decompresses (see zstd.ts): it takes a piece of input and gives out what comes of it in
// portions, because a few bytes may stand for a whole block of 128 KiB.
import { parentPort } from 'node:worker_threads';
import { ZstdStream } from './zstd-stream.js';

/** `input`: the next piece, `isFirst` of a new stream. Without: the rest of what the last one gives. */
export interface ZstdRequest {
  input?: Uint8Array;
  isFirst?: boolean;
}

export interface ZstdAnswer {
  chunks: Uint8Array[];
  hasMore: boolean;
  isWhole: boolean;
  /** What is wrong behind `chunks`. */
  damage?: string;
}

const portionBytes = 1 << 20;

let stream = new ZstdStream();
let unpacked: Iterator<Uint8Array> = [].values();

function answer({ input, isFirst }: ZstdRequest): ZstdAnswer {
  if (isFirst) stream = new ZstdStream();
  if (input !== undefined) unpacked = stream.push(input);
  const chunks: Uint8Array[] = [];
  try {
    for (let size = 0; size < portionBytes; ) {
      const { value, done } = unpacked.next();
      if (done) return { chunks, hasMore: false, isWhole: stream.isWhole };
      chunks.push(value);
      size += value.length;
    }
    return { chunks, hasMore: true, isWhole: false };
  } catch (error) {
    return { chunks, hasMore: false, isWhole: false, damage: (error as Error).message };
  }
}

parentPort?.on('message', (request: ZstdRequest) => {
  const result = answer(request);
  const moved = result.chunks.map(({ buffer }) => buffer as ArrayBuffer);
  parentPort?.postMessage(result, [...new Set(moved)]);
});
