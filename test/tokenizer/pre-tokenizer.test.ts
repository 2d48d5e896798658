// The one-pass splitter against the three regexes applied one after the other, as tokenizer.json defines it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { byteCharacters, byteOf, pieceEnd, preTokenizerJson } from '../../src/tokenizer/pre-tokenizer.js';
import { adversarialText } from './adversarial.js';

/** JavaScript's \s differs from Unicode's White_Space, which \s means in tokenizer.json's regex dialect. */
const regexes = preTokenizerJson.pretokenizers.flatMap((step) =>
  'pattern' in step
    ? [new RegExp(step.pattern.Regex.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'), 'gu')]
    : [],
);

function splitByRegexes(text: string): string[] {
  let pieces = [text];
  for (const regex of regexes) {
    pieces = pieces.flatMap((piece) => {
      const parts: string[] = [];
      let end = 0;
      for (const match of piece.matchAll(regex)) {
        parts.push(piece.slice(end, match.index), match[0]);
        end = match.index + match[0].length;
      }
      return [...parts, piece.slice(end)].filter((part) => part !== '');
    });
  }
  return pieces;
}

function splitInOnePass(text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

test('known cuts', () => {
  const pieces = "It|'s| |123|45| |元|,\n\n| |明月|.caf|é| | x|  |7|ー|・|  \n| | (|\u200b\u200b|\u200bb".split('|');
  assert.deepEqual(splitInOnePass(pieces.join('')), pieces);
});

test('the one-pass splitter cuts where the three regexes cut, on 20,000 adversarial texts', () => {
  assert.equal(regexes.length, 3);
  const random = Random.stream(1, 'pre-tokenizer');
  for (let i = 0; i < 20_000; i++) {
    // The regexes see lone surrogates after they became U+FFFD.
    const text = adversarialText(random, 12).replace(/\p{Surrogate}/gu, '\ufffd');
    assert.deepEqual(splitInOnePass(text), splitByRegexes(text), JSON.stringify(text));
  }
});

test('every code point is cut as the regexes cut it, between two letters and between two spaces', () => {
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
    if (codePoint >= 0x20000 && codePoint % 16 !== 0) continue;
    const character = String.fromCodePoint(codePoint);
    const text = `a${character}b  ${character} `;
    const expected = splitByRegexes(text);
    const actual = splitInOnePass(text);
    if (actual.join('\n') !== expected.join('\n')) assert.deepEqual(actual, expected, `U+${codePoint.toString(16)}`);
  }
});

test('the byte alphabet of GPT-2 has 256 different printable characters', () => {
  assert.equal(new Set(byteCharacters).size, 256);
  assert.equal(byteCharacters[0x20], 'Ġ');
  assert.equal(byteCharacters[0x0a], 'Ċ');
  assert.equal(byteCharacters[0x41], 'A');
  assert.equal(byteCharacters[0xad], 'Ń');
  for (const [byte, character] of byteCharacters.entries()) assert.equal(byteOf(character.charCodeAt(0)), byte);
  for (const character of ' \n\u00ad中') assert.equal(byteOf(character.charCodeAt(0)), -1);
});
