import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readRow } from '../../src/data/conversations/formats.js';
import { unlearntEnd } from '../../src/tokenizer/answer-ends.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import type { Message } from '../../src/tokenizer/message.js';
import { TemplateFault } from '../../src/tokenizer/template-fault.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';

const tokenizer = await templateTokenizer('moss');
const template = new ChatTemplate(tokenizer);
const sample = fileURLToPath(new URL('../../../shared/data/moss_sft_sample.jsonl', import.meta.url));

const called: Message[] = [
  { role: 'system', content: 'You are MOSS.\n- Calculator: enabled. API: Calculate(expression)\n' },
  { role: 'user', content: '12×3?<eoh>' },
  { role: 'assistant', content: 'Calculate("12*3")', reasoning: '要算' },
  { role: 'tool', content: 'Calculate("12*3") => \'36\'' },
  { role: 'assistant', content: '36。' },
  { role: 'user', content: '谢谢' },
  { role: 'assistant', content: '不客气！' },
];
const text = [
  'You are MOSS.\n- Calculator: enabled. API: Calculate(expression)',
  '<|Human|>: 12×3?<eoh><eoh>',
  '<|Inner Thoughts|>: 要算<eot>',
  '<|Commands|>: Calculate("12*3")<eoc>',
  '<|Results|>:',
  'Calculate("12*3") => \'36\'',
  '<eor>',
  '<|MOSS|>: 36。<eom>',
  '<|Human|>: 谢谢<eoh>',
  '<|Inner Thoughts|>: None<eot>',
  '<|Commands|>: None<eoc>',
  '<|Results|>: None<eor>',
  '<|MOSS|>: 不客气！<eom>',
  '',
].join('\n');

/** Every answer as it would be written after its prompt, read back. */
function assertReadBack(messages: readonly Message[]): void {
  const whole = template.render(messages);
  for (const [i, { role, content, reasoning, toolCalls, callText }] of messages.entries()) {
    if (role !== 'assistant') continue;
    const prompt = template.render(messages.slice(0, i), { addGenerationPrompt: true });
    const end = template.render(messages.slice(0, messages[i + 1]?.role === 'tool' ? i + 2 : i + 1));
    assert.ok(whole.startsWith(prompt) && end.startsWith(prompt), `${prompt}\n---\n${end}`);
    const said = end.slice(prompt.length).split('<|Results|>:\n')[0];
    const written = toolCalls === undefined ? content : callText; // a command is read as text
    assert.deepEqual(template.read(tokenizer.encodeTrusted(said)), {
      content: written,
      ...(reasoning && { reasoning }),
    });
  }
}

test("MOSS's format to the letter: the five parts and their ends, of which the ends are tokens", () => {
  assert.equal(template.render(called), text);
  const { tokens } = template.encode(called);
  assert.equal(tokenizer.decode(tokens), text);
  const ends = tokens.filter((id) => tokenizer.controlId(tokenizer.decode([id])) === id);
  // 10 to 14: <eoh> <eot> <eoc> <eor> <eom>. What a person types is none.
  assert.deepEqual(ends, [10, 11, 12, 13, 14, 10, 11, 12, 13, 14]);
  assert.deepEqual([tokenizer.turnEnd, tokenizer.stopIds], ['<eom>', [14, 0]]);
  assertReadBack(called.map((message) => ({ ...message, content: message.content.replace('<eoh>', '') })));
});

test('learnt is all but the meta-instruction and what tools said; the last answer alone, or a message less, where asked', () => {
  const learnt = (messages: readonly Message[], loss: 'assistant' | 'last' = 'assistant'): string => {
    const { sequences, faults } = template.encodeTurns(messages, { loss });
    assert.deepEqual([sequences.length, faults], [1, []]);
    const [{ tokens, loss: weights }] = sequences;
    assert.equal(unlearntEnd(tokenizer, sequences[0]), undefined);
    return tokenizer.decode(tokens.filter((_, i) => weights[i] > 0));
  };
  const body = '\nCalculate("12*3") => \'36\'\n';
  const expected = text
    .replace('You are MOSS.\n- Calculator: enabled. API: Calculate(expression)\n', '')
    .replace(body, '');
  assert.equal(learnt(called), expected);
  const last = text.slice(text.indexOf('<|Inner Thoughts|>: None'));
  assert.equal(learnt(called, 'last'), last);
  const unlearnt = called.map((message) => (message.content === '36。' ? { ...message, weight: 0 } : message));
  assert.equal(learnt(unlearnt), expected.replace('<|MOSS|>: 36。<eom>\n', ''));
});

test('what has no place in the format is refused, by its reason', () => {
  const [, user, command, result, answer] = called;
  const calls = { ...command, toolCalls: [{ name: 'Calculate', arguments: { expression: '1+1' } }] };
  const refused: [Message[], RegExp][] = [
    [[user, calls], /no place for text beside a call/],
    [[user, command, result, command, result], /one thought and one command a turn/],
    [[user, answer, { role: 'system', content: 'x' }], /one system message/],
  ];
  for (const [messages, why] of refused) {
    assert.throws(
      () => template.render(messages),
      (error) => error instanceof TemplateFault && why.test(error.reason),
    );
  }
  const tools = [{ name: 'Calculate' }, { name: 'now', parameters: { type: 'object', properties: { zone: {} } } }];
  const listed = template.render([user, { ...calls, content: '' }, result], { tools, addGenerationPrompt: true });
  assert.match(
    listed,
    /^Capabilities and tools that MOSS can possess\.\n- Inner thoughts: enabled\.\n- Web search: disabled\./,
  );
  assert.match(
    listed,
    /- Calculator: enabled\. API: Calculate\(expression\)\n[\s\S]*- now: enabled\. API: now\(zone\)\n<\|Human\|>/,
  );
  assert.match(listed, /<\|Commands\|>: Calculate\("1\+1"\)<eoc>[\s\S]*<eor>\n<\|MOSS\|>:$/);
});

test('a tokenizer keeps the format through its files', async () => {
  const { texts } = { texts: tokenizer.files() };
  const json: unknown = JSON.parse(texts['tokenizer.json']);
  const { chat_template: chatTemplate } = JSON.parse(texts['tokenizer_config.json']) as { chat_template: string };
  const again = Tokenizer.fromJson(json, 'again', { chatTemplate, afterAnswer: '<eom>' });
  assert.deepEqual([again.turnEnd, again.files()], ['<eom>', texts]);
});

test("MOSS's own conversations are written as MOSS wrote them", {
  skip: !existsSync(sample) && `${sample} is not here`,
}, () => {
  const rows = readFileSync(sample, 'utf8').trimEnd().split('\n');
  let exact = 0;
  for (const [i, line] of rows.entries()) {
    const row = JSON.parse(line) as { meta_instruction: string; chat: Record<string, Record<string, string>> };
    const { conversation } = readRow(row, `row ${i + 1}`);
    const rendered = template.render(conversation.messages);
    const theirs =
      row.meta_instruction +
      Object.values(row.chat)
        .flatMap((turn) => Object.values(turn))
        .join('');
    if (rendered === theirs) exact++;
    // Fields are read without the white space around them, and a None without the reason that one row gives.
    const plain = (written: string): string =>
      written
        .replace(/(<\|[A-Za-z ]+\|>:)\s*/g, '$1')
        .replace(/\s*(<eo[htcrm]>)/g, '$1')
        .replace(/None \(This question doesn't require any external API calls\.\)/, 'None');
    assert.equal(plain(rendered), plain(theirs));
    assertReadBack(conversation.messages);
  }
  assert.deepEqual([rows.length, exact], [240, 191]);
});
