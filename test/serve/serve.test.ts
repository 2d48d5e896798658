// The page's chat, which runs tools, and the command itself: a real process that serves a run, and stops as it is asked to.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { settingsName } from '../../src/base/layout.js';
import type { ChatEvent, Session } from '../../src/serve/contract.js';
import { tokenHeader } from '../../src/serve/contract.js';
import { entry, mossctl } from '../e2e/cli.js';
import { hello, saveTrained, startServer, sum, type TestServer, temporaryFolder, words } from './world.js';

const { folder, remove } = await temporaryFolder();
after(remove);
const run = join(folder, 'counting');

before(async () => {
  await saveTrained(join(run, 'sft', 'step-000001'));
  await writeFile(join(run, settingsName), 'name: counting\n');
  await saveTrained(join(run, 'pretrain', 'step-000001'), 0);
});

async function session(url: string): Promise<Session> {
  return (await (
    await fetch(`${url}/api/session`, { headers: { 'accept-language': 'zh-CN,en;q=0.5' } })
  ).json()) as Session;
}

async function turn(url: string, body: object): Promise<ChatEvent[]> {
  const { token } = await session(url);
  const headers = { 'content-type': 'application/json', [tokenHeader]: token };
  const response = await fetch(`${url}/api/chat`, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.equal(response.status, 200, await response.clone().text());
  const text = await response.text();
  return text
    .split('\n\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line.replace(/^data: /, '')) as ChatEvent);
}

describe("the page's chat", () => {
  let server: TestServer;
  const sampling = { temperature: 0 };
  before(async () => {
    server = await startServer([run]);
  });
  after(() => server.stop());

  test('a run serves its stages, the newest is the default, and weights are opened when asked for', async () => {
    const { models, default: named, run: name, language } = await session(server.url);
    assert.deepEqual(
      models.map(({ id, tools, contextLength }) => [id, tools, contextLength]),
      [
        ['base', ['Calculate'], 512],
        ['sft', ['Calculate'], 512],
      ],
    );
    assert.deepEqual([named, name, language], ['sft', 'counting', 'zh']);
    assert.ok(models.every(({ parameters = 0 }) => parameters > 1000));
    assert.deepEqual(
      server.service.models.all.map(({ opened }) => opened),
      [undefined, undefined],
    );
  });

  test('text, calls, results and the whole turn as it is sent back', async () => {
    const plain = await turn(server.url, { messages: [hello], sampling, tools: true });
    assert.equal(plain.map((event) => (event.type === 'text' ? event.text : '')).join(''), words);
    const called = await turn(server.url, { model: 'sft', messages: [sum], sampling, tools: true });
    const types = called.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    assert.deepEqual(types, ['call', 'result', 'text', 'end'], JSON.stringify(called));
    const result = called.find((event) => event.type === 'result');
    assert.deepEqual(result, { type: 'result', name: 'Calculate', text: '36', failed: false });
    const end = called.at(-1);
    assert.ok(end?.type === 'end');
    assert.deepEqual(
      end.messages.map(({ role }) => role),
      ['assistant', 'tool', 'assistant'],
    );
    assert.equal(end.messages[2].content, 'It is 36.');
    assert.equal(end.finish, 'stop');
    assert.ok(end.usage.input > 20 && end.usage.output > 10, JSON.stringify(end.usage));
    const again = await turn(server.url, {
      messages: [sum, ...end.messages, hello],
      sampling,
      tools: true,
      maxNewTokens: 5,
    });
    assert.equal(again.at(-1)?.type, 'end', JSON.stringify(again));
    assert.equal(server.service.admission.answers, 0);
  });

  test('without tools nothing is called, and what is no turn is refused in words', async () => {
    const events = await turn(server.url, { messages: [sum], sampling, tools: false });
    assert.ok(
      events.every(({ type }) => type === 'text' || type === 'end'),
      JSON.stringify(events),
    );
    const { token } = await session(server.url);
    const headers = { 'content-type': 'application/json', [tokenHeader]: token };
    const body = JSON.stringify({ messages: [{ role: 'robot', content: 1 }], tools: 'yes' });
    const refused = await fetch(`${server.url}/api/chat`, { method: 'POST', headers, body });
    assert.equal(refused.status, 400);
    const { type, what } = (await refused.json()) as { type: string; what: string };
    assert.equal(type, 'error');
    assert.match(what, /messages\[0\]\.role: .*; tools: /);
  });

  test('several paths: every name is one of theirs', async () => {
    const other = join(folder, 'other');
    await cp(join(run, 'sft', 'step-000001'), other, { recursive: true });
    const two = await startServer([run, other]);
    try {
      assert.deepEqual(
        two.service.models.all.map(({ id }) => id),
        ['counting/base', 'counting/sft', 'other'],
      );
      assert.equal(two.service.models.default.id, 'counting/sft');
      await assert.rejects(startServer([run, other, `${other}/`]), /other\/: the same model is named twice/);
      const missing = two.client.chat.completions.create({
        model: 'othr',
        messages: [{ role: 'user', content: 'Count.' }],
      });
      await assert.rejects(missing, /404 .*Did you mean other\? There is counting\/base, counting\/sft and other/);
      assert.equal((await two.client.models.retrieve('counting/sft')).id, 'counting/sft');
      assert.equal(two.service.models.find('base').id, 'counting/base', 'only one of them has that stage');
    } finally {
      await two.stop();
    }
  });
});

/** The process, and where it listens. */
async function start(...args: string[]): Promise<{ child: ChildProcess; url: string; errors: () => string }> {
  const words = ['serve', run, '--port', '0', '--json', '--threads', '1', ...args];
  const child = spawn(process.execPath, [...entry, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    return { child, url: (JSON.parse(line) as { url: string }).url, errors: () => errors };
  }
  throw new Error(`it never listened: ${errors}`);
}

describe('mossctl serve', () => {
  const body = JSON.stringify({ prompt: 'a', max_tokens: 450, n: 6, repetition_penalty: 0.1, seed: 1 });
  const ask = (url: string): Promise<Response> =>
    fetch(`${url}/v1/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

  const running = async (url: string): Promise<void> => {
    for (;;) {
      const { answers } = (await (await fetch(`${url}/health`)).json()) as { answers: number };
      if (answers > 0) return;
    }
  };

  test('SIGTERM lets running answers end; a second signal ends at once', async () => {
    const first = await start();
    const answer = ask(first.url);
    await running(first.url);
    first.child.kill('SIGTERM');
    const { choices } = (await (await answer).json()) as { choices: { finish_reason: string }[] };
    assert.equal(choices.length, 6);
    const [code] = (await once(first.child, 'exit')) as [number];
    assert.equal(code, 0, first.errors());
    assert.match(first.errors(), /stopping once 6 answers have ended/);

    const second = await start('--quiet');
    const cut = ask(second.url);
    cut.catch(() => undefined);
    await running(second.url);
    second.child.kill('SIGTERM');
    second.child.kill('SIGINT');
    assert.deepEqual(await once(second.child, 'exit'), [130, null]);
    await assert.rejects(cut);
  });

  test('what is no run is refused with what to type next', async () => {
    const refused = async (path: string): Promise<string> => {
      const { code, stderr } = await mossctl(['serve', path, '--port', '0'], { cwd: folder });
      assert.equal(code, 2);
      return stderr;
    };
    assert.match(await refused('countign'), /there is nothing at this path\. Type .*mossctl serve counting\b/);
    assert.match(await refused('.'), /this folder holds runs, and is none\. Type .*mossctl serve counting\b/);
    assert.match(await refused('nowhere/x'), /Train one, .*mossctl run quickstart --ui;/);
  });

  test('another address needs a key, which never stands in the arguments', async () => {
    const open = await mossctl(['serve', run, '--host', '0.0.0.0', '--port', '0']);
    assert.equal(open.code, 2);
    assert.match(
      open.stderr,
      /--host: 0\.0\.0\.0 is not of this machine alone, and there is no key\..*--api-key-file/s,
    );
    const file = join(folder, 'key');
    await writeFile(file, 'short\n');
    const weak = await mossctl(['serve', run, '--port', '0', '--api-key-file', file]);
    assert.equal(weak.code, 2);
    assert.match(weak.stderr, /a key has 16 to 1000 characters/);
    assert.ok(!weak.stderr.includes('short'), weak.stderr);
  });
});
