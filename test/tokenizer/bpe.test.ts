import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { Bpe } from '../../src/tokenizer/bpe.js';
import type { Merges } from '../../src/tokenizer/pair-ranks.js';
import { PieceCache } from '../../src/tokenizer/piece-cache.js';
import { readVocabulary } from '../../src/tokenizer/tokenizer-json.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { adversarialText } from './adversarial.js';

interface Model {
  byteIds: Int32Array;
  merges: Merges;
}

/** BPE as the paper writes it: from bytes, the earliest merge first, leftmost first, all pairs looked at every time. */
function slowly({ byteIds, merges }: Model): (piece: string) => number[] {
  const ranks = new Map<string, number>();
  for (const [rank, left] of merges.left.entries()) ranks.set(`${left} ${merges.right[rank]}`, rank);
  return (piece) => {
    const ids = [...Buffer.from(piece)].map((byte) => byteIds[byte]).filter((id) => id >= 0);
    for (;;) {
      const found = ids.slice(1).map((right, i) => ranks.get(`${ids[i]} ${right}`) ?? Number.POSITIVE_INFINITY);
      const rank = Math.min(...found);
      if (rank === Number.POSITIVE_INFINITY) return ids;
      ids.splice(found.indexOf(rank), 2, merges.result[rank]);
    }
  };
}

function quickly({ byteIds, merges }: Model): (piece: string) => number[] {
  const bpe = new Bpe(byteIds, merges);
  const ids = new Int32Array(1000);
  // As a part of a longer text: nothing around the piece may be looked at.
  return (piece) => [...ids.subarray(5, bpe.encodePiece(`\ud83d${piece}\ude00`, 1, 1 + piece.length, ids, 5))];
}

const golden = readVocabulary(
  JSON.parse(await readFile(new URL('../golden/tokenizer/tokenizer.json', import.meta.url), 'utf8')),
  'golden',
);

const characters = ['a', ' ', 'é', '一', '丸', '帀', '崀', '帊', '劊', '娀', '四', '😀', '🤀', '\ud800'];

function randomPiece(random: Random, longest: number): string {
  return Array.from({ length: random.integer(1, longest + 1) }, () => random.choose(characters)).join('');
}

/** Any neighbours are joined, not the most frequent ones: many merges put the edges of characters together. */
function randomMerges(random: Random, count: number): Model {
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => byte);
  const pieces = Array.from({ length: 60 }, () => [...Buffer.from(randomPiece(random, 3))]);
  const [left, right, result]: number[][] = [[], [], []];
  while (left.length < count) {
    const piece = random.choose(pieces.filter(({ length }) => length > 1));
    const at = random.integer(0, piece.length - 1);
    const pair = [piece[at], piece[at + 1]];
    const id = 256 + left.length;
    left.push(pair[0]);
    right.push(pair[1]);
    result.push(id);
    for (const ids of pieces) {
      for (let i = 0; i + 1 < ids.length; i++) if (ids[i] === pair[0] && ids[i + 1] === pair[1]) ids.splice(i, 2, id);
    }
  }
  return {
    byteIds,
    merges: { left: Int32Array.from(left), right: Int32Array.from(right), result: Int32Array.from(result) },
  };
}

test('starting from whole characters gives the ids that bytes give, where merges join edges of characters too', () => {
  const random = Random.stream(1, 'bpe');
  let shortened = 0;
  for (let i = 0; i < 150; i++) {
    const model = randomMerges(random, random.integer(5, 50));
    const [expected, found] = [slowly(model), quickly(model)];
    const bpe = new Bpe(model.byteIds, model.merges);
    shortened += characters.filter(
      (c) => c.length === 1 && c > '\x7f' && bpe.wholeCharacter(c.charCodeAt(0)) >= 0,
    ).length;
    for (let j = 0; j < 60; j++) {
      const piece = randomPiece(random, 11);
      assert.deepEqual(found(piece), expected(piece), JSON.stringify({ piece, ...model.merges }));
    }
  }
  assert.ok(shortened > 200, `${shortened} characters were started from whole`);
});

test('so it does for a trained vocabulary, for all characters between others, and for adversarial pieces', async () => {
  const random = Random.stream(2, 'bpe');
  const text = Array.from({ length: 3000 }, () => random.choose([...'床前明月光疑是地上霜寂寞 abcé，。\n'])).join('');
  const trained = await trainTokenizer([text, '寂寞寂寂寞'.repeat(200)], { vocabSize: 700 });
  for (const model of [golden, readVocabulary(trained.json, 'trained')]) {
    const [expected, found] = [slowly(model), quickly(model)];
    for (let unit = 0; unit < 0x10000; unit += 1 + random.integer(0, 8)) {
      const piece = `月${String.fromCharCode(unit)} ${String.fromCharCode(unit)}a`;
      assert.deepEqual(found(piece), expected(piece), JSON.stringify(piece));
    }
    for (let i = 0; i < 1500; i++) {
      const piece = adversarialText(random, 8);
      assert.deepEqual(found(piece), expected(piece), JSON.stringify(piece));
    }
  }
});

test('so it does where merges are out of order, and where bytes have no token', () => {
  const random = Random.stream(3, 'bpe');
  for (let i = 0; i < 60; i++) {
    const { byteIds, merges } = randomMerges(random, 40);
    const order = random.shuffle([...merges.left.keys()]);
    const pick = (ids: Int32Array): Int32Array => Int32Array.from(order, (rank) => ids[rank]);
    const outOfOrder = { left: pick(merges.left), right: pick(merges.right), result: pick(merges.result) };
    const fewer = byteIds.map((id, byte) => (byte === 0xe5 || byte === 0x20 ? -1 : id));
    for (const model of [
      { byteIds, merges: outOfOrder },
      { byteIds: fewer, merges },
    ]) {
      const [expected, found] = [slowly(model), quickly(model)];
      for (let j = 0; j < 40; j++) {
        const piece = randomPiece(random, 9);
        assert.deepEqual(found(piece), expected(piece), JSON.stringify(piece));
      }
    }
  }
});

test('long pieces are joined as short ones are', () => {
  const random = Random.stream(4, 'bpe');
  const [expected, found] = [slowly(golden), quickly(golden)];
  for (let i = 0; i < 30; i++) {
    const piece = Array.from({ length: 90 }, () => random.choose([...'aaab明月e 床'])).join('');
    assert.deepEqual(found(piece), expected(piece), piece);
  }
});

test('the cache gives back what was kept under a piece, and never what was kept under another', () => {
  const random = Random.stream(5, 'cache');
  const cache = new PieceCache();
  const ids = new Int32Array(100);
  let hits = 0;
  for (let i = 0; i < 200_000; i++) {
    // 7,000 pieces of 1 to 20 units for 32,768 places: some share one.
    const number = random.integer(0, 7000);
    const piece = `${'x'.repeat(number % 14)}${number}`;
    const expected = Array.from({ length: 1 + (number % 9) }, (_, at) => number * 10 + at);
    const place = cache.placeOf(`..${piece}.`, 2, 2 + piece.length);
    if (place < 0) {
      assert.ok(piece.length > 15);
      continue;
    }
    const end = cache.read(place, `.${piece}`, 1, 1 + piece.length, ids, 3);
    if (end >= 0) {
      hits++;
      assert.deepEqual([...ids.subarray(3, end)], expected);
      continue;
    }
    ids.set(expected, 20);
    cache.write(place, piece, 0, piece.length, ids, 20, 20 + expected.length);
  }
  assert.ok(hits > 50_000, `${hits} hits`);
});
