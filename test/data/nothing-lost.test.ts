// Whatever a row says, in whatever format: it stands in what the model is shown, or in a note that names it, or the row is
// skipped for it. Nothing that changes what is learnt is lost in silence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { fitConversation } from '../../src/data/conversations/fit.js';
import { readRow } from '../../src/data/conversations/formats.js';
import { RowRefusal } from '../../src/data/conversations/notes.js';
import { writtenChat } from '../../src/data/conversations/written.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { chatmlTemplate } from '../../src/tokenizer/chatml.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { bytesJson, families } from '../tokenizer/foreign-world.js';

const tokenizers = {
  chatml: Tokenizer.fromJson(bytesJson(families.qwen2), 'tokenizer.json', {}),
  qwen2: Tokenizer.fromJson(bytesJson(families.qwen2), 'tokenizer.json', { afterAnswer: '<|im_end|>' }),
  qwen3: Tokenizer.fromJson(bytesJson(families.qwen3), 'tokenizer.json', { afterAnswer: '<|im_end|>' }),
};
const bare =
  "{%- for m in messages -%}{{- m.role + ':' + m.content + '<|im_end|>' -}}{%- endfor -%}{%- if add_generation_prompt -%}{{- 'assistant:' -}}{%- endif -%}";
const templates: Record<string, ChatTemplate> = {
  ours: new ChatTemplate(tokenizers.chatml, chatmlTemplate),
  bare: new ChatTemplate(tokenizers.qwen2, bare),
  qwen2: new ChatTemplate(tokenizers.qwen2, families.qwen2.template),
  qwen3: new ChatTemplate(tokenizers.qwen3, families.qwen3.template),
};

interface Outcome {
  /** What the model is shown; undefined where the row is skipped. */
  shown: string | undefined;
  /** Notes, or why it is skipped. */
  said: string;
}

function outcomeOf(row: unknown, template: ChatTemplate): Outcome {
  let read: ReturnType<typeof readRow>;
  try {
    read = readRow(row, 'rows.jsonl:1');
  } catch (error) {
    assert.ok(error instanceof RowRefusal || error instanceof UserError, String(error));
    return { shown: undefined, said: error.message };
  }
  const written = writtenChat(read.conversation, template);
  const fitted = fitConversation(read.conversation, template, 100_000);
  if ('skipped' in written || 'skipped' in fitted) {
    return { shown: undefined, said: 'skipped' in fitted ? fitted.skipped : '' };
  }
  const notes = [...read.notes, ...fitted.notes].map((note) => (note.level === 'unread' ? note.field : note.text));
  const { messages, tools } = written;
  return { shown: template.render(messages, { tools }), said: notes.join('; ') };
}

const word = 'SENTINEL';
type Fields = Record<string, unknown>;
/** Each makes a row that says `first`, `second` and has these fields beside its turns or in its answer. */
const formats: Record<string, (row: Fields, answer?: Fields) => unknown> = {
  openai: (row, answer) => ({
    messages: [
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'second', ...answer },
    ],
    ...row,
  }),
  sharegpt: (row, answer) => ({
    conversations: [
      { from: 'human', value: 'first' },
      { from: 'gpt', value: 'second', ...answer },
    ],
    ...row,
  }),
  crossed: (row, answer) => ({
    conversation: [
      { role: 'Human', content: [{ type: 'text', text: 'first' }] },
      { from: 'model', text: 'second', ...answer },
    ],
    ...row,
  }),
  text: (row, answer) => ({
    conversations: JSON.stringify([
      { role: 'user', value: 'first' },
      { role: 'chatgpt', content: 'second', ...answer },
    ]),
    ...row,
  }),
  completion: (row, answer) => ({
    prompt: [{ role: 'user', content: 'first' }],
    completion: [{ role: 'assistant', content: 'second', ...answer }],
    ...row,
  }),
  alpaca: (row) => ({ instruction: 'first', input: '', output: 'second', ...row }),
  moss: (row) => ({
    chat: { turn_1: { Human: '<|Human|>: first<eoh>', MOSS: '<|MOSS|>: second<eom>' } },
    num_turns: 1,
    ...row,
  }),
};

const call = { id: 'c1', type: 'function', function: { name: word, arguments: '{"port":"Brest"}' } };
const tool = { type: 'function', function: { name: word, parameters: { type: 'object', properties: {} } } };

const rowFields: Fields = {
  ...{ system: word, system_prompt: word, systemPrompt: word, system_message: word, meta_instruction: word },
  ...{ tools: [tool], functions: [tool.function], images: [word], audios: [word], chosen: word, rejected: word },
  ...{ label: word, kto_tag: true, weight: 0.5, prefix: word, prefill: word, chat_template_kwargs: { thinking: word } },
  ...{ documents: [word], reasoning_content: word, source: word, category: word, 名字: word, language: word, kind: 7 },
};
const answerFields: Fields = {
  ...{ reasoning_content: word, reasoning: word, thinking: word, thought: word, tool_calls: [call] },
  ...{
    function_call: call.function,
    name: word,
    weight: 0.5,
    loss: 'no',
    prefix: true,
    prefill: word,
    audio: { id: word },
  },
  ...{ annotations: [word], refusal: word, timestamp: word, toolCalls: JSON.stringify([call]), 名字: word },
};

for (const [templateName, template] of Object.entries(templates)) {
  test(`${templateName}: no field of a row or of an answer is lost in silence`, () => {
    let looked = 0;
    for (const [formatName, format] of Object.entries(formats)) {
      const plain = outcomeOf(format({}), template);
      assert.deepEqual([plain.said, plain.shown?.includes('first'), plain.shown?.includes('second')], ['', true, true]);
      const isListed = formatName !== 'alpaca' && formatName !== 'moss';
      const rows = Object.entries(rowFields).map(([field, value]) => [field, format({ [field]: value })] as const);
      const answers = Object.entries(isListed ? answerFields : {}).map(
        ([field, value]) => [field, format({}, { [field]: value })] as const,
      );
      for (const [field, row] of [...rows, ...answers]) {
        const { shown, said } = outcomeOf(row, template);
        const isShown = shown?.includes(word) ?? false;
        const isSaid = said.includes(field) || (/reason|think|thought/.test(field) && said.includes('reasoning'));
        const isCall = /call/i.test(field) && said.includes('tool calls (tool_calls)');
        const isTool = field === 'functions' && said.includes('tools');
        const at = `${templateName}, ${formatName}, ${field}: ${said} | ${shown}`;
        assert.ok(isShown || isSaid || isCall || isTool, at);
        // What is a field of ours or a metadatum must not be taken for something that is lost.
        if (shown !== undefined) assert.ok(shown.includes('first') && shown.includes('second'), at);
        looked++;
      }
    }
    assert.ok(looked > 200, String(looked));
  });
}

test('a template that writes reasoning, tools and calls is given them, and says nothing of loss', () => {
  const row = {
    tools: JSON.stringify([tool]),
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: null, reasoning_content: 'hm', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: '5.1' },
      { role: 'assistant', content: 'a' },
    ],
  };
  const { shown = '', said } = outcomeOf(row, templates.qwen3);
  for (const part of [
    '"name": "SENTINEL", "parameters"',
    '<think>\nhm\n</think>',
    '"arguments": {"port": "Brest"}',
    '5.1',
  ]) {
    assert.ok(shown.includes(part), `${part} in ${shown}`);
  }
  assert.equal(said, 'the message field tool_call_id, which the chat template does not write');
  const bareOutcome = outcomeOf(row, templates.bare);
  assert.deepEqual(bareOutcome, {
    shown: undefined,
    said: 'it has tool calls (tool_calls), which the chat template does not write',
  });
});
