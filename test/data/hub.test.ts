// A hub of our own at HF_ENDPOINT: its API for a revision and the list of files, and the files, as huggingface.co has them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { UserError } from '../../src/base/errors.js';
import { readDataManifest } from '../../src/data/manifest.js';
import { dataInputDigest } from '../../src/data/spec.js';
import { entry } from '../e2e/cli.js';
import { hashOf, publish as publishRepo } from '../network/hub-server.js';
import { serveFile, startWebServer } from '../network/web-server.js';
import { build, documentsOf, scratch } from './scratch.js';

const server = await startWebServer();
const cdn = await startWebServer();
const [first, second] = ['a'.repeat(40), 'b'.repeat(40)];
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Publishes `files` as `commit` of main. */
function publish(commit: string, files: Record<string, Buffer>, lies: Record<string, Buffer> = {}): void {
  publishRepo({ server, cdn }, { kind: 'dataset', name: 'org/data', commit, files, lies });
}

const rows = (...texts: string[]) => Buffer.from(texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
const large = rows(...Array.from({ length: 100 }, (_, i) => `row number ${i}`));
const files = {
  'train 1.jsonl': rows('small file'),
  'deep/train-2.jsonl': large,
  'README.md': Buffer.from('no'),
  '.hidden.jsonl': rows('hidden'),
  'train-3.jsonl.gz': gzipSync(rows('packed')),
};

beforeEach(async () => {
  server.handlers.clear();
  server.requests.length = 0;
  cdn.requests.length = 0;
  Object.assign(process.env, {
    HF_ENDPOINT: server.origin,
    HF_TOKEN: 'hf_secret',
    MOSSCTL_CACHE: await scratch(),
  });
});

const specOf = (from: string, rest: Record<string, unknown> = {}) =>
  scratch({
    'spec.yaml': JSON.stringify({ name: 'x', sources: [{ name: 'a', from, format: 'jsonl', licence: 'x', ...rest }] }),
  });

test('a branch: listed over pages, fetched, verified, pinned to its commit until it is asked for again', async () => {
  publish(first, files);
  const folder = await specOf('hf:org/data#**/*.jsonl*');
  const { path } = await build(folder, { validation: 0 });
  assert.equal((await documentsOf(path, 'train')).length, 102);
  const [source] = (await readDataManifest(path)).sources;
  assert.deepEqual([source.commit, source.read], [first, 102]);
  assert.ok(server.requests.every(({ authorization }) => authorization === 'Bearer hf_secret'));
  assert.deepEqual(cdn.requests, [{ path: `/${hashOf('sha256', large)}` }], 'the token stays with the hub');
  for (const name of await readdir(process.env.MOSSCTL_CACHE ?? '', { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    assert.ok(!(await readFile(join(name.parentPath, name.name), 'latin1')).includes('hf_secret'));
  }
  const digest = await dataInputDigest(join(folder, 'spec.yaml'));
  // Offline, and with a newer commit on the hub: the same corpus.
  publish(second, { 'train.jsonl': rows('new') });
  server.requests.length = 0;
  assert.equal((await build(folder, { validation: 0 })).digest, (await readDataManifest(path)).digest);
  assert.deepEqual(server.requests, []);
  assert.equal(await dataInputDigest(join(folder, 'spec.yaml')), digest);
  const { stdout } = await mossctl(['data', 'fetch', join(folder, 'spec.yaml'), '--json']);
  const fetched = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  assert.deepEqual(
    fetched.fetched.map(({ file, bytes, commit }: Record<string, unknown>) => [file, bytes, commit]),
    [['train.jsonl', rows('new').length, second]],
  );
  assert.notEqual(await dataInputDigest(join(folder, 'spec.yaml')), digest);
});

test('what the hub answered is kept under a seal: a damaged list is asked for again, a damaged revision is named', async () => {
  publish(first, files);
  const folder = await specOf('hf:org/data#**/*.jsonl*');
  const { digest } = await build(folder, { validation: 0 });
  const home = join(process.env.MOSSCTL_CACHE ?? '', 'hf/org+data');
  const list = join(home, first, 'listing.json');
  for (const inflict of [
    async () => truncate(list, 200),
    // A shorter list, and still JSON: it would be a smaller corpus.
    async () => writeFile(list, (await readFile(list, 'utf8')).replace('deep/train-2', 'deep/train-9')),
    async () => rm(list).then(() => mkdir(list)),
  ]) {
    await inflict();
    const again = await build(folder, { validation: 0 });
    assert.equal(again.digest, digest);
    const notes = again.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    assert.ok(
      notes.some((note) => note.startsWith(`${list}: this file of the cache is damaged`)),
      notes.join(),
    );
  }
  const revision = join(home, 'revisions/main.json');
  await writeFile(revision, (await readFile(revision, 'utf8')).replace('aaa', 'aba'));
  const broken = (error: Error) =>
    error.message.startsWith(`${revision}: `) && /main of org\/data.*data fetch SPEC/.test(error.message);
  await assert.rejects(build(folder, { validation: 0 }), broken);
  await assert.rejects(dataInputDigest(join(folder, 'spec.yaml')), broken);
  const { code, stderr } = await mossctl(['data', 'fetch', join(folder, 'spec.yaml'), '--json']);
  assert.equal(code, 0, stderr);
  assert.equal((await build(folder, { validation: 0 })).digest, digest);
});

test('a commit needs no look-up; only the files that are read are fetched', async () => {
  publish(first, files);
  const folder = await specOf(`hf:org/data@${first}#**/*.jsonl`, { limit: { documents: 3 } });
  await build(folder, { validation: 0 });
  assert.ok(!server.requests.some(({ path }) => path.includes('/revision/')));
  assert.ok(!server.requests.some(({ path }) => path.includes('train%201')));
});

test('a file that is not the listed one is refused: small ones by their git hash, large ones by sha256', async () => {
  for (const path of ['train 1.jsonl', 'deep/train-2.jsonl'] as const) {
    publish(first, files, { [path]: Buffer.from(files[path]).fill('x', 2, 3) });
    const folder = await specOf(`hf:org/data#${path}`);
    await assert.rejects(build(folder, { validation: 0 }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /not the one that was meant/);
      assert.ok(!error.message.includes('hf_secret'));
      return true;
    });
  }
});

test('no such path, no such dataset, a list that lies', async () => {
  publish(first, files);
  await assert.rejects(build(await specOf('hf:org/data#none.jsonl')), /nothing is found at hf:org\/data#none\.jsonl/);
  await assert.rejects(build(await specOf('hf:org/none#x')), /api\/datasets\/org\/none\/revision\/main.*404/);
  for (const [entry, words] of [
    [{ type: 'file', oid: 'a'.repeat(40), size: 1, path: '../../evil' }, /lists a file that cannot be/],
    [{ type: 'file', oid: 'a'.repeat(40), size: 1, path: '/etc/evil' }, /lists a file that cannot be/],
    [{ type: 'file', oid: 'a'.repeat(40), size: 1, path: 'x\u001b[2J' }, /lists a file that cannot be: "x\\u001b\[2J"/],
    [{ type: 'file', oid: 'a'.repeat(40), size: 1, path: 'x'.repeat(241) }, /lists a file that cannot be/],
    [{ type: 'file', oid: 'nothing', size: 1, path: 'x' }, /lists a file that cannot be/],
    [{ path: 7 }, /not of the known form/],
  ] as const) {
    server.handlers.set(`/api/datasets/org/data/tree/${first}?recursive=1`, (_, r) => r.end(JSON.stringify([entry])));
    process.env.MOSSCTL_CACHE = await scratch();
    await assert.rejects(build(await specOf(`hf:org/data@${first}#.`)), words);
  }
  server.handlers.set(`/api/datasets/org/data/tree/${first}?recursive=1`, (_, response) => {
    response.setHeader('link', '<http://127.0.0.1:1/x>; rel="next"').end('[]');
  });
  await assert.rejects(build(await specOf(`hf:org/data@${first}#.`)), /next page of its list is on another host/);
});

test('a token that cannot be sent is not repeated', async () => {
  publish(first, files);
  for (const token of ['hf_sec\nret', 'hf_secret“', 'hf secret']) {
    process.env.HF_TOKEN = token;
    await assert.rejects(build(await specOf('hf:org/data#**'), { validation: 0 }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /^HF_TOKEN holds a character that no token has/);
      return !/sec/.test(error.message);
    });
  }
});

test('an https source is called as its address ends, whatever stands there; a signature stays out of the manifest', async () => {
  const content = rows('one');
  const integrity = `sha256-${hashOf('sha256', content)}`;
  for (const [path, name] of [
    ['/a/rows.jsonl?signature=secret', 'rows.jsonl'],
    ['/%ff.jsonl', '_ff.jsonl'],
    ['/%2F..', '_..'],
    ['/..%2e', 'file'],
    [`/${'x'.repeat(300)}.jsonl`, `${'x'.repeat(74)}.jsonl`],
  ]) {
    server.handlers.set(path, serveFile(content));
    const { path: corpus } = await build(await specOf(server.origin + path, { integrity }), { validation: 0 });
    assert.deepEqual(
      (await documentsOf(corpus, 'train')).map(({ id }) => id),
      [`a:${name}:1`],
    );
    assert.ok(!(await readFile(join(corpus, 'manifest.json'), 'utf8')).includes('secret'));
  }
});

test('an https source: pinned, fetched once, read under its name', async () => {
  const packed = gzipSync('text\tid\none\t1\ntwo\t2\n');
  server.handlers.set('/data/rows.tsv.gz', serveFile(packed));
  const integrity = `sha256-${hashOf('sha256', packed)}`;
  const folder = await specOf(`${server.origin}/data/rows.tsv.gz`, { integrity, format: 'csv' });
  for (let i = 0; i < 2; i++) {
    const { path } = await build(folder, { validation: 0 });
    const ids = (await documentsOf(path, 'train')).map(({ id }) => id).sort();
    assert.deepEqual(ids, ['a:rows.tsv.gz:2', 'a:rows.tsv.gz:3']);
  }
  assert.equal(server.requests.length, 1);
  assert.equal(server.requests[0].authorization, undefined, 'HF_TOKEN is for the hub alone');
});

function mossctl(args: string[], input?: string | Buffer): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...entry, ...args], { cwd: root });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    child.stdin.end(input);
  });
}

test('standard input: spooled under its checksum, so that the run can be repeated without it', async () => {
  const folder = await specOf('stdin');
  const spec = join(folder, 'spec.yaml');
  const out = join(folder, 'run');
  const config = join(folder, 'pipeline.yaml');
  await writeFile(config, JSON.stringify({ name: 'piped', data: { spec, validation: 0 } }));
  const empty = await mossctl(['data', 'build', '--config', config, '--out', out, '--quiet'], '');
  assert.equal(empty.code, 2);
  assert.match(empty.stderr, /reads standard input. nothing came on it. Pipe the text in, for example: zcat/i);
  const packed = gzipSync(rows('one', 'two'));
  const built = await mossctl(['data', 'build', '--config', config, '--out', out, '--quiet'], packed);
  assert.equal(built.code, 0, built.stderr);
  const ids = (await documentsOf(join(out, 'data/corpus'), 'train')).map(({ id }) => id);
  assert.deepEqual(ids.sort(), ['a:stdin:1', 'a:stdin:2']);
  assert.deepEqual(await readdir(join(process.env.MOSSCTL_CACHE ?? '', 'stdin')), [hashOf('sha256', packed)]);
  const repeated = await mossctl(['data', 'build', '--out', out, '--quiet'], '');
  assert.equal(repeated.code, 0, repeated.stderr);
  assert.match(repeated.stdout, /unchanged/);
  const spool = join(process.env.MOSSCTL_CACHE ?? '', 'stdin', hashOf('sha256', packed));
  await truncate(spool, 20);
  const cut = await mossctl(['data', 'build', '--out', out, '--quiet'], '');
  assert.equal(cut.code, 2);
  assert.ok(cut.stderr.includes(spool) && /damaged.*Pipe the text in/s.test(cut.stderr), cut.stderr);
});
