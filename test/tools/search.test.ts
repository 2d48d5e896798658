// Search: passages in both languages by what they say, cut where texts are, with what became of their files.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openIndex } from '../../src/tools/search/cached-index.js';
import { IndexBuilder } from '../../src/tools/search/passage-index.js';
import { passagesOf } from '../../src/tools/search/passages.js';
import { openSearch } from '../../src/tools/search/search.js';
import { readBuiltIn } from '../../src/tools/specs.js';
import type { Executor } from '../../src/tools/tool.js';

let folder: string;
const notes: string[] = [];
const context = () => ({ signal: new AbortController().signal, start: {}, state: new Map() });
const ask = async (search: Executor, query: string): Promise<string> => search.run({ query }, context());

async function open(characters = 600): Promise<Executor> {
  const { name, parameters, description } = await readBuiltIn('search');
  const limits = { seconds: 5, characters };
  return openSearch({
    tool: { name, parameters, description },
    limits,
    from: [join(folder, 'notes')],
    note: (text) => notes.push(text),
  });
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'search-'));
  const notesFolder = join(folder, 'notes');
  await mkdir(join(notesFolder, 'sub'), { recursive: true });
  const put = (name: string, text: string | Uint8Array): Promise<void> => writeFile(join(notesFolder, name), text);
  await put(
    'whales.md',
    '# Whales\n\nThe blue whale is the largest animal.\n\n## What they eat\n\nBlue whales eat krill, and hardly anything else.\n',
  );
  await put('sub/龙.txt', '恐龙在六千五百万年前灭绝。\n\n龙是中国古代神话中的动物。\n');
  await put(
    'rows.jsonl',
    '{"title":"Tea","text":"绿茶的产地是杭州。"}\n{"question":"capital of France","answer":"Paris"}\n',
  );
  await put('cities.csv', 'city,river\nVienna,Danube\nCologne,Rhine\n');
  await put('paper.pdf', '%PDF-1.7 nothing');
  await put('photo.bin', Uint8Array.of(0, 1, 2, 3));
  await writeFile(join(folder, 'secret.txt'), 'the secret whale');
  await symlink(join(folder, 'secret.txt'), join(notesFolder, 'link.txt'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('a question finds its passages, in both languages', async () => {
  const search = await open();
  const first = async (query: string): Promise<string> => (await ask(search, query)).split('\n')[0];
  assert.equal(
    await first('what do whales eat?'),
    '1. whales.md › What they eat: Blue whales eat krill, and hardly anything else.',
  );
  assert.equal(await first('the largest animal'), '1. whales.md › Whales: The blue whale is the largest animal.');
  assert.equal(
    await first('恐龙是什么时候灭绝的'),
    '1. sub/龙.txt: 恐龙在六千五百万年前灭绝。 龙是中国古代神话中的动物。',
  );
  assert.equal(await first('绿茶产地'), '1. rows.jsonl › Tea: 绿茶的产地是杭州。');
  assert.equal(await first('france capital'), '1. rows.jsonl:2: question: capital of France answer: Paris');
  assert.equal(await first('Danub'), '1. cities.csv:2: city: Vienna river: Danube');
  assert.equal(await first('lagrest'), await first('largest'), 'a slip of the pen');
  assert.equal(await first('杭'), await first('绿茶产地'), 'one character');
  assert.match(await first('zzzz 囧'), /No passage has any word of: zzzz 囧/);
  assert.doesNotMatch(await ask(search, 'secret whale'), /secret/, 'a link out of the folder');
  assert.deepEqual(notes, [
    `${join(folder, 'notes')}: skipped 1 link out of it (first: link.txt)`,
    '2 files cannot be searched: paper.pdf is a PDF file; photo.bin: this is not a text file',
    'Search: 7 passages',
  ]);
});

test('a result keeps to its length, and says what became of a file', async () => {
  const search = await open(160);
  await writeFile(join(folder, 'notes', 'whales.md'), 'Nothing any more.\n');
  await rm(join(folder, 'notes', 'cities.csv'));
  assert.match(await ask(search, 'Danube'), /^1\. cities\.csv:2 \(this file is gone\): city: Vienna/);
  const result = await ask(search, `whales eat ${'x'.repeat(100_000)}`);
  assert.match(result, /^1\. whales\.md › What they eat \(this file has changed since\): Blue/);
  assert.ok(result.length <= 160, String(result.length));
});

test('a kept index is taken as long as it is whole and its files are the same', async () => {
  const from = [join(folder, 'kept')];
  await mkdir(from[0]);
  await writeFile(join(from[0], 'a.txt'), '海水是咸的。 Rain is not.\n');
  process.env.MOSSCTL_CACHE = join(folder, 'cache');
  const said: string[] = [];
  const openKept = async (): Promise<string> => {
    const { index, texts } = await openIndex(from, (text) => said.push(text), 0);
    return index
      .search('海水', 9)
      .map((i) => texts[i])
      .join();
  };
  const [first, second] = [await openKept(), await openKept()];
  assert.deepEqual([first, second, said.length], ['海水是咸的。 Rain is not.', first, 1]);
  const [name] = await readdir(join(folder, 'cache', 'search'));
  const kept = join(folder, 'cache', 'search', name);
  const bytes = await readFile(kept);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(kept, bytes);
  assert.deepEqual([await openKept(), said.length], [first, 2], 'damaged');
  await writeFile(join(from[0], 'a.txt'), '海水有多咸？\n');
  assert.deepEqual([await openKept(), said.length], ['海水有多咸？', 3], 'changed');
  await rm(join(from[0], 'a.txt'));
  await assert.rejects(openKept(), /there is no text here/);
});

test('long texts are cut between sentences, and inside of no character', () => {
  const sentence = '这是一个很长的句子，'.repeat(5);
  const text = `${sentence}。`.repeat(20);
  const cut = [...passagesOf('t', [text, '', '😀'.repeat(500), '', 'a b '.repeat(400)], 0)].map(
    (passage) => passage.text,
  );
  assert.ok(cut.every((piece) => piece.length <= 400 && !/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(piece)));
  assert.equal(
    cut.slice(0, 3).every((piece) => piece.endsWith('。')),
    true,
  );
  assert.equal(cut.join('').replace(/ /g, ''), (text + '😀'.repeat(500) + 'ab'.repeat(400)).replace(/ /g, ''));
});

test('rarer words and shorter passages weigh more, as BM25 says', () => {
  const builder = new IndexBuilder();
  for (const text of ['the sea', 'the sea and the shore', 'the harbour', `the sea ${'far '.repeat(90)}`])
    builder.add('', text);
  const index = builder.finish();
  assert.equal(index.search('the harbour', 1)[0], 2);
  assert.deepEqual(index.search('sea', 9), [0, 1, 3]);
  assert.deepEqual(index.search('', 9), []);
});
