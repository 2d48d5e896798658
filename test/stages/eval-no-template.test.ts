// A base model of others without a chat template: its bits per byte are measured, and the tasks that it cannot be asked
// are skipped with a word; where there is nothing to measure at all, that is an error.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sha256File } from '../../src/base/files.js';
import { DocumentWriter, documentFile } from '../../src/data/documents.js';
import { emptyHalves, manifestFormat } from '../../src/data/manifest.js';
import { tokenizeDocuments } from '../../src/data/shards.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type Event, silentReporter, stageReporter } from '../../src/report/event.js';
import { evalStage } from '../../src/stages/eval.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';

let directory: string;
let model: string;
let tokens: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'no-template-'));
  model = join(directory, 'model');
  await cp(fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url)), model, { recursive: true });
  await rm(join(model, 'chat_template.jinja'));
  const row = { messages: [{ role: 'user', content: 'a' }], check: { type: 'equals', answer: 'b' } };
  await writeFile(join(directory, 'tasks.jsonl'), JSON.stringify(row));
  const dataPath = join(directory, 'data');
  await mkdir(dataPath);
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const split of ['train', 'validation'] as const) {
    const file = join(dataPath, documentFile(split));
    const writer = new DocumentWriter(file);
    await writer.add({ id: split, text: 'The cat sat on the mat.', source: 's', language: 'en' });
    await writer.close();
    files[documentFile(split)] = { bytes: (await stat(file)).size, sha256: await sha256File(file) };
  }
  const halves = { zh: emptyHalves(), en: emptyHalves(), other: emptyHalves() };
  const manifest = { format: manifestFormat, name: 't', seed: 0, validation: 0.1, total: emptyHalves(), files };
  await writeFile(
    join(dataPath, 'manifest.json'),
    JSON.stringify({ ...manifest, languages: halves, sources: [], facts: {}, digest: '' }),
  );
  const tokenizer = await Tokenizer.open(model);
  ({ path: tokens } = await tokenizeDocuments({ dataPath, tokenizer, directory, reporter: silentReporter }));
});
after(() => rm(directory, { recursive: true }));

async function evaluate(inputs: { tokens?: string }, set = [`eval.tasks=${join(directory, 'tasks.jsonl')}`]) {
  const pipeline = await loadPipeline({ config: 'smoke', set, flags: { backend: 'wasm' } });
  const events: Event[] = [];
  const { metrics } = await evalStage.run({
    config: pipeline.eval ?? assert.fail(),
    inputs: { pretrain: model, ...inputs },
    directory,
    seed: 1,
    compute: { backend: 'wasm', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'eval'),
  });
  return { metrics, notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])) };
}

test('the text is measured, the tasks are skipped with a word', async () => {
  const { metrics, notes } = await evaluate({ tokens });
  assert.ok(metrics['base.bitsPerByte'] > 1 && metrics['base.bitsPerByte'] < 20, `${metrics['base.bitsPerByte']}`);
  assert.ok(!('base.correct' in metrics));
  assert.equal(metrics['base.memory'], 0); // asked as text
  assert.deepEqual(
    notes.filter((text) => text.includes('skipped')),
    ['base: skipped 1 task: this model has no chat template to ask with'],
  );
});

test('with nothing to measure it says why', async () => {
  await assert.rejects(evaluate({}), /nothing of this model can be measured.*no chat template.*no held-out text/i);
});

test('a run that holds nothing out gets no empty table, but what to type', async () => {
  await assert.rejects(
    evaluate({}, []),
    /there is nothing to measure.*holds no text and no tasks.*--set eval\.tasks=/is,
  );
});
