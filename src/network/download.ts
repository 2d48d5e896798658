// A file of the network in the cache: fetched in ranges that continue where an earlier try ended, checked against its
// checksum before it gets its name, so that what has that name is whole. What is in the cache needs no network.
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../base/errors.js';
import { formatBytes } from '../base/format.js';
import { badDisk, type Checksum, checksumOf, inspectCached, nameOf, replacing } from './checked.js';
import {
  type FetchContext,
  type HttpAnswer,
  type HttpRequest,
  TransientFault,
  withoutQuery,
  withRetries,
} from './http.js';
import { partialData, placeFile, removeAbandoned, withPartialFolder } from './partial.js';

export interface Download extends HttpRequest {
  /** Where it will be. */
  path: string;
  /** Shown with its progress. */
  label: string;
  checksum: Checksum;
  /** Known in advance: the server must send as much. */
  size?: number;
}

/** Nothing larger is fetched. */
const maxBytes = 2 ** 37;

/**
 * Needs no network where the file is there already and has its checksum.
 * @returns the stamp of the file with that checksum: see `requireUnchanged`.
 * @throws UserError where it cannot be fetched or is not the one that was meant: nothing of it is kept then; Interrupted.
 */
export async function download(wanted: Download, context: FetchContext, cap = maxBytes): Promise<string> {
  const { path, checksum, size } = wanted;
  let cached = await inspectCached(path, checksum, size);
  if (cached.state !== 'whole') {
    if ((size ?? 0) > cap) throw tooLarge(wanted, cap);
    await replacing(path, cached.damage, context, () =>
      withPartialFolder(path, (folder) => fetchWhole(folder, wanted, context, cap), { resumable: true }),
    );
    // As it stands under its name: another process may have put it there.
    cached = await inspectCached(path, checksum, size);
  }
  if (cached.state !== 'whole') throw badDisk(path, cached.damage);
  await removeAbandoned(path, { resumable: true });
  return cached.stamp;
}

async function fetchWhole(folder: string, wanted: Download, context: FetchContext, cap: number): Promise<void> {
  const { path, checksum, size } = wanted;
  const partial = join(folder, partialData);
  const file = await open(partial, constants.O_RDWR | constants.O_CREAT);
  try {
    await fetchInto(file, partial, wanted, context, cap);
    await file.datasync();
  } finally {
    await file.close();
  }
  const found = await checksumOf(partial, checksum);
  if (found !== checksum.value) {
    await discard(partial);
    throw mismatch(wanted, found);
  }
  await placeFile(partial, path, checksum, size);
}

async function fetchInto(
  file: FileHandle,
  partial: string,
  wanted: Download,
  context: FetchContext,
  cap: number,
): Promise<void> {
  const { label } = wanted;
  const limit = Math.min(cap, wanted.size ?? cap);
  let got = (await file.stat()).size;
  if (got === wanted.size) return;
  let before = -1;
  const request = async (): Promise<HttpRequest> => {
    const tag = got > 0 ? await readFile(tagFile(partial), 'utf8').catch(() => '') : '';
    await writeFile(tagFile(partial), tag); // a sign that we are at work, though the server may not be
    if (tag === '') return { ...wanted };
    return { ...wanted, headers: { range: `bytes=${got}-`, 'if-range': tag } };
  };
  const work = async ({ response, chunks }: HttpAnswer): Promise<void> => {
    // What has come is all there is: the last try ended before it was looked at.
    if (response.status === 416 && got > 0 && completeLength(response) === got) return;
    const start = response.status === 206 ? rangeStart(response) : 0;
    if (response.status === 416 || start > got) {
      await file.truncate(0);
      await rm(tagFile(partial), { force: true });
      got = 0;
      throw new TransientFault('the server does not continue where the last try ended');
    }
    await file.truncate(start);
    got = start;
    // Only a strong tag says that two answers are the same bytes.
    const tag = response.headers.get('etag') ?? '';
    await writeFile(tagFile(partial), tag.startsWith('"') && !response.headers.has('content-encoding') ? tag : '');
    const total = totalOf(response, start);
    if ((total ?? 0) > cap) throw tooLarge(wanted, cap);
    for await (const chunk of chunks()) {
      if (got + chunk.length > limit) {
        await discard(partial);
        throw tooLarge(wanted, limit);
      }
      await writeAll(file, chunk, got);
      got += chunk.length;
      context.reporter.emit({ type: 'progress', label, done: got, total: wanted.size ?? total, unit: 'bytes' });
    }
    const expected = wanted.size ?? total ?? got;
    if (got < expected) throw new TransientFault(`it ended after ${got} of ${expected} bytes`);
  };
  const progressed = (): boolean => {
    const further = got > before && before >= 0;
    before = got;
    return further;
  };
  return withRetries(request, context, work, progressed);
}

function tagFile(partial: string): string {
  return join(dirname(partial), 'etag');
}

async function discard(partial: string): Promise<void> {
  await rm(partial, { force: true });
  await rm(tagFile(partial), { force: true });
}

/** A disk that is nearly full takes a part, and says so only when it is given the rest. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** `bytes 100-199/200` → 100. */
function rangeStart({ headers }: Response): number {
  return Number(/^bytes (\d{1,15})-/.exec(headers.get('content-range') ?? '')?.[1] ?? Infinity);
}

/** `bytes *\/200` → 200, of an answer that the range is not available. */
function completeLength({ headers }: Response): number | undefined {
  const length = /^bytes \*\/(\d{1,15})$/.exec(headers.get('content-range') ?? '')?.[1];
  return length === undefined ? undefined : Number(length);
}

function totalOf({ headers }: Response, start: number): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : start + Number(length);
}

function mismatch({ url, checksum }: Download, found: string): UserError {
  return new UserError({
    what: 'this file is not the one that was meant',
    where: withoutQuery(url),
    why: `its ${nameOf(checksum)} is ${found}, expected is ${checksum.value}`,
    next: 'If it was meant to change, look at it and put the new checksum into the data-spec; else do not use it',
  });
}

function tooLarge({ url }: Download, cap: number): UserError {
  return new UserError({ what: `this file is larger than ${formatBytes(cap)}`, where: withoutQuery(url) });
}
