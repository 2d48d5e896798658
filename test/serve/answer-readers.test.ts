// What is shown of an answer while it comes is, in the end, what reading the whole of it gives, wherever its marks stand and
// its tokens end; and a text that ends it is never shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.js';
import { type AnswerReader, MarkedReader, ShownReader } from '../../src/serve/answer-readers.js';
import { StopStrings } from '../../src/serve/stop-strings.js';
import { readAnswer } from '../../src/tokenizer/answer.js';
import { templateNamed } from '../../src/tokenizer/own-templates.js';
import { answerMarkList } from '../../src/tokenizer/special-tokens.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';

const call = '<tool_call>\n{"name": "Add", "arguments": {"a": 1}}\n</tool_call>';
const pieces = [
  '<think>',
  '</think>',
  '<tool_call>',
  '</tool_call>',
  call,
  '\n',
  '\n\n',
  ' ',
  '答案',
  'x',
  '<',
  '<tool',
  '{"a"',
];

function readAll(reader: AnswerReader, ids: readonly number[]) {
  const said = { content: '', reasoning: '' };
  for (const id of ids) {
    const { content, reasoning } = reader.push(id);
    said.content += content;
    said.reasoning += reasoning;
  }
  const { content, reasoning, calls } = reader.end();
  return { content: said.content + content, reasoning: said.reasoning + reasoning, calls, early: said.content };
}

function sequencesOf(tokenizer: Tokenizer, seed: number): number[][] {
  const random = Random.stream(seed, 'answers');
  return Array.from({ length: 1500 }, () => {
    const text = Array.from({ length: random.integer(0, 9) }, () => random.choose(pieces)).join('');
    return random.uniform() < 0.8 ? tokenizer.encodeTrusted(text) : tokenizer.encode(text);
  });
}

test('thoughts, text and calls of ChatML, with tokens for the marks and without', async () => {
  const own = await templateTokenizer('chatml');
  assert.ok(own.controlId('<think>') !== undefined);
  const bytes = await trainTokenizer([pieces.join('')], { vocabSize: 280 });
  const json = structuredClone(bytes.json) as { added_tokens: { content: string }[] };
  json.added_tokens = json.added_tokens.filter(({ content }) => !answerMarkList.includes(content));
  const former = Tokenizer.fromJson(json, 'a vocabulary without marks');
  assert.equal(former.controlId('<think>'), undefined);
  for (const [seed, tokenizer] of [own, former].entries()) {
    let called = 0;
    for (const ids of sequencesOf(tokenizer, seed)) {
      const { content, reasoning = '', toolCalls = [] } = readAnswer(tokenizer, ids);
      const said = readAll(new MarkedReader(tokenizer, true), ids);
      const text = JSON.stringify(tokenizer.decode(ids));
      assert.deepEqual([said.content, said.reasoning, said.calls], [content, reasoning, toolCalls], text);
      called += toolCalls.length;
      const unread = readAll(new MarkedReader(tokenizer, false), ids);
      assert.deepEqual(unread.calls, []);
      if (!text.includes('<tool_call>')) assert.equal(unread.content, content, text);
    }
    assert.ok(called > 100, `${called} calls`);
  }
});

test('calls that nobody offered stay text', async () => {
  const tokenizer = await templateTokenizer('chatml');
  const said = readAll(new MarkedReader(tokenizer, false), tokenizer.encodeTrusted(`So:\n${call}`));
  assert.deepEqual([said.content, said.calls], [`So:\n${call}`, []]);
});

test("MOSS's thoughts and commands are no text, and its text streams", async () => {
  const tokenizer = await templateTokenizer('moss');
  const { calls: form, read } = templateNamed('moss');
  assert.ok(form !== undefined);
  const text = ' Let me think.<eot>\n<|Commands|>: None<eoc>\n<|Results|>: None<eor>\n<|MOSS|>: It is 4.';
  const reader = () => new ShownReader(tokenizer, { form, read: (ids) => read(tokenizer, ids), hasResults: false });
  const said = readAll(reader(), tokenizer.encodeTrusted(text));
  assert.deepEqual([said.content, said.reasoning], ['It is 4.', 'Let me think.']);
  assert.equal(said.early, 'It is 4.');
});

test('stop strings are found across pieces and never shown', () => {
  const random = Random.stream(2, 'stops');
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: 30 }, () => random.choose(['a', 'b', '\n'])).join('');
    const stops = Array.from({ length: random.integer(1, 4) }, () =>
      Array.from({ length: random.integer(1, 5) }, () => random.choose(['a', 'b', '\n'])).join(''),
    );
    const filter = new StopStrings(stops);
    let shown = '';
    for (let at = 0; at < text.length; ) {
      const size = random.integer(1, 4);
      shown += filter.push(text.slice(at, at + size));
      at += size;
    }
    shown += filter.end();
    const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    // The stop that is whole first ends it; one that begins earlier and is longer may end it only where it came at once.
    const wholes = stops.map((stop) => [text.indexOf(stop), stop.length] as const).filter(([at]) => at >= 0);
    assert.equal(filter.isOver, ends.length > 0);
    if (ends.length === 0) assert.equal(shown, text);
    else
      assert.ok(
        wholes.some(([at]) => text.slice(0, at) === shown),
        JSON.stringify({ text, stops, shown }),
      );
    for (const stop of stops) assert.ok(!shown.includes(stop), JSON.stringify({ text, stops, shown }));
  }
});
