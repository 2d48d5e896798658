// The thread in which fzstd decompresses (see zstd.ts): it takes a piece of input and gives out what comes of it in
// portions. fzstd is fed a little at a time, because a few bytes may stand for a whole block of 128 KiB.
import { parentPort } from 'node:worker_threads';
import { Decompress } from 'fzstd';

/** `input`: the next piece, `isFirst` of a new frame; empty: the end. Without: the rest of what the last one gives. */
export interface ZstdRequest {
  input?: Uint8Array;
  isFirst?: boolean;
}
export type ZstdAnswer = { chunks: Uint8Array[]; hasMore: boolean; isWhole: boolean } | { damage: string };

const feedBytes = 1024;
const portionBytes = 1 << 20;

let stream = new Decompress();
let input = new Uint8Array(0);
let at = 0;
let isWhole = false;

function answer(request: ZstdRequest): ZstdAnswer {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (request.isFirst) stream = new Decompress();
  stream.ondata = (chunk, isLast) => {
    // The decoder goes on using its window.
    chunks.push(chunk.slice());
    size += chunk.length;
    isWhole = isLast === true;
  };
  if (request.input !== undefined) [input, at] = [Uint8Array.from(request.input), 0];
  if (request.input?.length === 0) stream.push(input, true);
  while (at < input.length && size < portionBytes) {
    stream.push(input.subarray(at, at + feedBytes));
    at += feedBytes;
  }
  return { chunks, hasMore: at < input.length, isWhole };
}

parentPort?.on('message', (request: ZstdRequest) => {
  let result: ZstdAnswer;
  try {
    result = answer(request);
  } catch (error) {
    result = { damage: (error as Error).message };
  }
  const moved = 'chunks' in result ? result.chunks.map(({ buffer }) => buffer as ArrayBuffer) : [];
  parentPort?.postMessage(result, [...new Set(moved)]);
});
