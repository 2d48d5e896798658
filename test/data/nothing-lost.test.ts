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
import { chatmlTemplate, formerChatmlTemplate } from '../../src/tokenizer/chatml.js';
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
  former: new ChatTemplate(tokenizers.chatml, formerChatmlTemplate),
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
  if ('skipped' in written || !('sequences' in fitted)) {
    return { shown: undefined, said: 'skipped' in fitted ? fitted.skipped : '' };
  }
  const weights = new Set(fitted.sequences.flatMap(({ loss = [] }) => Array.from(loss)));
  const notes = [...read.notes, ...fitted.notes].map((note) => (note.level === 'unread' ? note.field : note.text));
  const { messages, tools } = written;
  return {
    shown:
      template.render(messages, { tools }) +
      [...weights].filter((weight) => weight % 1 !== 0).map((weight) => `weight ${weight}`),
    said: notes.join('; '),
  };
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
        const isWeighed = field === 'weight' && (shown?.endsWith('weight 0.5') ?? false);
        const isCall = /call/i.test(field) && said.includes('tool calls (tool_calls)');
        const isTool = field === 'functions' && said.includes('tools');
        const at = `${templateName}, ${formatName}, ${field}: ${said} | ${shown}`;
        assert.ok(isShown || isSaid || isWeighed || isCall || isTool, at);
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

test('what a template drops of its own accord is said: thoughts inside an answer, text beside a call, system messages', () => {
  const dropping = bare.replace('m.content', "m.content.split('</think>')[-1]");
  const template = (source: string) => new ChatTemplate(tokenizers.qwen2, source);
  const answered = (content: string) => ({
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content },
    ],
  });
  const thought = answered('<think>\nhm\n</think>\n\na');
  assert.equal(
    outcomeOf(thought, template(dropping)).said,
    '<think>…</think> in an answer, which the chat template does not write: it is not learnt',
  );
  assert.equal(outcomeOf(thought, templates.qwen3).said, '');
  assert.equal(outcomeOf(answered('  a\n'), templates.qwen3).said, '', 'white space that a template trims is no loss');
  const unsystematic = bare
    .replace('-%}{{- m.role', "-%}{%- if m.role != 'system' -%}{{- m.role")
    .replace("'<|im_end|>' -}}", "'<|im_end|>' -}}{%- endif -%}");
  const { said, shown } = outcomeOf({ system: 'Be brief.', ...answered('a') }, template(unsystematic));
  assert.deepEqual(
    [said, shown],
    ['a system message, which the chat template does not write', 'user:q<|im_end|>assistant:a<|im_end|>'],
  );
  const short = outcomeOf({ system: 'q', ...answered('a') }, template(unsystematic));
  assert.equal(short.said, 'a system message, which the chat template does not write', 'although a q is there');
  const llama = new ChatTemplate(
    Tokenizer.fromJson(bytesJson(families.llama), 'tokenizer.json', { afterAnswer: '<|eot_id|>' }),
    families.llama.template,
  );
  const calls = (count: number) => ({
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'I look.', tool_calls: Array.from({ length: count }, () => call) },
      { role: 'tool', content: '5.1' },
      { role: 'assistant', content: 'a' },
    ],
  });
  assert.match(
    outcomeOf(calls(1), llama).said,
    /^text of an answer, which the chat template does not write: it is not learnt/,
  );
  assert.match(
    outcomeOf(calls(2), llama).said,
    /^the chat template refuses it: This model only supports single tool-calls/,
  );
});

test('calls that stand in the file as text stay text where a template writes none, and tools join the system message', () => {
  const text = '{"name": "tide", "arguments": {"port": "Brest"}}';
  const row = {
    tools: JSON.stringify([tool.function]),
    conversations: [
      { from: 'human', value: 'q' },
      { from: 'function_call', value: text },
      { from: 'observation', value: '5.1' },
      { from: 'gpt', value: 'a' },
    ],
  };
  const { shown, said } = outcomeOf(row, templates.former);
  const turn = (role: string, content: string) => `<|im_start|>${role}\n${content}<|im_end|>\n`;
  const turns = [turn('user', 'q'), turn('assistant', text), turn('tool', '5.1'), turn('assistant', 'a')].join('');
  assert.equal(shown, turn('system', JSON.stringify([tool.function])) + turns);
  assert.equal(
    said,
    'tools, which the chat template does not write: their list joins the system message; tool calls (function_call), which the chat template does not write: they are learnt as text',
  );
  const ours = outcomeOf(row, templates.ours);
  assert.equal(ours.said, '');
  const written = `<tool_call>\n${text}\n</tool_call>`;
  const result = '\n<tool_response>\n5.1\n</tool_response><|im_end|>\n';
  const called = turn('user', 'q') + turn('assistant', written);
  assert.equal(
    ours.shown,
    `${turn('system', `Tools:\n${word}()`)}${called}<|im_start|>user${result}${turn('assistant', 'a')}`,
  );
});

test('an answer that is marked carries no loss, in every template, and the others do', () => {
  const messages = [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'bad', weight: 0 },
    { role: 'user', content: 'r' },
    { role: 'assistant', content: 'good' },
  ];
  for (const [name, template] of Object.entries(templates)) {
    for (const order of [messages, [messages[0], messages[3], messages[2], messages[1]]]) {
      const fitted = fitConversation(readRow({ messages: order }, 'r').conversation, template, 1000);
      assert.ok('sequences' in fitted, name);
      const { tokenizer } = template;
      const learnt = fitted.sequences.map(({ tokens, loss }) =>
        tokenizer.decode(Array.from(tokens).filter((_, i) => loss?.[i] === 1)),
      );
      const thought = name === 'qwen3' && order === messages ? '<think>\n\n</think>\n\n' : '';
      assert.deepEqual(learnt, [order === messages ? `${thought}good<|im_end|>` : learnt[0]], name);
      assert.ok(learnt[0].endsWith('good<|im_end|>') && !learnt[0].includes('bad'), `${name} ${learnt[0]}`);
    }
  }
});
