// An endpoint that repeats the key everywhere it can: nothing that a whole run writes or prints holds it, nor a part of it.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Behaviour, type ChatServer, goodTeacher, sendJson, startChatServer } from '../inference/chat-server.js';
import { type Finished, mossctl } from './cli.js';

const key = 'k9Zq_T4vB7-xW2mRd8LpY3n"JhQ6s';
const signature = 'Xy7Kq2Lm9Pz4';
const partLength = 8;

/** What it was sent, in every form in which it may come back. */
function echoes(authorization: string): string[] {
  const given = authorization.replace('Bearer ', '');
  const base64 = Buffer.from(`user:${given}`).toString('base64');
  const split = `${given.slice(0, 9)}\n   ${given.slice(9, 18)} ${given.slice(18)}`;
  return [authorization, base64, encodeURIComponent(given), split, given.slice(3, 20), JSON.stringify(given)];
}

/** Tasks and answers of a good teacher, a key in each; now and then an error with the key in it. */
const echo: Behaviour = (request, response, count) => {
  const said = echoes(request.authorization ?? '');
  response.setHeader('x-request-authorization', request.authorization ?? '');
  if (count === 2) {
    const error = { message: `overloaded: ${said.join(' ')} ${request.path}` };
    return sendJson(response, { error }, 503, { 'retry-after': '0' });
  }
  const end = response.end.bind(response);
  response.end = ((text: string) => {
    const answer = JSON.parse(text) as { choices: { message: Record<string, string> }[] };
    const { message } = answer.choices[0];
    message.reasoning_content = said.join('\n');
    message.content = message.content.replace(/^(\d+\. .*|.+)$/gm, (line, _, at: number) =>
      at === 0 || /^\d+\. /.test(line) ? `${line} ${said[count % said.length].replace(/\n\s*/g, ' ')}` : line,
    );
    return end(JSON.stringify(answer));
  }) as typeof response.end;
  return goodTeacher(request, response, count);
};

async function textsOf(folder: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if ((await stat(path)).isFile()) texts.set(name, await readFile(path, 'latin1'));
  }
  return texts;
}

function partsIn(text: string, secret: string): string[] {
  const parts = Array.from({ length: secret.length - partLength + 1 }, (_, i) => secret.slice(i, i + partLength));
  return parts.filter((part) => text.includes(part));
}

/** Every form of which no 8 characters may be found. */
const forms = [key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1), signature];
const leaksIn = (text: string): string[] => forms.flatMap((form) => partsIn(text, form));

describe('an endpoint that repeats the key', () => {
  let folder: string;
  let server: ChatServer;
  let env: Record<string, string>;
  const settings = [
    ...['pretrain.train.steps=2', 'tokenizer.vocabSize=400', 'sft.train.steps=1', 'align=null', 'eval=null'],
    ...['selfInstruct.teacher=openai', 'selfInstruct.model=m', 'selfInstruct.kinds=[arithmetic]'],
    ...['selfInstruct.count=10', 'selfInstruct.prompts=2', 'selfInstruct.heldOut=4'],
  ];
  const run = (name: string, args: readonly string[] = []): Promise<Finished> =>
    mossctl(['run', 'smoke', ...settings.flatMap((set) => ['--set', set]), '--out', join(folder, name), ...args], {
      env,
    });

  const ask = ['seeds=data-specs/seeds.jsonl', 'teacher=openai', 'model=m'].flatMap((set) => [
    '--set',
    `selfInstruct.${set}`,
  ]);
  ask.unshift('self-instruct');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mossctl-secrets-'));
    server = await startChatServer(echo);
    const base = `${server.url}?api-version=2024-06-01&sig=${signature}`;
    env = { OPENAI_API_KEY: key, OPENAI_BASE_URL: base, MOSSCTL_DEBUG: '1' };
  });
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('nothing that a whole run keeps or prints holds it', async () => {
    const { code, stdout, stderr } = await run('whole');
    assert.equal(code, 0, stderr);
    assert.equal(server.requests[0].authorization, `Bearer ${key}`);
    assert.equal(server.requests[0].path, `/v1/chat/completions?api-version=2024-06-01&sig=${signature}`);
    assert.match(stderr, /answered HTTP 503; trying again/);
    assert.match(stderr, /warning: redacted a key \d+ times in what the teacher's endpoint answered/);
    assert.match(stderr, /api-version=\[redacted\]&sig=\[redacted\]/);
    const files = await textsOf(join(folder, 'whole'));
    assert.match(files.get('self-instruct/train.jsonl') ?? '', /\[redacted\]/);
    const record = [...files.keys()].find((name) => /responses.*jsonl$/.test(name)) ?? '';
    assert.match(files.get(record) ?? '', /\[redacted\]/);
    for (const [name, text] of [...files, ['stdout', stdout], ['stderr', stderr]]) {
      assert.deepEqual(leaksIn(text), [], name);
      assert.ok(!text.includes(Buffer.from(`user:${key}`).toString('base64').slice(8, 30)), name);
    }
  });

  test('nor an error that ends it, its stack and its events; nor the address in the settings', async () => {
    const refusing = await startChatServer(({ authorization, path }, response) =>
      sendJson(response, { error: { message: `bad key: ${echoes(authorization ?? '').join(' ')} at ${path}` } }, 401),
    );
    const out = join(folder, 'refused');
    const address = ['--set', `selfInstruct.baseUrl=${refusing.url}?sig=${signature}`];
    const { code, stdout, stderr } = await mossctl([...ask, ...address, '--out', out, '--json'], { env });
    await refusing.close();
    assert.equal(code, 2);
    assert.match(stderr, /refused the key \(HTTP 401\).*Bad key: Bearer \[redacted\]/);
    assert.match(stderr, /^ {4}at /m, 'a stack');
    // Nothing came of it, so its settings are not kept; those of what began are.
    const files = await textsOf(join(folder, 'refused'));
    assert.equal(files.get('pipeline.yaml'), undefined);
    for (const [name, text] of [...files, ['stdout', stdout], ['stderr', stderr]])
      assert.deepEqual(leaksIn(text), [], name);
    const begun = ['--set', `selfInstruct.baseUrl=${server.url}?sig=${signature}`, '--out', join(folder, 'begun')];
    const few = settings.slice(-3).flatMap((set) => ['--set', set]);
    const kept = await mossctl([...ask, ...few, ...begun], { env });
    assert.equal(kept.code, 0, kept.stderr);
    const settingsFile = join(folder, 'begun', 'pipeline.yaml');
    const written = await readFile(settingsFile, 'latin1');
    assert.match(written, /baseUrl: .*\?sig=\[redacted\]/);
    assert.deepEqual(leaksIn(written), []);
    const again = await mossctl(['self-instruct', '--config', settingsFile], { env });
    assert.match(again.stderr, /selfInstruct\.baseUrl: its query was redacted.*write it again, or set OPENAI_BASE_URL/);
  });

  test('a user and a password in an address are refused, and not repeated', async () => {
    const address = `http://someone:${signature}@127.0.0.1:9/v1`;
    for (const [args, variables] of [
      [['--set', `selfInstruct.baseUrl=${address}`], {}],
      [[], { OPENAI_BASE_URL: address }],
    ] as const) {
      const out = join(folder, 'password');
      const { code, stdout, stderr } = await mossctl([...ask, ...args, '--out', out], {
        env: { ...env, ...variables },
      });
      assert.equal(code, 2);
      assert.match(stderr, /an address must hold no user and no password/);
      assert.deepEqual(leaksIn(stdout + stderr), []);
    }
  });
});
