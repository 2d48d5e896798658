// zig, whose C++ compiler brings the headers and libraries of every platform: PyPI's package, checked by its digest
// (prebuild-zig.txt), unpacked once into .mossctl/zig. A build tool: nothing that runs mossctl needs it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchWheel } from './fetch-wheel.mjs';
import { BuildFailure } from './native-sources.mjs';

const requirements = readFileSync(new URL('prebuild-zig.txt', import.meta.url), 'utf8');
const cache = fileURLToPath(new URL('../.mossctl/zig', import.meta.url));
export const zigVersion = /^ziglang==(\S+)/m.exec(requirements)[1];

/** The path of zig's program, fetched where it is not here yet (100 MB). Throws BuildFailure where it cannot be had. */
export async function fetchZig() {
  const folder = join(cache, zigVersion);
  const program = join(folder, 'ziglang', 'zig');
  Object.assign(process.env, { ZIG_GLOBAL_CACHE_DIR: join(cache, 'cache'), ZIG_LOCAL_CACHE_DIR: join(cache, 'cache') });
  if (existsSync(program)) return program;
  console.log(`fetching zig ${zigVersion} (100 MB, once) into ${folder}`);
  try {
    await fetchWheel({ folder, requirements, program: join('ziglang', 'zig') });
    return program;
  } catch (error) {
    throw new BuildFailure({
      what: `zig ${zigVersion} could not be fetched`,
      why: (error.stderr || error.message).trim().split('\n').at(-1),
      next: 'It needs python3 with pip, and PyPI; without it `mossctl native build` compiles for this machine alone',
    });
  }
}
