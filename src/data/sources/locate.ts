// The files of a source, wherever it is: each is fetched when it is its turn, so that a source with a limit fetches no
// more than it reads.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf, exists } from '../../base/files.js';
import { cacheDirectory } from '../../network/cache.js';
import { parseIntegrity } from '../../network/checked.js';
import { download } from '../../network/download.js';
import type { FetchContext } from '../../network/http.js';
import { hubCommit } from '../../network/hub.js';
import { type DataSpec, noSuchFile, type SourceSpec } from '../spec.js';
import { listFiles, type RemoteFile, type SourceFile } from './files.js';
import { type From, parseFrom } from './from.js';
import { hubFiles, repoOf } from './hub.js';
import { type NpmSource, npmFiles } from './npm.js';
import { stdinFile } from './stdin.js';

export interface Locations {
  files: RemoteFile[];
  /** What the revision of an hf source stands for. */
  commit?: string;
}

export interface Place {
  spec: DataSpec;
  specPath: string;
  /** sha256 of what standard input gave. */
  stdin?: string;
  /** Asks the hub again what a branch or tag stands for. */
  refresh?: boolean;
}

/** @throws UserError where nothing is found, or what is needed to know what there is cannot be fetched. */
export async function locate(source: SourceSpec, place: Place, context: FetchContext): Promise<Locations> {
  const from = parseFrom(source.from);
  const located = await locateFrom(from, source, place, context);
  if (located.files.length === 0) throw await noSuchFile(source, place.specPath);
  return located;
}

async function locateFrom(from: From, source: SourceSpec, place: Place, context: FetchContext): Promise<Locations> {
  switch (from.kind) {
    case 'file':
      return { files: await local(await listFiles(dirname(place.specPath), from.path)) };
    case 'stdin':
      return { files: await local([await stdinFile(place.stdin)]) };
    case 'npm':
      return { files: await local(await npmFiles(packageOf(source, place.spec), from.path, context)) };
    case 'https':
      return { files: [await webFile(from.url, source, context)] };
    case 'hf': {
      const commit = await hubCommit(repoOf(from), context, place.refresh ? 'always' : 'never');
      return { files: await hubFiles(from, commit, context), commit };
    }
    default:
      return from satisfies never;
  }
}

function local(files: SourceFile[]): Promise<RemoteFile[]> {
  const located = files.map(async (file) => {
    return { name: file.name, bytes: (await stat(file.path)).size, isCached: true, get: async () => file };
  });
  return Promise.all(located);
}

async function webFile(url: string, { integrity = '' }: SourceSpec, context: FetchContext): Promise<RemoteFile> {
  const name = webName(url);
  const path = join(cacheDirectory(), 'https', digestOf([url, integrity]).slice(0, 16), name);
  const isCached = await exists(path);
  return {
    name,
    ...(isCached && { bytes: (await stat(path)).size }),
    isCached,
    async get() {
      const checksum = parseIntegrity(integrity);
      const stamp = await download({ url, path, label: `fetch ${name}`, checksum }, context);
      return { path, name, stamp };
    },
  };
}

/** The last part of the path, as the name of a file. */
function webName(url: string): string {
  const part = new URL(url).pathname.split('/').at(-1) ?? '';
  let name = part;
  try {
    name = decodeURIComponent(part);
  } catch {
    // Not everything with a % in it is UTF-8.
  }
  // 80 characters are at most 240 bytes.
  const plain = name.replace(/[^\w.\p{L}-]/gu, '_').slice(-80);
  return plain.replace(/^\.+/, '') || 'file';
}

/**
 * The package of an npm source, with the paths that all sources of the spec want from it: given to `npmFiles`, it is
 * fetched and unpacked once for all of them.
 */
function packageOf({ from, integrity = '' }: SourceSpec, spec: DataSpec): NpmSource {
  const wanted = from.slice(0, from.indexOf('#') + 1);
  const same = spec.sources.filter((other) => other.integrity === integrity && other.from.startsWith(wanted));
  const path = same.map((other) => other.from.slice(wanted.length));
  const at = wanted.lastIndexOf('@');
  return { package: wanted.slice('npm:'.length, at), version: wanted.slice(at + 1, -1), path, integrity };
}
