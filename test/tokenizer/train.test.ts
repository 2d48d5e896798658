import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { PairCounts } from '../../src/tokenizer/pair-counts.js';
import { PieceTable } from '../../src/tokenizer/piece-table.js';
import { byteCharacters, byteOf, pieceEnd } from '../../src/tokenizer/pre-tokenizer.js';
import { answerMarkList, answerMarks, specialTokenList } from '../../src/tokenizer/special-tokens.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { minVocabSize, type TrainProgress, trainTokenizer } from '../../src/tokenizer/train.js';
import { adversarialText } from './adversarial.js';

function modelOf(tokenizer: Tokenizer): { vocab: Record<string, number>; merges: string[] } {
  return (tokenizer.json as { model: { vocab: Record<string, number>; merges: string[] } }).model;
}

function countSlowly(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    const piece = text.slice(start, end);
    const parts = /^\p{N}/u.test(piece) ? [...piece] : (piece.match(/.{1,16}/gsu) ?? []);
    for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1);
    start = end;
  }
  return counts;
}

function trainSlowly(text: string, vocabSize: number): string[] {
  return mergeSlowly(countSlowly(text), { vocabSize });
}

/** BPE training as the paper writes it: count all pairs anew before every merge. */
function mergeSlowly(
  counts: ReadonlyMap<string, number>,
  { vocabSize, reserved = 0, minCount = 2 }: { vocabSize: number; reserved?: number; minCount?: number },
): string[] {
  const own = [...specialTokenList, ...answerMarkList];
  const special = [...own, ...Array.from({ length: reserved }, (_, i) => `<|reserved_${i}|>`)];
  const tokens = [...special, ...byteCharacters];
  const words = [...counts].map(([part, count]) => ({
    ids: [...Buffer.from(part)].map((byte) => byte + special.length),
    count,
  }));
  const merges: string[] = [];
  while (tokens.length < vocabSize) {
    const pairs = new Map<string, number>();
    for (const { ids, count } of words) {
      for (let i = 0; i + 1 < ids.length; i++) {
        const pair = `${ids[i]} ${ids[i + 1]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    }
    const ranked = [...pairs]
      .map(([pair, count]) => ({ ids: pair.split(' ').map(Number), count }))
      .filter(({ ids, count }) => count >= minCount && !tokens.includes(tokens[ids[0]] + tokens[ids[1]]))
      .sort((a, b) => b.count - a.count || a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1]);
    if (ranked.length === 0) break;
    const [left, right] = ranked[0].ids;
    merges.push(`${tokens[left]} ${tokens[right]}`);
    const id = tokens.push(tokens[left] + tokens[right]) - 1;
    for (const { ids } of words) {
      for (let i = 0; i + 1 < ids.length; i++) if (ids[i] === left && ids[i + 1] === right) ids.splice(i, 2, id);
    }
  }
  return merges;
}

test('the trainer equals a slow one that counts everything anew', async () => {
  const random = Random.stream(3, 'train');
  const parts = Array.from({ length: 400 }, () => adversarialText(random, 6).replace(/\p{Surrogate}/gu, '\ufffd'));
  const runs = 'aaaa aaa aaaaaaa abababab bababa abcabcabc bcbcbc 明明月明明月月 ';
  const text = `${runs.repeat(4)}${parts.join('')} internationalization internationalization`;
  const merges = trainSlowly(text, 1000);
  assert.ok(merges.length > 150 && merges.length < 740, 'until no pair is left');
  assert.deepEqual(modelOf(await trainTokenizer([text], { vocabSize: 1000 })).merges, merges);
});

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** Text with many ties, overlaps, long runs of Han and numerals, from a few symbols. */
function randomText(random: Random): string {
  const alphabet = ['a', 'b', 'ab', ' ', ' a', '明', '月', '明月', '1', '２', 'é', '😀', '，', '\n', '\ud800'];
  const used = alphabet.slice(0, random.integer(2, alphabet.length));
  return Array.from({ length: random.integer(20, 400) }, () => random.choose(used)).join('');
}

test('on 200 small random texts, with ties and runs, every merge is that of the slow trainer', async () => {
  const random = Random.stream(11, 'train');
  let learnt = 0;
  for (let i = 0; i < 200; i++) {
    const text = randomText(random);
    const vocabSize = random.integer(268, 326);
    const merges = trainSlowly(wellFormed(text), vocabSize);
    assert.deepEqual(modelOf(await trainTokenizer([text], { vocabSize })).merges, merges, JSON.stringify(text));
    learnt += merges.length;
  }
  assert.ok(learnt > 2000, `${learnt} merges`);
});

/** Counts with every group's bytes in the proportions asked for, in steps of 1/1024 of the least weight. */
function weighSlowly(texts: readonly { text: string; group: string }[], balance: Readonly<Record<string, number>>) {
  const groups = [...new Set(texts.map(({ group }) => group))].map((group) => {
    const own = texts.filter((text) => text.group === group);
    const counts = new Map<string, number>();
    for (const { text } of own) {
      for (const [part, count] of countSlowly(text)) counts.set(part, (counts.get(part) ?? 0) + count);
    }
    const bytes = own.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    return { counts, factor: balance[group] / bytes };
  });
  const least = Math.min(...groups.map(({ factor }) => factor).filter((factor) => factor > 0));
  const weighed = new Map<string, number>();
  let most = 1;
  for (const { counts, factor } of groups) {
    const weight = Math.round((factor / least) * 1024);
    most = Math.max(most, weight);
    for (const [part, count] of counts) {
      if (weight > 0) weighed.set(part, (weighed.get(part) ?? 0) + count * weight);
    }
  }
  return { counts: weighed, minCount: 2 * most };
}

test('on mixed texts with balance and reserved tokens, every merge is that of the slow trainer', async () => {
  const random = Random.stream(15, 'train');
  const alphabets = {
    zh: [...'床前明月光，。'],
    en: ['the', ' ca', 't ', 'a', 'b', ' '],
    other: ['1', '+', '😀', 'é'],
  };
  const languages = Object.keys(alphabets) as (keyof typeof alphabets)[];
  let learnt = 0;
  for (let i = 0; i < 40; i++) {
    const texts = Array.from({ length: random.integer(4, 12) }, () => {
      const group = random.choose(languages);
      const letters = [...alphabets[group], ...alphabets[random.choose(languages)].slice(0, 2)];
      return { group, text: Array.from({ length: random.integer(20, 200) }, () => random.choose(letters)).join('') };
    });
    const balance = { zh: random.integer(1, 9), en: random.integer(0, 4) + 0.5, other: random.integer(0, 2) };
    const reserved = random.integer(0, 6);
    const vocabSize = random.integer(270, 330);
    const { counts, minCount } = weighSlowly(texts, balance);
    const merges = mergeSlowly(counts, { vocabSize, reserved, minCount });
    const trained = await trainTokenizer(texts, { vocabSize, reserved, balance });
    assert.deepEqual(modelOf(trained).merges, merges, JSON.stringify({ texts, balance }));
    learnt += merges.length;
  }
  assert.ok(learnt > 500, `${learnt} merges`);
});

test('the floor under which pairs are not counted changes no pair', () => {
  const random = Random.stream(12, 'train');
  const pieces = new PieceTable();
  for (let i = 0; i < 3000; i++) {
    const piece = Array.from({ length: random.integer(1, 12) }, () => random.choose([...'abcdefgh'])).join('');
    pieces.add(piece, 0, piece.length);
  }
  const pairsWith = (floor: number): string[] => {
    const counts = new PairCounts(pieces, { firstByteId: 0, vocabSize: 1000, minCount: 2, floor });
    const pairs: string[] = [];
    for (let id = 256; id < 1000; id++) {
      const best = counts.takeBest();
      if (best === undefined) break;
      pairs.push(`${best.left} ${best.right}`);
      counts.join(best, id);
    }
    return pairs;
  };
  const expected = pairsWith(2);
  assert.equal(expected.length, 744);
  for (const floor of [3, 20, 100, 1e9]) assert.deepEqual(pairsWith(floor), expected);
});

test('a piece table counts as a Map does, joins tables and forgets what is rare', () => {
  const random = Random.stream(13, 'pieces');
  const tables = [new PieceTable(), new PieceTable()];
  const expected = new Map<string, number>();
  for (let i = 0; i < 30_000; i++) {
    const piece = adversarialText(random, 2).slice(0, 16);
    const side = i % 2;
    tables[side].add(`x${piece}y`, 1, 1 + piece.length);
    const key = wellFormed(piece);
    expected.set(key, (expected.get(key) ?? 0) + (side === 0 ? 1 : 3));
  }
  tables[0].addAll(tables[1], 3);
  const contents = ({ size, bytes, starts, counts }: PieceTable): Map<string, number> =>
    new Map(
      Array.from({ length: size }, (_, i) => [
        Buffer.from(bytes.slice(starts[i], starts[i + 1])).toString(),
        counts[i],
      ]),
    );
  assert.ok(expected.size > 2000, `${expected.size} pieces`);
  assert.deepEqual(contents(tables[0]), expected);
  const frequent = [...expected].filter(([, count]) => count > 5);
  assert.ok(frequent.length > 10 && frequent.length < expected.size);
  assert.deepEqual(contents(tables[0].withoutRare(5)), new Map(frequent));
});

test('balance weighs groups by their bytes: a language with a tenth of the text gets the merges that its weight buys', async () => {
  const random = Random.stream(14, 'balance');
  const word = (letters: string): string => Array.from({ length: 6 }, () => random.choose([...letters])).join('');
  const texts = [
    { text: Array.from({ length: 4000 }, () => word('abcdefghij')).join(' '), group: 'en' },
    { text: Array.from({ length: 150 }, () => word('天地玄黄宇宙洪荒')).join('，'), group: 'zh' },
  ];
  const chinese = async (balance?: Record<string, number>): Promise<number> => {
    const { merges } = modelOf(await trainTokenizer(texts, { vocabSize: 400, balance }));
    assert.ok(merges.length > 100, `${merges.length} merges`);
    return merges.filter((merge) => /[^a-jĠ ]/.test(merge)).length;
  };
  const [plain, even, more, none] = [
    await chinese(),
    await chinese({ zh: 1, en: 1 }),
    await chinese({ zh: 9, en: 1 }),
    await chinese({ zh: 0 }),
  ];
  assert.ok(plain < even && even < more, `${plain} ${even} ${more}`);
  assert.equal(none, 0);
  assert.equal(await chinese({ zh: 2, en: 2 }), even);
});

test('reserved tokens stand between the marks and the bytes, and text never becomes one', async () => {
  const tokenizer = await trainTokenizer(['床前明月光'.repeat(3)], { vocabSize: 280, reserved: 3 });
  assert.deepEqual(tokenizer.encodeTrusted('<|reserved_0|><|reserved_2|>a'), [10, 12, 13 + 97]);
  assert.ok(tokenizer.encode('<|reserved_0|>').every((id) => id > 12));
  assert.ok(tokenizer.isSpecial(12) && !tokenizer.isSpecial(13));
  assert.equal(tokenizer.decode(tokenizer.encode('床前明月光')), '床前明月光');
  await assert.rejects(trainTokenizer(['x'], { vocabSize: 268, reserved: 3 }), /from 269 to 1000000/);
  await assert.rejects(trainTokenizer(['x'], { vocabSize: 300, reserved: -1 }), /-1 reserved tokens are not possible/);
});

test('marks around calls and thoughts are tokens that decoding keeps; text that spells one never becomes it', async () => {
  const spelt = answerMarkList.join(' ').repeat(50);
  const tokenizer = await trainTokenizer([`${spelt}<think>think</think>`.repeat(9)], { vocabSize: 330 });
  const { callStart, callEnd, thoughtEnd } = answerMarks;
  const trusted = tokenizer.encodeTrusted(`${callStart}${specialTokenList[3]}${callEnd}${thoughtEnd}`);
  assert.deepEqual(trusted, [4, 3, 5, 9]);
  assert.equal(tokenizer.decode(trusted, { skipSpecial: true }), `${callStart}${callEnd}${thoughtEnd}`);
  const ids = tokenizer.encode(spelt);
  assert.ok(
    ids.every((id) => id > 9),
    'text became a mark',
  );
  assert.equal(tokenizer.decode(ids), spelt);
  const config = JSON.parse(tokenizer.files()['tokenizer_config.json']) as { added_tokens_decoder: object };
  const flags = Object.entries(config.added_tokens_decoder).map(([id, { content, special }]) => [id, content, special]);
  const own = [...specialTokenList, ...answerMarkList];
  assert.deepEqual(
    flags,
    own.map((content, id) => [String(id), content, id < 4]),
  );
});

test('the same text gives the same vocabulary, however it is cut into an async stream of documents', async () => {
  const documents = ['床前明月光，疑是地上霜。\n', 'the cat sat on the mat\n', 'the hat\n'];
  async function* stream(): AsyncGenerator<string> {
    yield* documents;
  }
  const first = await trainTokenizer(documents, { vocabSize: 290 });
  const second = await trainTokenizer(stream(), { vocabSize: 290 });
  assert.deepEqual(first.json, second.json);
});

test('control tokens come first, then the marks, then the bytes, and no token holds two numerals', async () => {
  const text = '12 1212 2024年２０２４ ２０２０ ⅫⅫ 12.12 ½½ a12 12a '.repeat(20);
  const tokenizer = await trainTokenizer([text], { vocabSize: 400 });
  const { vocab } = modelOf(tokenizer);
  assert.deepEqual(
    [...specialTokenList, ...answerMarkList].map((token) => vocab[token]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  for (const [byte, character] of byteCharacters.entries()) assert.equal(vocab[character], 10 + byte);
  assert.equal(tokenizer.encode('12345').length, 5);
  assert.equal(tokenizer.encode('２０２４').length, 4, 'each full-width digit became one token');
  for (const token of Object.keys(vocab).slice(10)) {
    const content = Buffer.from([...token].map((character) => byteOf(character.charCodeAt(0)))).toString();
    assert.ok((content.match(/\p{N}/gu) ?? []).length < 2, content);
  }
});

test('a text with too few pairs gives a smaller vocabulary, and says so', async () => {
  const tokenizer = await trainTokenizer(['abab'], { vocabSize: 1000 });
  assert.equal(tokenizer.vocabSize, minVocabSize + 1);
  assert.deepEqual(modelOf(tokenizer).merges, ['a b']);
  const bytesOnly = await trainTokenizer(['abab'], { vocabSize: minVocabSize });
  assert.equal(bytesOnly.vocabSize, 266);
});

test('text after maxBytes is not read, and progress ends at the vocabulary size', async () => {
  const progress: TrainProgress[] = [];
  let read = 0;
  function* texts(): Generator<string> {
    for (const text of ['xyxy', 'zwzwzw', 'never']) {
      read++;
      yield text;
    }
  }
  const tokenizer = await trainTokenizer(texts(), { vocabSize: 300, maxBytes: 6, onProgress: (p) => progress.push(p) });
  assert.deepEqual(modelOf(tokenizer).merges, ['x y']);
  assert.equal(read, 2);
  assert.deepEqual(progress.at(-1), { phase: 'merging', done: 267, total: 300 });
});

test('no text and impossible sizes are user errors', async () => {
  await assert.rejects(trainTokenizer([], { vocabSize: 300 }), UserError);
  await assert.rejects(trainTokenizer(['', ''], { vocabSize: 300 }), /no text to train a tokenizer on/);
  for (const vocabSize of [265, 0, -1, 300.5, Number.NaN, 1e9]) {
    await assert.rejects(trainTokenizer(['text'], { vocabSize }), /is not possible.*from 266 to 1000000/);
  }
});
