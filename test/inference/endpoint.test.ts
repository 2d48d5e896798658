// An endpoint as a chat model: what it is sent, what its replies become, how it stops. How it fails is tested with the
// teacher that asks it (test/stages/self-instruct/openai-teacher.test.ts).
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
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

function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error.message;
  }
  return assert.fail('it did not throw');
}

test('the key: needed by the default endpoint only, sent where it is set', () => {
  assert.throws(() => new OpenAiEndpoint(options), /eval\.judge: OPENAI_API_KEY is not set.*or leave the judge out/s);
  const local = new OpenAiEndpoint({ ...options, environment: { OPENAI_BASE_URL: 'http://localhost:1/v1/' } });
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
  const unusable = { text: '', finish: 'unusable', why: 'it calls a tool in a form that cannot be read' };
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
  assert.equal((await replyOf(endpoint, hello, short)).finish, 'unusable');
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
  assert.ok(performance.now() - started < 20_000);
  await replyOf(never.endpoint, hello, { ...short, signal: AbortSignal.abort() });
  assert.equal(never.server.requests.length, 1, 'aborted before it asks');
});

test('the query of an address goes with each request, behind the path; the address is shown without its values', async (t) => {
  const { server } = await serve(t, (_, response) => sendText(response, 'Hi.'));
  const paths = ['?api-version=2024-10-21&x=%20', '/?a=b', '/chat/completions', '/#part'];
  for (const end of paths) {
    const endpoint = new OpenAiEndpoint({
      ...options,
      environment: { OPENAI_API_KEY: 'k', OPENAI_CUSTOM_HEADERS: 'x-team: blue green\nnonsense' },
      baseUrl: server.url + end,
    });
    await replyOf(endpoint, hello, short);
    assert.doesNotMatch(endpoint.url, /2024|=b/);
  }
  const path = '/v1/chat/completions';
  assert.deepEqual(
    server.requests.map((request) => request.path),
    [`${path}?api-version=2024-10-21&x=%20`, `${path}?a=b`, path, path],
  );
  assert.equal(server.requests[0].headers['api-key'], 'k', 'as its dated interface wants it');
  assert.equal(server.requests[1].headers['api-key'], undefined);
  assert.equal(server.requests[1].headers['x-team'], 'blue green');
});

test('addresses and keys that cannot be used are refused without being repeated', () => {
  const refused = (baseUrl: string, environment = {}): string => {
    const error = errorOf(() => new OpenAiEndpoint({ ...options, baseUrl, environment }));
    assert.doesNotMatch(error, /hunter2222/);
    return error;
  };
  assert.match(refused('http://me:hunter2222@127.0.0.1/v1'), /must hold no user and no password.*OPENAI_API_KEY/);
  assert.match(refused('http://hunter2222@127.0.0.1/v1'), /must hold no user and no password/);
  assert.match(refused('file:///hunter2222'), /this is no address/);
  assert.match(refused('https://host/v1?key=[redacted]'), /was redacted when the settings were kept/);
  assert.match(refused('http://host/v1', { OPENAI_API_KEY: 'hunter2222\u2026' }), /OPENAI_API_KEY holds a character/);
});

/** What is refused: OpenAI's reasoning models, servers of others, a template without a system. */
const refusals: Record<string, (body: Record<string, unknown>) => unknown> = {
  newer: ({ max_tokens, temperature }) =>
    max_tokens !== undefined
      ? {
          message:
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          param: 'max_tokens',
        }
      : temperature !== undefined && {
          message: "Unsupported value: 'temperature' does not support 0 with this model.",
          param: 'temperature',
        },
  strict: ({ seed, top_p, ...rest }) =>
    seed !== undefined
      ? [{ loc: ['body', 'seed'], msg: 'Extra inputs are not permitted' }]
      : top_p !== undefined
        ? 'unknown field top_p'
        : 'max_tokens' in rest
          ? 'unknown field max_tokens'
          : 'max_completion_tokens' in rest && 'unknown field max_completion_tokens',
  'no system': ({ messages }) =>
    (messages as Message[]).some(({ role }) => role === 'system') && 'System role not supported',
};
for (const [name, refuse] of Object.entries(refusals))
  test(`what an endpoint does not take is left out, once said (${name})`, async (t) => {
    const { server } = await serve(t, ({ body }, response) => {
      const said = refuse(body);
      if (!said) return sendText(response, 'Hi.');
      return sendJson(
        response,
        typeof said === 'object' && 'message' in said ? { error: said } : { detail: said },
        name === 'strict' ? 422 : 400,
      );
    });
    const notes: string[] = [];
    const endpoint = new OpenAiEndpoint({ ...options, baseUrl: server.url, onAdapt: (what) => notes.push(what) });
    const asked: Message[] = [{ role: 'system', content: 'Be brief.' }, ...hello];
    const all = { ...short, topP: 0.9, seed: 3 };
    const replies = await Promise.all(Array.from({ length: 4 }, () => replyOf(endpoint, asked, all)));
    assert.deepEqual(new Set(replies.map(({ text }) => text)), new Set(['Hi.']));
    const before = server.requests.length;
    await replyOf(endpoint, asked, all);
    assert.equal(server.requests.length, before + 1, 'remembered');
    const { messages, max_completion_tokens, temperature, seed } = server.requests[before].body;
    if (name === 'newer') {
      assert.equal(max_completion_tokens, 8);
      assert.equal(temperature, undefined);
      assert.equal(seed, 3);
      assert.deepEqual(notes, [
        'takes no max_tokens: asked with max_completion_tokens from here on',
        'takes no temperature of 0: asked without it from here on',
      ]);
    } else if (name === 'strict') assert.equal(notes.length, 4, notes.join());
    else assert.deepEqual(messages, [{ role: 'user', content: 'Be brief.\n\nHello' }]);
  });

test('fields of the person: laid over, left out, part of the identity; a refusal of one is told', async (t) => {
  const { server } = await serve(t, ({ body }, response) =>
    body.effort === 'huge'
      ? sendJson(response, { error: { message: 'effort: not one of low, high' } }, 400)
      : sendText(response, 'Hi.'),
  );
  const asked = (request: Record<string, unknown>): OpenAiEndpoint =>
    new OpenAiEndpoint({ ...options, baseUrl: server.url, request });
  await replyOf(asked({ effort: 'low', temperature: null, max_tokens: 99 }), hello, short);
  const { effort, temperature, max_tokens } = server.requests[0].body;
  assert.deepEqual({ effort, temperature, max_tokens }, { effort: 'low', temperature: undefined, max_tokens: 99 });
  assert.notEqual(asked({ effort: 'low' }).identity, asked({ effort: 'high' }).identity);
  await assert.rejects(
    replyOf(asked({ effort: 'huge' }), hello, short),
    /effort: not one of low.*eval\.judge\.request/s,
  );
  const { server: small } = await serve(t, (_, response) =>
    sendJson(response, { error: { message: 'max_tokens is too large: 8. At most 4.' } }, 400),
  );
  const tooLarge = new OpenAiEndpoint({ ...options, baseUrl: small.url });
  await assert.rejects(replyOf(tooLarge, hello, short), /too large/);
  assert.equal(small.requests.length, 1, 'another name would not help');
});

const send =
  (body: string, type = 'application/json', status = 200): Behaviour =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': type }).end(body);
const piece = (delta: unknown, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

test('a stream that nobody asked for, parts, thoughts apart from the text: read', async (t) => {
  const stream =
    piece({ role: 'assistant', reasoning_content: 'Hm' }) + piece({ content: 'Good ' }) + piece({ content: 'day.' });
  const rows: [Behaviour, object][] = [
    [
      send(`${stream}${piece({}, 'stop')}data: [DONE]\n\n`, 'text/event-stream'),
      { text: 'Good day.', finish: 'stop', reasoning: 'Hm' },
    ],
    [send(`: hello\n\n${stream}`, 'text/plain'), { text: 'Good day.', finish: 'length', reasoning: 'Hm' }],
    [
      sendMessage(
        {
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] },
            { type: 'text', text: 'Yes.' },
          ],
        },
        'stop',
      ),
      { text: 'Yes.', finish: 'stop', reasoning: 'Hm' },
    ],
    [sendMessage({ content: 'Yes.', reasoning: 'Hm' }, 'stop'), { text: 'Yes.', finish: 'stop', reasoning: 'Hm' }],
    [
      sendMessage({ content: null, reasoning_content: 'Hm' }, 'length'),
      { text: '', finish: 'length', reasoning: 'Hm' },
    ],
    [
      send(`\ufeff${JSON.stringify({ choices: [{ message: { content: 'Yes.' } }] })}`, 'text/plain'),
      { text: 'Yes.', finish: 'stop' },
    ],
  ];
  for (const [behaviour, expected] of rows) {
    const { endpoint } = await serve(t, behaviour);
    assert.deepEqual(await replyOf(endpoint, hello, short), expected);
  }
});

test('what is no reply says so in its own words, bounded and without control characters', async (t) => {
  const rows: [Behaviour, RegExp][] = [
    [
      send(
        '<html><head><title>Sign in</title><style>p {}</style></head><p>Please\u0007 log in</p></html>',
        'text/html',
      ),
      /^it sent a web page: Sign in Please log in$/,
    ],
    [send('', 'application/json'), /^it sent an empty body$/],
    [send('{"choices": [{"mess'), /^its JSON breaks off or is damaged: \{"choices"/],
    [send('busy\u001b[31m, come back', 'text/plain'), /^it sent text that is no JSON: busy\[31m, come back$/],
    [send('{"choices": []}'), /^it sent an empty list of choices$/],
    [send('{"choices": [{"old": "text"}]}'), /^its choice holds no message and no text/],
    [send(`{"hello": "${'x'.repeat(5000)}"}`), /^its answer is JSON, but no completion: \{"hello": "x{280,300}$/],
    [sendMessage({ content: null }, 'content_filter'), /content filter withheld/],
    [sendMessage({ content: null, refusal: 'I will not.' }, 'stop'), /^it refused: I will not\.$/],
    [sendMessage({ content: [{ type: 'image_url' }] }, 'stop'), /^its answer has no text, but image_url$/],
    [
      send('{"error": {"message": "flagged", "code": "content_filter"}}', 'application/json', 400),
      /^its content filter refused the question: flagged$/,
    ],
    [sendMessage({ content: '' }, 'stop'), /^its answer is empty \(finish_reason stop\)$/],
  ];
  for (const [behaviour, words] of rows) {
    const { endpoint } = await serve(t, behaviour);
    const { text, finish, why } = await replyOf(endpoint, hello, short);
    assert.deepEqual({ text, finish }, { text: '', finish: 'unusable' });
    assert.match(why ?? '', words);
  }
});

test('errors, whatever their status and form, are told in the endpoint’s words with what to do', async (t) => {
  const rows: [Behaviour, RegExp][] = [
    [
      send('{"error": {"message": "No such model: m", "code": "model_not_found"}}'),
      /knows no such model.*No such model: m.*Check eval\.judge\.model/s,
    ],
    [send('{"error": "out of order"}'), /an error in the place of a completion\. Out of order.*Check/s],
    [
      send('{"choices": [{"error": {"code": 502, "message": "provider fell over"}}]}'),
      /in the place of a completion\. Provider fell over/,
    ],
    [
      send('data: {"error": {"message": "stream broke", "type": "server_error"}}\n\n', 'text/event-stream'),
      /Stream broke/,
    ],
    [
      send('{"detail": [{"msg": "field required"}]}', 'application/json', 400),
      /HTTP 400\. \[\{"msg":"field required"\}\].*eval\.judge\.request/s,
    ],
    [send('{"message": "go away"}', 'application/json', 418), /HTTP 418\. Go away/],
    [send('<html><h1>502 Bad Gateway</h1><hr>nginx</html>', 'text/html', 502), /HTTP 502\. 502 Bad Gateway nginx/],
    [
      send('{"error": {"message": "no money", "code": "insufficient_quota"}}', 'application/json', 429),
      /no credit left.*No money.*billing/s,
    ],
    [
      (_, response) => void response.writeHead(307, { location: 'https://a:b@other/v1?k=v' }).end(),
      /redirects elsewhere \(HTTP 307\).*https:\/\/\[redacted\]@other\/v1\?k=\[redacted\]/s,
    ],
    [
      (_, response) => sendJson(response, {}, 503, { 'retry-after': new Date(Date.now() + 900_000).toUTCString() }),
      /HTTP 503 and asks to wait (?:899|900) s/,
    ],
  ];
  for (const [behaviour, words] of rows) {
    const { server, endpoint } = await serve(t, behaviour);
    await assert.rejects(replyOf(endpoint, hello, short), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, words);
      return true;
    });
    assert.equal(server.requests.length, 1);
  }
});

test('hundreds of requests on one signal leave nothing on it, and warn of nothing', async (t) => {
  const { endpoint } = await serve(t, (_, response) => sendText(response, 'Hi.'));
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const { signal } = new AbortController();
  for (let i = 0; i < 10; i++)
    await Promise.all(Array.from({ length: 20 }, () => replyOf(endpoint, hello, { ...short, signal })));
  await setImmediate();
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.deepEqual(warnings, []);
});

test('a key that comes back is redacted in text, thought, calls and reason, and counted', async (t) => {
  const key = 'q8-Zx3_Vb7Nn2Mm5';
  const call = { function: { name: 'add', arguments: JSON.stringify({ [key]: [`a ${key}`] }) } };
  const { server } = await serve(t, sendMessage({ content: `${key}!`, reasoning: `my ${key}`, tool_calls: [call] }));
  const endpoint = new OpenAiEndpoint({ ...options, baseUrl: server.url, environment: { OPENAI_API_KEY: key } });
  const reply = await replyOf(endpoint, hello, { ...short, tools: [add] });
  assert.deepEqual(reply, {
    text: '[redacted]!',
    finish: 'tool_calls',
    reasoning: 'my [redacted]',
    toolCalls: [{ id: undefined, name: 'add', arguments: { '[redacted]': ['a [redacted]'] } }],
  });
  assert.equal(endpoint.redacted, 4);
});

test('messages name whoever asked for the endpoint', async (t) => {
  const { endpoint } = await serve(t, (_, response) => sendJson(response, { error: { message: 'no' } }, 404));
  await assert.rejects(replyOf(endpoint, hello, short), (error) => {
    assert.ok(error instanceof UserError);
    return /the judge's endpoint knows no such model.*Check eval\.judge\.model/s.test(error.message);
  });
});
