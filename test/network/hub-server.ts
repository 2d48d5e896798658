// A hub of our own: the API of huggingface.co for a revision and the list of files, and the files, the large ones on
// another host as through LFS.
import { createHash } from 'node:crypto';
import { serveFile, type WebServer } from './web-server.js';

export interface PublishedRepo {
  kind: 'dataset' | 'model';
  /** ORG/NAME */
  name: string;
  commit: string;
  /** What branches and tags stand for this commit. Default: main. */
  revisions?: readonly string[];
  files: Record<string, Buffer>;
  /** What is served in the place of a file. */
  lies?: Record<string, Buffer>;
  /** Larger files go through LFS. */
  maxPlainBytes?: number;
  /** Entries on a page of the list. */
  page?: number;
}

export function hashOf(algorithm: string, ...parts: (string | Uint8Array)[]): string {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

export function gitHash(bytes: Uint8Array): string {
  return hashOf('sha1', `blob ${bytes.length}\0`, bytes);
}

/** From here on `server` has this commit; `cdn` has the large files. */
export function publish({ server, cdn }: { server: WebServer; cdn: WebServer }, repo: PublishedRepo): void {
  const { kind, name, commit, revisions = ['main'], files, lies = {}, maxPlainBytes = 1000, page = 2 } = repo;
  const json = (path: string, value: unknown, headers: Record<string, string> = {}) =>
    server.handlers.set(path, (_, response) => response.writeHead(200, headers).end(JSON.stringify(value)));
  const api = `/api/${kind}s/${name}`;
  for (const revision of revisions) json(`${api}/revision/${encodeURIComponent(revision)}`, { sha: commit });
  const entries = Object.entries(files).map(([path, bytes]) => {
    const isLarge = bytes.length > maxPlainBytes;
    const lfs = { oid: hashOf('sha256', bytes), size: bytes.length, pointerSize: 130 };
    const served = serveFile(lies[path] ?? bytes);
    const resolve = `/${kind === 'dataset' ? 'datasets/' : ''}${name}/resolve/${commit}/${encodeURI(path)}`;
    if (!isLarge) server.handlers.set(resolve, served);
    else {
      cdn.handlers.set(`/${lfs.oid}`, served);
      const location = `${cdn.origin}/${lfs.oid}`;
      server.handlers.set(resolve, (_, response) => response.writeHead(302, { location }).end());
    }
    return { type: 'file', oid: gitHash(bytes), size: bytes.length, path, ...(isLarge && { lfs }) };
  });
  const all = [{ type: 'directory', oid: 'f'.repeat(40), size: 0, path: 'deep' }, ...entries];
  const tree = `${api}/tree/${commit}?recursive=1`;
  for (let i = 0; i < all.length; i += page) {
    const next: Record<string, string> =
      i + page < all.length ? { link: `<${server.origin}${tree}&cursor=${i + page}>; rel="next"` } : {};
    json(i === 0 ? tree : `${tree}&cursor=${i}`, all.slice(i, i + page), next);
  }
}
