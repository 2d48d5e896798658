// Texts in place of a data-spec, and the pipelines that `init` writes: what is made of them runs, and says what to do next.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exists } from '../../src/base/files.js';
import { loadDataSpec } from '../../src/data/spec.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { mossctl, root } from '../e2e/cli.js';

const folder = await realpath(await mkdtemp(join(tmpdir(), 'mossctl-texts-')));
after(() => rm(folder, { recursive: true }));

const sentences = (n: number, about: string): string =>
  Array.from(
    { length: n },
    (_, i) => `${about}第${i}句，河水慢慢地流过第${(i * 7) % 97}座桥。${i % 20 === 19 ? '\n' : ''}`,
  ).join('\n');
const novels = join(folder, '我的 novels');
await mkdir(join(novels, 'more'), { recursive: true });
for (const [name, text] of [
  ['a.txt', sentences(1500, '春天')],
  ['b.txt', sentences(1600, '夏天')],
  ['more/c.md', sentences(60, '秋天')],
])
  await writeFile(join(novels, name), text);
await writeFile(join(novels, 'd.jsonl'), `${JSON.stringify({ content: sentences(30, '冬天') })}\n`);
await writeFile(join(novels, 'cover.jpg'), 'x');

const small = ['pretrain.model.size=100k', 'pretrain.model.contextLength=64', 'tokenizer.vocabSize=300'].flatMap(
  (text) => ['--set', text],
);

test('pretrain --text: a folder becomes a corpus, each file a document whose end may be held out, and a base model', async () => {
  const args = ['pretrain', '--text', '我的 novels', ...small, '--steps', '2', '--threads', '1'];
  const { code, stdout, stderr } = await mossctl(args, { cwd: folder });
  assert.equal(code, 0, stderr);
  const run = join(folder, 'runs/我的-novels');
  assert.match(stderr, /1 file not taken \(\.jpg\)/);
  assert.match(stderr, /texts: 3 files → 3 documents, median 3[\d,]+ characters/);
  assert.match(stdout, /^next +npx mossctl sft --data conversations\.jsonl --out runs\/我的-novels$/m);
  const { sources } = await loadDataSpec(join(run, 'data-spec.yaml'));
  assert.deepEqual(
    sources.map(({ format, columns }) => [format, columns.text]),
    [
      ['txt', 'text'],
      ['jsonl', 'content'],
    ],
  );
  const { total } = JSON.parse(await readFile(join(run, 'data/corpus/manifest.json'), 'utf8'));
  // The two long ones give their ends: 2 % of the text, not a whole third of it.
  assert.ok(total.validation.bytes < 0.04 * total.train.bytes, JSON.stringify(total));
  assert.ok(total.validation.bytes > 0.01 * total.train.bytes, JSON.stringify(total));
  const again = await mossctl(args, { cwd: folder });
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^unchanged/m);
});

test('what of the texts is not taken is said with --json too, beside the events', async () => {
  const args = ['pretrain', '--text', '我的 novels', '--out', 'runs/said', '--from', 'nothing-there', '--json'];
  const { stdout, stderr } = await mossctl(args, { cwd: folder });
  assert.match(stderr, /1 file not taken \(\.jpg\)/);
  for (const line of stdout.split('\n').filter(Boolean)) JSON.parse(line);
});

test('a data-spec that was edited is not replaced; nothing found, and rows without text, are said', async () => {
  const spec = join(folder, 'runs/我的-novels/data-spec.yaml');
  await writeFile(spec, (await readFile(spec, 'utf8')).replace('split: file', 'split: lines'));
  const edited = await mossctl(['data', 'build', '我的 novels', '--out', 'runs/我的-novels'], { cwd: folder });
  assert.equal(edited.code, 2);
  assert.match(edited.stderr, /edited.*mossctl data build runs\/我的-novels\/data-spec\.yaml/s);
  const none = await mossctl(['tokenizer', 'train', '--text', 'nowhere'], { cwd: folder });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /nowhere: no file is found here/);
  assert.ok(!(await exists(join(folder, 'runs/nowhere'))));
  await writeFile(join(folder, 'talks.jsonl'), '{"messages":[{"role":"user","content":"hi"}]}\n');
  const talks = await mossctl(['data', 'build', 'talks.jsonl'], { cwd: folder });
  assert.equal(talks.code, 2);
  assert.match(talks.stderr, /no "text".*messages.*mossctl sft --data/s);
});

test('tokenizer train and data build take files, too', async () => {
  const train = await mossctl(
    ['tokenizer', 'train', '--text', join(novels, 'a.txt'), '--set', 'tokenizer.vocabSize=300', '--out', 'runs/tok'],
    { cwd: folder },
  );
  assert.equal(train.code, 0, train.stderr);
  assert.ok(await exists(join(folder, 'runs/tok/tokenizer/tokenizer.json')));
  const build = await mossctl(['data', 'build', join(novels, '*.txt'), join(novels, 'more'), '--out', 'runs/two'], {
    cwd: folder,
  });
  assert.equal(build.code, 0, build.stderr);
  const { sources } = await loadDataSpec(join(folder, 'runs/two/data-spec.yaml'));
  assert.equal(sources.length, 2);
});

test('init: each kind is a whole pipeline whose every key has its words; nothing is overwritten', async () => {
  const place = join(folder, 'project');
  for (const kind of ['texts', 'conversations', 'model', 'preferences']) {
    const { code, stdout, stderr } = await mossctl(['init', kind, 'project'], { cwd: folder });
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^next .*cd project && npx mossctl run ${kind}\\.yaml$`, 'm'));
    const config = await loadPipeline({ config: join(place, `${kind}.yaml`) });
    assert.equal(config.name, kind);
    for (const name of [`${kind}.yaml`, ...(kind === 'texts' ? ['texts-spec.yaml'] : [])]) {
      const lines = (await readFile(join(place, name), 'utf8')).split('\n');
      const bare = lines.filter((line) => /^ *(- )?\w+:/.test(line) && !line.includes(' # '));
      assert.deepEqual(bare, [], `${name}: keys without a word`);
    }
  }
  await loadDataSpec(join(place, 'texts-spec.yaml'));
  const again = await mossctl(['init', 'texts', 'project'], { cwd: folder });
  assert.equal(again.code, 2);
  assert.match(again.stderr, /project\/texts\.yaml: this is there already/);
  const unsaid = await mossctl(['init'], { cwd: folder });
  assert.equal(unsaid.code, 2);
  assert.match(unsaid.stderr, /texts, conversations, model, preferences/);
  assert.deepEqual((await readdir(join(root, 'pipelines/init'))).length, 7);
});

test('what init writes runs: texts, then conversations, then preferences, each from the one before', async () => {
  const cwd = join(folder, 'project');
  for (const name of ['a.txt', 'b.txt']) await writeFile(join(cwd, 'texts', name), await readFile(join(novels, name)));
  const steps = async (kind: string, settings: string[]): Promise<string> => {
    const set = settings.flatMap((text) => ['--set', text]);
    const { code, stdout, stderr } = await mossctl(['run', `${kind}.yaml`, '--threads', '1', ...set], { cwd });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await steps('texts', [
    'pretrain.train.steps=2',
    'pretrain.model.size=100k',
    'tokenizer.vocabSize=400',
    'eval.validationTokens=200',
  ]);
  await steps('conversations', ['sft.train.steps=2']);
  await steps('preferences', ['align.train.steps=2', 'align.validation=0.5']);
  const { sft } = await loadPipeline({ config: join(cwd, 'runs/conversations/pipeline.yaml') });
  assert.match(sft?.from ?? '', /runs\/texts\/pretrain\/step-000002$/);
  const named = await mossctl(['inspect', 'runs/preferences/align', '--json'], { cwd });
  assert.equal(named.code, 0, named.stderr); // what the stage ended with, be it its parent
});
