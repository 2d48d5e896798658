// What a hostile or merely unusual client sends to OpenAI's endpoints, and what a model with a padded vocabulary answers.
import assert from 'node:assert/strict';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { settingsName } from '../../src/base/layout.js';
import { Admission } from '../../src/serve/admission.js';
import { seedsOf } from '../../src/serve/choice.js';
import { ServedModels } from '../../src/serve/models.js';
import { messagesOf } from '../../src/serve/openai-messages.js';
import { samplingOf } from '../../src/serve/openai-request.js';
import { RefusedRequest } from '../../src/serve/refusal.js';
import { checkFields } from '../../src/serve/written-fields.js';
import { memory } from '../../src/tensor/tf.js';
import { ChatTemplate } from '../../src/tokenizer/chat-template.js';
import { formerChatmlTemplate } from '../../src/tokenizer/chatml.js';
import { saveTrained, startServer, type TestServer, temporaryFolder } from './world.js';

const { folder, remove } = await temporaryFolder();
after(remove);

const user = { role: 'user', content: 'weather?' };
const callOf = (id: string, name: string): object => ({ id, type: 'function', function: { name, arguments: '{}' } });
const calling = { role: 'assistant', content: null, tool_calls: [callOf('c1', 'paris'), callOf('c2', 'rome')] };
const resultOf = (id: string, content: string, more = {}): object => ({
  ...{ role: 'tool', tool_call_id: id, content, ...more },
});

function refusedAt(param: RegExp, work: () => unknown): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof RefusedRequest, String(error));
    assert.equal(error.refusal.status, 400);
    assert.match(error.refusal.param ?? '', param);
    return true;
  });
}

describe('messages', () => {
  test('results stand in the order of their calls, whatever order they came in', () => {
    const read = messagesOf([user, calling, resultOf('c2', '30'), resultOf('c1', '20', { name: 'paris' }), user]);
    assert.deepEqual(
      read.map(({ content, name }) => [content, name]),
      [
        ['weather?', undefined],
        ['', undefined],
        ['20', 'paris'],
        ['30', 'rome'],
        ['weather?', undefined],
      ],
    );
  });

  test('one result for each call: none is missing, doubled, of another call or of another name', () => {
    const both = [resultOf('c1', '20'), resultOf('c2', '30')];
    refusedAt(/^messages\[1\]\.tool_calls\[1\]\.id$/, () => messagesOf([user, calling, both[0], user]));
    refusedAt(/^messages\[1\]\.tool_calls\[0\]\.id$/, () => messagesOf([user, calling]));
    refusedAt(/^messages\[3\]\.tool_call_id$/, () => messagesOf([user, calling, both[0], both[0]]));
    refusedAt(/^messages\[2\]\.tool_call_id$/, () => messagesOf([user, calling, resultOf('c3', '1'), ...both]));
    refusedAt(/^messages\[5\]\.tool_call_id$/, () => messagesOf([user, calling, ...both, user, both[0]]));
    refusedAt(/^messages\[2\]\.name$/, () => messagesOf([user, calling, resultOf('c1', '1', { name: 'rome' })]));
    const twins = { ...calling, tool_calls: [callOf('c1', 'paris'), callOf('c1', 'rome')] };
    refusedAt(/^messages\[1\]\.tool_calls\[1\]\.id$/, () => messagesOf([user, twins, both[0]]));
  });
});

test('seeds above 32 bits are seeds of their own, and small ones stay as they are', () => {
  assert.deepEqual(seedsOf(7, 1), [7]);
  const seeds = [0, 2 ** 32, 2 ** 33, -1, 2 ** 32 - 1].map((seed) => seedsOf(seed, 1)[0]);
  assert.equal(new Set(seeds).size, seeds.length, String(seeds));
});

test('top_p 0 is the likeliest token', () => {
  const { topK, topP } = samplingOf({ top_p: 0 });
  assert.deepEqual([topK, topP], [1, 1]);
});

test('a round of alignment that promoted nothing is no model of its own', async () => {
  const run = join(folder, 'run');
  const sft = join(run, 'sft', 'step-000001');
  await saveTrained(sft, 0);
  await cp(sft, join(run, 'align', 'step-000001'), { recursive: true });
  await writeFile(join(run, settingsName), 'name: run\n');
  const models = await ServedModels.find([run]);
  assert.deepEqual([models.all.map(({ id }) => id), models.default.id], [['sft'], 'sft']);
});

test('what is no longer the default gives its weights back, once its last answer has ended', async () => {
  const path = join(folder, 'first');
  await saveTrained(path, 0);
  const models = await ServedModels.find([path]);
  const added = await models.add({ id: 'second', path });
  const { numTensors } = memory();
  const visit = new Admission({ answers: 1, seconds: 60 }).enter(1, new AbortController().signal);
  await added.open(visit);
  models.setDefault('first');
  await setImmediate();
  assert.ok(added.opened !== undefined && memory().numTensors > numTensors);
  visit.leave();
  for (let turn = 0; turn < 100 && memory().numTensors > numTensors; turn++) await setImmediate();
  assert.deepEqual([added.opened, memory().numTensors, models.default.id], [undefined, numTensors, 'first']);
  await added.open();
  assert.ok(added.opened !== undefined);
  await models.close();
});

describe('served', () => {
  let server: TestServer;
  const origin = 'http://page.example';
  const ask = (path: string, body: object): Promise<Response> =>
    fetch(`${server.url}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify(body),
    });
  const chat = (body: object): Promise<Response> => ask('chat/completions', { messages: [user], ...body });
  const faultOf = async (response: Response): Promise<{ param: string | null; message: string }> => {
    const text = await response.text();
    assert.equal(response.status, 400, text);
    return (JSON.parse(text) as { error: { param: string | null; message: string } }).error;
  };

  before(async () => {
    const path = join(folder, 'untrained');
    await saveTrained(path, 0);
    server = await startServer([path], { cors: [origin] });
  });
  after(() => server.stop());

  test('a stream has the headers that every answer has', async () => {
    const response = await chat({ stream: true, max_tokens: 1 });
    await response.text();
    assert.equal(response.headers.get('access-control-allow-origin'), origin);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  });

  test('how likely each tool is is asked once, however many answers there are, and all of it is counted', async () => {
    const { engine } = await server.service.models.default.open();
    const { admission } = server.service;
    const { submit } = engine;
    let requests = 0;
    let counted = 0;
    engine.submit = (...given) => {
      requests++;
      counted = Math.max(counted, admission.answers);
      return submit.apply(engine, given);
    };
    const tools = ['a', 'b', 'c'].map((name) => ({ type: 'function', function: { name } }));
    const response = await chat({ tools, tool_choice: 'required', n: 4, max_tokens: 1 });
    engine.submit = submit;
    assert.equal(response.status, 200, await response.text());
    assert.deepEqual([requests, counted], [7, 7]);
  });

  test('thoughts, calls and tools that can never fit are refused as quickly as text is', async () => {
    const thinking = { role: 'assistant', content: '', reasoning_content: 'x '.repeat(1.5e6) };
    const { engine, tokenizer } = await server.service.models.default.open();
    const { encode } = tokenizer;
    let characters = 0;
    tokenizer.encode = (text, ...more) => {
      characters += text.length;
      return encode.call(tokenizer, text, ...more);
    };
    const long = await faultOf(await chat({ messages: [user, thinking, user] }));
    assert.deepEqual([long.param, /more than 512/.test(long.message)], ['messages', true]);
    const given = JSON.stringify({ text: 'x '.repeat(1e6) });
    const called = { ...calling, tool_calls: [{ ...callOf('c', 'f'), function: { name: 'f', arguments: given } }] };
    assert.equal((await faultOf(await chat({ messages: [user, called, resultOf('c', '')] }))).param, 'messages');
    const tools = Array.from({ length: 128 }, (_, i) => ({
      ...{ type: 'function', function: { name: `f${i}`, description: 'x '.repeat(8000) } },
    }));
    assert.equal((await faultOf(await chat({ tools }))).param, 'tools');
    tokenizer.encode = encode;
    assert.ok(characters < 1e5, `${characters} characters were tokenised`);
    assert.equal(engine.load.active, 0);
  });

  test('what the template does not write is refused, not dropped', async () => {
    assert.equal((await faultOf(await chat({ messages: [{ ...user, name: 'alice' }] }))).param, 'messages[0].name');
    const thinking = { role: 'assistant', content: 'sun', reasoning_content: 'let me see' };
    assert.equal((await chat({ messages: [user, thinking, user], max_tokens: 1 })).status, 200);
    const { tokenizer } = await server.service.models.default.open();
    const called = messagesOf([user, calling, resultOf('c1', ''), resultOf('c2', '')]);
    const former = new ChatTemplate(tokenizer, formerChatmlTemplate);
    refusedAt(/^messages\[1\]\.tool_calls$/, () => checkFields(former, called));
    checkFields(new ChatTemplate(tokenizer), called);
    const noThoughts = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}';
    const thoughtful = messagesOf([user, thinking]);
    refusedAt(/^messages\[1\]\.reasoning_content$/, () =>
      checkFields(new ChatTemplate(tokenizer, noThoughts), thoughtful),
    );
  });

  test('as many likeliest tokens as were asked for, parts of characters by their bytes', async () => {
    const response = await ask('completions', { prompt: '一二', max_tokens: 3, logprobs: 5, temperature: 0 });
    type Logprobs = { tokens: string[]; top_logprobs: Record<string, number>[] };
    const { choices } = (await response.json()) as { choices: { logprobs: Logprobs }[] };
    const [{ logprobs }] = choices;
    assert.deepEqual(
      logprobs.top_logprobs.map((top) => Object.keys(top).length),
      [5, 5, 5],
    );
    const names = logprobs.top_logprobs.flatMap((top) => Object.keys(top));
    assert.ok(
      names.some((name) => /^bytes:(\\x[0-9a-f]{2})+$/.test(name)),
      JSON.stringify(names),
    );
    assert.ok(names.every((name) => !name.includes('\ufffd')));
  });

  test('many answers at once are no leak, and a request that was too slow is not to be repeated', async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', onWarning);
    assert.equal((await chat({ n: 12, max_tokens: 1 })).status, 200);
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
    const hurried = await startServer([join(folder, 'untrained')], { limits: { seconds: 0.001 } });
    try {
      const response = await fetch(`${hurried.url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt: 'a', max_tokens: 400, seed: 1 }),
      });
      assert.deepEqual([response.status, response.headers.get('x-should-retry')], [504, 'false']);
    } finally {
      await hurried.stop();
    }
  });
});
