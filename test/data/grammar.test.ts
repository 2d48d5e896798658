// Documents by rule: what a grammar says, in both languages, from the same rows; and what is wrong with one that cannot.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/base/errors.js';
import { listFiles } from '../../src/data/sources/files.js';
import { grammarDocuments } from '../../src/data/sources/grammar-documents.js';
import { build, documentsOf, scratch } from './scratch.js';

const words = `words:
  food: |
    zh | en | 量
    面条 | noodles | 碗
    苹果 | apple | 个
  person: |
    zh | en
    小明 | Tom
    小红 | Amy
  day: |
    zh | en
    吃{food}的日子 | day of the {food}
`;
const meals = `documents: 12
speakers: [person, person2]
paragraphs:
  - |
    {person}吃一{food.量}{food}，不吃{food2}。 | {person} eats a {food}, no {food2}.
    / 今天是{day}，{person}等了{3-20}分钟。 | this is a {day}, and {person} waited {3-20} minutes.
dialogues:
  - |
    你是谁？ | who are you?
    我是{person2}，你是{person}。 | I am {person2}, you are {person}.
    ? 对。 | yes.
`;

async function drawn(files: Record<string, string>, seed = 1): Promise<string[]> {
  const folder = await scratch(files);
  const texts: string[] = [];
  for await (const { text } of grammarDocuments(await listFiles(folder, '*.yaml'), seed)) texts.push(text);
  return texts;
}

test('both languages say the same, a place is the same wherever it stands, and tables of all files are shared', async () => {
  const texts = await drawn({ 'a.yaml': meals.replace('12', '48'), 'words.yaml': words });
  assert.equal(new Set(texts).size, 48);
  assert.deepEqual(await drawn({ 'a.yaml': meals.replace('12', '48'), 'words.yaml': words }), texts);
  assert.notDeepEqual(await drawn({ 'a.yaml': meals.replace('12', '48'), 'words.yaml': words }, 2), texts);
  const names: Record<string, string> = { 小明: 'Tom', 小红: 'Amy', 面条: 'noodles', 苹果: 'apple' };
  const seen = new Set<string>();
  for (const text of texts) {
    const lines = text.split('\n');
    const zh = lines.find((line) => /吃一/.test(line));
    const en = lines.find((line) => / eats /.test(line));
    if (zh !== undefined) {
      seen.add('zh');
      assert.match(zh, /^(小明|小红)吃一(碗面条，不吃苹果|个苹果，不吃面条)。$/);
    }
    if (en !== undefined) {
      seen.add('en');
      assert.match(en, /^(Tom|Amy) eats (a noodles, no apple|an apple, no noodles)\.$/);
    }
    if (zh !== undefined && en !== undefined) {
      seen.add('both');
      assert.equal(lines.length, 2);
      for (const [word, other] of Object.entries(names)) assert.equal(en.includes(other), zh.includes(word), text);
    }
    const waited = /等了(\d+)分钟/.exec(text);
    if (waited !== null) assert.ok(Number(waited[1]) >= 3 && Number(waited[1]) <= 20, text);
    if (/waited/.test(text)) assert.match(text, /This is a day of the (noodles|apple), and/);
    if (/Who are you/.test(text)) assert.match(text, /^(Tom|Amy|小明|小红)[:：]/);
    if (/I am Amy/.test(text)) assert.match(text, /Tom: Who are you\?\n(.*\n)?Amy: I am Amy, you are Tom\./);
  }
  assert.deepEqual([...seen].sort(), ['both', 'en', 'zh']);
});

test('a faulty grammar names every fault; one that says less than it promises, or fills itself for ever, ends', async () => {
  const faulty = (files: Record<string, string>) =>
    drawn(files).then(
      () => assert.fail('it was drawn'),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        return error.message;
      },
    );
  const message = await faulty({
    'a.yaml': `documents: 3
words:
  food: |
    zh | en
    面条
paragraphs:
  - |
    我吃{fod}。 | I eat {food.plural}.
    只有中文。
    {9-3}{ | {9-3}.
`,
  });
  for (const part of [
    /2 columns, but 1 in: 面条/,
    /no table is called fod \(did you mean food\?\)/,
    /table food has no column plural, only zh, en/,
    /a line is Chinese \| English, not: 只有中文。/,
    /\{9-3\} is no range/,
    /a place is \{table\}/,
  ]) {
    assert.match(message, part);
  }
  assert.match(await faulty({ 'a.yaml': words }), /this grammar has no texts/);
  assert.match(await faulty({ 'a.yaml': `${words}paragraphs: ["好。 | good."]` }), /documents is missing/);
  assert.match(
    await faulty({ 'a.yaml': `${words}documents: 9\nparagraphs: ["好。 | good."]` }),
    /about 4 different documents, not 9/,
  );
  const circle = `words: { again: "zh | en\\n{again}{again} | {again}" }\ndocuments: 1\nparagraphs: ["{again} | {again}"]`;
  assert.match(await faulty({ 'a.yaml': circle }), /fills itself/);
});

test('a grammar is a source of a data-spec: split, counted and known by language', async () => {
  const spec = `name: x
sources: [{ name: everyday, from: "file:everyday/*.yaml", format: grammar, licence: ours }]
`;
  const folder = await scratch({ 'spec.yaml': spec, 'everyday/a.yaml': meals, 'everyday/words.yaml': words });
  const { path, metrics } = await build(folder, { validation: 0.2 });
  const [train, validation] = [await documentsOf(path, 'train'), await documentsOf(path, 'validation')];
  assert.equal(train.length + validation.length, 12);
  assert.ok(validation.length > 0);
  assert.ok(train.some(({ language }) => language === 'zh') && train.some(({ language }) => language === 'en'));
  assert.match(train[0].id, /^everyday:everyday\/a\.yaml#\d+$/);
  const other = await build(folder, { validation: 0.2, seed: 2, out: 'other' });
  assert.notDeepEqual(
    (await documentsOf(other.path, 'train')).map(({ text }) => text),
    train.map(({ text }) => text),
  );
  assert.equal(metrics['documents.train'], train.length);
});

test('the grammar that comes along is sound: each file gives its documents, none of them with a place left open', async () => {
  const folder = join(fileURLToPath(new URL('../../data-specs', import.meta.url)));
  let documents = 0;
  for await (const { text, at } of grammarDocuments(await listFiles(folder, 'everyday/*.yaml'), 42)) {
    documents++;
    assert.doesNotMatch(text, /[{}|]/, at);
    assert.doesNotMatch(text, /\ba [aeio]|。。|\.\.|, and [A-Z](?!\w* |my |')/, at);
  }
  assert.ok(documents > 5000, `${documents}`);
});
