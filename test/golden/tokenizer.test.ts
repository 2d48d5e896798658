// The tokenizer files that we write, opened by transformers' AutoTokenizer: it must find the same ids, the same chat
// text and the same assistant mask. Made by scripts/golden/make_tokenizer.mjs and make_tokenizer.py.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import type { Message } from '../../src/tokenizer/message.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';

interface Expected {
  vocabSize: number;
  special: { bos: number; eos: number; pad: number };
  texts: number[][];
  conversations: ExpectedChat[];
  templates: ExpectedChat[];
}

interface ExpectedChat {
  text: string;
  prompt: string;
  tokens: number[];
  loss: number[];
}

const directory = fileURLToPath(new URL('tokenizer', import.meta.url));
const read = (name: string): unknown => JSON.parse(readFileSync(`${directory}/${name}`, 'utf8'));
const cases = read('cases.json') as { texts: string[]; conversations: Message[][]; templates: string[] };
const expected = read('expected.json') as Expected;
const tokenizer = await Tokenizer.open(directory);

test('ids equal those of transformers, special strings included', () => {
  assert.equal(tokenizer.vocabSize, expected.vocabSize);
  const { bos, eos, pad } = expected.special;
  const endOfText = tokenizer.specialId('endOfText');
  assert.deepEqual([bos, eos, pad], [endOfText, endOfText, tokenizer.specialId('pad')]);
  assert.equal(cases.texts.length, 16);
  for (const [i, text] of cases.texts.entries()) {
    assert.deepEqual(tokenizer.encodeTrusted(text), expected.texts[i], JSON.stringify(text));
    assert.equal(tokenizer.decode(expected.texts[i]), text);
  }
});

test('the chat text, its ids and the assistant mask equal those of transformers', () => {
  const template = new ChatTemplate(tokenizer);
  assert.equal(expected.conversations.length, 3);
  for (const [i, messages] of cases.conversations.entries()) {
    const { text, prompt, tokens, loss } = expected.conversations[i];
    assert.equal(template.render(messages), text);
    assert.equal(template.render(messages, { addGenerationPrompt: true }), prompt);
    assert.deepEqual(template.encode(messages), { tokens, loss });
  }
});

test('templates with other white-space control give the text and the mask of transformers', () => {
  assert.equal(expected.templates.length, 3);
  for (const [i, source] of cases.templates.entries()) {
    const { text, tokens, loss } = expected.templates[i];
    const template = new ChatTemplate(tokenizer, source);
    assert.equal(template.render(cases.conversations[1]), text);
    const learnt = (ids: number[], mask: number[]): string => tokenizer.decode(ids.filter((_, at) => mask[at] === 1));
    const ours = template.encode(cases.conversations[1]);
    assert.equal(tokenizer.decode(ours.tokens), text);
    assert.equal(learnt(ours.tokens, ours.loss), learnt(tokens, loss), source);
  }
});
