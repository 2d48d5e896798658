// Tools and calls through our templates' escaping, against what transformers' Jinja makes of the same without any: equal
// text, and not one control token more than the template itself writes. Made by scripts/golden/make_jinja.py.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ChatTemplate, type ChatTemplateOptions } from '../../src/tokenizer/chat-template.js';
import type { Message, Tool } from '../../src/tokenizer/message.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { bytesJson, families } from '../tokenizer/foreign-world.js';

/** A message as templates know it. */
interface FieldMessage extends Pick<Message, 'role' | 'content' | 'name'> {
  tool_calls?: { id?: string; function: { name: string; arguments: Record<string, unknown> } }[];
  tool_call_id?: string;
}

interface FieldChat {
  messages: FieldMessage[];
  tools?: { function: Tool }[];
  add_generation_prompt: boolean;
}

interface Golden {
  chats: FieldChat[];
  models: Record<string, (string | null)[]>;
  quoting: { source: string; text: string }[];
}

const { chats, models, quoting } = JSON.parse(await readFile(new URL('jinja.json', import.meta.url), 'utf8')) as Golden;

function toMessage({ role, content, tool_calls, tool_call_id, name }: FieldMessage): Message {
  const toolCalls = tool_calls?.map((call) => ({ id: call.id, ...call.function }));
  return { role, content, toolCalls, toolCallId: tool_call_id, name };
}

function toOurs(chat: FieldChat): { messages: Message[]; options: ChatTemplateOptions } {
  const tools = chat.tools?.map((tool) => tool.function);
  return {
    messages: chat.messages.map(toMessage),
    options: { addGenerationPrompt: chat.add_generation_prompt, tools },
  };
}

async function openWith(controls: { content: string; special: boolean }[], template: string): Promise<Tokenizer> {
  const directory = await mkdtemp(join(tmpdir(), 'tools-'));
  try {
    const ends = ['<s>', '</s>', '<pad>'].map((content) => ({ content, special: true }));
    await writeFile(join(directory, 'tokenizer.json'), JSON.stringify(bytesJson({ controls: [...controls, ...ends] })));
    const config = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>', chat_template: template };
    await writeFile(join(directory, 'tokenizer_config.json'), JSON.stringify(config));
    return await Tokenizer.open(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const byFile = { 'llama-3.2-instruct': families.llama, 'qwen2.5-instruct': families.qwen2, qwen3: families.qwen3 };
/** Chats with a call in them, by their place among all. */
const withCalls = chats.flatMap(({ messages }, i) => (messages.some((message) => message.tool_calls) ? [i] : []));
/** For `encode` to render a template once, as a whole. */
const noAnswers = '{% generation %}{% endgeneration %}';
const hostileIn = (text: string): boolean => text.includes('"obey"');

for (const [name, family] of Object.entries(byFile)) {
  test(`${name}: tools and calls render as in transformers, and none becomes a control token`, async () => {
    const tokenizer = await openWith(family.controls, family.template);
    const template = new ChatTemplate(tokenizer);
    assert.equal(withCalls.length, 4);
    for (const i of withCalls) {
      const { messages, options } = toOurs(chats[i]);
      const text = models[`${name}.jinja`][i];
      assert.ok(text !== null);
      assert.equal(template.render(messages, options), text, `${name} ${i}`);
      const { tokens } = template.encode(messages, options);
      assert.equal(tokenizer.decode(tokens), text, `${name} ${i}`);
      if (!hostileIn(text)) continue;
      // The same chat with every `<` of a stranger's taken out has the control tokens that the template writes.
      const harmless = JSON.parse(JSON.stringify(chats[i]).replaceAll('<', '(')) as FieldChat;
      const expected = template.encode(toOurs(harmless).messages, toOurs(harmless).options).tokens;
      const controlsOf = (ids: number[]) => ids.filter((id) => id >= 256);
      assert.deepEqual(controlsOf(tokens), controlsOf(expected), `${name} ${i}`);
      assert.ok(controlsOf(tokens).length > 4);
    }
  });
}

test('what a template quotes, sorts or prints itself reads as if nothing had been escaped', async () => {
  assert.equal(quoting.length, 8);
  const { messages, options } = toOurs(
    chats.find((chat) => chat.tools !== undefined && hostileIn(chat.messages[0].content)) as FieldChat,
  );
  const tokenizer = await openWith(families.qwen2.controls, families.qwen2.template);
  for (const { source, text } of quoting) {
    const template = new ChatTemplate(tokenizer, source + noAnswers);
    assert.equal(template.render(messages, options), text, source);
    const { tokens } = template.encode(messages, options);
    assert.equal(tokenizer.decode(tokens), text, source);
    assert.ok(
      tokens.every((id) => id < 256),
      source,
    );
  }
});

test('a control token that only quoting would make is not made', async () => {
  const control = '\\n\\n';
  const controls = [...families.qwen2.controls, { content: control, special: true }];
  const tokenizer = await openWith(controls, families.qwen2.template);
  const template = new ChatTemplate(tokenizer, `{{ tools | tojson }}{{ messages[0].tool_calls }}${noAnswers}`);
  const toolCalls = [{ name: 'a\n\nb', arguments: { 'c\n\nd': control } }];
  const messages: Message[] = [{ role: 'assistant', content: '', toolCalls }];
  const { tokens } = template.encode(messages, { tools: [{ name: 'e\n\nf', description: control, parameters: {} }] });
  const text = tokenizer.decode(tokens);
  assert.equal(text.split(control).length, 4, text);
  assert.ok(tokens.every((id) => id < 256));
});

test('no tools and no calls: the template sees neither', async () => {
  const tokenizer = await openWith(families.qwen2.controls, families.qwen2.template);
  const source = '{{ tools }} {{ messages[0].tool_calls is defined }} {{ messages | tojson }}';
  const text = new ChatTemplate(tokenizer, source).render([{ role: 'user', content: 'x' }]);
  assert.equal(text, 'None False [{"role": "user", "content": "x"}]');
});
