// Our chat templates against what transformers 5.24, TRL 1.16, transformers.js and the regular expression of Hermes parsers make of them:
// made by scripts/interop/chat-templates.mjs --write. A template that is changed must be tried on them anew.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Template } from '@huggingface/jinja';
import { sha256 } from '../../src/base/files.js';
import { templateNames } from '../../src/config/templates.js';
import { readRow } from '../../src/data/conversations/formats.js';
import { ChatTemplate, type EncodedChat } from '../../src/tokenizer/chat-template.js';
import type { Message, Tool, ToolCall } from '../../src/tokenizer/message.js';
import { templateNamed } from '../../src/tokenizer/own-templates.js';
import { TemplateFault } from '../../src/tokenizer/template-fault.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { answers, chats } from './chat-cases.js';
import { templateTokenizer } from './template-tokenizer.js';

interface FieldMessage {
  role: string;
  content?: string;
  thinking?: string;
  reasoning_content?: string;
  name?: string;
  tool_calls?: { function: { name: string; arguments: unknown } }[];
}

interface Golden {
  templates: Record<
    string,
    {
      sha256: string;
      predicates: Record<string, boolean>;
      /** No text: the template refuses it. */
      chats: { text: string | null; learnt?: string[] }[];
      answers: { message?: FieldMessage; hermes?: unknown[] }[];
    }
  >;
}

const golden = JSON.parse(readFileSync(new URL('chat-templates.json', import.meta.url), 'utf8')) as Golden;

/** A message as files and templates spell it. */
function toMessage({ role, content = '', thinking, reasoning_content, name, tool_calls = [] }: FieldMessage): Message {
  const reasoning = thinking ?? reasoning_content;
  const toolCalls = tool_calls.map(({ function: { name: tool, arguments: given } }): ToolCall => {
    return { name: tool, arguments: (typeof given === 'string' ? JSON.parse(given) : given) as ToolCall['arguments'] };
  });
  return {
    ...{ role: role as Message['role'], content },
    ...(reasoning !== undefined && { reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(name !== undefined && { name }),
  };
}

/** The stretches that carry loss, in tokens. */
function stretches({ tokens, loss }: EncodedChat): number[][] {
  const found: number[][] = [];
  for (const [i, id] of tokens.entries()) {
    if (loss[i] === 0) continue;
    if (loss[i - 1] !== 1) found.push([]);
    found.at(-1)?.push(id);
  }
  return found;
}

for (const name of templateNames) {
  test(`${name}: text, loss and answers are transformers', and TRL's predicates hold`, async () => {
    const expected = golden.templates[name];
    const again = 'the template has changed: run scripts/interop/chat-templates.mjs --write';
    assert.equal(expected.sha256, sha256(templateNamed(name).source), again);
    // MOSS writes arguments without their names, which TRL takes for none.
    assert.deepEqual(Object.values(expected.predicates), [name !== 'moss', true, true]);
    const tokenizer = await templateTokenizer(name);
    const template = new ChatTemplate(tokenizer);
    const marks = new Set(tokenizer.controlStrings.map((text) => tokenizer.controlId(text)));
    for (const [i, chat] of chats.entries()) {
      const messages = (chat.messages as FieldMessage[]).map(toMessage);
      const tools = chat.tools?.map(({ function: tool }) => tool as Tool);
      const { text, learnt } = expected.chats[i];
      const rendered = () => template.render(messages, { tools, addGenerationPrompt: chat.add_generation_prompt });
      if (text === null) {
        assert.throws(rendered, TemplateFault);
        continue;
      }
      assert.equal(rendered(), text);
      // transformers.js, which writes numbers as JavaScript does.
      const theirs = new Template(templateNamed(name).source).render({ add_generation_prompt: false, ...chat });
      assert.equal(theirs, text.replace('1e-07', '1e-7').replace('1.25e-05', '0.0000125'));
      const encoded = template.encode(messages, { tools });
      const answered = messages.filter(({ role }) => role === 'assistant');
      const said = stretches(encoded);
      // What is learnt is read back as what it was, whatever it spells; and is what transformers' mask covers.
      for (const [j, ids] of name === 'moss' ? [] : said.entries()) {
        const { content, reasoning, toolCalls } = answered[j];
        const given = { content, ...(reasoning && { reasoning }), ...(toolCalls && { toolCalls }) };
        assert.deepEqual(template.read(ids), given, `${i}, answer ${j + 1}`);
      }
      if (name !== 'moss') assert.equal(said.length, answered.length);
      if (learnt !== undefined) {
        // Nothing predicts the first token: ours never learn it.
        const first = text.startsWith(learnt[0] ?? 'none') ? [learnt[0].slice(1)] : learnt.slice(0, 1);
        assert.deepEqual(
          said.map((ids) => tokenizer.decode(ids)),
          [...first, ...learnt.slice(1)],
        );
      } else {
        // Hostile: every mark is one that the template wrote, as in the same conversation without a word.
        const tame = (text: string): string => text.replace(/[<|>]/g, '.');
        const harmless = messages.map((message) => JSON.parse(tame(JSON.stringify(message))) as Message);
        const plain = template.encode(harmless, { tools: JSON.parse(tame(JSON.stringify(tools))) as Tool[] });
        const only = ({ tokens }: EncodedChat): number[] => tokens.filter((id) => marks.has(id));
        assert.deepEqual(only(encoded), only(plain));
        assert.ok(only(plain).length >= 16);
      }
    }
    for (const [i, text] of answers.entries()) {
      const { message, hermes } = expected.answers[i];
      if (message === undefined) continue;
      const { content, reasoning, toolCalls } = template.read(tokenizer.encodeTrusted(text));
      const { role: _, ...parsed } = toMessage(message);
      assert.deepEqual(
        { content: content.trim(), ...(reasoning && { reasoning }), ...(toolCalls && { toolCalls }) },
        parsed,
      );
      assert.deepEqual(toolCalls ?? [], hermes);
    }
  });
}

const calls = fileURLToPath(new URL('../../../shared/data/lf_glaive_toolcall_zh_demo.json', import.meta.url));

test('each answer of real conversations with tools is read back as it is', {
  skip: !existsSync(calls) && `${calls} is not here`,
}, async () => {
  const template = new ChatTemplate(await templateTokenizer('chatml'));
  let read = 0;
  for (const row of JSON.parse(readFileSync(calls, 'utf8')) as unknown[]) {
    const { messages, tools } = readRow(row, 'row').conversation;
    const answered = messages.filter(({ role }) => role === 'assistant');
    const said = stretches(template.encode(messages, { tools }));
    assert.equal(said.length, answered.length);
    for (const [i, { content, toolCalls }] of answered.entries()) {
      assert.deepEqual(template.read(said[i]), { content, ...(toolCalls && { toolCalls }) });
      read += toolCalls?.length ?? 0;
    }
  }
  assert.equal(read, 216);
});

test('a call that cannot be read stays in the text; marks of a vocabulary without them are read in the text', async () => {
  const tokenizer = await templateTokenizer('chatml');
  const template = new ChatTemplate(tokenizer);
  const read = (text: string, by = template) => by.read(by.tokenizer.encodeTrusted(text));
  const good = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>';
  for (const broken of [
    '<tool_call>\n{"name": "now", \n</tool_call>',
    '<tool_call>[]</tool_call>',
    '<tool_call>{"na',
  ]) {
    const { content, toolCalls, brokenCalls } = read(`Well.\n${good}\n${broken}`);
    assert.deepEqual([content, toolCalls?.length, brokenCalls], [`Well.\n${broken}`, 1, [broken]]);
  }
  assert.deepEqual(read('<think>\nwithout an end'), { content: '', reasoning: 'without an end' });
  assert.deepEqual(read('a <think>b</think>'), { content: 'a <think>b</think>' });
  // Spelt in text, a mark is text; where no token is one, its text is all that there is.
  const spelt = tokenizer.encode(good);
  assert.deepEqual(template.read(spelt), { content: good });
  const former = await Tokenizer.open(new URL('tokenizer', import.meta.url).pathname);
  assert.deepEqual(read(`Well.\n${good}`, new ChatTemplate(former)), {
    content: 'Well.',
    toolCalls: [{ name: 'now', arguments: {} }],
  });
});
