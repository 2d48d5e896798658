import assert from 'node:assert/strict';
import { copyFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type CliOptions, mossctl, root, shortSmoke } from './cli.js';

describe('bad input gets one clear paragraph and exit code 2', () => {
  let folder: string;
  let good: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mossctl-bad-'));
    good = join(folder, 'good');
    const { code, stderr } = await mossctl([...shortSmoke, '--out', good, '--set', 'align=null']);
    assert.equal(code, 0, stderr);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Runs it; expects exit code 2, one paragraph per fault, every pattern in it, and no stack trace. */
  async function refuses(args: string[], patterns: RegExp[], options: CliOptions = {}): Promise<string> {
    const { code, stderr } = await mossctl([...args, '--quiet'], options);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^mossctl: error: /m);
    assert.doesNotMatch(stderr, /\n\s+at /);
    for (const pattern of patterns) assert.match(stderr, pattern);
    return stderr;
  }

  /** A data-spec with one source, and the arguments that build it. */
  async function corpus(name: string, content: string | Uint8Array, format = 'txt'): Promise<string[]> {
    await writeFile(join(folder, name), content);
    const spec = `name: test\nsources:\n  - {name: test, from: "file:${name}", format: ${format}, language: en, licence: none}\n`;
    await writeFile(join(folder, `${name}.yaml`), spec);
    return ['data', 'build', join(folder, `${name}.yaml`), '--out', join(folder, `run-${name}`)];
  }

  test('an empty corpus', async () => {
    await refuses(await corpus('empty.txt', '\n\n'), [/empty\.txt|test/, /no document/i]);
  });

  test('a binary file as text', async () => {
    await refuses(
      await corpus(
        'image.txt',
        Uint8Array.from({ length: 4096 }, (_, i) => (i * 37) % 256),
      ),
      [/image\.txt:1/],
    );
  });

  test('broken JSON in line 70,000', async () => {
    const lines = Array.from({ length: 70_010 }, (_, i) => `{"text": "document number ${i}, long enough to keep"}`);
    lines[69_999] = '{"text": "broken';
    const build = await corpus('rows.jsonl', lines.join('\n'), 'jsonl');
    await refuses([...build, '--set', 'data.strict=true'], [/rows\.jsonl:70000/, /JSON/]);
  });

  test('YAML with three mistakes: all three, each with its place and a suggestion', async () => {
    const path = join(folder, 'three.yaml');
    await writeFile(path, 'name: three\nsede: 1\npretrain:\n  train:\n    learningrate: 0.1\n    steps: many\n');
    const stderr = await refuses(
      ['run', path],
      [/three\.yaml:2:1/, /seed/, /three\.yaml:5:5/, /learningRate/, /three\.yaml:6:\d+/],
    );
    assert.equal(stderr.match(/three\.yaml:/g)?.length, 3);
  });

  test('a checkpoint with a missing or truncated file', async () => {
    const damaged = join(folder, 'damaged');
    await cp(join(good, 'sft', 'step-000008'), damaged, { recursive: true });
    await truncate(join(damaged, 'model.safetensors'), 5000);
    await refuses(['chat', damaged], [/model\.safetensors/]);
    await rm(join(damaged, 'tokenizer.json'));
    await refuses(['chat', damaged], [/tokenizer\.json/, /missing/]);
  });

  test('a checkpoint whose configuration names another vocabulary size', async () => {
    const other = join(folder, 'vocabulary');
    await cp(join(good, 'sft', 'step-000008'), other, { recursive: true });
    const config = JSON.parse(await readFile(join(other, 'config.json'), 'utf8')) as { vocab_size: number };
    await writeFile(join(other, 'config.json'), JSON.stringify({ ...config, vocab_size: config.vocab_size + 1 }));
    await refuses(['chat', other], [/config\.json/]);
  });

  test('--from a folder that is not a checkpoint', async () => {
    const text = [/docs|checkpoint/, /not a mossctl checkpoint/];
    await refuses(['sft', '--config', 'smoke', '--out', join(folder, 'from'), '--from', join(root, 'docs')], text);
  });

  test('an unknown command, option, pipeline', async () => {
    const { code, stderr } = await mossctl(['trian']);
    assert.equal(code, 2);
    assert.match(stderr, /unknown command/);
    assert.equal((await mossctl(['run', 'smoke', '--sede', '1'])).code, 2);
    await refuses(['run', 'smok'], [/smok/, /smoke/, /quickstart/]);
  });

  describe('a teacher that', () => {
    /** Starts a real endpoint that answers every request like this, and expands seeds through it. */
    async function teacher(status: number | undefined, body: string, patterns: RegExp[]): Promise<void> {
      const server: Server = createServer((request, response) => {
        request.resume();
        if (status === undefined) return; // never answers
        response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' }).end(body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const settings = {
        teacher: 'openai',
        baseUrl: `http://127.0.0.1:${port}/v1`,
        retries: '1',
        timeoutSeconds: '0.5',
      };
      const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `selfInstruct.${key}=${value}`]);
      const out = join(folder, `teacher-${status ?? 'silent'}-${body.length}`);
      try {
        await refuses(['self-instruct', '--config', 'smoke', '--out', out, ...set], patterns, {
          env: { OPENAI_API_KEY: 'test' },
        });
      } finally {
        server.closeAllConnections();
        server.close();
      }
    }

    test('answers 401', () => teacher(401, '{"error":{"message":"bad key"}}', [/401/, /OPENAI_API_KEY/]));
    test('answers 429', () => teacher(429, '{"error":{"message":"slow down"}}', [/429/]));
    test('answers 500', () => teacher(500, '{"error":{"message":"oops"}}', [/500/]));
    test('answers garbage', () => teacher(200, '<html>hello</html>', [/nothing usable/]));
    test('never answers', () => teacher(undefined, '', [/0\.5|timeout|answer/i]));
  });

  test('broken seeds name the line', async () => {
    await copyFile(join(root, 'data-specs', 'seeds.jsonl'), join(folder, 'seeds.jsonl'));
    await writeFile(join(folder, 'seeds.jsonl'), 'not json\n', { flag: 'a' });
    const seeds = `selfInstruct.seeds=${join(folder, 'seeds.jsonl')}`;
    await refuses(
      ['self-instruct', '--config', 'smoke', '--out', join(folder, 'seeds'), '--set', seeds],
      [/seeds\.jsonl:\d+/],
    );
  });
});
