// mossctl chat with a published model, whose generation_config.json other tools wrote.
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { openChat } from '../../src/inference/chat.js';
import { ggufCheckpoint } from '../checkpoint/fixtures/gguf-checkpoint.js';
import { mossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-chat-'));
after(() => rm(folder, { recursive: true }));

test('chat samples as generation_config.json says within our bounds, and names what it takes from there', async () => {
  const { model, tokenizerFiles, weights } = await ggufCheckpoint('qwen3');
  const path = join(folder, 'sft');
  await saveCheckpoint(path, {
    ...{ model, eosTokenIds: [0], tokenizerFiles, weights: [...weights.values()] },
    sampling: { do_sample: true, temperature: 50, top_k: -1, top_p: 0, repetition_penalty: 0 },
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
