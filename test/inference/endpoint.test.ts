// An endpoint as a chat model: what it is sent, what its replies become, how it stops. How it fails is tested with the
// teacher that asks it (test/stages/self-instruct/openai-teacher.test.ts).
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { UserError } from '../../src/base/errors.js';
import { replyOf } from '../../src/inference/chat-model.js';
import { OpenAiEndpoint } from '../../src/inference/endpoint.js';
import type { Message, Tool } from '../../src/tokenizer/message.js';
import { type Behaviour, type ChatServer, sendJson, sendText, startChatServer } from './chat-server.js';

const terms = {
  role: 'judge',
  chosenBy: 'eval.judge',
  block: 'eval.judge',
  otherwise: 'leave the judge out',
};
const options = { model: 'm', timeoutSeconds: 5, retries: 0, terms, environment: {} };
const hello: Message[] = [{ role: 'user', content: 'Hello' }];
const short = { maxNewTokens: 8, temperature: 0 };
const add: Tool = { name: 'add', description: 'adds', parameters: { type: 'object', properties: {} } };

async function serve(t: TestContext, behaviour: Behaviour): Promise<{ server: ChatServer; endpoint: OpenAiEndpoint }> {
  const server = await startChatServer(behaviour);
  t.after(() => server.close());
  return { server, endpoint: new OpenAiEndpoint({ ...options, baseUrl: server.url }) };
}

const sendMessage =
  (message: unknown, finish = 'tool_calls'): Behaviour =>
  (_, response) =>
    sendJson(response, { choices: [{ message, finish_reason: finish }] });

test('the key: needed by the default endpoint only, sent where it is set', () => {
  assert.throws(() => new OpenAiEndpoint(options), /eval\.judge: OPENAI_API_KEY is not set.*or leave the judge out/s);
  const local = new OpenAiEndpoint({ ...options, environment: { OPENAI_BASE_URL: 'http://u:p@localhost:1/v1/' } });
  assert.equal(local.url, 'http://localhost:1/v1');
  const other = new OpenAiEndpoint({ ...options, baseUrl: 'http://localhost:2/v1' });
  assert.notEqual(local.identity, other.identity);
});

test('a conversation with tools goes out in the shape of the field, its calls come back in ours', async (t) => {
  const call = { id: 'c2', type: 'function', function: { name: 'add', arguments: '{"x": [1, "é"]}' } };
  const noArguments = { type: 'function', function: { name: 'add', arguments: '' } };
  const { server, endpoint } = await serve(t, sendMessage({ content: null, tool_calls: [call, noArguments] }));
  const messages: Message[] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: '1+1?' },
    { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'add', arguments: { x: 1 } }] },
    { role: 'tool', content: '2', toolCallId: 'c1', name: 'add' },
  ];
  const reply = await replyOf(endpoint, messages, { ...short, topP: 0.5, seed: 7, tools: [add], index: 3 });
  assert.deepEqual(reply, {
    text: '',
    finish: 'tool_calls',
    toolCalls: [
      { id: 'c2', name: 'add', arguments: { x: [1, 'é'] } },
      { id: undefined, name: 'add', arguments: {} },
    ],
  });
  assert.deepEqual(server.requests[0].body, {
    model: 'm',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '1+1?' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'add', arguments: '{"x":1}' } }],
      },
      { role: 'tool', content: '2', tool_call_id: 'c1', name: 'add' },
    ],
    max_tokens: 8,
    temperature: 0,
    top_p: 0.5,
    seed: 7,
    tools: [{ type: 'function', function: add }],
  });
});

test('calls that cannot be read, or that nobody offered, make a reply unusable', async (t) => {
  const unusable = { text: '', finish: 'unusable' };
  const broken = [
    { name: 'add', arguments: '{"x": ' },
    { name: 'add', arguments: '[1]' },
    { name: 'add', arguments: { x: 1 } },
    { name: 'a'.repeat(2000), arguments: '{}' },
  ];
  for (const given of broken) {
    const { endpoint } = await serve(t, sendMessage({ content: 'x', tool_calls: [{ function: given }] }));
    assert.deepEqual(await replyOf(endpoint, hello, { ...short, tools: [add] }), unusable, JSON.stringify(given));
  }
  const call = { function: { name: 'add', arguments: '{}' } };
  const { endpoint } = await serve(t, sendMessage({ content: null, tool_calls: [call] }));
  assert.deepEqual(await replyOf(endpoint, hello, short), unusable);
});

test('the text is yielded, cleaned, and returned with its finish', async (t) => {
  const { endpoint } = await serve(t, (_, response) => sendText(response, ' a\u0000b ', 'length'));
  const pieces = endpoint.reply(hello, short);
  assert.deepEqual(await pieces.next(), { value: 'ab', done: false });
  assert.deepEqual(await pieces.next(), { value: { text: 'ab', finish: 'length' }, done: true });
});

test('an abort ends the wait for an answer, and the wait for another try', async (t) => {
  const never = await serve(t, () => undefined);
  const busy = await serve(t, (_, response) => sendJson(response, {}, 503, { 'retry-after': '100' }));
  const retrying = new OpenAiEndpoint({ ...options, retries: 5, baseUrl: busy.server.url });
  const started = performance.now();
  for (const endpoint of [never.endpoint, retrying]) {
    const reply = await replyOf(endpoint, hello, { ...short, signal: AbortSignal.timeout(100) });
    assert.deepEqual(reply, { text: '', finish: 'aborted' });
  }
  assert.ok(performance.now() - started < 4000);
  await replyOf(never.endpoint, hello, { ...short, signal: AbortSignal.abort() });
  assert.equal(never.server.requests.length, 1, 'aborted before it asks');
});

test('messages name whoever asked for the endpoint', async (t) => {
  const { endpoint } = await serve(t, (_, response) => sendJson(response, { error: { message: 'no' } }, 404));
  await assert.rejects(replyOf(endpoint, hello, short), (error) => {
    assert.ok(error instanceof UserError);
    return /the judge's endpoint knows no such model.*Check eval\.judge\.model/s.test(error.message);
  });
});
