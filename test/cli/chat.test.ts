// mossctl chat with a published model, whose generation_config.json other tools wrote.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../../src/base/shell.js';
import { readManifest } from '../../src/checkpoint/manifest.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import type { Judgement } from '../../src/feedback/record.js';
import { readFeedback } from '../../src/feedback/store.js';
import { openChat } from '../../src/inference/chat.js';
import { ggufCheckpoint } from '../checkpoint/fixtures/gguf-checkpoint.js';
import { entry, mossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-chat-'));
after(() => rm(folder, { recursive: true }));

test('chat samples as generation_config.json says within our bounds, and names what it takes from there', async () => {
  const { model, tokenizerFiles, weights } = await ggufCheckpoint('qwen3');
  const path = join(folder, 'sft');
  await saveCheckpoint(path, {
    ...{ model, eosTokenIds: [0], tokenizerFiles, weights: [...weights.values()] },
    generationConfig: { do_sample: true, temperature: 50, top_k: -1, top_p: 0, repetition_penalty: 0 },
    manifest: {
      ...{ stage: 'sft', step: 4, tokensSeen: 2048, parent: null, lineage: [], settings: {}, inputDigest: 'x' },
      ...{ metrics: {}, backend: 'native', threads: 2, precision: 'fp32' },
    },
  });
  const flags = ['--backend', 'cpu', '--max-new-tokens', '4', '--top-k', '5', '--json'];
  const { code, stdout, stderr } = await mossctl(['chat', path, ...flags], { stdin: 'hi\n' });
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).role, 'assistant');
  const values = 'temperature 10, top-p 0.01';
  assert.ok(stderr.includes(`mossctl: sampling from the checkpoint's generation_config.json: ${values}\n`), stderr);
  const { stderr: second } = await mossctl(['chat', path, '--backend', 'cpu'], { stdin: '' });
  assert.match(second, /top-k 0/);
});

test('a template without system messages: --system is refused by its name, and chat works without', async () => {
  const fixture = fileURLToPath(new URL('../interop/fixtures/qwen3', import.meta.url));
  const model = join(folder, 'strict');
  await cp(fixture, model, { recursive: true });
  const turn = "{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}";
  const templateWith = (system: string) =>
    `{%- for m in messages -%}{%- if m.role == 'system' -%}${system}{%- else -%}${turn}{%- endif -%}{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}`;
  const options = { compute: { backend: 'cpu', precision: 'fp32' }, seed: 1, maxNewTokens: 2, verify: false } as const;
  const cases: [string, RegExp][] = [
    [
      "{{- raise_exception('no system turns') -}}",
      /--system: this model takes no system message.*refuses it: no system turns/s,
    ],
    ['', /--system: this model takes no system message.*does not write one/s],
  ];
  for (const [system, message] of cases) {
    await writeFile(join(model, 'chat_template.jinja'), templateWith(system));
    await assert.rejects(openChat(model, { ...options, system: 'Speak Italian.' }), message);
  }
  const chat = await openChat(model, options);
  await chat.close();
});

test('in a pipe every line is a turn, also one that begins with a slash; a person types commands', async (t) => {
  const path = join(folder, 'sft');
  const cwd = await mkdtemp(join(folder, 'typed-'));
  const flags = ['--backend', 'cpu', '--max-new-tokens', '2'];
  const stdin = 'What is ls?\n/etc/passwd: what is in it?\n\n/exit\n/save a file\n';
  const { code, stdout, stderr } = await mossctl(['chat', path, ...flags, '--json'], { stdin, cwd });
  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/"role":"assistant"/g)?.length, 4);
  assert.deepEqual(await readdir(cwd), []);

  // util-linux; BSD's takes other words
  if (!spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')) {
    t.skip('no `script` here to make a terminal');
    return;
  }
  const words = [process.execPath, ...entry, 'chat', path];
  const terminal = spawn('script', ['-qec', commandLine(...words, ...flags), '/dev/null'], { cwd });
  let shown = '';
  let typed = 0;
  const lines = [
    '/good\r',
    'hello\r',
    '/bad\r',
    '/good\r',
    '/undo\r',
    '/edit Hello!\r',
    '/save kept.jsonl\r',
    '/exit\r',
  ];
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    const prompts = shown.split('you ›').length - 1;
    while (typed < Math.min(prompts, lines.length)) terminal.stdin.write(lines[typed++]);
  });
  const [status] = (await once(terminal, 'close')) as [number];
  assert.equal(status, 0, shown);
  assert.match(shown, /Saved 2 messages to kept\.jsonl/);
  const saved = await readFile(join(cwd, 'kept.jsonl'), 'utf8');
  const { messages } = JSON.parse(saved) as { messages: { content: string }[] };
  assert.deepEqual(
    messages.map(({ content }) => content),
    ['hello', 'Hello!'],
  ); // goes on with the person's text
  assert.match(shown, /There is no answer yet to judge[\s\S]*Kept it as bad[\s\S]*Kept it as good[\s\S]*Withdrawn/);
  const judged: Judgement[] = [];
  for await (const judgement of readFeedback(join(cwd, 'feedback.jsonl'))) judged.push(judgement);
  assert.equal(judged.length, 1);
  const [{ verdict, prompt, answers, edited }] = judged;
  assert.deepEqual([verdict, prompt], ['edit', [{ role: 'user', content: 'hello' }]]);
  assert.equal(edited?.[0].content, 'Hello!');
  const { model, sampling, seed, maxNewTokens } = answers[0];
  assert.equal(model, (await readManifest(path)).digest);
  assert.deepEqual([sampling?.temperature, seed, maxNewTokens], [10, 42, 2]);
});
