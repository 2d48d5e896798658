// What the native engine is compiled from and with which flags, whoever compiles it: scripts/build-native.mjs by the
// compiler of this machine, scripts/prebuild.mjs by zig for every platform. isa.cc is compiled once per instruction
// set, everything else for any processor of the architecture; the addon chooses at run time.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const nativeFolder = fileURLToPath(new URL('../native', import.meta.url));

const avx512 = ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx2', '-mfma', '-mf16c'];
const wide = '-mprefer-vector-width=512';

/** Architecture → the instruction sets of isa.cc, weakest first. */
export const instructionSets = {
  x64: [
    { name: 'avx2', flags: ['-mavx2', '-mfma', '-mf16c'] },
    { name: 'avx512', flags: [...avx512, wide] },
  ],
  arm64: [{ name: 'neon', flags: [] }],
};

/** For every platform; position-independent code is what Windows makes anyway. */
export const commonFlags = [
  ...['-std=c++17', '-pthread', '-fvisibility=hidden', '-Wall', '-Wextra', '-DNAPI_VERSION=8'],
  ...['-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math'],
];

/** What stopped a build, for a person: what, why, what to type next. `log` is the compiler's own output. */
export class BuildFailure extends Error {
  constructor({ what, why, next, log = '' }) {
    super(why === undefined ? what : `${what}: ${why}`);
    Object.assign(this, { name: 'BuildFailure', what, why, next, log });
  }
}

export async function sourcesIn(folder) {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const sources = files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.(cc|h)$/.test(file) && !file.startsWith('build'))
    .sort();
  if (sources.includes('addon.cc')) return sources;
  throw new BuildFailure({ what: `its sources are not in ${folder}`, next: 'Install mossctl again' });
}

/**
 * sha256 of the names and the text of all sources, of what an engine shows, and of the flags: a binary with another one is
 * of other sources.
 */
export async function digestOfSources(folder = nativeFolder) {
  const hash = createHash('sha256').update(JSON.stringify([instructionSets, commonFlags]));
  const shown = existsSync(join(folder, 'exports.map')) ? ['exports.map'] : [];
  for (const file of [...(await sourcesIn(folder)), ...shown])
    hash.update(`\0${file}\0`).update(await readFile(join(folder, file)));
  return hash.digest('hex');
}

/**
 * The files to compile, each with its flags, in the order to link. The linker keeps the first copy of an inline function
 * that several objects carry (std::vector's, say): weakest first, then no processor meets a copy compiled for
 * instructions that it lacks.
 */
export function unitsOf(files, arch, flags) {
  return [
    ...files.filter((file) => /^[^/]+\.cc$/.test(file) && file !== 'isa.cc').map((file) => ({ file, flags })),
    ...instructionSets[arch].map(({ name, flags: own }) => ({
      file: 'isa.cc',
      flags: [...flags, ...own, `-DMOSSCTL_ISA=${name}`],
    })),
  ];
}

/** Compiles the units into `folder`. @returns their objects, in the same order, and what the compiler warned of. */
export async function compileUnits(command, units, source, folder) {
  const jobs = units.map(({ file, flags }, i) => {
    const object = join(folder, `${i}.o`);
    return { object, command: [...command, ...flags, '-c', join(source, file), '-o', object] };
  });
  // The last units are the long ones: they start first.
  const warnings = await runAll(jobs.map((job) => job.command).reverse());
  return { objects: jobs.map(({ object }) => object), warnings };
}

/** Where the headers of Node-API lie, and the names that Node exports. */
export function headers() {
  try {
    const { include_dir } = createRequire(import.meta.url)('node-api-headers');
    return { include: include_dir, definitions: join(dirname(include_dir), 'def') };
  } catch {
    throw new BuildFailure({ what: 'the package node-api-headers is not installed', next: 'Type `npm ci`' });
  }
}

/** Runs the commands, as many at once as there are cores (and GiB of memory); the first failure ends them all. */
async function runAll(commands) {
  const waiting = [...commands];
  const stop = new AbortController();
  let warnings = '';
  let failure;
  const work = async () => {
    for (let command = waiting.shift(); command !== undefined; command = waiting.shift()) {
      try {
        warnings += (await run(command, stop.signal)).stderr;
      } catch (error) {
        failure ??= error;
        waiting.length = 0;
        stop.abort();
      }
    }
  };
  const workers = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 2 ** 30)));
  await Promise.all(Array.from({ length: workers }, work));
  if (failure !== undefined) throw failure;
  return warnings;
}

export function run([file, ...args], signal) {
  const env = { ...process.env, LC_ALL: 'C' };
  return promisify(execFile)(file, args, { signal, env, maxBuffer: 2 ** 26 });
}
