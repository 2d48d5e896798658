// The readers of the real corpora, on rows copied from them in every shape they have.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCedict } from '../../src/data/sources/cc-cedict.js';
import { readChinesePoetry } from '../../src/data/sources/chinese-poetry.js';
import type { BadRow, RawDocument } from '../../src/data/sources/raw.js';
import { readSource } from '../../src/data/sources/read.js';
import { readWordnet } from '../../src/data/sources/wordnet.js';
import { dataSpecSchema } from '../../src/data/spec.js';
import { scratch } from './scratch.js';

async function all(documents: AsyncIterable<RawDocument | BadRow>): Promise<RawDocument[]> {
  const list: RawDocument[] = [];
  for await (const document of documents) {
    if ('fault' in document) throw document.fault;
    list.push(document);
  }
  return list;
}

async function file(content: string): Promise<{ path: string; name: string }> {
  return { path: join(await scratch({ f: content }), 'f'), name: 'f' };
}

test('chinese-poetry: flat, nested and lone works; couplets are facts; notes and empty lines go', async () => {
  const works = [
    { author: '王之涣', title: '登鹳雀楼', paragraphs: ['白日依山尽，黄河入海流。', '欲穷千里目，更上一层楼。'] },
    {
      title: '千家诗',
      content: [
        {
          type: '五绝',
          content: [{ chapter: '春眠', author: '（唐）孟浩然', paragraphs: ['春眠不觉晓，处处闻啼鸟。(一作：啼)'] }],
        },
      ],
    },
    { title: '关雎', content: ['关关雎鸠，在河之洲。'] },
    { title: '长相思', para: ['山一程，水一程'], author: '纳兰性德' },
    { rhythmic: '导引', author: '和岘', paragraphs: ['何不改乎此度?', '。', ''] },
    { title: '空', author: '佚名', paragraphs: ['（末云了）'] },
  ];
  const documents = await all(readChinesePoetry(await file(JSON.stringify(works))));
  assert.deepEqual(
    documents.map(({ text }) => text),
    [
      '《登鹳雀楼》王之涣\n白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。',
      '《春眠》孟浩然\n春眠不觉晓，处处闻啼鸟。',
      '《关雎》\n关关雎鸠，在河之洲。',
      '《长相思》纳兰性德\n山一程，水一程',
      '《导引》和岘\n何不改乎此度？',
    ],
  );
  assert.deepEqual(documents[0].facts, [
    { key: '白日依山尽', value: '黄河入海流' },
    { key: '欲穷千里目', value: '更上一层楼' },
  ]);
  assert.deepEqual(
    documents.map(({ at }) => at),
    ['f#0', 'f#1', 'f#2', 'f#3', 'f#4'],
  );
});

test('traditional characters become simplified ones, in facts too', async () => {
  const poem = [{ title: '夜書', author: '劉長卿', paragraphs: ['萬里悲秋常作客，百年多病獨登臺。'] }];
  const spec = dataSpecSchema.parse({
    name: 'x',
    sources: [{ name: 'a', from: 'file:f', format: 'chinese-poetry', licence: 'x', convert: 'simplified' }],
  });
  const [document] = await all(readSource([await file(JSON.stringify(poem))], spec.sources[0], spec));
  assert.equal(document.text, '《夜书》刘长卿\n万里悲秋常作客，百年多病独登台。');
  assert.deepEqual(document.facts, [{ key: '万里悲秋常作客', value: '百年多病独登台' }]);
});

test('wordnet: words and gloss; a definition only where it is plain', async () => {
  const lines = [
    '  1 This software and database is being provided to you, the LICENSEE, by  ',
    '00004258 03 n 02 living_thing 0 animate_thing 0 001 @ 00004475 n 0000 | a living (or once living) entity  ',
    '00006024 03 n 01 benthos 0 001 @ 00004475 n 0000 | (biology) organisms of the sea floor; "it is rich in benthos"  ',
    '00001740 00 a 01 able(p) 0 000 | (usually followed by `to\') having the necessary means; "able to swim"  ',
  ];
  const documents = await all(readWordnet(await file(lines.join('\n'))));
  assert.deepEqual(
    documents.map(({ text }) => text),
    [
      'living thing, animate thing: a living (or once living) entity',
      'benthos: (biology) organisms of the sea floor; "it is rich in benthos"',
      'able: (usually followed by `to\') having the necessary means; "able to swim"',
    ],
  );
  assert.deepEqual(
    documents.map(({ facts }) => facts),
    [
      [
        { key: 'living thing', value: 'a living (or once living) entity', usable: false },
        { key: 'animate thing', value: 'a living (or once living) entity', usable: false },
      ],
      [{ key: 'benthos', value: 'organisms of the sea floor', usable: true }],
      [{ key: 'able', value: 'having the necessary means', usable: true }],
    ],
  );
  await assert.rejects(all(readWordnet(await file('hello\n'))), /f:1: this is no synset/);
});

test('cc-cedict: parsed, never run; pointers go, cross-references keep the simplified form', async () => {
  const entries = [
    ['蘋果', '苹果', 'ping2 guo3', 'apple', [], []],
    ['高興', '高兴', 'gao1 xing4', ['happy', 'glad'], [], []],
    ['囻', '囻', 'guo2', 'variant of 國|国[guo2]', [], []],
    ['打', '打', 'da3', ['(e.g. 打傘|打伞[da3 san3] "to hold an umbrella")', 'to hit'], [], []],
  ];
  const module = `export default ${JSON.stringify({ all: entries, variantLookup: [] })}`;
  const documents = await all(readCedict(await file(module)));
  assert.deepEqual(
    documents.map(({ text }) => text),
    ['苹果：apple', '高兴：happy; glad', '打：(e.g. 打伞 "to hold an umbrella"); to hit'],
  );
  assert.deepEqual(
    documents.map(({ facts }) => facts),
    [
      [{ key: '苹果', value: 'apple', usable: true }],
      [{ key: '高兴', value: 'happy', usable: true }],
      [{ key: '打', value: '(e.g. 打伞 "to hold an umbrella")', usable: false }],
    ],
  );
  await assert.rejects(all(readCedict(await file('export default process.exit(1)'))), /not valid JSON/);
});
