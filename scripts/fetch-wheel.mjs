// A wheel of PyPI's as a folder, for a tool that builds or tests: fetched once, checked by its digest, unpacked beside its place
// and moved there whole. Throws what pip or Python say where it cannot be had.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { removeAbandoned } from './build-native.mjs';
import { run } from './native-sources.mjs';

/**
 * @param folder where it lies in the end, in a folder of its own that holds nothing but such.
 * @param requirements what pip reads: the package, its version and digests.
 * @param program in the wheel, to be executable.
 * @param more what else is put into `unpacked`; `temporary` is removed afterwards.
 */
export async function fetchWheel({ folder, requirements, platform = [], program, more }) {
  const cache = dirname(folder);
  await removeAbandoned(cache);
  const temporary = join(cache, `.tmp-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(temporary, { recursive: true });
  try {
    const asked = join(temporary, 'requirements.txt');
    writeFileSync(asked, requirements);
    const options = ['--quiet', '--no-deps', '--only-binary=:all:', ...platform, '--require-hashes', '-r', asked];
    await run(['python3', '-m', 'pip', 'download', ...options, '-d', temporary]);
    const wheel = readdirSync(temporary).find((name) => name.endsWith('.whl'));
    const unpacked = join(temporary, 'unpacked');
    await run(['python3', '-m', 'zipfile', '-e', join(temporary, wheel), unpacked]);
    chmodSync(join(unpacked, program), 0o755); // zipfile keeps no modes
    await more?.(unpacked, temporary);
    moveOnce(unpacked, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Unless another process was faster and its folder is there now. */
function moveOnce(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
}
