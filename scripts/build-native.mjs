// Compiles native/ into one N-API addon with a plain g++ or clang++: no node-gyp, no Python, no download, and the same
// file serves Node 20, 22 and 24. isa.cc is compiled once per instruction set, everything else for any processor of the
// architecture; the addon chooses at run time. Called by `npm ci` (as --optional: it never fails an install, and compiles
// nothing where a prebuilt engine fits), by `mossctl native build`, and by hand.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
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

export { BuildFailure, digestOfSources };

const script = fileURLToPath(import.meta.url);

const sanitizers = ['-g', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const linking = {
  linux: ['-shared', '-pthread', '-Wl,-z,nodelete'],
  darwin: ['-bundle', '-undefined', 'dynamic_lookup'],
};

/** The exit status of a process in which the engine loads and says that the processor is none for it. */
const refusedByEngine = 3;

/**
 * Builds `mossctl-<platform>-<arch>.node`, unless the one there is whole and came from the same sources, flags and compiler.
 * The old file stays until the new one is whole. Throws BuildFailure, and leaves the reason in failed.txt for the loader.
 *
 * @param {{ source?: string, out?: string, arch?: string, force?: boolean, sanitize?: boolean }} options
 */
export async function buildNative(options = {}) {
  const started = performance.now();
  const { out } = placesOf(options);
  try {
    const plan = await planBuild(options);
    const built = options.force === true || !isCurrent(plan);
    const warnings = built ? await compile(plan) : '';
    await rm(join(out, 'failed.txt'), { force: true });
    const seconds = (performance.now() - started) / 1000;
    return { built, path: plan.binary, seconds, compiler: plan.compiler, instructionSets: plan.sets, warnings };
  } catch (error) {
    const failure = asFailure(error, out);
    await recordFailure(out, failure);
    throw failure;
  }
}

/** Whether the built file comes from the sources as they are now, and from the compiler that a build would use. */
export async function isUpToDate(options = {}) {
  return isCurrent(await planBuild(options));
}

/**
 * The C++ compiler of this machine: $CXX alone where it is set, else the first of g++, clang++ and c++ that runs.
 * @param [again] What to type once there is one.
 */
export async function findCompiler(again = 'mossctl native build') {
  const chosen = process.env.CXX?.trim();
  for (const candidate of chosen ? [chosen] : ['g++', 'clang++', 'c++']) {
    const command = candidate.split(/\s+/); // CXX may carry options or a wrapper: `ccache g++`
    const version = await run([...command, '--version']).then(
      ({ stdout }) => stdout.split('\n')[0],
      () => undefined,
    );
    if (version !== undefined) return { command, version };
  }
  if (chosen) {
    throw new BuildFailure({
      what: `CXX names a compiler that does not run: ${chosen}`,
      next: 'Correct CXX or unset it',
    });
  }
  throw new BuildFailure({ what: 'no C++ compiler was found', next: compilerHint(again) });
}

function compilerHint(command) {
  const again = `then type \`${command}\``;
  if (process.platform === 'darwin') return `Install one with \`xcode-select --install\`, ${again}`;
  let release = '';
  try {
    release = readFileSync('/etc/os-release', 'utf8');
  } catch {
    // Not every Linux has this file.
  }
  const family = release.match(/^ID(_LIKE)?=.*$/gm)?.join(' ') ?? '';
  const install = [
    [/debian|ubuntu/, 'apt-get install g++'],
    [/fedora|rhel|centos|amzn/, 'dnf install gcc-c++'],
    [/alpine/, 'apk add g++'],
    [/arch/, 'pacman -S gcc'],
    [/suse/, 'zypper install gcc-c++'],
  ].find(([pattern]) => pattern.test(family));
  return install === undefined ? `Install g++ or clang++, ${again}` : `Install one with \`${install[1]}\`, ${again}`;
}

function placesOf({ source = nativeFolder, sanitize, out }) {
  return { source, out: out ?? join(nativeFolder, sanitize ? 'build-sanitize' : 'build') };
}

/** Every command of the build and the digest of all that goes into it. */
async function planBuild(options) {
  const { source, out } = placesOf(options);
  const { sanitize = false, arch = process.arch } = options;
  const { platform } = process;
  if (linking[platform] === undefined || instructionSets[arch] === undefined) {
    throw new BuildFailure({
      what: `it is not compiled on ${platform} ${arch}`,
      next: 'It is compiled on Linux and macOS, x64 and arm64; elsewhere use `--backend wasm`, or a package with a prebuilt one',
    });
  }
  const files = await sourcesIn(source);
  const compiler = await findCompiler();
  const knowsBf16 = arch !== 'x64' || (await accepts(compiler, ['-mavx512bf16']));
  const defines = knowsBf16 ? [] : ['-DMOSSCTL_NO_BF16_PAIRS'];
  const level = sanitize ? ['-O1', ...sanitizers] : ['-O3'];
  const units = unitsOf(files, arch, [...level, ...commonFlags, '-fPIC', ...defines, `-I${headers().include}`]);
  const link = [...(sanitize ? sanitizers : []), ...linking[platform]];
  const sources = await digestOfSources(source);
  const hash = createHash('sha256').update(await readFile(script));
  hash.update(JSON.stringify([sources, platform, arch, compiler, units, link]));
  const binary = join(out, `mossctl-${platform}-${arch}.node`);
  const sets = instructionSets[arch].map(({ name }) => name);
  return { source, sources, out, binary, compiler, units, link, sets, digest: hash.digest('hex') };
}

function accepts({ command }, flags) {
  return run([...command, ...flags, '-fsyntax-only', '-x', 'c++', '/dev/null']).then(
    () => true,
    () => false,
  );
}

function isCurrent(plan) {
  const record = readRecord(plan.out);
  return existsSync(plan.binary) && record !== undefined && record === recordOf(plan, readFileSync(plan.binary));
}

/** What digest.txt holds: a binary that was cut or changed since is none of this build. */
function recordOf({ sources, digest }, bytes) {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return `sources ${sources}\nbuild ${digest}\nbinary ${sha256}\n`;
}

function readRecord(out) {
  const path = join(out, 'digest.txt');
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/**
 * For installs: the prebuilt engine, where there is one of these sources that loads here; then nothing is compiled. An
 * earlier local build of other sources, which would be loaded before it, is removed. Where the engine itself says that
 * this processor lacks what it needs, that is the result: one compiled here would say the same.
 * @returns {Promise<{ text: string } | undefined>} what to print
 */
async function prebuiltInstead() {
  const chooser = fileURLToPath(new URL('../dist/tensor/native/engine-file.js', import.meta.url));
  if (!existsSync(chooser)) return undefined; // a checkout whose TypeScript is not compiled yet
  const { prebuiltEngine } = await import(pathToFileURL(chooser).href);
  try {
    const engine = prebuiltEngine();
    const sources = await digestOfSources();
    if (engine?.sources !== sources) return undefined;
    const refusal = await tryEngine(engine.path);
    if (refusal !== undefined) {
      return { text: `the native engine does not run here: ${refusal}. mossctl uses the slower wasm backend` };
    }
    const { out } = placesOf({});
    if (!readRecord(out)?.startsWith(`sources ${sources}\n`)) await rm(out, { recursive: true, force: true });
    return { text: `the native engine is prebuilt: ${engine.path} (${engine.instructionSets.join(', ')})` };
  } catch (error) {
    console.error(`mossctl: the prebuilt native engine is not used: ${error.message.split('\n')[0]}`);
    return undefined;
  }
}

/** Loads an engine in a process of its own, which it may end. @returns what the engine itself says against this processor. */
async function tryEngine(path) {
  const load = `try { require(process.argv[1]); } catch ({ code, message }) {
    console.log(message.split('\\n')[0]);
    process.exit(code === 'ERR_DLOPEN_FAILED' ? 1 : ${refusedByEngine});
  }`;
  try {
    await run([process.execPath, '-e', load, path]);
    return undefined;
  } catch ({ code, signal, stdout = '' }) {
    const said = stdout.trim();
    if (code === refusedByEngine) return said;
    throw new Error(said === '' ? `loading it ended with ${signal ?? code}` : said);
  }
}

async function compile(plan) {
  const { source, out, binary, compiler, units, link } = plan;
  await removeAbandoned(out);
  const folder = join(out, `.tmp-${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(folder, { recursive: true });
  try {
    const { objects, warnings } = await compileUnits(compiler.command, units, source, folder);
    const linked = join(folder, 'linked.node');
    await run([...compiler.command, ...objects, ...link, '-o', linked]);
    const record = recordOf(plan, await readFile(linked));
    await rm(join(out, 'digest.txt'), { force: true }); // it never vouches for a file that it was not made for
    await rename(linked, binary);
    await writeFile(join(out, 'digest.txt'), record);
    return warnings;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What builds left that were killed: their folders carry their process's number. */
export async function removeAbandoned(out) {
  for (const name of await readdir(out).catch(() => [])) {
    const pid = /^\.tmp-(\d+)-[0-9a-f]{8}$/.exec(name)?.[1];
    if (pid !== undefined && !hasProcess(Number(pid))) await rm(join(out, name), { recursive: true, force: true });
  }
}

function hasProcess(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function asFailure(error, out) {
  if (error instanceof BuildFailure) return error;
  const log = error.stderr ?? '';
  if (error.cmd !== undefined) {
    const lines = log.split('\n').filter((line) => line.trim() !== '');
    const why = lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? error.message.split('\n')[0];
    const next =
      'Type `mossctl native build` to see it all; CXX=… chooses another compiler (C++17, GCC 10 or clang 12)';
    return new BuildFailure({ what: 'it does not compile', why: why.trim(), next, log });
  }
  if (error.code === undefined) return new BuildFailure({ what: String(error), next: 'Please report this' });
  const next = 'Make the folder writable for you, then type `mossctl native build`';
  return new BuildFailure({
    what: `it cannot be written to ${out}`,
    why: `${error.code} ${error.path ?? ''}`.trim(),
    next,
  });
}

/** For the loader and `mossctl doctor`, which run long after the install. */
async function recordFailure(out, { message, next }) {
  try {
    await mkdir(out, { recursive: true });
    await writeFile(join(out, 'failed.txt'), `${message}\n${next}\n`);
  } catch {
    // An unwritable folder is the failure itself, and is being reported.
  }
}

/** @param {Awaited<ReturnType<typeof buildNative>>} result */
export function describeBuild({ built, path, seconds, compiler, instructionSets: sets }) {
  if (!built) return `${path} is up to date (${sets.join(', ')})`;
  return `built ${path} in ${seconds.toFixed(1)} s with ${compiler.version} (${sets.join(', ')})`;
}

async function main() {
  const flag = { type: 'boolean', default: false };
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: { optional: flag, force: flag, sanitize: flag, arch: text, source: text, out: text },
  });
  const isInstall = values.optional && values.source === undefined && values.out === undefined;
  const prebuilt = isInstall ? await prebuiltInstead() : undefined;
  if (prebuilt !== undefined) {
    console.log(`mossctl: ${prebuilt.text}`);
    return;
  }
  try {
    const result = await buildNative(values);
    console.log(`mossctl: ${describeBuild(result)}`);
    if (!values.optional && result.warnings !== '') console.error(result.warnings);
  } catch (error) {
    if (!values.optional && error.log) console.error(error.log);
    const fallback = values.optional ? ' Until then mossctl uses the slower wasm backend.' : '';
    console.error(`mossctl: the native engine was not built: ${error.message}. ${error.next}.${fallback}`);
    if (!values.optional) process.exitCode = 1;
  }
}

const [, started = ''] = process.argv;
if (existsSync(started) && realpathSync(started) === script) await main();
