// The same tokenizer.json in three libraries: ours, @huggingface/tokenizers (JavaScript) and tokenizers (Rust).
// They agree everywhere but in one place. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD in all three; the
// JavaScript library cuts the text before that happens, and so sees no symbol there. Rust and we cut it after.
import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Tokenizer as JavaScriptTokenizer } from '@huggingface/tokenizers';
import { Tokenizer as RustTokenizer } from 'tokenizers';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { PairCounts } from '../../src/tokenizer/pair-counts.js';
import { PieceTable } from '../../src/tokenizer/piece-table.js';
import { byteCharacters, pieceEnd } from '../../src/tokenizer/pre-tokenizer.js';
import { specialTokenList, specialTokens } from '../../src/tokenizer/special-tokens.js';
import { StreamDecoder } from '../../src/tokenizer/stream-decoder.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { writeTokenizerJson } from '../../src/tokenizer/tokenizer-json.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { adversarialText, fragments } from './adversarial.js';

const golden = await Tokenizer.open(fileURLToPath(new URL('../golden/tokenizer', import.meta.url)));

/** Learnt from pairs of fragments without any cuts: thousands of tokens that a wrong cut would let through. */
function tokenizerWithoutCuts(): { tokenizer: Tokenizer; crossing: number } {
  const tokens = [...specialTokenList, ...byteCharacters];
  const known = new Set(tokens);
  const merges: [string, string][] = [];
  const pieces = new PieceTable();
  for (const piece of new Set(fragments.flatMap((a) => fragments.map((b) => a + b))))
    pieces.add(piece, 0, piece.length);
  const counts = new PairCounts(pieces, { firstByteId: specialTokenList.length, vocabSize: 60_000, minCount: 1 });
  for (let best = counts.takeBest(); best !== undefined; best = counts.takeBest()) {
    const token = tokens[best.left] + tokens[best.right];
    if (known.has(token)) continue;
    known.add(token);
    merges.push([tokens[best.left], tokens[best.right]]);
    counts.join(best, tokens.push(token) - 1);
  }
  const added = specialTokenList.map((content) => ({ content, special: true }));
  const tokenizer = Tokenizer.fromJson(writeTokenizerJson(added, tokens, merges), 'test');
  const texts = tokens.slice(260).map((_, i) => tokenizer.decode([260 + i]));
  return { tokenizer, crossing: texts.filter((text) => pieceEnd(text, 0) < text.length).length };
}

function librariesOf(tokenizer: Tokenizer): { javaScript: JavaScriptTokenizer; rust: RustTokenizer } {
  const files = tokenizer.files();
  const json = files['tokenizer.json'];
  const config = JSON.parse(files['tokenizer_config.json']) as object;
  return { javaScript: new JavaScriptTokenizer(JSON.parse(json), config), rust: RustTokenizer.fromString(json) };
}

async function assertSameIds(tokenizer: Tokenizer, texts: readonly string[]): Promise<void> {
  const { javaScript, rust } = librariesOf(tokenizer);
  for (const text of texts) {
    const ids = tokenizer.encodeTrusted(text);
    assert.deepEqual(ids, (await rust.encode(text)).getIds(), `Rust: ${JSON.stringify(text)}`);
    assert.deepEqual(ids, javaScript.encode(replaceLone(text)).ids, `JavaScript: ${JSON.stringify(text)}`);
  }
}

function replaceLone(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

test('ids equal those of both libraries for a tokenizer that we trained', async () => {
  const random = Random.stream(1, 'ids');
  const texts = Array.from({ length: 2000 }, () => adversarialText(random, 14));
  const long = ['a', '月', ' ', '\n', '!', '\0', '7', 'ab', '😀', '\u0301', ' a'].map((unit) => unit.repeat(3000));
  const tokenizer = await trainTokenizer([...texts.slice(0, 1000), ...long], { vocabSize: 700 });
  assert.equal(tokenizer.vocabSize, 700);
  await assertSameIds(tokenizer, [...texts, ...long, '', ' ']);
});

test('ids equal those of both libraries where every wrong cut would show', async () => {
  const { tokenizer, crossing } = tokenizerWithoutCuts();
  assert.ok(crossing > 1000, `only ${crossing} tokens cross a cut`);
  const random = Random.stream(2, 'ids');
  const pairs = fragments.flatMap((a) => fragments.map((b) => a + b));
  await assertSameIds(tokenizer, [...pairs, ...Array.from({ length: 2000 }, () => adversarialText(random, 8))]);
});

test('the one place where the libraries differ: a lone surrogate before a word', async () => {
  const text = '\udc00$e\u0301';
  const { tokenizer } = tokenizerWithoutCuts();
  const { javaScript, rust } = librariesOf(tokenizer);
  assert.deepEqual(tokenizer.encode(text), (await rust.encode(text)).getIds());
  assert.notDeepEqual(tokenizer.encode(text), javaScript.encode(text).ids);
  assert.deepEqual(tokenizer.encode(text), javaScript.encode(replaceLone(text)).ids);
  assert.equal(tokenizer.decode(tokenizer.encode(text)), replaceLone(text));
});

test('any bytes come back as they were, and valid UTF-8 gets the ids of its text', () => {
  const random = Random.stream(3, 'bytes');
  const leads = [0x41, 0xc0, 0xc3, 0xe0, 0xe4, 0xed, 0xf0, 0xf4, 0xf5, 0xff, 0xbf, 0x80, 0x9f, 0xa0, 0x90];
  for (let i = 0; i < 3000; i++) {
    const bytes = Uint8Array.from({ length: random.integer(0, 24) }, () =>
      random.uniform() < 0.7 ? random.choose(leads) : random.integer(0, 256),
    );
    const ids = golden.encodeBytes(bytes);
    assert.deepEqual(Buffer.from(golden.decodeBytes(ids)), Buffer.from(bytes));
    assert.equal(golden.decode(ids), new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    const text = replaceLone(adversarialText(random, 10));
    assert.deepEqual(golden.encodeBytes(Buffer.from(text)), golden.encode(text));
    assert.equal(golden.decode(golden.encode(text)), text);
  }
  const mixed = Buffer.concat([Buffer.from('the '), Buffer.from([0xff, 0xe4]), Buffer.from('明月')]);
  const ids = [...golden.encode('the '), 4 + 0xff, 4 + 0xe4, ...golden.encode('明月')];
  assert.deepEqual(golden.encodeBytes(mixed), ids);
});

test('ordinary text never gives a control token; trusted text does', () => {
  const text = `a${specialTokens.turnEnd}${specialTokens.endOfText}\n${specialTokens.pad}<|im_<|im_start|>start|>`;
  const ids = golden.encode(text);
  assert.ok(ids.every((id) => !golden.isSpecial(id)));
  assert.equal(golden.decode(ids), text);
  const trusted = golden.encodeTrusted(text);
  assert.deepEqual(
    trusted.filter((id) => golden.isSpecial(id)),
    [3, 0, 1, 2],
  );
  assert.equal(golden.decode(trusted), text);
  assert.equal(golden.decode(trusted, { skipSpecial: true }), 'a\n<|im_start|>');
});

test('long runs take time in proportion to their length, not its square', () => {
  const { tokenizer } = tokenizerWithoutCuts();
  for (const unit of ['a', '中', '\u0301', 'aZ']) {
    const text = unit.repeat(200_000);
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
});

test('a stream of tokens gives the text, holding incomplete characters back', () => {
  const random = Random.stream(4, 'stream');
  for (let i = 0; i < 300; i++) {
    const text = replaceLone(adversarialText(random, 10));
    const decoder = new StreamDecoder(golden);
    const parts = golden.encode(text).map((id) => decoder.push(id));
    assert.equal(parts.join('') + decoder.end(), text);
    if (!text.includes('\ufffd')) assert.ok(parts.every((part) => !part.includes('\ufffd')));
  }
  const decoder = new StreamDecoder(golden, { skipSpecial: true });
  const [first, second, third] = [0xe6, 0x9c, 0x88].map((byte) => 4 + byte);
  assert.deepEqual(
    [decoder.push(first), decoder.push(3), decoder.push(second), decoder.push(third)],
    ['', '', '', '月'],
  );
  assert.equal(decoder.push(first) + decoder.end(), '\ufffd');
  assert.equal(decoder.push(4 + 0x41), 'A');
});

test('what files() writes, open() reads', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  for (const [name, text] of Object.entries(golden.files())) await writeFile(join(directory, name), text);
  const opened = await Tokenizer.open(directory);
  assert.deepEqual(opened.files(), golden.files());
  await writeFile(join(directory, 'chat_template.jinja'), '{{ messages[-1].content }}');
  assert.equal((await Tokenizer.open(directory)).chatTemplate, '{{ messages[-1].content }}');
  const config = JSON.parse(golden.files()['tokenizer_config.json']) as Record<string, unknown>;
  assert.equal(config.tokenizer_class, 'PreTrainedTokenizerFast');
  assert.deepEqual(Object.keys(config.added_tokens_decoder as object), ['0', '1', '2', '3']);
});

test('ids outside the vocabulary have no bytes and decode to nothing; missing special tokens are clear errors', () => {
  assert.throws(() => golden.tokenBytes(golden.vocabSize), /there is no token 560/);
  assert.throws(() => golden.tokenBytes(-1), UserError);
  assert.equal(golden.decode([-1, golden.vocabSize, 1.5]), '');
  assert.deepEqual(
    [-1, 0, 559, 560].map((id) => golden.hasToken(id)),
    [false, true, true, false],
  );
  const json = structuredClone(golden.json) as { added_tokens: unknown[]; model: { vocab: Record<string, number> } };
  json.added_tokens.pop();
  delete json.model.vocab['<|im_end|>'];
  json.model.vocab.zzzzzzzz = 3;
  assert.throws(() => Tokenizer.fromJson(json, 'test').specialId('turnEnd'), /no <\|im_end\|>/);
});
