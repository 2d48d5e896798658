// Who may ask and how much: addresses, origins, keys, tokens, sizes, queues and time. Raw HTTP, because clients behave.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tokenHeader } from '../../src/serve/contract.js';
import { until } from '../until.js';
import { saveTrained, startServer, type TestServer, type TestServerOptions, temporaryFolder } from './world.js';

const { folder, remove } = await temporaryFolder();
after(remove);
const path = join(folder, 'says-anything');

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

interface Asked {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

function ask(
  { url }: TestServer,
  { method = 'GET', path: at = '/v1/models', headers = {}, body }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${at}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const completion = (more: object = {}, headers: Record<string, string> = json): Asked => ({
  ...{ method: 'POST', path: '/v1/completions', headers },
  body: JSON.stringify({ prompt: 'a', max_tokens: 2, seed: 1, ...more }),
});

async function served(options: TestServerOptions, use: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer([path], { verify: false, ...options });
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

before(() => saveTrained(path, 0));

describe('who may ask', () => {
  test('a refusal is in the language that is asked for', async () => {
    await served({}, async (server) => {
      const said = async (path: string, language?: string): Promise<string> =>
        (await ask(server, { path, headers: language === undefined ? {} : { 'accept-language': language } })).text;
      assert.match(await said('/api/runs/none', 'zh-CN,zh;q=0.9'), /"what":"[^"]*这个地址下什么都没有/);
      assert.match(
        await said('/v1/models/none', 'zh'),
        /"message":"没有提供这个名字的模型。","type":"not_found_error"/,
      );
      for (const language of [undefined, 'en', 'fr']) {
        assert.match(await said('/v1/models/none', language), /"message":"no model of this name is served\."/);
      }
    });
  });

  test('only names of this machine, and only its own pages', async () => {
    await served({ cors: ['http://friend.example:3000'] }, async (server) => {
      const { host } = new URL(server.url);
      const statusOf = async (headers: Record<string, string>, more: Asked = {}): Promise<number> =>
        (await ask(server, { ...more, headers: { ...more.headers, ...headers } })).status;
      for (const name of ['localhost:1', '127.0.0.1', '[::1]:80', 'LOCALHOST', '127.9.9.9']) {
        assert.equal(await statusOf({ host: name }), 200, name);
      }
      for (const name of ['evil.example', 'localhost.evil.example', '10.0.0.1', 'localhost@evil.example']) {
        assert.equal(await statusOf({ host: name }), name.includes('@') ? 400 : 421, name);
      }
      for (const origin of ['https://evil.example', 'null', 'http://localhost:1', `http://${host}.evil.example`, 'x']) {
        assert.equal(await statusOf({ origin }), 403, origin);
        assert.equal(await statusOf({ origin }, completion()), 403, origin);
      }
      assert.equal(await statusOf({ origin: `http://${host}` }), 200);
      const shared = { origin: 'http://friend.example:3000' };
      const preflight = await ask(server, { method: 'OPTIONS', path: '/v1/completions', headers: shared });
      assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin']], [204, shared.origin]);
      assert.equal(await statusOf(shared, completion()), 200);
      assert.equal(await statusOf(shared, { path: '/api/session' }), 403);
    });
  });

  test('where there is a key, everything but /health needs it', async () => {
    const key = 'a key of a test 0123'.replaceAll(' ', '-');
    await served({ key }, async (server) => {
      const withKey = (text: string) => ({ headers: { authorization: text } });
      assert.equal((await ask(server, { path: '/health' })).status, 200);
      for (const at of ['/v1/models', '/api/session', '/', '/metrics']) {
        assert.equal((await ask(server, { path: at })).status, 401, at);
        assert.equal((await ask(server, { path: at, ...withKey(`Bearer ${key}x`) })).status, 401, at);
        assert.equal((await ask(server, { path: at, ...withKey(`Bearer ${key}`) })).status, 200, at);
      }
      const basic = Buffer.from(`anyone:${key}`).toString('base64');
      assert.equal((await ask(server, { path: '/api/session', ...withKey(`Basic ${basic}`) })).status, 200);
      const refused = await ask(server, { path: '/' });
      assert.match(String(refused.headers['www-authenticate']), /^Basic /);
      assert.deepEqual((JSON.parse((await ask(server)).text) as { error: object }).error, {
        ...{ message: 'this server needs a key. Send it as authorization: Bearer KEY.', param: null },
        ...{ type: 'authentication_error', code: 'invalid_api_key' },
      });
    });
  });

  test('what changes something under /api needs JSON and the token of the process', async () => {
    await served({}, async (server) => {
      const body = JSON.stringify({ messages: [{ role: 'user', content: 'a' }], tools: false, maxNewTokens: 2 });
      const asked = (headers: Record<string, string>): Asked => ({ method: 'POST', path: '/api/chat', headers, body });
      const { token } = JSON.parse((await ask(server, { path: '/api/session' })).text) as { token: string };
      const own = { [tokenHeader]: token };
      assert.equal((await ask(server, asked(json))).status, 403);
      assert.equal((await ask(server, asked({ ...json, [tokenHeader]: 'guess' }))).status, 403);
      assert.equal((await ask(server, asked({ ...own, 'content-type': 'text/plain' }))).status, 415);
      assert.equal((await ask(server, asked({ ...own, ...json }))).status, 200);
    });
  });
});

describe('how much', () => {
  test('bodies: no JSON, too large, too deep, cut off, of the wrong kind', async () => {
    await served({ limits: { bodyBytes: 5000 } }, async (server) => {
      const post = (body: string, headers: Record<string, string> = json): Asked => ({
        ...completion({}, headers),
        body,
      });
      const cases: [Asked, number][] = [
        [post('{'), 400],
        [post(''), 400],
        [post('[]'), 400],
        [post('null'), 400],
        [post(`{"prompt":"${'a'.repeat(6000)}"}`), 413],
        [post(`{"prompt":"${'a'.repeat(6000)}"}`, { ...json, 'transfer-encoding': 'chunked' }), 413],
        [post(`{"prompt":${'['.repeat(2000)}${']'.repeat(2000)}}`), 400],
        [post('{"prompt":"a"}', { 'content-type': 'text/plain' }), 415],
        [post('{"prompt":"a","max_tokens":1e999}'), 400],
        [{ ...completion(), method: 'PUT' }, 405],
        [{ path: '/v1/completions' }, 405],
        [{ path: '/v1/none' }, 404],
        [{ path: '/%2e%2e/package.json' }, 404],
        [{ path: '/assets/..%2f..%2fpackage.json' }, 404],
      ];
      for (const [asked, status] of cases) {
        const answer = await ask(server, asked);
        assert.equal(answer.status, status, `${asked.body?.slice(0, 60)} ${asked.path}: ${answer.text}`);
        assert.equal(typeof (JSON.parse(answer.text) as { error: { message: string } }).error.message, 'string');
        assert.ok(!/\bat .*:\d+:\d+/.test(answer.text), answer.text);
      }
      assert.equal((await ask(server, completion())).status, 200);
      assert.equal(server.service.admission.answers, 0);
    });
  });

  test('a full queue is a 429 that says when to try again; a slow answer a 504', async () => {
    await served({ limits: { answers: 3 } }, async (server) => {
      const long = completion({ max_tokens: 400, n: 3, repetition_penalty: 0.1 });
      const running = ask(server, long);
      await until(() => server.service.admission.answers === 3, 'three answers are being written');
      const refused = await ask(server, completion());
      assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '1']);
      assert.match(refused.text, /"code":"queue_full"/);
      assert.equal((await running).status, 200);
      assert.equal((await ask(server, completion())).status, 200);
    });
    await served({ limits: { seconds: 0.02 } }, async (server) => {
      await server.service.models.default.open();
      const late = await ask(server, completion({ max_tokens: 500, n: 20, repetition_penalty: 0.1 }));
      assert.equal(late.status, 504, late.text);
      const streamed = await ask(server, completion({ max_tokens: 500, n: 20, repetition_penalty: 0.1, stream: true }));
      assert.equal(streamed.status, 200);
      assert.match(streamed.text, /"code":"timeout"/);
      assert.ok(!streamed.text.includes('[DONE]'));
      assert.equal(server.service.admission.answers, 0);
    });
  });

  test('a sender that does not finish its request is cut off', async () => {
    await served({ limits: { headSeconds: 0.2, bodySeconds: 0.4 } }, async (server) => {
      const { port } = new URL(server.url);
      for (const text of [
        'GET / HT',
        'POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{',
      ]) {
        const socket = connect(Number(port), '127.0.0.1');
        socket.write(text);
        let answered = '';
        socket.setEncoding('utf8').on('data', (piece: string) => (answered += piece));
        await new Promise((resolve) => socket.once('close', resolve));
        assert.match(answered, /^HTTP\/1\.1 4(08|00)/);
      }
      assert.equal(server.service.admission.answers, 0);
    });
  });

  test('while it stops, running answers end and new ones are refused', async () => {
    const server = await startServer([path], { verify: false });
    const running = ask(server, completion({ max_tokens: 400, n: 4, repetition_penalty: 0.1 }));
    await until(() => server.service.admission.answers === 4, 'four answers are being written');
    const stopped = server.stop();
    const refused = await ask(server, completion());
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '10']);
    assert.equal((await ask(server, { path: '/health' })).status, 503);
    const { status, text } = await running;
    assert.equal(status, 200);
    const { choices } = JSON.parse(text) as { choices: { finish_reason: string }[] };
    assert.ok(choices.length === 4 && choices.every((choice) => choice.finish_reason !== 'aborted'));
    await stopped;
    await assert.rejects(ask(server), /ECONNREFUSED/);
  });
});
