// The bytes of a file, decompressed on their way where its first bytes say gzip or Zstandard, whatever its name is.
import { createReadStream, type ReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { systemErrorCode, UserError } from '../../base/errors.js';
import { readAt, withFile } from '../arrow-file.js';
import { ZstdThread } from './zstd.js';
import { isZstd } from './zstd-stream.js';

/** What is read is held by nobody: a small file that unpacks to a large one costs time, not memory. */
export async function openBytes(path: string): Promise<AsyncIterable<Buffer>> {
  const head = await withFile(path, damaged, (opened) => readAt(opened, 0, Math.min(4, opened.size)));
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (head[0] === 0x1f && head[1] === 0x8b) return decompressed(file, path);
  if (isZstd(head)) return unpackedZstd(file, path);
  return file as AsyncIterable<Buffer>;
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
