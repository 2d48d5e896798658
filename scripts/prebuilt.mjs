// The platforms that `npm run prebuild` makes engines for, and whether those in native/prebuilt are what it would make now.
// `npm pack` asks first (prepack), and so does every test of the packed project: an engine of other sources runs without a
// word where it is installed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { BuildFailure, commonFlags, digestOfSources, instructionSets, nativeFolder } from './native-sources.mjs';
import { zigVersion } from './zig.mjs';

const elf = ['-shared', '-pthread', '-s', '-Wl,-z,nodelete'];
// zig's linker for macOS refuses -exported_symbol: what an engine shows there is more than exports.map says.
const machO = ['-shared', '-Wl,-undefined,dynamic_lookup', '-s'];

/** Platform, as in the name of its file → how zig names it, and how it is linked. glibc 2.28 is what Node 20 itself needs. */
export const platforms = {
  'linux-x64': { arch: 'x64', target: 'x86_64-linux-gnu.2.28', link: elf },
  'linux-arm64': { arch: 'arm64', target: 'aarch64-linux-gnu.2.28', link: elf },
  'linux-x64-musl': { arch: 'x64', target: 'x86_64-linux-musl', link: elf },
  'darwin-arm64': { arch: 'arm64', target: 'aarch64-macos.13.0', link: machO },
  'darwin-x64': { arch: 'x64', target: 'x86_64-macos.13.0', link: machO },
  'win32-x64': { arch: 'x64', target: 'x86_64-windows-gnu', link: ['-shared', '-s'] },
};

export const prebuiltFolder = join(nativeFolder, 'prebuilt');
export const manifestName = 'manifest.json';

/** What a row of the manifest says of how its engine was made, were it made now. */
export function recipeOf(platform, sources) {
  const { arch, target, link } = platforms[platform];
  return {
    compiler: `zig ${zigVersion}`,
    target,
    instructionSets: instructionSets[arch].map(({ name }) => name),
    flags: ['-O3', ...commonFlags, ...(platform.startsWith('win32') ? [] : ['-fPIC']), ...link],
    sources,
  };
}

/** The rows of the manifest; none where it is not there or cannot be read. */
export function readRows(folder = prebuiltFolder) {
  try {
    return JSON.parse(readFileSync(join(folder, manifestName), 'utf8')).engines ?? [];
  } catch {
    return [];
  }
}

/** Whether the row is of these sources and flags and this compiler. */
export function isOfNow(row, sources) {
  const platform = Object.keys(platforms).find((name) => row.name === `mossctl-${name}.node`);
  if (platform === undefined) return false;
  const { name, sha256, bytes, ...recipe } = row;
  return isDeepStrictEqual(recipe, recipeOf(platform, sources));
}

/** Bytes of all engines. Throws BuildFailure where one is not what `npm run prebuild` would make now. */
export async function checkPrebuilt(folder = prebuiltFolder, sources = undefined) {
  if (!existsSync(folder)) return 0;
  const now = sources ?? (await digestOfSources());
  const rows = readRows(folder);
  const files = readdirSync(folder).filter((name) => name !== manifestName);
  const unnamed = files.filter((name) => !rows.some((row) => row.name === name));
  const faults = unnamed.map((name) => `${name} is not in ${manifestName}`);
  let total = 0;
  for (const row of rows) {
    const path = join(folder, row.name);
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    total += bytes.length;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== row.sha256) faults.push(`${row.name} is not the file that ${manifestName} names`);
    else if (!isOfNow(row, now)) faults.push(`${row.name} is of other sources, flags or compiler`);
  }
  if (faults.length === 0) return total;
  throw new BuildFailure({
    what: `the engines in ${folder} are not those of this checkout`,
    why: faults.join('; '),
    next: 'Type `npm run prebuild`, or remove that folder to pack none',
  });
}

const [, started = ''] = process.argv;
if (existsSync(started) && realpathSync(started) === fileURLToPath(import.meta.url)) {
  await checkPrebuilt().catch(({ message, next }) => {
    console.error(`mossctl: nothing is packed: ${message}. ${next}.`);
    process.exitCode = 1;
  });
}
