// Which compiled engine this machine loads, and from where: the file that MOSSCTL_NATIVE names; else what was compiled
// here (native/build); else the prebuilt one of this platform (native/prebuilt), if it is as its manifest says.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UserError } from '../../base/errors.js';

const nativeFolder = fileURLToPath(new URL('../../../native', import.meta.url));
const manifestName = 'manifest.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const engineSchema = z.strictObject({
  name: z.string().regex(/^mossctl-[a-z0-9-]+\.node$/),
  sha256,
  bytes: z.int().positive(),
  compiler: z.string().min(1).max(200),
  /** In the compiler's words: x86_64-linux-gnu.2.28. */
  target: z.string().min(1).max(100),
  instructionSets: z.array(z.string().max(40)).min(1).max(10),
  flags: z.array(z.string().max(200)).max(100),
  /** sha256 of native/'s sources. */
  sources: sha256,
});
/** What `npm run prebuild` writes beside the engines. */
export const prebuiltManifest = z.strictObject({ format: z.literal(1), engines: z.array(engineSchema).max(100) });
export type PrebuiltManifest = z.infer<typeof prebuiltManifest>;

/** One prebuilt engine, found whole. */
export type PrebuiltEngine = PrebuiltManifest['engines'][number] & { path: string };

export interface EngineFile {
  path: string;
  origin: 'chosen' | 'local' | 'prebuilt';
  prebuilt?: PrebuiltEngine;
}

/**
 * The file to load; the place of a local build where there is none at all.
 * @throws UserError where the prebuilt engine is the one to load, and is damaged.
 */
export function findEngine(folder = nativeFolder): EngineFile {
  const chosen = process.env.MOSSCTL_NATIVE;
  if (chosen) return { path: resolve(chosen), origin: 'chosen' };
  const local = join(folder, 'build', `mossctl-${process.platform}-${process.arch}.node`);
  if (existsSync(local)) return { path: local, origin: 'local' };
  const prebuilt = prebuiltEngine(folder);
  return prebuilt === undefined
    ? { path: local, origin: 'local' }
    : { path: prebuilt.path, origin: 'prebuilt', prebuilt };
}

/** The prebuilt engine of this platform; undefined where none was packed. @throws UserError where it is not as it was packed. */
export function prebuiltEngine(folder = nativeFolder, name = prebuiltName()): PrebuiltEngine | undefined {
  const place = join(folder, 'prebuilt');
  const manifest = readManifest(join(place, manifestName));
  const engine = manifest?.engines.find((each) => each.name === name);
  if (engine === undefined) return undefined;
  const path = join(place, name);
  const bytes = existsSync(path) ? readFileSync(path) : undefined;
  if (bytes === undefined) throw damaged(path, 'it is not there');
  if (createHash('sha256').update(bytes).digest('hex') !== engine.sha256) {
    throw damaged(path, 'its sha256 is not the one in manifest.json');
  }
  return { ...engine, path };
}

/** `mossctl-linux-x64.node`; a Node that runs on musl needs an engine of its own. */
export function prebuiltName(platform: string = process.platform, arch: string = process.arch, isMusl = runsOnMusl()) {
  return `mossctl-${platform}-${arch}${isMusl ? '-musl' : ''}.node`;
}

function readManifest(path: string): PrebuiltManifest | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return prebuiltManifest.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw damaged(path, 'it is not a list of engines');
  }
}

/** Whether this process's C library is musl: then its loader is mapped into it; where that is not to be read, Node's own word. */
function runsOnMusl(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return /\/(ld-musl-[^/]*|libc\.musl-[^/]*|[^/]*-linux-musl\/libc)\.so/.test(
      readFileSync('/proc/self/maps', 'utf8'),
    );
  } catch {
    const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return header?.glibcVersionRuntime === undefined;
  }
}

/** Whether this system is one on which `mossctl native build` compiles. */
export function canCompile(platform: string = process.platform, arch: string = process.arch): boolean {
  return ['linux', 'darwin'].includes(platform) && ['x64', 'arm64'].includes(arch);
}

function damaged(path: string, why: string): UserError {
  const next = canCompile()
    ? 'Install mossctl again, or type `mossctl native build`'
    : 'Install mossctl again; until then use `--backend wasm`';
  return new UserError({ what: 'the prebuilt native engine is not as it was packed', where: path, why, next });
}
