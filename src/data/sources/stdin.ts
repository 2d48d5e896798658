// Standard input as a source: it can be read once, and a stage must be able to name, repeat and resume what it was made
// from. So it is spooled first, into the cache, under the sha256 of its content; the configuration holds that name.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asUserError, stopIfAborted, UserError } from '../../base/errors.js';
import { exists, temporarySibling, withPath } from '../../base/files.js';
import { cacheDirectory } from './cache.js';
import type { SourceFile } from './files.js';
import type { FetchContext } from './http.js';

/**
 * @param earlier what was read before, which holds where nothing comes now.
 * @returns the sha256 of what came, for `data.stdin`.
 * @throws UserError where nothing came, ever; Interrupted.
 */
export async function spoolStdin(
  input: AsyncIterable<Uint8Array>,
  earlier: string | undefined,
  context: FetchContext,
): Promise<string> {
  const folder = join(cacheDirectory(), 'stdin');
  await mkdir(folder, { recursive: true });
  const temporary = temporarySibling(join(folder, 'spool'));
  const hash = createHash('sha256');
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      stopIfAborted(context.signal, 'stopped while reading standard input; nothing was kept');
      hash.update(chunk);
      bytes += chunk.length;
      context.reporter.emit({ type: 'progress', label: 'read stdin', done: bytes, unit: 'bytes' });
      yield chunk;
    }
  };
  try {
    await pipeline(counted(), createWriteStream(temporary, { flush: true }));
    if (bytes === 0) {
      if (earlier === undefined) throw needsInput('nothing came on it');
      await rm(temporary);
      return earlier;
    }
    const digest = hash.digest('hex');
    await rename(temporary, join(folder, digest));
    return digest;
  } catch (error) {
    await rm(temporary, { force: true });
    throw asUserError(withPath(error, folder));
  }
}

/** @throws UserError where `digest` is not given, or no longer in the cache. */
export async function stdinFile(digest: string | undefined): Promise<SourceFile> {
  if (digest === undefined) throw needsInput('it was not given to this command');
  const path = join(cacheDirectory(), 'stdin', digest);
  if (await exists(path)) return { path, name: 'stdin' };
  throw needsInput(`what it gave last time (data.stdin: ${digest.slice(0, 12)}…) is no longer in the cache`);
}

export function needsInput(why: string): UserError {
  return new UserError({
    what: 'this data-spec reads standard input',
    why,
    next: 'Pipe the text in, for example: zcat big.jsonl.gz | npx mossctl data build SPEC',
  });
}
