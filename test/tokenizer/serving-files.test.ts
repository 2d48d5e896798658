// What a checkpoint says of how it is served: names and schemas of tools alone, within bounds, and samples that can be read back.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chatSamplesName, offeredToolsName } from '../../src/base/layout.js';
import { parseChatSamples } from '../../src/tokenizer/chat-samples.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { OfferedTools, parseOfferedTools } from '../../src/tokenizer/offered-tools.js';
import { readServingFiles, servingFiles } from '../../src/tokenizer/serving-files.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';

const parameters = { type: 'object', properties: { expression: { type: 'string' } }, required: ['expression'] };
const calculate = { name: 'Calculate', description: '计算', parameters };

test('of tools names and schemas alone, the first of each name, as many as there is room for', () => {
  const offered = new OfferedTools();
  offered.add([
    { ...calculate, run: { command: ['rm'] } },
    { ...calculate, description: 'another' },
  ]);
  offered.add([
    { name: 'deep', parameters: JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`) as object },
  ] as never);
  offered.add([{ name: 'large', description: 'x'.repeat(10_001) }]);
  offered.add(Array.from({ length: 200 }, (_, i) => ({ name: `tool${i}` })));
  assert.deepEqual([offered.all[0], offered.all.length, offered.leftOut], [calculate, 128, 2 + 73]);
  for (const broken of ['{}', '[{"name":"x"}]', '[{"type":"function","function":{"name":5}}]', '[']) {
    assert.throws(() => parseOfferedTools(broken, 'tools.json'), /tools\.json: this is no list of tools/);
  }
});

test('samples keep ids, loss and what is read back; tools of the parent stay; strange files of these names are left', async () => {
  const template = new ChatTemplate(await templateTokenizer('chatml'));
  const parent = servingFiles(template, { tools: [{ name: 'Now' }], thoughts: false }, {});
  const files = servingFiles(template, { tools: [calculate], thoughts: true }, parent);
  assert.deepEqual(parseOfferedTools(files[offeredToolsName], ''), [calculate, { name: 'Now' }]);
  const { samples, responseTemplate } = parseChatSamples(files[chatSamplesName], '');
  assert.deepEqual([samples.length, responseTemplate], [8, true]);
  for (const { messages, answers, sequences } of samples) {
    const said = messages.flatMap(({ role, content, reasoning, toolCalls }, message) =>
      role === 'assistant'
        ? [{ message, read: { content, ...(reasoning && { reasoning }), ...(toolCalls && { toolCalls }) } }]
        : [],
    );
    assert.deepEqual(
      answers.map(({ message, read }) => ({ message, read })),
      said,
    );
    for (const { sequence, start, end } of answers) {
      const { tokens, loss } = sequences[sequence];
      assert.ok(loss.slice(start, end).every((weight) => weight === 1));
      assert.equal(template.tokenizer.decode(tokens.slice(end - 1, end)), '<|im_end|>');
    }
  }
  const folder = await mkdtemp(join(tmpdir(), 'serving-'));
  try {
    await writeFile(join(folder, offeredToolsName), '{"tools": []}');
    await writeFile(join(folder, chatSamplesName), files[chatSamplesName]);
    const { texts, notes } = await readServingFiles(folder);
    assert.deepEqual(Object.keys(texts), [chatSamplesName]);
    assert.match(notes.join(), /^tools\.json is not used: this is no list of tools$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
