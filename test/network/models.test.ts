// Models by name, from a hub of our own: what is fetched of a repository, from where it goes on after a cut, who gets the
// token, what a branch means when nobody answers, and what a person reads where it does not work.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { UserError } from '../../src/base/errors.js';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { withFetching } from '../../src/network/fetching.js';
import { publishedName, resolveModel } from '../../src/network/models.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { scratch } from '../data/scratch.js';
import { mossctl } from '../e2e/cli.js';
import { hashOf, type PublishedRepo, publish } from './hub-server.js';
import { serveFile, startWebServer } from './web-server.js';

const server = await startWebServer();
const cdn = await startWebServer();
const fixture = fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url));
const [first, second] = ['a'.repeat(40), 'b'.repeat(40)];
const model: Record<string, Buffer> = {};
for (const name of await readdir(fixture)) {
  if (name !== 'expected.json') model[name] = await readFile(join(fixture, name));
}
const weights = model['model.safetensors'];
const address = `/${hashOf('sha256', weights)}`;

let cache = '';
beforeEach(async () => {
  for (const each of [server, cdn]) {
    each.handlers.clear();
    each.requests.length = 0;
  }
  cache = await scratch();
  for (const name of ['MOSSCTL_OFFLINE', 'HF_HUB_OFFLINE', 'HF_TOKEN']) delete process.env[name];
  Object.assign(process.env, { HF_ENDPOINT: server.origin, HF_HOME: join(cache, 'none'), MOSSCTL_CACHE: cache });
});

function publishModel(repo: Partial<PublishedRepo> = {}): void {
  const given = { kind: 'model', name: 'org/llama', commit: first, files: model, maxPlainBytes: 40_000 } as const;
  publish({ server, cdn }, { ...given, ...repo });
}

/** As a command does it: progress and notes are heard, and a server that fails is not waited for. */
async function fetched(name: string): Promise<{ folder: string; events: Event[]; notes: string }> {
  const events: Event[] = [];
  const reporter = stageReporter({ emit: (event) => events.push(event) }, 'fetch');
  const timing = { stallMilliseconds: 2000, backOffMilliseconds: 1 };
  const folder = await withFetching(
    (work) => work({ reporter, timing }),
    () => resolveModel(name),
  );
  return { folder, events, notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n') };
}

async function refused(name: string, words: RegExp): Promise<UserError> {
  const error: unknown = await fetched(name).then(
    () => assert.fail('it was fetched'),
    (error: unknown) => error,
  );
  assert.match((error as UserError).message, words);
  assert.doesNotMatch((error as UserError).message, /hf_secret/);
  return error as UserError;
}

test('a name opens as its folder does: only what is needed is fetched, said before, the token for the hub alone', async () => {
  const files = {
    ...model,
    'pytorch_model.bin': Buffer.from('no'),
    'modeling.py': Buffer.from('no'),
    'README.md': Buffer.from('no'),
  };
  publishModel({ files: { ...files, 'original/consolidated.00.pth': Buffer.from('no') } });
  process.env.HF_TOKEN = 'hf_secret_1';
  const { folder, events, notes } = await fetched('hf:org/llama');
  assert.deepEqual((await readdir(folder)).sort(), Object.keys(model).sort());
  assert.match(
    notes,
    new RegExp(`^hf:org/llama, commit ${first.slice(0, 12)}: 7 files, [\\d.]+ KiB to fetch from 127.0.0.1`),
  );
  const said = events.findIndex(({ type }) => type === 'note');
  assert.ok(said < events.findIndex(({ type }) => type === 'progress'));
  const [named, there] = [await openCheckpoint('hf:org/llama'), await openCheckpoint(fixture)];
  assert.equal(named.digest, there.digest);
  assert.equal(publishedName(named.path), `hf:org/llama@${first}`);
  assert.equal(publishedName(fixture), undefined);
  assert.ok(server.requests.every(({ authorization }) => authorization === 'Bearer hf_secret_1'));
  assert.deepEqual(cdn.requests, [{ path: address }]);
  // Later only the branch is asked for; with a commit nobody is, and a file that was touched is looked at again.
  server.requests.length = 0;
  await fetched('hf:org/llama');
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ['/api/models/org/llama/revision/main'],
  );
  server.requests.length = 0;
  await fetched(`hf:org/llama@${first}`);
  await writeFile(join(folder, 'config.json'), 'changed');
  const again = await fetched(`hf:org/llama@${first}`);
  assert.match(again.notes, /config\.json: this file of the cache is damaged/);
  assert.deepEqual(await readFile(join(folder, 'config.json')), model['config.json']);
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    [`/org/llama/resolve/${first}/config.json`],
  );
});

test('ModelScope: its list and its files, pinned by the digest of the list; its token for its host alone', async () => {
  Object.assign(process.env, {
    MODELSCOPE_ENDPOINT: server.origin,
    MODELSCOPE_API_TOKEN: 'ms_secret_1',
    HF_TOKEN: 'hf_secret_1',
  });
  const list = '/api/v1/models/org/llama/repo/files?Revision=master&Recursive=True';
  const entries = Object.entries({ ...model, 'pytorch_model.bin': Buffer.from('no') }).map(([Path, bytes]) => {
    const file = `/api/v1/models/org/llama/repo?Revision=master&FilePath=${encodeURIComponent(Path)}`;
    if (Path !== 'model.safetensors') server.handlers.set(file, serveFile(bytes));
    else {
      cdn.handlers.set('/weights', serveFile(bytes));
      server.handlers.set(file, (_, response) => response.writeHead(302, { location: `${cdn.origin}/weights` }).end());
    }
    return { Path, Name: Path, Type: 'blob', Size: bytes.length, Sha256: hashOf('sha256', bytes) };
  });
  const answer = (Files: object[]) =>
    server.handlers.set(list, (_, response) =>
      response.end(JSON.stringify({ Code: 200, Success: true, Data: { Files } })),
    );
  answer([{ Path: 'sub', Type: 'tree' }, ...entries]);
  const { folder, notes } = await fetched('ms:org/llama');
  assert.deepEqual((await readdir(folder)).sort(), Object.keys(model).sort());
  assert.match(notes, /^ms:org\/llama: 7 files, .* to fetch from 127\.0\.0\.1/);
  assert.ok(server.requests.every(({ authorization }) => authorization === 'Bearer ms_secret_1'));
  assert.ok(cdn.requests.every(({ authorization }) => authorization === undefined));
  const pinned = publishedName(folder) ?? '';
  assert.match(pinned, /^ms:org\/llama@[0-9a-f]{64}$/);
  answer(entries.slice(1));
  server.requests.length = 0;
  assert.equal((await fetched(pinned)).folder, folder);
  assert.deepEqual(server.requests, []);
  await refused(`ms:org/llama@${'0'.repeat(64)}`, /is not what it was.*Write ms:org\/llama for what it is now/s);
  answer([{ ...entries[0], Sha256: '' }]);
  await refused('ms:org/llama', /does not answer as ModelScope does.*without a checksum/s);
  server.handlers.set(list, (_, response) => response.writeHead(503).end());
  assert.match(
    (await fetched('ms:org/llama')).notes,
    /cannot be asked what master of org\/llama is now.*taken as it was/,
  );
  await refused('ms:org/none', /answered 404.*models\/org\/none/s);
});

test('a fine-tuning is planned before anything but config.json is fetched', async () => {
  publishModel();
  const asked = ['--lora', '--context', '64', '--set', 'sft.copying.steps=10', '--set', 'sft.train.accumulation=2'];
  const { stdout, stderr } = await mossctl(['plan', '--from', 'hf:org/llama', ...asked, '--json']);
  const { plans, architecture, stepsBefore } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  assert.deepEqual(
    [architecture, plans.length, plans[0].kind, plans[0].batch.columns],
    ['LlamaForCausalLM', 1, 'LoRA', 64],
    stderr,
  );
  assert.deepEqual(stepsBefore, [{ key: 'sft.copying', steps: 10, tokens: 10 * 2 * 8 * 64 }]);
  assert.deepEqual(
    server.requests.map(({ path }) => path).filter((path) => path.includes('/resolve/')),
    [`/org/llama/resolve/${first}/config.json`],
  );
  assert.deepEqual(cdn.requests, []);
});

test('shards as the index says; a model in a folder; an adapter', async () => {
  const weight_map = {
    a: 'model-00001-of-00002.safetensors',
    b: 'model-00002-of-00002.safetensors',
    c: '../../evil.safetensors',
  };
  const { 'model.safetensors': _, ...rest } = model;
  const shards = {
    'model.safetensors.index.json': Buffer.from(JSON.stringify({ weight_map })),
    [weight_map.a]: Buffer.from('1'),
    [weight_map.b]: Buffer.from('2'),
  };
  const below = Object.fromEntries(
    Object.entries({ ...rest, ...shards, 'model-00003-of-00003.safetensors': Buffer.from('3') }).map(
      ([name, bytes]) => [`deep/it/${name}`, bytes],
    ),
  );
  const adapter = {
    'adapter_config.json': Buffer.from('{}'),
    'adapter_model.safetensors': Buffer.from('x'),
    'adapter_model.bin': Buffer.from('x'),
  };
  publishModel({ files: below });
  publishModel({ name: 'org/lora', files: adapter });
  const { folder } = await fetched('hf:org/llama:deep/it');
  assert.deepEqual((await readdir(folder)).sort(), Object.keys({ ...rest, ...shards }).sort());
  assert.equal(publishedName(folder), `hf:org/llama@${first}:deep/it`);
  await refused('hf:org/llama', /models lie in folders.*Name one of these: hf:org\/llama:deep\/it/);
  assert.deepEqual(await readdir((await fetched('hf:org/lora')).folder), [
    'adapter_config.json',
    'adapter_model.safetensors',
  ]);
});

test('a killed download goes on where it was; a file that is not the listed one is refused', async () => {
  publishModel();
  const half = weights.length >> 1;
  cdn.handlers.set(address, serveFile(weights, { breakAfter: half }));
  const finished = await mossctl(['inspect', 'hf:org/llama', '--json'], {
    onStart: (child) =>
      cdn.handlers.set(address, (request, response) => {
        serveFile(weights, { breakAfter: half })(request, response);
        response.destroy = () => response; // keeps the connection open, as if the rest were to come
        setTimeout(() => child.kill('SIGKILL'), 200);
      }),
  });
  assert.equal(finished.signal, 'SIGKILL', finished.stderr);
  cdn.handlers.set(address, serveFile(weights));
  cdn.requests.length = 0;
  await fetched('hf:org/llama');
  assert.deepEqual(cdn.requests, [{ path: address, range: `bytes=${half}-` }]);
  for (const [name, file] of [
    ['org/small', 'config.json'],
    ['org/large', 'model.safetensors'],
  ]) {
    publishModel({ name, files: { ...model, 'model.safetensors': Buffer.concat([weights, Buffer.from(name)]) } });
    const bytes = file === 'config.json' ? model[file] : Buffer.concat([weights, Buffer.from(name)]);
    const lies = { [file]: Buffer.from(bytes).fill('x', 2, 3) };
    publishModel({ name, files: { ...model, [file]: bytes }, lies });
    await refused(`hf:${name}`, /is not the one that was meant.*(git sha1|sha256) is/s);
  }
});

test('a branch is asked again, and is what it was where nobody answers: then it is said', async () => {
  publishModel();
  const { folder } = await fetched('hf:org/llama');
  publishModel({ commit: second });
  assert.notEqual((await fetched('hf:org/llama')).folder, folder);
  server.handlers.set('/api/models/org/llama/revision/main', (_, response) => response.writeHead(503).end());
  const kept = await fetched('hf:org/llama');
  assert.equal(dirname(kept.folder).endsWith(second), true);
  assert.match(kept.notes, new RegExp(`cannot be asked what main of org/llama is now.*503.*at commit ${second}`));
  process.env.HF_HUB_OFFLINE = '1';
  server.requests.length = 0;
  assert.match((await fetched('hf:org/llama')).notes, /HF_HUB_OFFLINE/);
  assert.equal((await fetched(`hf:org/llama@${first}`)).notes, '');
  await refused('hf:org/other', /not in the cache, and HF_HUB_OFFLINE says.*Unset HF_HUB_OFFLINE/);
  assert.deepEqual(server.requests, []);
});

test('what the hub refuses is answered with what to do', async () => {
  const answer = (status: number) =>
    server.handlers.set('/api/models/org/llama/revision/main', (_, response) => response.writeHead(status).end());
  for (const [status, token, words] of [
    [404, '', /answered 404.*whether there is a model at http.*\/org\/llama; names are spelled with capitals/s],
    [401, '', /answered 401.*accept its terms at .*set HF_TOKEN/s],
    [401, 'hf_secret_2', /answered 401.*that HF_TOKEN is valid/s],
    [403, 'hf_secret_2', /answered 403.*accepted the terms/s],
    [429, '', /answered 429.*in 5 tries.*set HF_TOKEN/s],
  ] as const) {
    answer(status);
    process.env.HF_TOKEN = token;
    await refused('hf:org/llama', words);
  }
  publishModel({ files: { 'config.json': Buffer.from('{}'), 'pytorch_model.bin': Buffer.from('x') } });
  await refused('hf:org/llama', /Python pickle \(pytorch_model\.bin\).*not fetched/s);
  publishModel({ commit: second, files: { 'm.gguf': Buffer.from('x') } });
  await refused('hf:org/llama', /has m\.gguf, made for another program/);
  assert.equal(await stat(join(cache, 'hf-models/org+llama', second, 'files')).catch(() => undefined), undefined);
  // A login by file, as `hf auth login` leaves it, never shown.
  process.env.HF_TOKEN = '';
  await mkdir(join(cache, 'home'));
  await writeFile(join(cache, 'home/token'), 'hf_secret_9\n');
  process.env.HF_HOME = join(cache, 'home');
  server.requests.length = 0;
  publishModel({ commit: 'c'.repeat(40) });
  await fetched('hf:org/llama');
  assert.ok(server.requests.every(({ authorization }) => authorization === 'Bearer hf_secret_9'));
  await rm(cache, { recursive: true });
});

test("an adapter's base: never fetched because a file names it, and found by that name once it is here", async () => {
  const golden = new URL('../golden/', import.meta.url);
  const base = await openedFiles(fileURLToPath(new URL('../interop/fixtures/qwen3', golden)));
  publishModel({ name: 'org/base', files: base });
  const adapter = await scratch();
  for (const [name, bytes] of Object.entries(await openedFiles(fileURLToPath(new URL('adapters/rslora', golden))))) {
    const config =
      name === 'adapter_config.json'
        ? { ...JSON.parse(bytes.toString()), base_model_name_or_path: 'org/base' }
        : undefined;
    await writeFile(join(adapter, name), config === undefined ? bytes : JSON.stringify(config));
  }
  await assert.rejects(openCheckpoint(adapter), /base model of this adapter is not here.*--base hf:org\/base/s);
  assert.deepEqual(server.requests, []);
  const typed = await openCheckpoint(adapter, { base: 'hf:org/base' });
  server.requests.length = 0;
  assert.equal((await openCheckpoint(adapter)).digest, typed.digest);
  assert.deepEqual(server.requests, []);
});

async function openedFiles(folder: string): Promise<Record<string, Buffer>> {
  const names = (await readdir(folder)).filter(
    (name) => /\.(json|safetensors|jinja)$/.test(name) && name !== 'expected.json',
  );
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
  );
}
