// The bytes of a text file, decompressed on their way where its first bytes say gzip or Zstandard, whatever its name is.
// A file that is of another kind, packed or not, is refused by what it is.
import { createReadStream, type ReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { systemErrorCode, UserError } from '../../base/errors.js';
import { headBytes, identify, identifyFile, otherKind } from './kinds.js';
import { ZstdThread } from './zstd.js';

/** What is read is held by nobody: a small file that unpacks to a large one costs time, not memory. */
export async function openBytes(path: string): Promise<AsyncIterable<Buffer>> {
  const found = await identifyFile(path);
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (found.kind === 'gzip') return requireText(decompressed(file, path), path, true);
  if (found.kind === 'zstd') return requireText(unpackedZstd(file, path), path, true);
  if (found.kind === 'text') return file as AsyncIterable<Buffer>;
  file.destroy();
  throw otherKind(path, found, 'text');
}

/**
 * What the first bytes say, as they come.
 * @param path what errors call them. @param isPacked they were unpacked: what is in them packs itself, or was packed twice.
 * @throws UserError where they are no text.
 */
export async function* requireText(
  bytes: AsyncIterable<Buffer>,
  path: string,
  isPacked = false,
): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const chunk of bytes) {
    const found = isFirst ? identify(chunk.subarray(0, headBytes)) : undefined;
    if (found !== undefined && found.kind !== 'text') throw otherKind(path, found, 'text', isPacked);
    isFirst = false;
    yield chunk;
  }
}

async function* decompressed(file: ReadStream, path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  file.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of file.pipe(gunzip)) yield chunk as Buffer;
    // zlib stops at a zero, with which tapes and blocks are filled up.
    if (!(await isZeros(path, gunzip.bytesWritten))) throw damaged(path, 'behind its end stands something else');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') !== true) throw error;
    throw damaged(path, message);
  } finally {
    file.destroy();
  }
}

async function isZeros(path: string, start: number): Promise<boolean> {
  for await (const chunk of createReadStream(path, { start })) {
    if ((chunk as Buffer).some((byte) => byte !== 0)) return false;
  }
  return true;
}

async function* unpackedZstd(file: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const thread = new ZstdThread();
  try {
    yield* thread.unpack(file);
  } catch (error) {
    throw systemErrorCode(error) === undefined ? damaged(path, (error as Error).message) : error;
  } finally {
    await thread.close();
  }
}

function damaged(path: string, why: string): UserError {
  return new UserError({
    what: 'this compressed file is damaged or cut short',
    where: path,
    why,
    next: 'Fetch it again; what comes before the damage has been read',
  });
}
