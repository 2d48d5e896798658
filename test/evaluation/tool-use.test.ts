// Calls against a reference: which call answers which, what counts as right, and the figures, counted by hand. What rows offer
// is run by the toolbox where it can, else their own results are replayed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation } from '../../src/data/types.js';
import { metricsOf } from '../../src/evaluation/measurements.js';
import { type ReferenceCall, referenceTurn, wantedCalls } from '../../src/evaluation/reference.js';
import { taskTools, withResults } from '../../src/evaluation/task-tools.js';
import { answerTasks } from '../../src/evaluation/tasks.js';
import { isToolTask, measureToolTasks } from '../../src/evaluation/tool-tasks.js';
import { compareCalls, measureToolUse, type ToolUseRecord } from '../../src/evaluation/tool-use.js';
import type { Generation, Request } from '../../src/inference/engine.js';
import type { LocalModel } from '../../src/inference/local-model.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import type { Message, ToolCall } from '../../src/tokenizer/message.js';
import { type CallFault, defaultLimits, type Executor, type RanCall, ToolFailure } from '../../src/tools/tool.js';
import { Toolbox } from '../../src/tools/toolbox.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';

const sum = (expression: string): ToolCall => ({ name: 'Calculate', arguments: { expression } });
const define = (word: string): ToolCall => ({ name: 'Define', arguments: { word } });
const want = (call: ToolCall, result?: string): ReferenceCall => ({ call, ...(result !== undefined && { result }) });
const ran = (call: ToolCall | undefined, content: string, fault?: CallFault): RanCall => {
  return { ...(call === undefined ? { written: '{' } : { call }), result: { content, ...(fault && { fault }) } };
};

test('calls are paired with what they are most like; one that is made again after a fault counts once', () => {
  const wanted = [want(sum('2*3'), '6'), want(define('cat')), want(sum('1+1'), '2')];
  const { pairs, made, retries } = compareCalls(wanted, [
    ran(undefined, 'no JSON', 'unreadable'),
    ran(sum('1+1'), '2'),
    ran(sum('3*'), 'no number after *', 'failed'),
    ran(sum('3*2'), '6'),
    ran({ name: 'Search', arguments: { query: 'cat' } }, 'cat'),
  ]);
  assert.equal(retries, 2); // the broken call and the failed one
  assert.equal(made.length, 3);
  const shown = pairs.map(({ wanted, made, same }) => [wanted.call.name, made.result.content, same]);
  assert.deepEqual(shown, [
    ['Calculate', '2', 'arguments'],
    ['Calculate', '6', 'result'],
    ['Define', 'cat', 'none'],
  ]);
  // The order of keys is no difference, a number as text is one; a denied call is not made again.
  const two = { name: 'f', arguments: { a: 1, b: [2, { c: 3 }] } };
  const same = (given: Record<string, unknown>) =>
    compareCalls([want(two)], [ran({ name: 'f', arguments: given }, '')]).pairs[0].same;
  assert.equal(same({ b: [2, { c: 3 }], a: 1 }), 'arguments');
  assert.equal(same({ b: [2, { c: 3 }], a: '1' }), 'tool');
  assert.equal(compareCalls([], [ran(two, '', 'denied'), ran(two, '', 'denied')]).retries, 0);
});

test('the figures of tool use, counted by hand', () => {
  const zh = { language: 'zh' } as const;
  const en = { language: 'en' } as const;
  const uses: ToolUseRecord[] = [
    // Right by value; right by result after a retry; the wrong tool; none called; the wrong arguments, and one too many.
    { id: 'a', ...zh, wanted: [want(sum('1+1'), '2')], ran: [ran(sum('1+1'), '2')], isRight: true },
    {
      ...{ id: 'b', ...en, wanted: [want(sum('2*3'), '6')], isRight: true },
      ran: [ran(undefined, '', 'unreadable'), ran(sum('3*2'), '6')],
    },
    { id: 'c', ...en, wanted: [want(define('cat'))], ran: [ran(sum('cat'), '', 'failed')], isRight: false },
    { id: 'd', ...zh, wanted: [want(define('dog'))], ran: [], isRight: false },
    { id: 'e', ...zh, wanted: [want(define('ox'))], ran: [ran(define('fox'), 'x'), ran(define('ax'), 'y')] },
    // No call is right: none, right and wrong; one all the same, and the answer right.
    { id: 'f', ...zh, wanted: [], ran: [], isRight: true },
    { id: 'g', ...en, wanted: [], ran: [], isRight: false },
    { id: 'h', ...en, wanted: [], ran: [ran(sum('1'), '1')], isRight: true },
    // Nobody knows whether a call is right.
    { id: 'i', ran: [ran(sum('1'), '1')], isRight: true },
  ];
  const without: ToolUseRecord[] = uses.map((use) => ({ ...use, ran: [], isRight: use.id === 'f' }));
  const metrics = metricsOf(measureToolUse(uses, without));
  const shares = {
    callPrecision: 3 / 6, // a, b, one of e; not c, the other of e, h
    'callPrecision.Calculate': 2 / 4,
    'callPrecision.Define': 1 / 2,
    'callPrecision.zh': 2 / 3,
    callRecall: 3 / 5,
    'callRecall.Calculate': 1,
    'callRecall.Define': 1 / 3,
    rightTool: 3 / 4,
    rightArguments: 2 / 3,
    equalArguments: 1 / 3,
    toolAnswer: 2 / 4,
    'toolAnswer.Calculate': 1,
    'toolAnswer.zh': 1 / 2,
    toolAnswerWithoutTools: 0,
    abstention: 2 / 3,
    directAnswer: 1 / 3,
    'directAnswer.zh': 1,
    directAnswerWithoutTools: 1 / 3,
    parsedCalls: 7 / 8,
    answeredCalls: 6 / 8,
    retriedCalls: 1 / 8,
  };
  for (const [metric, share] of Object.entries(shares)) assert.equal(metrics[metric], share, metric);
});

const user: Message = { role: 'user', content: 'How many?' };
const calling = (call: ToolCall, more: Partial<Message> = {}): Message => {
  return { role: 'assistant', content: '', toolCalls: [call], ...more };
};

test('the reference of a row: what follows its last question, corrected calls apart', () => {
  const messages: Message[] = [
    ...[user, calling(sum('9')), { role: 'tool', content: '9' } as const, { role: 'assistant', content: '9' } as const],
    user,
    calling(sum('1+'), { weight: 0 }),
    { role: 'tool', content: 'no number after +' },
    calling(
      { ...sum('1+1'), id: 'x' },
      {
        toolCalls: [
          { ...sum('1+1'), id: 'x' },
          { ...sum('2+2'), id: 'y' },
        ],
      },
    ),
    { role: 'tool', content: '4', toolCallId: 'y' },
    { role: 'tool', content: '2', toolCallId: 'x' },
    { role: 'assistant', content: '2 and 4' },
  ];
  const { prompt, calls, answer } = referenceTurn(messages);
  assert.deepEqual(prompt, messages.slice(0, 5));
  assert.deepEqual(
    calls.map(({ call, result }) => [call.arguments.expression, result]),
    [
      ['1+1', '2'],
      ['2+2', '4'],
    ],
  );
  assert.equal(answer, '2 and 4');
  const direct: Message[] = [user, { role: 'assistant', content: '2' }];
  assert.deepEqual(wantedCalls({ messages: direct, tools: [{ name: 'f' }] }), []);
  assert.equal(wantedCalls({ messages: direct }), undefined);
  assert.equal(wantedCalls({ messages: [user], tools: [{ name: 'f' }] }), undefined);
  assert.equal(wantedCalls({ messages: [user, calling(sum('1'))] })?.length, 1);
});

test('a row is offered what it lists: run where the toolbox can, else with the results that the row has', async () => {
  const parameters = { type: 'object', properties: { expression: { type: 'string' } }, required: ['expression'] };
  const calculate: Executor = {
    tool: { name: 'Calculate', parameters },
    limits: defaultLimits,
    run({ expression }) {
      if (expression === '6' || expression === '2*3') return '6';
      throw new ToolFailure('no');
    },
  };
  const tide = { name: 'tide', arguments: { port: 'Brest' } };
  const task: Conversation = {
    id: 'x',
    tools: [{ name: 'Calculate', parameters }, { name: 'tide' }],
    messages: [user, calling(tide), { role: 'tool', content: '5.1' }, user, calling(sum('2*3'))],
  };
  const toolbox = new Toolbox([calculate]);
  const offered = taskTools(task, toolbox);
  assert.deepEqual(offered.replayed, ['tide']);
  const session = offered.toolbox.session();
  assert.equal((await session.call(tide)).content, '5.1');
  assert.equal((await session.call({ ...tide, arguments: { port: 'Cork' } })).fault, 'failed');
  assert.equal((await session.call(sum('2*3'))).content, '6');
  assert.deepEqual(await withResults([want(sum('2*3'), '6.0'), want(tide, '5.1'), want(sum('?'))], offered), [
    want(sum('2*3'), '6'),
    want(tide),
    want(sum('?')),
  ]);
  // Another tool of the same name is not ours to run; a row that lists none is offered all.
  const other = { type: 'object', properties: { formula: { type: 'string' } } };
  assert.deepEqual(taskTools({ ...task, tools: [{ name: 'Calculate', parameters: other }] }, toolbox).replayed, [
    'Calculate',
  ]);
  assert.deepEqual(taskTools({ messages: [user] }, toolbox).tools, [calculate.tool]);
});

test('tasks are answered with tools: asked their last question, each sample in a session of its own', async () => {
  const tokenizer = await templateTokenizer('chatml');
  const template = new ChatTemplate(tokenizer);
  const asked: string[] = [];
  // Says what follows from the end of its prompt.
  const submit = (request: Request): Promise<Generation[]> => {
    const prompt = tokenizer.decode(request.tokens);
    asked.push(prompt);
    const [, result] =
      /<tool_response>\n(.*)\n<\/tool_response><\|im_end\|>\n<\|im_start\|>assistant\n$/.exec(prompt) ?? [];
    const calls = '<tool_call>\n{"name": "Count", "arguments": {}}\n</tool_call>';
    const text = result === undefined ? (prompt.includes('Hello') ? 'Hi.' : calls) : `It is ${result}.`;
    const generation = {
      tokens: tokenizer.encodeTrusted(text),
      finish: 'stop' as const,
      stopId: tokenizer.specialId('turnEnd'),
    };
    return Promise.resolve(Array.from({ length: request.samples ?? 1 }, () => generation));
  };
  const model = {
    ...{ template, tokenizer, stopIds: tokenizer.stopIds, contextLength: 4096, engine: { submit } },
    generate: (request: Request) => submit(request),
  } as unknown as LocalModel;
  const counter: Executor = {
    tool: { name: 'Count', parameters: { type: 'object', properties: {} } },
    limits: defaultLimits,
    run(_, { state, start }) {
      const count = Number(state.get('count') ?? start.scene ?? 0) + 1;
      state.set('count', count);
      return String(count);
    },
  };
  const count: ToolCall = { name: 'Count', arguments: {} };
  const check = { type: 'number', answer: 8 } as const;
  const tasks: Conversation[] = [
    {
      id: 'a',
      messages: [user, calling(count), { role: 'tool', content: '1' }, { role: 'assistant', content: '1' }],
      tools: [counter.tool],
      start: { scene: '7' },
      check,
    },
    {
      id: 'b',
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: 'Hi.' },
      ],
      tools: [{ name: 'tide' }],
    },
    { id: 'c', messages: [user] },
  ];
  const options = { maxNewTokens: 100, seed: 1, samples: 2, toolbox: new Toolbox([counter]) };
  const answers = await answerTasks(model, tasks, options);
  assert.deepEqual(
    answers.map(({ text, calls, ended }) => [text, calls?.length, ended]),
    [
      ...[
        ['It is 8.', 1, true],
        ['It is 8.', 1, true],
      ],
      ...[
        ['Hi.', 0, true],
        ['Hi.', 0, true],
      ],
      ...[
        ['It is 1.', 1, true],
        ['It is 1.', 1, true],
      ],
    ],
  );
  const [{ tokens, loss = [], messages = [] }] = answers;
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['assistant', 'tool', 'assistant'],
  );
  const learnt = tokenizer.decode(tokens.filter((_, i) => loss[i] === 1));
  assert.ok(!learnt.includes('tool_response') && learnt.includes('"Count"') && learnt.endsWith('It is 8.'), learnt);
  assert.ok(asked[0].includes('How many?') && !asked[0].includes('tool_response'), asked[0]);
  // As stages measure it: with tools, and the same questions without.
  const { samples: _, ...greedily } = options;
  const measured = metricsOf((await measureToolTasks(model, tasks.filter(isToolTask), greedily)).measurements);
  assert.deepEqual(
    ['callPrecision', 'callRecall', 'equalArguments', 'toolAnswer', 'toolAnswerWithoutTools', 'abstention'].map(
      (metric) => measured[metric],
    ),
    [1, 1, 1, 1, 0, 1],
  );
  assert.ok(!asked.at(-1)?.includes('"Count"') && !asked.at(-1)?.includes('tide'), asked.at(-1));
});
