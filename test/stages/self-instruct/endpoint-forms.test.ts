// Teachers that are asked in other forms than chat and text: legacy completions, and JSON mode where it is offered.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SelfInstructConfig } from '../../../src/config/pipeline.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { selfInstructStage } from '../../../src/stages/self-instruct/stage.js';
import {
  type Behaviour,
  type ChatServer,
  goodTeacher,
  sendJson,
  startChatServer,
} from '../../inference/chat-server.js';

/** What `goodTeacher` says to a text. */
function saidTo(text: string): string {
  let said = '';
  const end = (body: string): void => {
    said = (JSON.parse(body) as { choices: { message: { content: string } }[] }).choices[0].message.content;
  };
  const response = { writeHead: () => undefined, end } as unknown as Parameters<Behaviour>[1];
  goodTeacher({ messages: [{ role: 'user', content: text }] } as Parameters<Behaviour>[0], response, 1);
  return said;
}

async function runWith(t: TestContext, behaviour: Behaviour, config: Partial<SelfInstructConfig>) {
  const server: ChatServer = await startChatServer(behaviour);
  const folder = await mkdtemp(join(tmpdir(), 'mossctl-forms-'));
  t.after(() => Promise.all([server.close(), rm(folder, { recursive: true })]));
  const events: Event[] = [];
  const job = {
    config: {
      ...{ seeds: 'data-specs/seeds.jsonl', teacher: 'openai', answers: 'short', model: 'tiny', baseUrl: server.url },
      ...{ timeoutSeconds: 5, retries: 0, concurrency: 8, kinds: ['arithmetic'], count: 30, heldOut: 5, prompts: 0 },
      ...{ maxSimilarity: 0.7, turns: { share: 0, most: 6 } },
      ...config,
    } as SelfInstructConfig,
    inputs: {},
    directory: join(folder, 'self-instruct'),
    seed: 1,
    compute: { backend: 'auto' as const },
    reporter: stageReporter({ emit: (event) => events.push(event) }, 'selfInstruct'),
  };
  const notes = () => events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n');
  const run = async (): Promise<string> => {
    const { metrics } = await selfInstructStage.run(job);
    assert.equal(metrics.train, 30);
    return readFile(join(job.directory, 'train.jsonl'), 'utf8');
  };
  return { server, notes, run };
}

test('legacy completions: a text is continued, and where it is to end is said', async (t) => {
  const { server, run, notes } = await runWith(
    t,
    ({ path, body }, response) => {
      assert.equal(path, '/v1/completions');
      const prompt = String(body.prompt);
      const begin = /\n\n(\d+\.)$/.exec(prompt)?.[1] ?? '';
      const text = saidTo(begin === '' ? prompt : prompt.slice(0, -begin.length - 2)).slice(begin.length);
      if (body.temperature === 1 && 'stop' in body && server.requests.length === 1)
        return sendJson(response, { error: { message: 'unknown field: stop', param: 'stop' } }, 400);
      sendJson(response, { choices: [{ index: 0, text, finish_reason: 'stop', logprobs: null }] });
    },
    { api: 'completions' },
  );
  assert.match(await run(), /"openai:tiny"/);
  const [first, second] = server.requests.map(({ body }) => body);
  assert.deepEqual(first.stop, ['\n13.']);
  assert.match(String(first.prompt), /1\. .*\n4\. .*numbered 5 to 12.*\n\n5\.$/s, 'it goes on where the list ends');
  assert.ok(!('messages' in first) && !('stop' in second));
  assert.match(notes(), /takes no stop of \["\\n13\."\]/);
});

test('JSON mode: held to a schema, to any object, or asked in words, by what is not refused', async (t) => {
  const refused = {
    json_schema: 'response_format.type json_schema is not available',
    json_object: 'bad response_format',
  };
  for (const offered of ['json_schema', 'json_object', undefined]) {
    const { server, run, notes } = await runWith(
      t,
      ({ messages, body }, response) => {
        const { type } = (body.response_format ?? {}) as { type?: keyof typeof refused };
        if (type !== undefined && type !== offered)
          return sendJson(response, { error: { message: refused[type] } }, 400);
        assert.match(messages[0].content, /one JSON object and nothing else: \{"/);
        const text = saidTo(messages[1].content);
        const isList = /^\d+\. /.test(text);
        const items = text.split('\n').map((line) => line.replace(/^\d+\. /, ''));
        const content = JSON.stringify(isList ? { items } : { answer: text });
        sendJson(response, {
          choices: [{ message: { content: offered ? content : `Sure:\n\`\`\`json\n${content}\n\`\`\`` } }],
        });
      },
      { jsonMode: 'schema' },
    );
    const rows = await run();
    assert.doesNotMatch(rows, /[{]\\"|items/);
    const last = server.requests[server.requests.length - 1].body.response_format as { type: string } | undefined;
    assert.equal(last?.type, offered);
    if (offered === 'json_schema')
      assert.match(
        JSON.stringify(server.requests[0].body),
        /"strict":true,"schema":\{"type":"object","properties":\{"items"/,
      );
    else assert.match(notes(), /takes no json_schema as response_format: asked for any JSON object from here on/);
    if (offered === undefined)
      assert.match(notes(), /takes no json_object as response_format: asked for JSON in words/);
  }
});

test('a model that is offered by the other interface: what to set is said at once', async (t) => {
  const cases = [
    [
      'chat',
      'This is not a chat model and thus not supported in the v1/chat/completions endpoint.',
      404,
      'completions',
    ],
    ['chat', 'The model does not support Chat Completions API', 400, 'completions'],
    ['completions', 'This is a chat model and not supported in the v1/completions endpoint.', 404, 'chat'],
    ['completions', 'The completion operation does not work with the specified model', 400, 'chat'],
    ['completions', 'Not Found', 404, 'chat'],
  ] as const;
  for (const [api, message, status, other] of cases) {
    const behaviour: Behaviour = (_, response) => sendJson(response, { error: { message } }, status);
    const { server, run } = await runWith(t, behaviour, { api });
    await assert.rejects(
      run(),
      new RegExp(`offers this model no .*${message}.*--set selfInstruct\\.api=${other}`, 's'),
    );
    assert.equal(server.requests.length, 1);
  }
});
