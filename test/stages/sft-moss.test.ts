// MOSS's own plugin conversations train: with its template, on a model of a few thousand parameters.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { modelConfig } from '../../src/architecture/config.js';
import { saveCheckpoint } from '../../src/checkpoint/save.js';
import { checkServed } from '../../src/checkpoint/served-check.js';
import { modelSchema } from '../../src/config/model.js';
import { initModel } from '../../src/model/model.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { sftStage } from '../../src/stages/sft/stage.js';
import { openBackend } from '../../src/tensor/backends.js';
import { parseChatSamples } from '../../src/tokenizer/chat-samples.js';
import { checkpointContent } from '../checkpoint/fixtures/content.js';
import { templateTokenizer } from '../golden/template-tokenizer.js';
import { modelTensors } from '../model-tensors.js';

const sample = fileURLToPath(new URL('../../../shared/data/moss_sft_sample.jsonl', import.meta.url));

test("MOSS's conversations with commands and results are learnt, and their checkpoint is served as it was trained", {
  skip: !existsSync(sample) && `${sample} is not here`,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sft-moss-'));
  try {
    const { name: backend } = await openBackend('auto');
    const tokenizer = await templateTokenizer('moss');
    const [endOfText, pad] = [tokenizer.specialId('endOfText'), tokenizer.specialId('pad')];
    const settings = modelSchema.parse({ hiddenSize: 8, layers: 1, heads: 1, contextLength: 4096 });
    const model = initModel(modelConfig(settings, { vocabSize: tokenizer.vocabSize, endOfText, pad }), 1);
    const content = checkpointContent(1);
    await saveCheckpoint(join(folder, 'base'), {
      ...content,
      ...{ model: model.config, weights: modelTensors(model), training: undefined, generationConfig: undefined },
      ...{ tokenizerFiles: tokenizer.files(), eosTokenIds: [endOfText] },
      manifest: { ...content.manifest, stage: 'pretrain' },
    });
    const rows = readFileSync(sample, 'utf8').trimEnd().split('\n');
    const called = rows.filter((row) => row.includes('<|Commands|>: Calculate('));
    called.sort((a, b) => a.length - b.length);
    await writeFile(join(folder, 'rows.jsonl'), called.slice(0, 2).join('\n'));
    const set = [`sft.data=${join(folder, 'rows.jsonl')}`, 'sft.textShare=0', 'sft.template=moss', 'sft.validation=0'];
    const { sft } = await loadPipeline({
      ...{ config: 'smoke', flags: { backend } },
      set: [...set, 'sft.train={steps: 1, batchSize: 1}', 'sft.contextLength=4096'],
    });
    const events: Event[] = [];
    const { path } = await sftStage.run({
      ...{ config: sft ?? assert.fail(), inputs: { pretrain: join(folder, 'base') }, seed: 1 },
      ...{ directory: join(folder, 'sft'), compute: { backend, precision: 'fp32' } },
      reporter: stageReporter({ emit: (event) => void events.push(event) }, 'sft'),
    });
    const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    assert.ok(
      notes.some((text) => /^rows\.jsonl: 2 conversations, /.test(text)) && !notes.some((text) => /skipped/.test(text)),
      notes.join('\n'),
    );
    const { samples } = parseChatSamples(await readFile(join(path, 'chat_samples.json'), 'utf8'), path);
    assert.ok(samples.some(({ name }) => name === 'a call of a tool that is not listed'));
    await checkServed(path, path);
  } finally {
    await rm(folder, { recursive: true });
  }
});
