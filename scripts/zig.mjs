// zig, whose C++ compiler brings the headers and libraries of every platform: PyPI's package, checked by its digest
// (prebuild-zig.txt), unpacked once into .mossctl/zig. A build tool: nothing that runs mossctl needs it.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeAbandoned } from './build-native.mjs';
import { BuildFailure, run } from './native-sources.mjs';

const requirements = fileURLToPath(new URL('prebuild-zig.txt', import.meta.url));
const cache = fileURLToPath(new URL('../.mossctl/zig', import.meta.url));
export const zigVersion = /^ziglang==(\S+)/m.exec(readFileSync(requirements, 'utf8'))[1];

/** The path of zig's program, fetched where it is not here yet (100 MB). Throws BuildFailure where it cannot be had. */
export async function fetchZig() {
  const folder = join(cache, zigVersion);
  const program = join(folder, 'ziglang', 'zig');
  Object.assign(process.env, { ZIG_GLOBAL_CACHE_DIR: join(cache, 'cache'), ZIG_LOCAL_CACHE_DIR: join(cache, 'cache') });
  if (existsSync(program)) return program;
  console.log(`fetching zig ${zigVersion} (100 MB, once) into ${folder}`);
  await removeAbandoned(cache);
  const temporary = join(cache, `.tmp-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(temporary, { recursive: true });
  try {
    const options = ['--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', '-r', requirements];
    await run(['python3', '-m', 'pip', 'download', ...options, '-d', temporary]);
    const wheel = readdirSync(temporary).find((name) => name.endsWith('.whl'));
    const unpacked = join(temporary, 'unpacked');
    await run(['python3', '-m', 'zipfile', '-e', join(temporary, wheel), unpacked]);
    chmodSync(join(unpacked, 'ziglang', 'zig'), 0o755); // zipfile keeps no modes
    moveOnce(unpacked, folder);
    return program;
  } catch (error) {
    throw new BuildFailure({
      what: `zig ${zigVersion} could not be fetched`,
      why: (error.stderr || error.message).trim().split('\n').at(-1),
      next: 'It needs python3 with pip, and PyPI; without it `mossctl native build` compiles for this machine alone',
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Puts a fetched folder in its place, unless another process was faster and its folder is there now. */
export function moveOnce(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
}
