// mossctl push against a hub of our own that is as strict as the real one: what arrives, what is not sent again, what is
// never replaced, and what the card says.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { push } from '../../src/cli/commands/push.js';
import { resolveModel } from '../../src/network/models.js';
import { type Push, pushFiles } from '../../src/network/push.js';
import { scratch } from '../data/scratch.js';
import { typeNextSteps } from '../docs/next-steps.js';
import { mossctl } from '../e2e/cli.js';
import { hubToken, startWritableHub } from './writable-hub.js';

const fixture = fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url));
const hub = await startWritableHub();
after(() => hub.close());
const env = {
  ...{ HF_ENDPOINT: hub.origin, HF_TOKEN: hubToken, MOSSCTL_CACHE: await scratch(), HF_HOME: await scratch() },
  ...{ MOSSCTL_OFFLINE: '', HF_HUB_OFFLINE: '' },
};
Object.assign(process.env, env);
/** In this process, which knows nothing yet of the hub. */
const run = (path: string, target: string, options: { license?: string; maxShardSize?: number; base?: string } = {}) =>
  push(path, target, {
    quiet: true,
    verify: true,
    replay: true,
    public: false,
    force: false,
    dryRun: false,
    ...options,
  });
const quiet = { reporter: { emit() {}, note() {} }, timing: { backOffMilliseconds: 1 } };

test('a checkpoint: shown, pushed private in parts, opened by its name, and not sent again', async () => {
  const folder = await scratch();
  const own = join(folder, 'own');
  const { weights, ...imported } = await openCheckpoint(fixture);
  await saveCheckpoint(own, { ...imported, weights: [...weights.values()], training: undefined });
  const command = ['push', own, 'hf:me/tiny', '--base', 'meta/llama', '--max-shard-size', '25kb'];
  await assert.rejects(run(own, 'hf:me/tiny'), /a licence is missing.*Name it with --license/s);
  const dry = await mossctl([...command, '--dry-run', '--json'], { env });
  const planned = JSON.parse(dry.stdout.trim().split('\n').at(-1) ?? '');
  assert.equal(planned.commit, null, dry.stderr);
  assert.equal(planned.isNew, true);
  assert.deepEqual(new Set(planned.files.map(({ state }: { state: string }) => state)), new Set(['new']));
  assert.equal(hub.repositories.size, 0);

  const pushed = await mossctl([...command, '--license', 'mit'], { env });
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stdout, /^model-00001-of-0000\d\.safetensors +\d+.*new$/m);
  assert.match(pushed.stdout, /^next +npx mossctl chat hf:me\/tiny$/m);
  assert.equal(await typeNextSteps(pushed.stdout, { env }), 1);
  const repository = hub.repositories.get('me/tiny');
  assert.equal(repository?.visibility, 'private');
  assert.equal(repository?.commits.at(-1)?.summary, `Push ${planned.files.length} files with mossctl`);
  assert.ok(
    hub.requests.some((line) => /^PUT storage\/[0-9a-f]{64}\/2$/.test(line)),
    'one of the files came in parts',
  );
  const card = repository?.commits.at(-1)?.files.get('README.md')?.bytes.toString('utf8') ?? '';
  const front = parse(/^---\n(.*?)\n---\n/s.exec(card)?.[1] ?? '');
  assert.deepEqual(front, {
    ...{ license: 'mit', library_name: 'transformers', pipeline_tag: 'text-generation' },
    ...{ base_model: 'meta/llama', base_model_relation: 'finetune', tags: ['mossctl', 'conversational'] },
  });
  for (const words of [
    /^# tiny$/m,
    /LlamaForCausalLM/,
    /npx mossctl chat hf:me\/tiny/,
    /2,048 tokens/,
    /import: a published model/,
  ]) {
    assert.match(card, words);
  }
  const opened = await openCheckpoint(await resolveModel('hf:me/tiny'));
  assert.deepEqual([...opened.weights.keys()].sort(), [...(await openCheckpoint(fixture)).weights.keys()].sort());

  hub.requests.length = 0;
  const commits = repository?.commits.length;
  await run(own, 'hf:me/tiny', { license: 'mit', maxShardSize: 25_000, base: 'meta/llama' });
  assert.equal(repository?.commits.length, commits);
  assert.ok(!hub.requests.some((line) => /^(POST|PUT)/.test(line)), hub.requests.join('\n'));
  // Another cut of the same weights: what is no longer part of the model goes.
  await run(own, 'hf:me/tiny', { license: 'mit' });
  const names = [...(repository?.commits.at(-1)?.files.keys() ?? [])];
  assert.ok(names.includes('model.safetensors') && !names.some((name) => name.startsWith('model-')), names.join());
});

async function pushOf(name: string, rest: Partial<Push> = {}): Promise<Push> {
  const folder = await scratch({
    'config.json': '{}',
    'model.safetensors': Buffer.alloc(30_000, name),
    'a.bin': 'x'.repeat(100),
  });
  const files = Object.fromEntries(
    ['config.json', 'model.safetensors', 'a.bin'].map((file) => [file, join(folder, file)]),
  );
  const card = '---\nlicense: mit\n---\n# x';
  return { name, files, card, ...{ isPublic: false, isForced: false, isDryRun: false, ...rest } };
}

test('what was cut off is continued by its content; a broken connection is tried again', async () => {
  const wanted = await pushOf('me/cut', { isPublic: true });
  let puts = 0;
  hub.onPut = () => {
    if (++puts === 2) throw new Error('once');
  };
  await pushFiles(wanted, quiet);
  assert.equal(hub.repositories.get('me/cut')?.visibility, 'public');
  assert.deepEqual(
    hub.repositories.get('me/cut')?.commits.at(-1)?.files.get('model.safetensors')?.bytes,
    Buffer.alloc(30_000, 'me/cut'),
  );
  const other = await pushOf('me/gone');
  hub.onPut = (path) => {
    if (/\/[0-9a-f]{64}\/2$/.test(path)) throw new Error('always');
  };
  await assert.rejects(pushFiles(other, quiet), /cannot be sent.*in 5 tries.*what has arrived is not sent again/s);
  assert.equal(hub.repositories.get('me/gone')?.commits.length, 1, 'nothing is committed by halves');
  hub.onPut = () => undefined;
  hub.requests.length = 0;
  assert.equal((await pushFiles(other, quiet)).files.length, 4);
  assert.equal(hub.requests.filter((line) => /^PUT storage\/[0-9a-f]{64}$/.test(line)).length, 0, 'a.bin had arrived');
});

test('nothing of others is replaced, nor a card that was edited there, without --force', async () => {
  const wanted = await pushOf('me/kept');
  await pushFiles(wanted, quiet);
  const files = hub.repositories.get('me/kept')?.commits.at(-1)?.files ?? new Map();
  const edited = Buffer.from(`${files.get('README.md')?.bytes}`.replace('# x', '# x, as I call it'));
  files.set('README.md', { bytes: edited, isLarge: false });
  const again = { ...wanted, card: '---\nlicense: mit\n---\n# y' };
  assert.equal(
    (await pushFiles(again, quiet)).files.find(({ path }) => path === 'README.md'),
    undefined,
  );
  files.set('README.md', { bytes: Buffer.from('# somebody else'), isLarge: false });
  // A listing belongs to its commit, and commits do not change: another one.
  hub.repositories.get('me/kept')?.commits.push({ oid: 'e'.repeat(40), summary: 'by hand', files });
  await assert.rejects(pushFiles(wanted, quiet), /something at me\/kept already that mossctl did not push.*--force/s);
  await pushFiles({ ...wanted, isForced: true }, quiet);
  assert.match(`${hub.repositories.get('me/kept')?.commits.at(-1)?.files.get('README.md')?.bytes}`, /# x\n/);
});

test('what goes wrong is answered with what to type', async () => {
  const folder = await scratch();
  await cp(fixture, join(folder, 'exported'), { recursive: true });
  const exported = join(folder, 'exported');
  await writeFile(join(exported, 'README.md'), '# mine');
  const mit = { license: 'mit' };
  await assert.rejects(run(exported, 'me/x', mit), /written with hf:.*Did you mean hf:me\/x\?/s);
  await assert.rejects(run(exported, 'hf:me/x@v1', mit), /new commit of main.*Write hf:me\/x/s);
  await assert.rejects(run(exported, 'hf:me/x', mit), /names no licence.*Write `license: apache-2\.0`/s);
  await assert.rejects(run(join(folder, 'none'), 'hf:me/x', mit), /nothing at this path/);
  await rm(join(exported, 'README.md'));
  await assert.rejects(run(exported, 'hf:me/x', { license: 'apache2' }), /Did you mean apache-2\.0\?/);
  await assert.rejects(run(exported, 'hf:you/x', mit), /answered 403.*may not write to you\/x/s);
  process.env.HF_TOKEN = '';
  await assert.rejects(run(exported, 'hf:me/x', mit), /a token of the hub is needed.*settings\/tokens.*--dry-run/s);
  process.env.HF_TOKEN = 'hf_wrong_one';
  await assert.rejects(run(exported, 'hf:me/x', mit), (error: Error) => {
    assert.match(error.message, /answered 401.*HF_TOKEN/s);
    return !error.message.includes('hf_wrong_one');
  });
});

test("an adapter goes with its base's name on the hub, or not at all", async () => {
  const adapter = await scratch();
  await cp(fileURLToPath(new URL('../golden/adapters/rslora', import.meta.url)), adapter, { recursive: true });
  const path = join(adapter, 'adapter_config.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...config, base_model_name_or_path: '/home/me/model' }));
  process.env.HF_TOKEN = hubToken;
  const mit = { license: 'mit' };
  // What somebody left beside the model stays here, wherever it lies.
  await mkdir(join(adapter, 'additional_chat_templates'));
  for (const name of [
    '.env',
    'token',
    'additional_chat_templates/.env',
    'additional_chat_templates/notes.txt',
    'additional_chat_templates/tool.jinja',
  ])
    await writeFile(join(adapter, name), 'HF_TOKEN=hf_secret');
  await assert.rejects(
    run(adapter, 'hf:me/lora', mit),
    /others would not find the base.*"\/home\/me\/model".*--base ORG\/NAME/s,
  );
  await run(adapter, 'hf:me/lora', { ...mit, base: 'hf:org/base@v1' });
  const files = hub.repositories.get('me/lora')?.commits.at(-1)?.files;
  assert.deepEqual([...(files?.keys() ?? [])].sort(), [
    '.gitattributes',
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'additional_chat_templates/tool.jinja',
  ]);
  const sent = JSON.parse(`${files?.get('adapter_config.json')?.bytes}`);
  assert.deepEqual([sent.base_model_name_or_path, sent.revision, sent.r], ['org/base', 'v1', config.r]);
  assert.match(
    `${files?.get('README.md')?.bytes}`,
    /library_name: peft\n.*base_model: org\/base\nbase_model_relation: adapter.*AutoPeftModelForCausalLM/s,
  );
});
