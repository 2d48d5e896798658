// A hub that takes models: the endpoints of huggingface.co that its clients push through, each strict about what it is
// given, with storage on another host that knows content by its sha256 and takes large files in parts.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gitHash, hashOf } from './hub-server.js';

export const hubToken = 'hf_right_to_write';

interface StoredFile {
  bytes: Buffer;
  isLarge: boolean;
}

export interface Repository {
  visibility: string;
  /** Newest last. */
  commits: { oid: string; summary: string; files: Map<string, StoredFile> }[];
}

export interface WritableHub {
  origin: string;
  repositories: Map<string, Repository>;
  /** sha256 → content. */
  storage: Map<string, Buffer>;
  /** `METHOD path`, of both hosts. */
  requests: string[];
  /** Called before each PUT to storage is taken; throws to break the connection. */
  onPut: (path: string) => void;
  close(): void;
}

/** Files of these names go through LFS, and any with a zero in its first bytes. */
const lfsNames = /\.(safetensors|gguf|bin)$/;
const partBytes = 20_000;

export async function startWritableHub(): Promise<WritableHub> {
  const hub: WritableHub = {
    ...{ origin: '', repositories: new Map(), storage: new Map(), requests: [] },
    onPut: () => undefined,
    close: () => undefined,
  };
  const parts = new Map<string, Buffer[]>();
  const cdn = await listen(async (request, response, body) => {
    const [, oid, part] = (request.url ?? '').split('/');
    hub.requests.push(`${request.method} storage/${oid}${part === undefined ? '' : `/${part}`}`);
    if (request.headers.authorization !== undefined) return void response.writeHead(400).end('a token for the hub');
    if (request.headers['transfer-encoding'] !== undefined) return void response.writeHead(501).end();
    if (request.method === 'GET') return void response.end(hub.storage.get(oid));
    try {
      hub.onPut(request.url ?? '');
    } catch {
      return void request.socket.destroy();
    }
    if (part !== undefined) {
      const known = parts.get(oid) ?? [];
      known[Number(part) - 1] = body;
      parts.set(oid, known);
    } else hub.storage.set(oid, body);
    response.setHeader('etag', `"${hashOf('md5', body)}"`).end();
  });

  const answer = (
    response: ServerResponse,
    status: number,
    value: unknown,
    headers: Record<string, string> = {},
  ): void =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

  const server = await listen(async (request, response, body) => {
    const url = new URL(request.url ?? '', 'http://x');
    const path = decodeURIComponent(url.pathname);
    hub.requests.push(`${request.method} ${path}`);
    const isOwner = request.headers.authorization === `Bearer ${hubToken}`;
    const json = (): Record<string, never> => JSON.parse(body.toString('utf8'));
    if (path === '/api/validate-yaml') {
      const front = /^---\n(.*?)\n---\n/s.exec(json().content)?.[1];
      const errors = front === undefined || !/^license: /m.test(front) ? [{ message: '"license" is required' }] : [];
      return answer(response, errors.length > 0 ? 400 : 200, { errors, warnings: [] });
    }
    if (!isOwner) return answer(response, 401, { error: 'Invalid username or password.' });
    if (path === '/api/whoami-v2') return answer(response, 200, { name: 'me', type: 'user', orgs: [] });
    if (path === '/api/repos/create') {
      const { name, organization, visibility, type } = json() as Record<string, string>;
      if (organization !== 'me') return answer(response, 403, { error: "You don't have the rights" });
      if ((type ?? 'model') !== 'model' || !['public', 'private'].includes(visibility ?? 'public'))
        return answer(response, 400, {});
      const id = `${organization}/${name}`;
      const href = `${hub.origin}/${id}`;
      if (hub.repositories.has(id))
        return answer(response, 409, { error: 'You already created this model repo', url: href });
      const files = new Map([['.gitattributes', { bytes: Buffer.from('*.safetensors filter=lfs'), isLarge: false }]]);
      hub.repositories.set(id, {
        visibility: visibility ?? 'public',
        commits: [{ oid: oidOf(id, 0), summary: 'initial commit', files }],
      });
      return answer(response, 200, { url: href, id });
    }
    const [, id, rest] = /^\/(?:api\/models\/)?([\w.-]+\/[\w.-]+?)(?:\.git)?(?=\/|$)(.*)$/.exec(path) ?? [];
    const repository = hub.repositories.get(id ?? '');
    if (repository === undefined)
      return answer(response, 404, { error: 'Repository not found' }, { 'x-error-code': 'RepoNotFound' });
    const head = repository.commits.at(-1) as Repository['commits'][number];
    const at = (revision: string) =>
      (revision === 'main' ? head : repository.commits.find(({ oid }) => oid === revision)) ?? head;
    const isPrivate = repository.visibility === 'private';
    const info = {
      id,
      sha: head.oid,
      private: isPrivate,
      tags: [],
      siblings: [...head.files.keys()].map((rfilename) => ({ rfilename })),
    };
    if (rest === '' || rest.startsWith('/revision/')) return answer(response, 200, info);
    if (rest.startsWith('/tree/')) return answer(response, 200, [...at(rest.split('/')[2]).files].map(entryOf));
    if (rest.startsWith('/resolve/')) {
      const [, , revision, ...name] = rest.split('/');
      const file = at(revision).files.get(name.join('/'));
      if (file === undefined) return answer(response, 404, {}, { 'x-error-code': 'EntryNotFound' });
      const oid = hashOf('sha256', file.bytes);
      response
        .setHeader('x-repo-commit', at(revision).oid)
        .setHeader('etag', `"${file.isLarge ? oid : gitHash(file.bytes)}"`);
      response.setHeader('content-length', file.bytes.length);
      if (file.isLarge) {
        const linked = {
          'x-linked-etag': `"${oid}"`,
          'x-linked-size': String(file.bytes.length),
          'content-length': '0',
        };
        return void response.writeHead(302, { location: `${cdn}/${oid}`, ...linked }).end();
      }
      return void response.end(file.bytes);
    }
    if (rest === '/preupload/main') {
      const files = (json().files as { path: string; size: number; sample: string }[]).map(({ path, sample }) => {
        const isLarge = lfsNames.test(path) || Buffer.from(sample, 'base64').includes(0);
        const known = head.files.get(path);
        const oid = known && (known.isLarge ? hashOf('sha256', known.bytes) : gitHash(known.bytes));
        return { path, uploadMode: isLarge ? 'lfs' : 'regular', shouldIgnore: false, ...(oid && { oid }) };
      });
      return answer(response, 200, { files });
    }
    if (rest === '/info/lfs/objects/batch') {
      const {
        operation,
        transfers,
        hash_algo: algorithm,
        objects,
      } = json() as never as {
        operation: string;
        transfers: string[];
        hash_algo: string;
        objects: { oid: string; size: number }[];
      };
      if (operation !== 'upload' || !transfers.includes('basic') || algorithm !== 'sha256')
        return answer(response, 422, {});
      const wanted = objects.map(({ oid, size }) => {
        if (hub.storage.has(oid)) return { oid, size };
        const verify = { href: `${hub.origin}/${id}.git/info/lfs/verify` };
        if (size <= partBytes) return { oid, size, actions: { upload: { href: `${cdn}/${oid}` }, verify } };
        const count = Math.ceil(size / partBytes);
        const header = Object.fromEntries(
          Array.from({ length: count }, (_, i) => [String(i + 1).padStart(5, '0'), `${cdn}/${oid}/${i + 1}`]),
        );
        const href = `${hub.origin}/${id}.git/info/lfs/complete`;
        return {
          oid,
          size,
          actions: { upload: { href, header: { ...header, chunk_size: String(partBytes) } }, verify },
        };
      });
      return answer(response, 200, { transfer: 'basic', objects: wanted });
    }
    if (rest === '/info/lfs/complete') {
      const { oid, parts: given } = json() as never as { oid: string; parts: { partNumber: number; etag: string }[] };
      const known = parts.get(oid) ?? [];
      const isWhole = given.every(({ partNumber, etag }) => etag === `"${hashOf('md5', known[partNumber - 1] ?? '')}"`);
      if (!isWhole || given.length !== known.length) return answer(response, 400, { error: 'parts' });
      hub.storage.set(oid, Buffer.concat(known));
      return answer(response, 200, {});
    }
    if (rest === '/info/lfs/verify') {
      const { oid, size } = json() as never as { oid: string; size: number };
      const there = hub.storage.get(oid);
      const isWhole = there?.length === size && hashOf('sha256', there) === oid;
      return answer(response, isWhole ? 200 : 404, {});
    }
    if (rest === '/commit/main') {
      if (request.headers['content-type'] !== 'application/x-ndjson') return answer(response, 400, {});
      const lines = body
        .toString('utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { key: string; value: Record<string, string> });
      const files = new Map(head.files);
      let summary = '';
      for (const { key, value } of lines) {
        if (key === 'header') {
          summary = value.summary;
          if (value.parentCommit !== undefined && value.parentCommit !== head.oid)
            return answer(response, 412, { error: 'A commit has happened since' });
        } else if (key === 'file')
          files.set(value.path, { bytes: Buffer.from(value.content, 'base64'), isLarge: false });
        else if (key === 'deletedFile') files.delete(value.path);
        else if (key === 'lfsFile') {
          const bytes = hub.storage.get(value.oid);
          if (bytes === undefined) return answer(response, 400, { error: 'LFS object is not there' });
          files.set(value.path, { bytes, isLarge: true });
        } else return answer(response, 400, { error: key });
      }
      const oid = oidOf(id ?? '', repository.commits.length);
      repository.commits.push({ oid, summary, files });
      return answer(response, 200, {
        success: true,
        commitOid: oid,
        commitUrl: `${hub.origin}/${id}/commit/${oid}`,
        hookOutput: '',
      });
    }
    return answer(response, 404, { error: rest });
  });

  hub.origin = server;
  return hub;

  async function listen(
    handle: (request: IncomingMessage, response: ServerResponse, body: Buffer) => Promise<void>,
  ): Promise<string> {
    const own = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => undefined);
      request.on('end', () => void handle(request, response, Buffer.concat(chunks)));
    });
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    const { close } = hub;
    hub.close = () => {
      close();
      own.close();
      own.closeAllConnections();
    };
    return `http://127.0.0.1:${(own.address() as AddressInfo).port}`;
  }
}

function entryOf([path, { bytes, isLarge }]: [string, StoredFile]) {
  const lfs = { oid: hashOf('sha256', bytes), size: bytes.length, pointerSize: 130 };
  return {
    type: 'file',
    oid: gitHash(isLarge ? Buffer.from(lfs.oid) : bytes),
    size: bytes.length,
    path,
    ...(isLarge && { lfs }),
  };
}

function oidOf(id: string, number: number): string {
  return hashOf('sha1', id, String(number));
}
