import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../../src/base/jsonl.js';
import { openFilters } from '../../../src/data/filters/table.js';
import { IdentityStore } from '../../../src/data/identity-set.js';
import { readDataManifest } from '../../../src/data/manifest.js';
import { dataSpecSchema } from '../../../src/data/spec.js';
import { build, documentsOf, scratch } from '../scratch.js';

async function chain(filters: Record<string, unknown>, folder = '.') {
  const spec = dataSpecSchema.parse({ name: 'x', formulas: { count: 1 }, filters });
  const identities = new IdentityStore(join(folder, 'seen'));
  return (await openFilters(spec.filters, { folder, identities, evaluationSets: [] })).document;
}

async function verdicts(filters: Record<string, unknown>, texts: readonly string[]): Promise<(string | undefined)[]> {
  const steps = await chain(filters);
  return texts.map((text) => steps({ id: 'a', text, language: 'other' }).dropped?.why);
}

const smoke = (name: string) =>
  readFile(fileURLToPath(new URL(`../../../data-specs/smoke/${name}`, import.meta.url)), 'utf8');

test('prose in both languages passes the rules for prose', async () => {
  const all = { length: { min: 5 }, symbols: {}, repetition: {}, boilerplate: {}, language: {} };
  const steps = await chain(all);
  for (const name of ['classics-zh.txt', 'modern-zh.txt', 'classics-en.txt', 'plain-en.txt']) {
    const paragraphs = (await smoke(name)).split(/\n{2,}/).filter((text) => text.length > 20);
    const dropped = paragraphs.map((text) => steps({ id: 'a', text, language: 'other' }).dropped).filter(Boolean);
    assert.ok(paragraphs.length > 10, `${name}: ${paragraphs.length}`);
    // The one that goes is Dickens's "It was the best of times, it was the worst of times".
    assert.ok(
      dropped.length <= paragraphs.length * 0.04,
      `${name}: ${dropped.length} of ${paragraphs.length}: ${JSON.stringify(dropped.slice(0, 3))}`,
    );
  }
});

test('each rule drops what it is for, and says by how much', async () => {
  const [few, han] = await verdicts({ length: { min: 5 } }, ['four words are here', '这里有五字']);
  assert.deepEqual([few, han], ['4 words', undefined]);
  const table = '1 2 3\n4 5 6\n7 8 9 total';
  assert.deepEqual(
    await verdicts({ symbols: {} }, ['# # # heading', table, '* one\n* two\n- three', '{}<>();;!!==ab']),
    ['3.00 symbols for each word', '64 % digits', '100 % of the lines are bullets', '14 % letters'],
  );
  const distinct = Array.from({ length: 100 }, (_, i) => `word${i}`).join(' ');
  const again = await verdicts({ repetition: {} }, [
    `${'a\n'.repeat(30)}b`,
    `${distinct} ${distinct}`,
    'buy it now '.repeat(40),
    distinct,
    '买买买'.repeat(30),
  ]);
  assert.match(again[0] ?? '', /of the lines are repeated/);
  assert.match(again[1] ?? '', /in repeated 5-grams/);
  assert.match(again[2] ?? '', /one 2-gram/);
  assert.equal(again[3], undefined);
  assert.match(again[4] ?? '', /gram/);
});

test('short texts may repeat what long ones may not: refrains, songs of three words, a list of two lines', async () => {
  const kept = [
    // 诗经·关雎, 诗经·芣苢 (half of its 48 characters stand twice), a nursery rhyme, Frost's last lines, a villanelle.
    '关关雎鸠，在河之洲。\n窈窕淑女，君子好逑。\n参差荇菜，左右流之。\n窈窕淑女，寤寐求之。\n求之不得，寤寐思服。\n悠哉悠哉，辗转反侧。\n参差荇菜，左右采之。\n窈窕淑女，琴瑟友之。\n参差荇菜，左右芼之。\n窈窕淑女，钟鼓乐之。',
    '采采芣苢，薄言采之。采采芣苢，薄言有之。\n采采芣苢，薄言掇之。采采芣苢，薄言捋之。\n采采芣苢，薄言袺之。采采芣苢，薄言襭之。',
    'Row, row, row your boat,\nGently down the stream.\nMerrily, merrily, merrily, merrily,\nLife is but a dream.',
    'The woods are lovely, dark and deep,\nBut I have promises to keep,\nAnd miles to go before I sleep,\nAnd miles to go before I sleep.',
    'Do not go gentle into that good night.\nRage, rage against the dying of the light.\n\nDo not go gentle into that good night.\nRage, rage against the dying of the light.',
    'It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing before us.',
  ];
  assert.deepEqual(await verdicts({ repetition: {}, symbols: {} }, kept), Array(6).fill(undefined));
  const words = (i: number) => Array.from({ length: 12 }, (_, k) => `w${i * 12 + k}`).join(' ');
  const lines = (distinct: number, all: number) =>
    Array.from({ length: all }, (_, i) => words(i % distinct)).join('\n');
  // A long text is held to Gopher's measures.
  assert.match((await verdicts({ repetition: {} }, [lines(60, 100)]))[0] ?? '', /40 % of the lines are repeated/);
  assert.match((await verdicts({ repetition: { lines: 1 } }, [lines(80, 100)]))[0] ?? '', /in repeated 5-grams/);
  assert.deepEqual(await verdicts({ repetition: {} }, [lines(95, 100)]), [undefined]);
});

test('boilerplate lines go, the text stays; a page of nothing else is dropped', async () => {
  const steps = await chain({ boilerplate: { phrases: ['广告'] } });
  const page = '正文的第一段。\n第二段。\n版权所有 © 2020\n广告：买一送一';
  assert.equal(steps({ id: 'a', text: page, language: 'zh' }).text, '正文的第一段。\n第二段。');
  assert.equal(
    steps({ id: 'a', text: 'All Rights Reserved\nPrivacy Policy', language: 'en' }).dropped?.by,
    'boilerplate',
  );
});

test('a blocklist matches whole words of Latin letters, and Han characters anywhere', async () => {
  const folder = await scratch({ 'list.txt': '坏词\nbad phrase\n' });
  const steps = await chain({ blocklist: { words: ['ass'], file: 'list.txt' } }, folder);
  const dropped = (text: string) => steps({ id: 'a', text, language: 'en' }).dropped !== undefined;
  assert.deepEqual(['a glass of grass', 'an ASS!', '这是坏词。', 'bad, phrase', 'bad good phrase'].map(dropped), [
    false,
    true,
    true,
    true,
    false,
  ]);
});

test('languages: by script, and others by their n-grams', async () => {
  const french = 'Le chat est assis sur la table et regarde par la fenêtre les oiseaux qui chantent dans les arbres.';
  const texts = [
    french,
    'それは私の本ですが、あなたが読みたいのなら、いつでも貸してあげます。ありがとうございました。今日はとても良い天気ですね。',
  ];
  assert.deepEqual(await verdicts({ language: {} }, texts), ['the language is fr', 'the language is ja']);
});

test('a blocklist in any encoding; a line of it that cannot be read is an error, not a word that never matches', async () => {
  const listed = async (list: Uint8Array) => {
    const steps = await chain({ blocklist: { file: 'list.txt' } }, await scratch({ 'list.txt': list }));
    return steps({ id: 'a', text: '一个坏词在这里', language: 'zh' }).dropped !== undefined;
  };
  assert.ok(await listed(Buffer.from('\ufeff坏词\r\n', 'utf8')));
  assert.ok(await listed(Buffer.from('\ufeff坏词\r\n', 'utf16le')));
  await assert.rejects(listed(Buffer.from('bad\ncaf\xe9\n', 'latin1')), /list\.txt:2: this is not UTF-8 text/);
});

test('languages: what stands at the beginning does not decide alone', async () => {
  const french =
    'Le gouvernement a annoncé hier que les travaux commenceraient au printemps, malgré les protestations. ';
  const chinese = '今天天气很好，我们一起去公园散步，然后回家吃饭。';
  const beginnings = [
    'a1b2c3'.repeat(100),
    `https://example.org/${'path/'.repeat(100)}`,
    '今天天气很好我们一起去公园散步然后回家吃饭吧好吗朋友们',
    'This page is best viewed in a browser of your own choice, and all rights are reserved by their owners. '.repeat(3),
  ];
  for (const beginning of beginnings) {
    assert.deepEqual(await verdicts({ language: {} }, [`${beginning} ${french.repeat(20)}`]), ['the language is fr']);
    assert.deepEqual(await verdicts({ language: {} }, [`${beginning} ${chinese.repeat(40)}`]), [undefined]);
  }
});

test('a text with an n-gram of a task is dropped, a text on the same matter is not', async () => {
  const task = {
    prompt: 'How many apples are left when Tom eats three of the nine apples he bought?',
    答: '床前明月光疑是地上霜举头望明月',
  };
  const folder = await scratch({
    'eval.jsonl': toJsonl([task]),
    'lines.txt': 'Name the largest planet of the solar system.\n',
  });
  const steps = await chain({ decontaminate: { against: ['eval.jsonl', 'lines.txt'] } }, folder);
  const why = (text: string) => steps({ id: 'a', text, language: 'en' }).dropped?.why;
  assert.match(
    why('He asked: how many APPLES are left, when Tom eats three of the nine apples? Six.') ?? '',
    /a task has: how many/,
  );
  assert.match(why('诗曰：床前明月光，疑是地上霜。举头望明月，低头思故乡。') ?? '', /床前明月光/);
  assert.match(why('Please name the largest planet of the solar system') ?? '', /planet/);
  assert.equal(why('Tom bought nine apples and ate three of them; six are left.'), undefined);
  await assert.rejects(chain({ decontaminate: { against: ['none.jsonl'] } }, folder), /no tasks at none\.jsonl/);
});

test('in a build: counts, first examples, nothing personal in the report, the same bytes twice', async () => {
  const long =
    'The quick brown fox jumps over the lazy dog while the slow grey cat sleeps on the warm stones of the old wall.';
  const rows = [
    { text: `${long} Write to tom@example.com or 13812345678.` },
    { text: `${long} Write to ann@example.com or 13912345678!` },
    { text: Buffer.from('你好，世界！我们在这里。', 'utf8').toString('latin1') },
    { text: '# # # # lilei@example.com' },
    { text: `A first paragraph that is new.\n\n${long}` },
    { text: `A second paragraph, which is as new as the first one was.\n\n${long}` },
  ];
  const spec = {
    name: 'x',
    filters: { repair: {}, scrub: {}, symbols: {}, nearDuplicates: {}, paragraphs: { left: 10 } },
    sources: [{ name: 'a', from: 'file:a.jsonl', format: 'jsonl', licence: 'x' }],
  };
  const folder = await scratch({ 'a.jsonl': toJsonl(rows), 'spec.yaml': JSON.stringify(spec) });
  const { path, digest, events } = await build(folder, { validation: 0 });
  const manifest = await readDataManifest(path);
  const [{ dropped, edited }] = manifest.sources;
  const shown = (kind: string) => ({ documents: edited?.[kind].documents, count: edited?.[kind].count });
  assert.deepEqual(Object.keys(edited ?? {}), ['scrub.EMAIL', 'scrub.PHONE', 'repair.latin', 'paragraphs.paragraphs']);
  assert.deepEqual(shown('scrub.EMAIL'), { documents: 3, count: 3 });
  assert.deepEqual(edited?.['scrub.PHONE'].examples, [
    'a:a.jsonl:1: "…Write to <EMAIL> or <PHONE>."',
    'a:a.jsonl:2: "…Write to <EMAIL> or <PHONE>!"',
  ]);
  assert.match(edited?.['repair.latin'].examples?.[0] ?? '', /^a:a\.jsonl:3: "ä½.* → "你好，世界！我们在这里。"$/);
  assert.match(edited?.['paragraphs.paragraphs'].examples?.[0] ?? '', /The quick brown fox .*" → ".*first one was\."$/);
  assert.deepEqual(Object.keys(dropped), ['nearDuplicates', 'symbols']);
  assert.deepEqual(dropped.symbols, {
    documents: 1,
    example: 'a:a.jsonl:4',
    examples: ['a:a.jsonl:4: 4.00 symbols for each word: "# # # # <EMAIL>"'],
  });
  const texts = (await documentsOf(path, 'train')).map(({ text }) => text);
  assert.ok(texts.includes('你好，世界！我们在这里。'));
  const told = JSON.stringify([manifest, events]);
  assert.ok(!/example\.com|1381234|1391234/.test(told));
  assert.ok(events.some((event) => event.type === 'note' && event.text.includes('scrub.PHONE: 2 in 2 documents')));
  assert.equal((await build(folder, { validation: 0, out: 'again' })).digest, digest);
});
