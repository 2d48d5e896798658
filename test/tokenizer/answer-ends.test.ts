// Answers that are learnt without their end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unlearntEnd } from '../../src/tokenizer/answer-ends.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { formerChatmlTemplate as chatmlTemplate } from '../../src/tokenizer/chatml.js';
import type { Message } from '../../src/tokenizer/message.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';

const tokenizer = await Tokenizer.open(fileURLToPath(new URL('../golden/tokenizer', import.meta.url)));
const messages: Message[] = [
  { role: 'user', content: '你好' },
  { role: 'assistant', content: 'Hello.' },
];

test('marks that leave out the end of the turn are told of, those that hold it are not', () => {
  assert.equal(unlearntEnd(tokenizer, new ChatTemplate(tokenizer).encode(messages)), undefined);
  const source = chatmlTemplate.replace(
    "{{- message.content + '<|im_end|>' -}}{%- endgeneration -%}",
    "{{- message.content -}}{%- endgeneration -%}{{- '<|im_end|>' -}}",
  );
  assert.notEqual(source, chatmlTemplate);
  const encoded = new ChatTemplate(tokenizer, source).encode(messages);
  assert.equal(
    unlearntEnd(tokenizer, encoded),
    '"<|im_end|>" after an answer carries no loss: the model does not learn to stop',
  );
  const cut = { tokens: encoded.tokens.slice(0, encoded.loss.lastIndexOf(1) + 1), loss: encoded.loss };
  assert.match(unlearntEnd(tokenizer, cut) ?? '', /^no token ends the answer/);
});
