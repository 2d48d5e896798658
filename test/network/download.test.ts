// Files come from a real HTTP server that breaks off, stalls, changes, redirects and lies.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, open, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { processTag, thisProcess } from '../../src/base/process.js';
import { fileStamp, requireUnchanged } from '../../src/network/checked.js';
import { type Download, download } from '../../src/network/download.js';
import type { FetchContext } from '../../src/network/http.js';
import { type Event, silentReporter, stageReporter } from '../../src/report/event.js';
import { scratch } from '../data/scratch.js';
import { serveFile, startWebServer } from './web-server.js';

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const server = await startWebServer();
const other = await startWebServer();

/** A process of this machine that has ended, and one of another. */
const gone = processTag(await thisProcess()).replace(/\.\d+\./, `.${spawnSync(process.execPath, ['-e', '']).pid}.`);
const foreign = '0123456789abcdef.1.1';

const timing = { stallMilliseconds: 2000, backOffMilliseconds: 1 };
const quiet: FetchContext = { reporter: silentReporter, timing };

async function wanted(path: string, rest: Partial<Download> = {}): Promise<Download> {
  server.requests.length = 0;
  const checksum = { algorithm: 'sha256', value: sha256(content) } as const;
  return { url: server.origin + path, path: join(await scratch(), 'deep', 'file'), label: 'x', checksum, ...rest };
}

/** The names beside the file and below, without those of folders and of processes: `data` is what has come of it. */
async function kept({ path }: Download): Promise<string[]> {
  const entries = await readdir(dirname(path), { recursive: true, withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  if (names.length === 0) assert.deepEqual(entries, []);
  return names.sort();
}

/** What a process left of the file that was killed while it fetched it. */
async function scratchPartial({ path }: Download, bytes: Uint8Array, tag: string, owner = gone): Promise<string> {
  const digest = createHash('sha256').update(basename(path)).digest('hex').slice(0, 16);
  const folder = join(dirname(path), `.tmp-${digest}`, `${owner}-01234567`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'data'), bytes);
  await writeFile(join(folder, 'etag'), tag);
  return folder;
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
  assert.deepEqual(await kept(again), ['data', 'etag']);
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

test('what a process of another machine left is continued once it has not been written to for minutes', async () => {
  server.handlers.set('/o', serveFile(content));
  for (const minutes of [0, 10]) {
    const file = await wanted('/o');
    const folder = await scratchPartial(file, content.subarray(0, 100_000), '"v1"', foreign);
    const opened = await open(join(folder, 'data'), 'r+');
    const then = new Date(Date.now() - minutes * 60_000);
    for (const path of [join(folder, 'data'), join(folder, 'etag'), folder]) await utimes(path, then, then);
    await download(file, quiet);
    assert.deepEqual(await readFile(file.path), content);
    assert.deepEqual(server.requests, [{ path: '/o', ...(minutes > 0 && { range: 'bytes=100000-' }) }]);
    assert.deepEqual(await kept(file), minutes > 0 ? ['file'] : ['data', 'etag', 'file']);
    // It was only stopped, and writes what it still has to write.
    await opened.write('late', 0);
    await opened.close();
    assert.deepEqual(await readFile(file.path), content);
  }
});

test('many fetch one file at once, from a server that breaks off: each writes to its own, all get the whole', async () => {
  server.handlers.set('/p', (request, response) => {
    setTimeout(() => serveFile(content, { breakAfter: 70_000 })(request, response), server.requests.length * 5);
  });
  const file = await wanted('/p');
  const read = async (): Promise<void> => {
    const stamp = await download(file, quiet);
    assert.deepEqual(await readFile(file.path), content);
    await requireUnchanged(file.path, stamp);
  };
  await Promise.all([read(), read(), read(), read()]);
  assert.deepEqual(await kept(file), ['file']);
});

const damages: Record<string, (path: string) => Promise<unknown>> = {
  'cut in half': (path) => truncate(path, content.length / 2),
  emptied: (path) => truncate(path, 0),
  'of another byte': async (path) => writeFile(path, Buffer.from(content).fill(content[7] ^ 1, 7, 8)),
  'with more behind it': (path) => appendFile(path, 'more'),
  'a folder': async (path) => {
    await rm(path);
    await mkdir(join(path, 'deep'), { recursive: true });
  },
};

for (const [damage, inflict] of Object.entries(damages)) {
  test(`a file in the cache that is ${damage} is noticed, fetched again, and named where that fails`, async () => {
    server.handlers.set('/q', serveFile(content));
    const file = await wanted('/q');
    const events: Event[] = [];
    const context = { ...quiet, reporter: stageReporter({ emit: (event) => events.push(event) }, 'data') };
    await download(file, quiet);
    await inflict(file.path);
    const away = refusal(download({ ...file, url: 'http://127.0.0.1:9/' }, context), /cache is damaged/);
    assert.ok((await away).message.includes(file.path), 'the file');
    await download(file, context);
    assert.deepEqual(await readFile(file.path), content);
    assert.deepEqual(await kept(file), ['file']);
    const notes = events.flatMap((event) => (event.type === 'note' ? [`${event.level}: ${event.text}`] : []));
    assert.equal(notes.length, 2);
    for (const note of notes) assert.ok(note.startsWith(`warning: ${file.path}: this file of the cache is`), note);
  });
}

test('a file that changes while it is read is named', async () => {
  const path = join(await scratch({ file: 'one' }), 'file');
  const stamp = await fileStamp(path);
  await requireUnchanged(path, stamp);
  for (const change of [() => appendFile(path, 'x'), () => rename(path, `${path}-2`)]) {
    await change();
    const error = await refusal(requireUnchanged(path, stamp), /changed while it was being read/);
    assert.ok(error.message.includes(path));
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
    [401, /answered 401.*asks for a login/s, 1],
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
