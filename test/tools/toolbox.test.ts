// Whatever a model calls and whatever a tool does ends in a result: within the limits, safe to read, and a note where a person
// should know more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { cutTo, shown } from '../../src/tools/shown.js';
import { type Executor, ToolFailure } from '../../src/tools/tool.js';
import { Toolbox } from '../../src/tools/toolbox.js';

const parameters = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const tool = (name: string, run: Executor['run'], seconds = 5): Executor => ({
  tool: { name, parameters },
  limits: { seconds, characters: 100 },
  run,
});

const notes: string[] = [];
const box = new Toolbox(
  [
    tool('Echo', ({ text }, { state }) => {
      state.set('calls', Number(state.get('calls') ?? 0) + 1);
      return String(text);
    }),
    tool('Refuse', () => Promise.reject(new ToolFailure('Division by zero.'))),
    tool('Gone', () => {
      throw new UserError({ what: 'no such file', where: '/home/me/notes.txt' });
    }),
    tool('Broken', () => (undefined as unknown as { x: string }).x),
    tool('Mute', () => undefined as unknown as string),
    tool(
      'Slow',
      (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('late'))),
      0.02,
    ),
    tool('Deaf', () => new Promise(() => {}), 0.02),
  ],
  { note: (text) => notes.push(text) },
);
const call = (name: string, text: unknown = 'x', signal?: AbortSignal) =>
  box.session().call({ name, arguments: { text } }, signal);

test('a call that cannot be run says why', async () => {
  assert.deepEqual(await call('Ecko'), { content: 'There is no tool Ecko. Did you mean Echo?', fault: 'unknown' });
  assert.deepEqual(await call('Echo', 3), {
    content: 'text must be text, not 3. Echo takes text: text.',
    fault: 'arguments',
  });
  const far = await call(`\u001b[31m${'y'.repeat(5000)}`);
  assert.match(
    far.content,
    /^There is no tool \\u001b\[31my+\. The tools are Echo, Refuse, Gone, Broken, Mute, Slow, Deaf\.$/,
  );
  const { unreadable } = box.session();
  const why = (written: string): string => unreadable(written).content.replace(/\. A call is \{.*/, '');
  assert.equal(why('<tool_call>\n{"name": "Echo"'), 'This call cannot be read: it does not end');
  assert.equal(why('<tool_call>\n{"name": "Echo",}\n</tool_call>'), 'This call cannot be read: it is not JSON');
  assert.equal(why('{"arguments": {}}'), 'This call cannot be read: it has no name');
  assert.equal(why('{"name": "Echo", "arguments": [1]}'), 'This call cannot be read: its arguments are no object');
});

test('a tool that fails, breaks or is too slow gives a result, and a person a note', async () => {
  const controller = new AbortController();
  const cases: [Promise<unknown>, string, string][] = [
    [call('Refuse'), 'failed', 'Division by zero.'],
    [call('Gone'), 'failed', 'no such file.'],
    [call('Broken'), 'failed', 'Broken is broken: no result.'],
    [call('Mute'), 'failed', 'Mute is broken: no result.'],
    [call('Slow'), 'timeout', 'Slow took longer than 0.02 s and was stopped.'],
    [call('Deaf'), 'timeout', 'Deaf took longer than 0.02 s and was stopped.'],
    [call('Slow', 'x', controller.signal), 'aborted', 'The call was stopped.'],
  ];
  controller.abort();
  for (const [result, fault, content] of cases) assert.deepEqual(await result, { content, fault });
  assert.deepEqual(await call('Echo', 'x', controller.signal), { content: 'The call was stopped.', fault: 'aborted' });
  const expected = [
    /^Broken failed inside: TypeError/,
    /^Deaf does not end/,
    /^Gone: \/home\/me\/notes.txt: no such file/,
    /^Mute failed inside/,
  ];
  assert.equal(notes.length, expected.length, notes.join('\n'));
  for (const [i, note] of notes.sort().entries()) assert.match(note, expected[i]);
});

test('each conversation has a state of its own, and a person may say no', async () => {
  const [a, b] = [box.session(), box.session()];
  await a.call({ name: 'Echo', arguments: { text: '1' } });
  await a.call({ name: 'Echo', arguments: { text: '2' } });
  assert.equal(a.stateOf('Echo')?.get('calls'), 2);
  assert.equal(b.stateOf('Echo'), undefined);
  const asked: string[] = [];
  const guarded = new Toolbox(box.executors, { confirm: async (_, { name }) => asked.push(name) > 1 }).session();
  assert.equal((await guarded.call({ name: 'Echo', arguments: {} })).fault, 'arguments');
  assert.equal((await guarded.call({ name: 'Echo', arguments: { text: '1' } })).fault, 'denied');
  assert.deepEqual(await guarded.call({ name: 'Echo', arguments: { text: '1' } }), { content: '1' });
  assert.equal(guarded.stateOf('Echo')?.get('calls'), 1);
  const mute = new Toolbox(box.executors, { confirm: () => Promise.reject(new Error('closed')) }).session();
  assert.equal((await mute.call({ name: 'Echo', arguments: { text: '1' } })).fault, 'denied');
});

test('a result is well-formed, steers nothing and ends at the limit', async () => {
  assert.equal(
    shown('a\r\nb\rc\td\u0007\u001b[2J\u202e\u{e0041}\ud800\ufdd0é北😀'),
    'a\nb\nc\td\\u0007\\u001b[2J\\u202e\\u{e0041}\ufffd\\ufdd0é北😀',
  );
  assert.deepEqual(await call('Echo', 'y'.repeat(100)), { content: 'y'.repeat(100) });
  for (const text of [
    'y'.repeat(101),
    '\u0000'.repeat(60),
    '😀'.repeat(51),
    `${'y'.repeat(99)}😀`,
    'ab\n'.repeat(1e6),
  ]) {
    const { content, cut = 0 } = await call('Echo', text);
    assert.ok(content.length <= 100 && !/\p{Surrogate}/u.test(content), content);
    assert.match(content, /\n\[Cut here: the result is longer\.\]$/);
    assert.ok(cut > 0);
  }
  assert.equal(cutTo('row 1\nrow 2\n'.repeat(9), 80).content.split('\n').at(-2), 'row 1');
});
