// npm run prebuild: the native engine for every platform, compiled by zig on this machine, into native/prebuilt with a
// manifest. `npm pack` packs what lies there; the loader (src/tensor/native/engine-file.ts) takes the one that fits and
// checks its digest. Never committed.
//
//   npm run prebuild                                    all platforms: minutes
//   npm run prebuild -- --only linux-x64,darwin-arm64   these; what lies there of the others stays
//   npm run prebuild -- --fetch                         fetches zig, and makes nothing
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { removeAbandoned } from './build-native.mjs';
import { isSigned } from './mach-o.mjs';
import {
  BuildFailure,
  compileUnits,
  digestOfSources,
  headers,
  nativeFolder,
  run,
  sourcesIn,
  unitsOf,
} from './native-sources.mjs';
import { isOfNow, manifestName, prebuiltFolder as out, platforms, readRows, recipeOf } from './prebuilt.mjs';
import { fetchZig } from './zig.mjs';

const manifestPath = join(out, manifestName);
/** On the disk of native/prebuilt, so that a finished engine is renamed into it; never packed. */
const work = join(nativeFolder, 'build-prebuilt');

/** Compiles and links one engine into `scratch`. @returns its row of the manifest. */
async function build(zig, platform, sources, scratch) {
  const { arch, target, link } = platforms[platform];
  const name = `mossctl-${platform}.node`;
  const folder = join(scratch, platform);
  mkdirSync(folder);
  const { include, definitions } = headers();
  const compiler = [zig, 'c++', '-target', target];
  const recipe = recipeOf(platform, sources);
  const flags = recipe.flags.slice(0, -link.length);
  const units = unitsOf(await sourcesIn(nativeFolder), arch, [...flags, `-I${include}`]);
  const { objects, warnings } = await compileUnits(compiler, units, nativeFolder, folder);
  if (warnings !== '') console.error(warnings);
  const extra = platform.startsWith('win32') ? [await nodeLibrary(zig, definitions, folder)] : [];
  if (platform.startsWith('linux')) extra.push(`-Wl,--version-script=${join(nativeFolder, 'exports.map')}`);
  await run([...compiler, ...objects, ...extra, ...link, '-o', join(scratch, name)]);
  const bytes = readFileSync(join(scratch, name));
  if (platform === 'darwin-arm64' && !isSigned(bytes)) {
    const next = 'Take another version of zig (scripts/prebuild-zig.txt): its linker must sign';
    throw new BuildFailure({ what: `${name} carries no signature, and macOS on arm64 loads nothing unsigned`, next });
  }
  return { name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, ...recipe };
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

/** Rows of the other engines that are there and as they would be made now; files of the rest are removed. */
function rowsThatStay(sources, built) {
  return readRows(out).filter((row) => {
    if (row.name === `mossctl-${built}.node`) return false;
    if (isOfNow(row, sources) && existsSync(join(out, row.name))) return true;
    console.log(`${row.name} is removed: it is of other sources, flags or compiler`);
    rmSync(join(out, row.name), { force: true });
    return false;
  });
}

/**
 * Puts a finished engine in its place: a process that has the old one mapped keeps that, and a kill in between leaves a
 * manifest without it, never one that is wrong.
 */
function place(row, sources, platform, scratch) {
  const others = rowsThatStay(sources, platform);
  writeManifest(others);
  renameSync(join(scratch, row.name), join(out, row.name));
  writeManifest([...others, row]);
}

async function main() {
  const { values } = parseArgs({ options: { only: { type: 'string' }, fetch: { type: 'boolean' } } });
  const chosen = values.only?.split(',') ?? Object.keys(platforms);
  const unknown = chosen.filter((name) => platforms[name] === undefined);
  if (unknown.length > 0) {
    const next = `--only takes some of ${Object.keys(platforms).join(',')}`;
    throw new BuildFailure({ what: `there is no platform called ${unknown.join(', ')}`, next });
  }
  const zig = await fetchZig();
  if (values.fetch) return;
  const sources = await digestOfSources();
  mkdirSync(out, { recursive: true });
  await removeAbandoned(work);
  const scratch = join(work, `.tmp-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(scratch, { recursive: true });
  try {
    for (const platform of chosen) {
      const started = performance.now();
      const row = await build(zig, platform, sources, scratch);
      place(row, sources, platform, scratch);
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.log(`${row.name}: ${(row.bytes / 1e6).toFixed(1)} MB, ${row.instructionSets.join(', ')}, ${seconds} s`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function writeManifest(rows) {
  const engines = [...rows].sort((a, b) => (a.name < b.name ? -1 : 1));
  const temporary = join(work, `manifest-${process.pid}.json`);
  writeFileSync(temporary, `${JSON.stringify({ format: 1, engines }, null, 2)}\n`);
  renameSync(temporary, manifestPath);
}

try {
  await main();
} catch (error) {
  console.error(error.stderr || error.log || '');
  console.error(`mossctl: nothing more was prebuilt: ${error.message.split('\n')[0]}. ${error.next ?? ''}`);
  process.exitCode = 1;
}
