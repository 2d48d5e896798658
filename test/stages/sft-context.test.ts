// A published model's context is far longer than a row should be: unless told otherwise, fine-tuning takes shorter ones.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '../../src/checkpoint/directory.js';
import { readWeights, writeWeights } from '../../src/checkpoint/weights.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { stageReporter } from '../../src/report/event.js';
import { sftStage } from '../../src/stages/sft/stage.js';

test('rows of 2,048 tokens for a model of 131,072, with a word; the conversation format goes along', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sft-context-'));
  const model = join(directory, 'model');
  await cp(fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url)), model, { recursive: true });
  const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
  await writeFile(join(model, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: 131072 }));
  const generation = JSON.parse(await readFile(join(model, 'generation_config.json'), 'utf8'));
  await writeFile(join(model, 'generation_config.json'), JSON.stringify({ ...generation, custom: [1] }));
  await writeWeights(model, [...(await readWeights(model)).values()], { dtype: 'bf16' });
  const messages = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
  ];
  await writeFile(join(directory, 'rows.jsonl'), JSON.stringify({ messages }));
  const set = [`sft.data=${join(directory, 'rows.jsonl')}`, 'sft.textShare=0', 'sft.train={steps: 1, batchSize: 1}'];
  const { sft } = await loadPipeline({ config: 'smoke', set, flags: { backend: 'wasm' } });
  const notes: string[] = [];
  const { path } = await sftStage.run({
    config: sft ?? assert.fail(),
    inputs: { pretrain: model },
    directory: join(directory, 'sft'),
    seed: 1,
    compute: { backend: 'wasm', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void (event.type === 'note' && notes.push(event.text)) }, 'sft'),
  });
  const tuned = await openCheckpoint(path);
  assert.equal((tuned.manifest.settings as Record<string, unknown>).contextLength, 2048);
  assert.equal(tuned.model.max_position_embeddings, 131072);
  assert.ok(
    notes.some((text) => /cut at 2048 tokens, of the 131072.*sft\.contextLength/.test(text)),
    notes.join('\n'),
  );
  assert.ok('chat_template.jinja' in tuned.tokenizerFiles);
  assert.equal(tuned.tokenizerFiles['tokenizer.json'], await readFile(join(model, 'tokenizer.json'), 'utf8'));
  // How the model is sampled, where answers end and how its numbers are stored: as its makers published it.
  assert.deepEqual(JSON.parse(await readFile(join(path, 'generation_config.json'), 'utf8')), {
    ...{ bos_token_id: 355, eos_token_id: [364, 356, 363], pad_token_id: 359 },
    ...{ do_sample: true, temperature: 0.6, top_p: 0.9, custom: [1] },
  });
  assert.equal(tuned.manifest.storedAs, 'bf16');
  await rm(directory, { recursive: true });
});
