// Questions that are asked with tools: conversations of others with their calls, the two ways side by side, and what is said
// where a model or a row has no place for tools.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { displayWidth, formatTable } from '../../src/base/format.js';
import { toJsonl } from '../../src/base/jsonl.js';
import { metricsOf } from '../../src/evaluation/measurements.js';
import { answeredQuestions } from '../../src/evaluation/questions/answered.js';
import { evaluateQuestions } from '../../src/evaluation/questions/evaluate.js';
import { readQuestions } from '../../src/evaluation/questions/read.js';
import { modeComparisons } from '../../src/evaluation/questions/score.js';
import { toolTable } from '../../src/evaluation/tool-table.js';
import type { Generation, Request } from '../../src/inference/engine.js';
import type { LocalModel } from '../../src/inference/local-model.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { defaultLimits, type Executor, ToolFailure } from '../../src/tools/tool.js';
import { Toolbox } from '../../src/tools/toolbox.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';

const directory = await mkdtemp(join(tmpdir(), 'question-tools-'));
after(() => rm(directory, { recursive: true }));
const path = join(directory, 'own.jsonl');
const tokenizer = await templateTokenizer('chatml');

async function read(rows: readonly object[], tools?: boolean) {
  await writeFile(path, toJsonl(rows));
  return readQuestions([path], { seed: 1, tools });
}

/** Says what `says` makes of its prompt, which ends with the opening of its turn. */
function modelOf(says: (prompt: string) => string, isBase = false): LocalModel {
  const submit = ({ tokens }: Request): Promise<Generation[]> => {
    const text = says(tokenizer.decode(tokens));
    return Promise.resolve([
      { tokens: tokenizer.encodeTrusted(text), finish: 'stop', stopId: tokenizer.specialId('turnEnd') },
    ]);
  };
  const parts = { tokenizer, stopIds: tokenizer.stopIds, eosTokenIds: [], contextLength: 4096, engine: { submit } };
  return { ...parts, template: new ChatTemplate(tokenizer), isBase } as unknown as LocalModel;
}

const parameters = (name: string) => ({ type: 'object', properties: { [name]: { type: 'string' } } });
const product: Executor = {
  tool: { name: 'Calculate', parameters: parameters('expression') },
  limits: defaultLimits,
  run({ expression }) {
    const [, a, b] = /^(\d+)\*(\d+)$/.exec(String(expression)) ?? [];
    if (a === undefined) throw new ToolFailure('This is no product.');
    return String(Number(a) * Number(b));
  },
};
/** ShareGPT's form, and OpenAI's. */
const tide = {
  id: 'tide',
  language: 'en',
  tools: [{ type: 'function', function: { name: 'tide', parameters: parameters('port') } }],
  conversations: [
    { from: 'human', value: 'How high is the tide in Brest?' },
    { from: 'function_call', value: '{"name": "tide", "arguments": {"port": "Brest"}}' },
    { from: 'observation', value: '5.1 m' },
    { from: 'gpt', value: 'It is 5.1 m.' },
  ],
  check: { type: 'number', answer: 5.1 },
};
const sumTools = [product.tool];
const sum = (id: string, question: string, expression: string | undefined, answer: number) => ({
  ...{ id, language: 'en', tools: sumTools },
  messages: [
    { role: 'user', content: question },
    ...(expression === undefined
      ? []
      : [
          {
            role: 'assistant',
            content: null,
            tool_calls: [
              {
                type: 'function',
                id: 'c1',
                function: { name: 'Calculate', arguments: JSON.stringify({ expression }) },
              },
            ],
          },
          { role: 'tool', tool_call_id: 'c1', content: String(answer) },
        ]),
    { role: 'assistant', content: `${answer}` },
  ],
  check: { type: 'number', answer },
});
const rows = [
  tide,
  sum('a', '12*3?', '12*3', 36),
  sum('b', 'What is 7*8?', '7*8', 56),
  sum('c', 'One and one?', undefined, 2),
  {
    id: 'd',
    language: 'en',
    tools: sumTools,
    messages: [
      { role: 'user', content: '5*5?' },
      { role: 'assistant', content: '', tool_calls: [{ name: 'Calculate', arguments: { expression: '5*5' } }] },
    ],
  },
];

/** Knows small sums; calls for others, with the factors the other way round. */
function says(prompt: string): string {
  const turn = prompt.slice(prompt.lastIndexOf('<|im_start|>user'));
  const [, result] = /<tool_response>\n(.*)\n<\/tool_response>/.exec(turn) ?? [];
  if (result !== undefined) return `It is ${result}.`;
  if (!prompt.includes('Calculate') && !prompt.includes('"tide"') && !prompt.includes('tide('))
    return turn.includes('One') ? '2' : '9';
  const call = (name: string, given: object) =>
    `<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`;
  if (turn.includes('tide')) return call('tide', { port: 'Brest' });
  const [, a, b] = /(\d+)\*(\d+)/.exec(turn) ?? [];
  return a === undefined ? '2' : call('Calculate', { expression: `${b}*${a}` });
}

test('rows of others are asked with their tools and without: run where they can, else with the results of the row', async () => {
  const set = await read(rows);
  assert.deepEqual(
    set.questions.map(({ modes, scores }) => `${modes} ${scores}`),
    [...Array.from({ length: 4 }, () => 'direct,tools number'), 'tools calls'],
  );
  const { measurements, records, warnings } = await evaluateQuestions(modelOf(says), set, {
    toolbox: new Toolbox([product]),
  });
  assert.deepEqual(warnings, []);
  const metrics = metricsOf(measurements);
  const expected = {
    ...{ 'number.own': 1 / 4, 'numberWithTools.own': 1, 'calls.own': 1, toolAnswer: 1, toolAnswerWithoutTools: 0 },
    ...{ callPrecision: 1, callRecall: 1, rightArguments: 1, equalArguments: 1 / 2, directAnswer: 1, abstention: 1 },
    ...{
      directAnswerWithoutTools: 1,
      parsedCalls: 1,
      retriedCalls: 0,
      'callRecall.tide': 1,
      'toolAnswer.Calculate': 1,
    },
  };
  for (const [metric, value] of Object.entries(expected)) assert.equal(metrics[metric], value, metric);
  const [record] = records.filter(({ id, mode }) => id === 'a' && mode === 'tools');
  assert.deepEqual(record.calls, [
    { call: { name: 'Calculate', arguments: { expression: '3*12' } }, result: { content: '36' } },
  ]);
  assert.deepEqual([record.answer, record.scores], ['It is 36.', { numberWithTools: 1 }]);
  const [comparison] = modeComparisons('sft', measurements);
  assert.deepEqual(
    [comparison.from, comparison.to, comparison.differences['number.own'].mean, comparison.differences.toolAnswer.mean],
    ['sft', 'sft with tools', 0.75, 1],
  );
  // Beside a model that calls nothing.
  const beside = await evaluateQuestions(
    modelOf(() => '9', true),
    set,
  );
  const answered = answeredQuestions([{ records }, beside]).find(({ id, mode }) => id === 'a' && mode === 'tools');
  assert.deepEqual(answered?.answers, [
    { text: 'Calculate({"expression":"3*12"}) → 36\nIt is 36.', isRight: true },
    { text: '(not asked)' },
  ]);
  const table = toolTable([{ label: 'sft', measurements }]);
  assert.deepEqual(
    table?.rows.map(([name]) => name),
    ['Calculate', 'tide', '(in English)'],
  );
  const shown = formatTable(table?.header ?? [], table?.rows ?? []).split('\n');
  assert.ok(shown.every((line) => displayWidth(line) <= 80));
});

test('what cannot be asked with tools is asked without, and said; a row judged by its calls alone needs them', async () => {
  const set = await read(rows.slice(0, 2));
  const { records, warnings } = await evaluateQuestions(
    modelOf(() => '9', true),
    set,
    { toolbox: new Toolbox([product]) },
  );
  assert.deepEqual(
    records.map(({ mode }) => mode),
    ['direct', 'direct'],
  );
  assert.match(warnings.join(), /^2 questions were not asked with tools: tools are called in chats.*own\.jsonl:1\)$/);
  assert.deepEqual(
    (await read(rows.slice(0, 4), false)).questions.flatMap(({ modes }) => modes),
    Array(4).fill('direct'),
  );
  await assert.rejects(read(rows, false), /own\.jsonl:5.*judged by its calls \(score calls\), and no tools/);
  // A question of a person's own has no tools of its own: it is asked with all that are given.
  const own = await read([{ question: '12*3?', answer: 36 }], true);
  const measured = await evaluateQuestions(modelOf(says), own, { toolbox: new Toolbox([product]) });
  assert.deepEqual(metricsOf(measured.measurements)['numberWithTools.own'], 1);
  assert.equal(measured.measurements.has('callRecall'), false);
});
