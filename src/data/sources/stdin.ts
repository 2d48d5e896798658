// Standard input as a source: it can be read once, and a stage must be able to name, repeat and resume what it was made
// from. So it is spooled first, into the cache, under the sha256 of its content; the configuration holds that name.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asUserError, stopIfAborted, UserError } from '../../base/errors.js';
import { cacheDirectory } from '../../network/cache.js';
import { type Checksum, inspectCached } from '../../network/checked.js';
import type { FetchContext } from '../../network/http.js';
import { partialData, placeFile, withPartialFolder } from '../../network/partial.js';
import type { SourceFile } from './files.js';

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
  return withPartialFolder(join(folder, 'spool'), async (own) => {
    const spool = join(own, partialData);
    await pipeline(counted(), createWriteStream(spool, { flush: true }));
    if (bytes === 0) {
      if (earlier === undefined) throw needsInput('nothing came on it');
      return earlier;
    }
    const digest = hash.digest('hex');
    const path = join(folder, digest);
    await placeFile(spool, path, checksumOfSpool(digest));
    return digest;
  }).catch((error: unknown) => {
    throw asUserError(error);
  });
}

/** @throws UserError where `digest` is not given, or no longer in the cache as it came. */
export async function stdinFile(digest: string | undefined): Promise<SourceFile> {
  if (digest === undefined) throw needsInput('it was not given to this command');
  const path = join(cacheDirectory(), 'stdin', digest);
  const found = await inspectCached(path, checksumOfSpool(digest));
  if (found.state === 'whole') return { path, name: 'stdin', stamp: found.stamp };
  const last = `what it gave last time (data.stdin: ${digest.slice(0, 12)}…)`;
  if (found.state === 'absent') throw needsInput(`${last} is no longer in the cache`);
  throw needsInput(`${last} is damaged in the cache: ${path}: ${found.damage}`);
}

function checksumOfSpool(value: string): Checksum {
  return { algorithm: 'sha256', value };
}

export function needsInput(why: string): UserError {
  return new UserError({
    what: 'this data-spec reads standard input',
    why,
    next: 'Pipe the text in, for example: zcat big.jsonl.gz | npx mossctl data build SPEC',
  });
}
