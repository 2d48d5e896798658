// mossctl chat with a published model, whose generation_config.json other tools wrote.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
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
