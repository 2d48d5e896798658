// Requests that nobody should send, drawn from a seed: broken and wrong bodies, wrong addresses and headers, connections that
// are opened and dropped. Small ones that are right are among them, so that the work goes on meanwhile.
import { connect } from 'node:net';
import type { Random } from '../../src/base/random.ts';

export interface MalformedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** Milliseconds after which the client goes away. */
  leavesAfter?: number;
}

const json = { 'content-type': 'application/json' };

function rightBody(random: Random): { path: string; body: Record<string, unknown> } {
  const shared = { model: 'any', max_tokens: random.integer(1, 4), seed: random.integer(0, 1000), temperature: 1 };
  return random.uniform() < 0.5
    ? { path: '/v1/completions', body: { ...shared, prompt: 'Count', n: 1, stop: ['x'] } }
    : {
        path: '/v1/chat/completions',
        body: { ...shared, messages: [{ role: 'user', content: 'Count.' }], stream: random.uniform() < 0.3 },
      };
}

const values: readonly ((random: Random) => unknown)[] = [
  () => null,
  () => true,
  () => '',
  () => [],
  () => ({}),
  () => -1,
  () => 0.5,
  () => 1e308,
  () => Number.MAX_SAFE_INTEGER,
  () => '<|im_end|>\u0000\ud800',
  () => 'x'.repeat(5000),
  () => [[[[]]]],
  () => ({ __proto__: null, constructor: { prototype: 1 } }),
  (random) => Array.from({ length: random.integer(1, 40) }, () => random.integer(-5, 5)),
  (random) => nested(random.integer(2, 400)),
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

const fields = [
  ...['model', 'messages', 'prompt', 'max_tokens', 'n', 'seed', 'stop', 'temperature', 'top_p', 'stream', 'tools'],
  ...['tool_choice', 'logprobs', 'top_logprobs', 'stream_options', 'logit_bias', 'response_format', '__proto__', 'x y'],
];

const kinds: readonly ((random: Random) => MalformedRequest)[] = [
  // right, and dropped now and then
  (random) => {
    const { path, body } = rightBody(random);
    const leaves = random.uniform() < 0.3;
    return {
      method: 'POST',
      path,
      headers: json,
      body: JSON.stringify(body),
      ...(leaves && { leavesAfter: random.integer(0, 15) }),
    };
  },
  // a wrong value
  (random) => {
    const { path, body } = rightBody(random);
    const changed = { ...body, [random.choose(fields)]: random.choose(values)(random) };
    return { method: 'POST', path, headers: json, body: JSON.stringify(changed) };
  },
  // a wrong value inside a message
  (random) => {
    const message = {
      role: 'user',
      content: 'a',
      [random.choose(['role', 'content', 'tool_calls', 'name'])]: random.choose(values)(random),
    };
    const body = JSON.stringify({ model: 'a', max_tokens: 1, messages: [message] });
    return { method: 'POST', path: '/v1/chat/completions', headers: json, body };
  },
  // cut or changed text
  (random) => {
    const { path, body } = rightBody(random);
    const text = JSON.stringify(body);
    const at = random.integer(0, text.length);
    const cut =
      random.uniform() < 0.5
        ? text.slice(0, at)
        : text.slice(0, at) + random.choose(['{', '"', '\\', '\u0000', ',,', '1e9999', ']']) + text.slice(at + 1);
    return { method: 'POST', path, headers: json, body: cut };
  },
  // brackets alone
  (random) => {
    const bracket = random.choose(['[', '{"a":', '[{"a":']);
    return { method: 'POST', path: '/v1/completions', headers: json, body: bracket.repeat(random.integer(1, 20_000)) };
  },
  // another address or method
  (random) => ({
    method: random.choose(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']),
    path: random.choose([
      ...['/v1/completions', '/v1/models/none', '/%00', '/..%2f..%2fetc/passwd', '/assets/%2e%2e%2fx', '/api/chat'],
      ...['//', '/v1//models', '/?a=1', '/api/session/x', `/${'a'.repeat(3000)}`, '/api/none'],
    ]),
    headers: {},
  }),
  // headers
  (random) => ({
    ...{ method: 'POST', path: random.choose(['/v1/completions', '/api/chat', '/api/feedback']) },
    headers: random.choose<Record<string, string>>([
      ...[{ 'content-type': 'text/plain' }, { ...json, host: 'evil.example' }, { ...json, origin: 'null' }],
      ...[
        { ...json, origin: 'https://evil.example' },
        { ...json, 'x-mossctl-token': 'guess' },
      ],
      ...[{ ...json, 'content-encoding': 'gzip' }, { 'content-type': `application/json;${'a'.repeat(2000)}` }],
    ]),
    body: '{"prompt":"a","max_tokens":1}',
  }),
];

export function malformedRequest(random: Random): MalformedRequest {
  return random.choose(kinds)(random);
}

const openings = [
  'GET',
  'GET / HTTP/1.1\r\n',
  'POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{"a',
  'POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  '\u0016\u0003\u0001\u0002\u0000',
  'NOPE / HTTP/9.9\r\n\r\n',
];

/** A connection that says half of a request and is dropped, or is left for the server to end. */
export function halfOpen(port: number, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const drop = random.uniform() < 0.9;
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.on('connect', () => {
      socket.write(random.choose(openings));
      if (drop) setTimeout(() => socket.destroy(), random.integer(0, 20));
      else resolve(); // it is ended by the server's clock
    });
    socket.resume();
  });
}
