// Files come from a real HTTP server that breaks off, stalls, changes, redirects and lies.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { type Download, download } from '../../src/data/sources/download.js';
import type { FetchContext } from '../../src/data/sources/http.js';
import { type Event, silentReporter, stageReporter } from '../../src/report/event.js';
import { scratch } from './scratch.js';
import { serveFile, startWebServer } from './web-server.js';

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const server = await startWebServer();
const other = await startWebServer();

const timing = { stallMilliseconds: 2000, backOffMilliseconds: 1 };
const quiet: FetchContext = { reporter: silentReporter, timing };

async function wanted(path: string, rest: Partial<Download> = {}): Promise<Download> {
  server.requests.length = 0;
  const checksum = { algorithm: 'sha256', value: sha256(content) } as const;
  return { url: server.origin + path, path: join(await scratch(), 'deep', 'file'), label: 'x', checksum, ...rest };
}

const kept = async ({ path }: Download) => (await readdir(dirname(path)).catch(() => [])).sort();

async function scratchPartial({ path }: Download, bytes: Uint8Array, tag: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(join(dirname(path), '.file.partial'), bytes);
  await writeFile(join(dirname(path), '.file.partial-etag'), tag);
}

async function refusal(work: Promise<unknown>, words: RegExp): Promise<UserError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.match(error.message, words);
  return error;
}

test('a whole file, with progress; what is there needs no server', async () => {
  server.handlers.set('/a', serveFile(content));
  const events: Event[] = [];
  const file = await wanted('/a');
  await download(file, { ...quiet, reporter: stageReporter({ emit: (event) => events.push(event) }, 'data') });
  assert.deepEqual(await readFile(file.path), content);
  assert.deepEqual(await kept(file), ['file']);
  const last = events.at(-1);
  assert.ok(last?.type === 'progress' && last.done === content.length && last.total === content.length);
  await download({ ...file, url: 'http://127.0.0.1:9/' }, quiet);
  assert.equal(server.requests.length, 1);
});

test('broken off, it goes on where it ended, also in the next run; only the rest is asked for', async () => {
  server.handlers.set('/b', serveFile(content, { breakAfter: 100_000 }));
  const file = await wanted('/b');
  await download(file, quiet);
  assert.deepEqual(await readFile(file.path), content);
  assert.deepEqual(
    server.requests.map(({ range }) => range),
    [undefined, 'bytes=100000-', 'bytes=200000-'],
  );
  // A run that was killed: the server goes away after the first part.
  const again = await wanted('/c');
  server.handlers.set('/c', (request, response) => {
    serveFile(content, { breakAfter: 120_000 })(request, response);
    server.handlers.set('/c', (_, gone) => gone.destroy());
  });
  await refusal(download(again, quiet), /cannot be fetched.*in 5 tries.*what has come is kept/s);
  assert.deepEqual(await kept(again), ['.file.partial', '.file.partial-etag']);
  server.handlers.set('/c', serveFile(content));
  server.requests.length = 0;
  await download(again, quiet);
  assert.deepEqual(await readFile(again.path), content);
  assert.deepEqual(server.requests, [{ path: '/c', range: 'bytes=120000-' }]);
});

test('what had come in full before the run was killed is looked at, not asked for again', async () => {
  for (const size of [undefined, content.length]) {
    const file = await wanted('/full', { size });
    await scratchPartial(file, content, '"v1"');
    server.handlers.set('/full', (request, response) => {
      assert.equal(request.headers.range, `bytes=${content.length}-`);
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    });
    await download(file, quiet);
    assert.deepEqual(await readFile(file.path), content);
    assert.equal(server.requests.length, size === undefined ? 1 : 0);
    assert.deepEqual(await kept(file), ['file']);
  }
});

test('a file that has changed in between, or has no strong ETag, is fetched from the start', async () => {
  for (const etags of [
    ['"v1"', '"v2"'],
    ['W/"v1"', 'W/"v1"'],
  ]) {
    const old = Buffer.from(content).reverse();
    server.handlers.set('/d', (request, response) => {
      serveFile(old, { etag: etags[0], breakAfter: 100_000 })(request, response);
      server.handlers.set('/d', serveFile(content, { etag: etags[1] }));
    });
    const file = await wanted('/d');
    await download(file, quiet);
    assert.deepEqual(await readFile(file.path), content);
    assert.equal(server.requests.length, 2);
  }
});

test('a wrong checksum, size or a file over the cap is refused, and nothing of it is kept', async () => {
  server.handlers.set('/e', serveFile(Buffer.from('evil')));
  const file = await wanted('/e');
  const error = await refusal(download(file, quiet), /not the one that was meant.*its sha256 is [0-9a-f]{64}/is);
  assert.ok(error.message.includes(sha256(Buffer.from('evil'))));
  assert.deepEqual(await kept(file), []);
  server.handlers.set('/f', serveFile(content));
  await refusal(download(await wanted('/f'), quiet, 1000), /larger than 1/);
  const endless = await wanted('/g');
  server.handlers.set('/g', (_, response) => {
    const more = (): unknown => response.writableEnded || response.write(Buffer.alloc(64 << 10), more);
    more();
  });
  await refusal(download(endless, quiet, 200_000), /larger than/);
  assert.deepEqual(await kept(endless), []);
  await refusal(download(await wanted('/f', { size: 10 }), quiet), /larger than 10 B/);
});

test('base64, sha512 and git checksums', async () => {
  server.handlers.set('/h', serveFile(Buffer.from('hello\n')));
  for (const checksum of [
    { algorithm: 'sha512', value: createHash('sha512').update('hello\n').digest('base64') },
    // git hash-object
    { algorithm: 'git', value: 'ce013625030ba8dba906f756967f9e9ca394464a' },
  ] as const) {
    await download(await wanted('/h', { checksum }), quiet);
  }
});

test('404 at once; 429 and 5xx after some tries; a login in words', async () => {
  const answering = (status: number) => server.handlers.set('/i', (_, response) => response.writeHead(status).end());
  for (const [status, words, tries] of [
    [404, /answered 404 Not Found/, 1],
    [401, /answered 401.*set HF_TOKEN/s, 1],
    [403, /answered 403/, 1],
    [429, /answered 429.*in 5 tries/s, 5],
    [503, /answered 503.*in 5 tries/s, 5],
  ] as const) {
    answering(status);
    const file = await wanted('/i');
    const error = await refusal(download(file, quiet), words);
    assert.equal(error.exitCode, 1);
    assert.equal(server.requests.length, tries);
  }
  answering(500);
  const file = await wanted('/i');
  setTimeout(() => server.handlers.set('/i', serveFile(content)), 30);
  await download(file, { ...quiet, timing: { ...timing, backOffMilliseconds: 20 } });
});

test('a server that stalls is given up; a person who does not want to wait is obeyed', {
  timeout: 50_000,
}, async () => {
  server.handlers.set('/j', (_, response) => response.write('x'));
  const stalling = { ...quiet, timing: { stallMilliseconds: 100, backOffMilliseconds: 1 } };
  await refusal(download(await wanted('/j'), stalling), /nothing came for 0\.1 s, in 5 tries/i);
  const answering = new AbortController();
  server.handlers.set('/j', (_, response) => response.write('x', () => answering.abort()));
  await assert.rejects(download(await wanted('/j'), { ...quiet, signal: answering.signal }), Interrupted);
  // The pause before the next try takes 60 s.
  const pausing = new AbortController();
  server.handlers.set('/j', (_, response) => {
    response.writeHead(503, { 'retry-after': '60' }).end(() => setTimeout(() => pausing.abort(), 100));
  });
  await assert.rejects(download(await wanted('/j'), { ...quiet, signal: pausing.signal }), Interrupted);
  assert.equal(server.requests.length, 1);
});

test('redirects: followed, but not in circles nor to other schemes; the token stays with its host', async () => {
  const to = (path: string, location: string, at = server) =>
    at.handlers.set(path, (_, response) => response.writeHead(302, { location }).end());
  to('/k', '/k2');
  to('/k2', `${other.origin}/k3`);
  other.handlers.set('/k3', serveFile(content));
  await download(await wanted('/k', { token: 'secret' }), quiet);
  assert.deepEqual(
    server.requests.map(({ authorization }) => authorization),
    ['Bearer secret', 'Bearer secret'],
  );
  assert.deepEqual(other.requests, [{ path: '/k3' }]);
  to('/l', '/l');
  await refusal(download(await wanted('/l', { token: 'secret' }), quiet), /redirects more than 10 times/);
  assert.equal(server.requests.length, 11);
  for (const [location, where] of [
    ['http://example.com/x', 'http://example.com'],
    ['file:///etc/passwd', 'null'],
  ]) {
    to('/m', location);
    const error = await refusal(download(await wanted('/m'), quiet), /which is not followed/);
    assert.ok(error.message.includes(`redirects to ${where}`), error.message);
  }
});

test('a signature in the address is not repeated in errors', async () => {
  const error = await refusal(download(await wanted('/none?signature=secret'), quiet), /404/);
  assert.ok(!error.message.includes('secret'));
});
