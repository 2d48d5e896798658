// The bytes of a file, decompressed on their way where its first bytes say gzip or Zstandard, whatever its name is.
import { createReadStream, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { systemErrorCode, UserError } from '../../base/errors.js';
import { isZstd, maxZstdWindow, ZstdThread, zstdWindow } from './zstd.js';

/** What is read is held by nobody: a small file that unpacks to a large one costs time, not memory. */
export async function openBytes(path: string): Promise<AsyncIterable<Buffer>> {
  const head = await firstBytes(path);
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (head[0] === 0x1f && head[1] === 0x8b) return decompressed(file, path);
  if (isZstd(head)) {
    if (zstdWindow(head) <= maxZstdWindow) return unpackedZstd(file, path);
    file.destroy();
    throw damaged(path, `it asks for a window of more than ${maxZstdWindow >> 20} MiB`);
  }
  return file as AsyncIterable<Buffer>;
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    return (await handle.read(new Uint8Array(14), 0, 14, 0)).buffer;
  } finally {
    await handle.close();
  }
}

async function* decompressed(file: ReadStream, path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  file.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of file.pipe(gunzip)) yield chunk as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') !== true) throw error;
    throw damaged(path, message);
  } finally {
    file.destroy();
  }
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
    next: 'Fetch it again; what stood before the damage has been read',
  });
}
