// npm run prebuild: the native engine for every platform, compiled by zig on this machine, into native/prebuilt with a
// manifest. `npm pack` packs what lies there; the loader (src/tensor/native/engine-file.ts) takes the one that fits and
// checks its digest. Never committed.
//
//   npm run prebuild                                    all platforms: minutes
//   npm run prebuild -- --only linux-x64,darwin-arm64   these; what lies there of the others stays
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  BuildFailure,
  commonFlags,
  compileUnits,
  digestOfSources,
  headers,
  instructionSets,
  nativeFolder,
  run,
  sourcesIn,
  unitsOf,
} from './native-sources.mjs';
import { fetchZig, zigVersion } from './zig.mjs';

const elf = ['-shared', '-pthread', '-s'];
const machO = ['-shared', '-Wl,-undefined,dynamic_lookup', '-s'];

/**
 * Platform, as in the name of its file → how zig names it, and how it is linked. glibc 2.28 is what Node 20 itself needs.
 * Without -O at the link zig adds its C++ library unoptimized: 9 % larger, as fast.
 */
const platforms = {
  'linux-x64': { arch: 'x64', target: 'x86_64-linux-gnu.2.28', link: ['-O3', ...elf] },
  'linux-arm64': { arch: 'arm64', target: 'aarch64-linux-gnu.2.28', link: elf },
  'linux-x64-musl': { arch: 'x64', target: 'x86_64-linux-musl', link: elf },
  'darwin-arm64': { arch: 'arm64', target: 'aarch64-macos.13.0', link: machO },
  'darwin-x64': { arch: 'x64', target: 'x86_64-macos.13.0', link: machO },
  'win32-x64': { arch: 'x64', target: 'x86_64-windows-gnu', link: ['-shared', '-s'] },
};

const out = join(nativeFolder, 'prebuilt');
const manifestPath = join(out, 'manifest.json');

/** Compiles and links one engine into `scratch`. @returns its row of the manifest. */
async function build(zig, platform, sources, scratch) {
  const { arch, target, link } = platforms[platform];
  const name = `mossctl-${platform}.node`;
  const folder = join(scratch, platform);
  mkdirSync(folder);
  const { include, definitions } = headers();
  const compiler = [zig, 'c++', '-target', target];
  const isWindows = platform.startsWith('win32');
  const flags = ['-O3', ...commonFlags, ...(isWindows ? [] : ['-fPIC'])];
  const units = unitsOf(await sourcesIn(nativeFolder), arch, [...flags, `-I${include}`]);
  const { objects, warnings } = await compileUnits(compiler, units, nativeFolder, folder);
  if (warnings !== '') console.error(warnings);
  const extra = isWindows ? [await nodeLibrary(zig, definitions, folder)] : [];
  if (platform.startsWith('linux')) extra.push(`-Wl,--version-script=${join(nativeFolder, 'exports.map')}`);
  await run([...compiler, ...objects, ...extra, ...link, '-o', join(scratch, name)]);
  const bytes = readFileSync(join(scratch, name));
  return {
    name,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    compiler: `zig ${zigVersion}`,
    target,
    instructionSets: instructionSets[arch].map((set) => set.name),
    flags: [...flags, ...link],
    sources,
  };
}

/** The functions of Node-API as Windows wants to link them: by a library that says that node.exe has them. */
async function nodeLibrary(zig, definitions, folder) {
  const names = ['js_native_api.def', 'node_api.def'].flatMap((file) =>
    readFileSync(join(definitions, file), 'utf8').split(/\r?\n/).slice(2),
  );
  const definition = join(folder, 'node.def');
  writeFileSync(definition, `NAME node.exe\nEXPORTS\n${names.filter((name) => name !== '').join('\n')}\n`);
  const library = join(folder, 'node.lib');
  await run([zig, 'dlltool', '-m', 'i386:x86-64', '-d', definition, '-l', library]);
  return library;
}

/** Rows of the other engines of these sources that are there; files of other sources are removed. */
function rowsThatStay(sources, built) {
  if (!existsSync(manifestPath)) return [];
  const { engines } = JSON.parse(readFileSync(manifestPath, 'utf8'));
  return engines.filter(({ name, sources: own }) => {
    if (name === `mossctl-${built}.node`) return false;
    if (own === sources && existsSync(join(out, name))) return true;
    console.log(`${name} is removed: it is of other sources`);
    rmSync(join(out, name), { force: true });
    return false;
  });
}

async function main() {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  const chosen = values.only?.split(',') ?? Object.keys(platforms);
  const unknown = chosen.filter((name) => platforms[name] === undefined);
  if (unknown.length > 0) {
    const next = `--only takes some of ${Object.keys(platforms).join(',')}`;
    throw new BuildFailure({ what: `there is no platform called ${unknown.join(', ')}`, next });
  }
  const zig = await fetchZig();
  const sources = await digestOfSources();
  mkdirSync(out, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'mossctl-prebuild-'));
  try {
    for (const platform of chosen) {
      const started = performance.now();
      const row = await build(zig, platform, sources, scratch);
      writeFileSync(join(out, row.name), readFileSync(join(scratch, row.name)));
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.log(`${row.name}: ${(row.bytes / 1e6).toFixed(1)} MB, ${row.instructionSets.join(', ')}, ${seconds} s`);
      writeManifest([...rowsThatStay(sources, platform), row]);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function writeManifest(rows) {
  const engines = [...rows].sort((a, b) => (a.name < b.name ? -1 : 1));
  writeFileSync(`${manifestPath}.tmp`, `${JSON.stringify({ format: 1, engines }, null, 2)}\n`);
  renameSync(`${manifestPath}.tmp`, manifestPath);
}

try {
  await main();
} catch (error) {
  console.error(error.stderr || error.log || '');
  console.error(`mossctl: nothing more was prebuilt: ${error.message.split('\n')[0]}. ${error.next ?? ''}`);
  process.exitCode = 1;
}
