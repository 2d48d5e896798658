// What two builds fetch at once: an npm registry, a hub and a plain web server in this process, which hand out a few texts
// slowly, and the data-spec that wants them all.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from 'tar';
import { Random } from '../../src/base/random.js';

export interface CacheWorld {
  spec: string;
  /** In the spec's sources, all of them different. */
  documents: number;
  /** For the processes that build from it. */
  environment(cache: string): NodeJS.ProcessEnv;
  /** Off: every request is refused, as it is without a network. */
  online: boolean;
  /** A new cache begins: nobody has asked for anything. */
  forget(): void;
  close(): void;
}

interface ServedFile {
  content: Buffer;
  milliseconds: number;
  /** Since the cache was last cold. */
  requests: number;
}

const commit = 'c'.repeat(40);
/** A file comes in so many pieces, with a pause after each. */
const pieces = 20;

const hashOf = (algorithm: string, ...parts: (string | Uint8Array)[]) => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash;
};

/** @param milliseconds that each of the four files takes to come. */
export async function openCacheWorld(
  folder: string,
  { milliseconds, documentsPerFile }: { milliseconds: number; documentsPerFile: number },
): Promise<CacheWorld> {
  const rows = (name: string): Buffer => {
    const random = Random.stream(1, name);
    const row = (_: unknown, i: number) =>
      JSON.stringify({
        text: `${name} ${i} ${Array.from({ length: 20 }, () => random.uint32().toString(36)).join(' ')}`,
      });
    return Buffer.from(`${Array.from({ length: documentsPerFile }, row).join('\n')}\n`);
  };
  const published = join(folder, 'published');
  mkdirSync(join(published, 'package'), { recursive: true });
  writeFileSync(join(published, 'package/package.json'), '{"name":"texts","version":"1.2.3"}');
  writeFileSync(join(published, 'package/a.jsonl'), rows('npm'));
  await create({ gzip: true, file: join(published, 'texts.tgz'), cwd: published, portable: true }, ['package']);
  const tarball = readFileSync(join(published, 'texts.tgz'));
  const [small, large, web] = ['hub-git', 'hub-lfs', 'web'].map(rows);
  const integrity = `sha512-${hashOf('sha512', tarball).digest('base64')}`;

  const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dist = () => ({ tarball: `${origin()}/texts/-/texts-1.2.3.tgz`, integrity });
  const entries = [
    {
      type: 'file',
      path: 'a.jsonl',
      size: small.length,
      oid: hashOf('sha1', `blob ${small.length}\0`, small).digest('hex'),
    },
    {
      type: 'file',
      path: 'b.jsonl',
      size: large.length,
      oid: '0'.repeat(40),
      lfs: { oid: hashOf('sha256', large).digest('hex'), size: large.length },
    },
  ];
  const answers: Record<string, () => unknown> = {
    '/texts': () => ({
      name: 'texts',
      'dist-tags': { latest: '1.2.3' },
      versions: { '1.2.3': { name: 'texts', version: '1.2.3', dist: dist() } },
    }),
    '/api/datasets/org/texts/revision/main': () => ({ sha: commit }),
    [`/api/datasets/org/texts/tree/${commit}?recursive=1`]: () => entries,
  };
  const served = (content: Buffer): ServedFile => ({ content, milliseconds, requests: 0 });
  const files: Record<string, ServedFile> = {
    '/texts/-/texts-1.2.3.tgz': served(tarball),
    [`/datasets/org/texts/resolve/${commit}/a.jsonl`]: served(small),
    [`/datasets/org/texts/resolve/${commit}/b.jsonl`]: served(large),
    '/web.jsonl': served(web),
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (!world.online) request.socket.destroy();
    else if (answers[path] !== undefined) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answers[path]()));
    } else if (files[path] !== undefined) void sendSlowly(files[path], request.headers.range, response);
    else response.writeHead(404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const source = (name: string, from: string, rest = {}) => ({ name, from, format: 'jsonl', licence: 'x', ...rest });
  const spec = join(folder, 'spec.yaml'); // JSON is YAML
  const sources = [
    source('hub', 'hf:org/texts#*.jsonl'),
    source('npm', 'npm:texts@1.2.3#a.jsonl', { integrity }),
    source('web', `${origin()}/web.jsonl`, { integrity: `sha256-${hashOf('sha256', web).digest('hex')}` }),
  ];
  writeFileSync(spec, JSON.stringify({ name: 'texts', sources }));
  const world: CacheWorld = {
    spec,
    documents: 4 * documentsPerFile,
    environment: (cache) => ({
      ...process.env,
      NO_COLOR: '1',
      MOSSCTL_CACHE: cache,
      HF_ENDPOINT: origin(),
      HF_TOKEN: '',
      npm_config_registry: origin(),
      npm_config_cache: `${cache}-of-npm`,
    }),
    online: true,
    forget() {
      for (const file of Object.values(files)) file.requests = 0;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return world;
}

/**
 * In pieces, from where the client already is, as fast or slow as it happens to be. The first client waits at half of it,
 * though not for long, until a second one has asked for the same, and that one waits for its answer. Either may go away.
 */
async function sendSlowly(file: ServedFile, range: string | undefined, response: ServerResponse): Promise<void> {
  const { content, milliseconds } = file;
  file.requests++;
  if (file.requests > 1) await sleep(Math.random() * milliseconds);
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const rest = content.subarray(start);
  response.setHeader('etag', `"${hashOf('sha1', content).digest('hex')}"`).setHeader('content-length', rest.length);
  if (start > 0) response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
  const size = Math.ceil(content.length / pieces);
  const pause = ((0.5 + Math.random()) * milliseconds) / pieces;
  for (let at = 0; at < rest.length && !response.destroyed; at += size) {
    response.write(rest.subarray(at, at + size));
    await sleep(pause);
    for (let waits = 0; at === 10 * size && file.requests < 2 && waits < 40; waits++) await sleep(milliseconds / 20);
  }
  response.end();
}
