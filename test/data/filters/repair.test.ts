// Golden texts are made by the wrong decoders themselves (TextDecoder of Latin-1, CP1252, GBK), not by our tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repairGbk, repairLatin } from '../../../src/data/filters/repair.js';

const texts = [
  '你好，世界！这是一段文字。',
  'naïve café — “quoted” … 3 €',
  'Größe, señor, ça va',
  'смешение',
  '一😀二',
];
const misread = (text: string, as: string) => new TextDecoder(as).decode(Buffer.from(text, 'utf8'));

test('UTF-8 that was read as Latin-1 or CP1252 comes back', () => {
  for (const text of texts) {
    assert.equal(repairLatin(misread(text, 'windows-1252'))?.text, text);
    assert.equal(repairLatin(Buffer.from(text, 'utf8').toString('latin1'))?.text, text);
  }
});

test('sound text in any of the scripts is no such text', () => {
  const french = 'Le café « CAFÉ » coûte 3 €, voilà… Où ? Là-bas — « À BIENTÔT » dit-elle.';
  for (const text of [...texts, french, 'CAFÉ»', 'NÃO É ÀS ÓÂ°'.slice(0, 9), '“……”——']) {
    assert.equal(repairLatin(text), undefined, text);
    assert.equal(repairGbk(text), undefined, text);
  }
  // The famous one: these two characters in GBK are two letters in UTF-8.
  assert.equal(repairGbk('联通'.repeat(10)), undefined);
});

test('UTF-8 that was read as GBK comes back, or is told to be lost', () => {
  const even = '你好世界，今天的天气真好';
  assert.equal(Buffer.byteLength(even) % 2, 0);
  assert.deepEqual(repairGbk(misread(even, 'gbk')), { text: even, count: 12 });
  assert.equal(repairGbk(misread('你好世界，今天天气真好。\n我们走吧', 'gbk')), 'lossy');
});
