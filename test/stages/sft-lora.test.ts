// Fine-tuning with adapters, from a published model to an adapter's folder: what is frozen keeps every bit and is not saved, a
// training that was stopped ends with the same digest, and an adapter is continued, or merged where all weights are trained.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Interrupted, UserError } from '../../src/base/errors.js';
import { type Checkpoint, openCheckpoint } from '../../src/checkpoint/directory.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { sftStage } from '../../src/stages/sft/stage.js';
import { abortedWhen } from '../signals.js';

const base = fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url));
let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sft-lora-'));
  const rows = Array.from({ length: 6 }, (_, i) => ({
    messages: [
      { role: 'user', content: 'ab'.repeat(i + 1) },
      { role: 'assistant', content: 'ba'.repeat(i + 1) },
    ],
  }));
  await writeFile(join(root, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
});
after(() => rm(root, { recursive: true, force: true }));

const lora = 'sft.lora={rank: 4, alpha: 8, dropout: 0.2, rankPattern: {down_proj: 2}}';
const train = 'sft.train={steps: 4, batchSize: 2, checkpointEvery: 2, evaluateEvery: 0, learningRate: 0.01}';

async function run(name: string, from: string, set: string[], stopAfter = Number.POSITIVE_INFINITY) {
  const { sft } = await loadPipeline({
    set: ['sft={}', `sft.data=${join(root, 'rows.jsonl')}`, 'sft.contextLength=256', 'sft.neftune=5', train, ...set],
    flags: { backend: 'auto' },
  });
  const events: Event[] = [];
  const output = await sftStage.run({
    config: sft ?? assert.fail(),
    inputs: { pretrain: from },
    directory: join(root, name, 'sft'),
    seed: 1,
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'sft'),
    signal: abortedWhen(() => events.filter(({ type }) => type === 'step').length >= stopAfter),
  });
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n');
  return { ...output, notes, checkpoint: await openCheckpoint(output.path, { adapter: 'apart', training: true }) };
}

const bytesOf = ({ weights }: Pick<Checkpoint, 'weights'>): string[] =>
  [...weights]
    .map(
      ([name, { data }]) => `${name} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`,
    )
    .sort();

test('an adapter is trained, saved without its base, resumed exactly, continued, and merged', async () => {
  const whole = await run('whole', base, [lora]);
  assert.match(
    whole.notes,
    /a new adapter of rank 4 on .*llama-3\.2: [\d,]+ numbers are trained beside [\d,]+ that are/,
  );
  assert.match(whole.notes, /LoRA on a published model: epochs 3, weight decay 0; sft\.train sets others/);
  assert.deepEqual(
    (await readdir(whole.path)).filter((name) => !name.startsWith('tokenizer') && !name.startsWith('special')).sort(),
    [
      ...[
        'adapter_config.json',
        'adapter_model.safetensors',
        'chat_samples.json',
        'chat_template.jinja',
        'generation_config.json',
      ],
      ...['mossctl.json', 'training'],
    ],
  );
  const { adapter, training } = whole.checkpoint;
  assert.deepEqual(bytesOf(whole.checkpoint), bytesOf(await openCheckpoint(base)), 'the base keeps every bit');
  assert.deepEqual(adapter?.shape.rankPattern, { down_proj: 2 });
  assert.equal(adapter?.dropout, 0.2);
  const names = [...(adapter?.tensors.keys() ?? [])];
  assert.ok(names.length > 0 && names.every((name) => /\.lora_[AB]\.weight$/.test(name)));
  assert.equal(training?.tensors.size, 2 * names.length, 'moments of what is trained, and of nothing else');

  await assert.rejects(run('parts', base, [lora], 3), Interrupted);
  const resumed = await run('parts', base, [lora]);
  assert.equal(resumed.digest, whole.digest);

  // One step that changes nothing: what is continued is what there was.
  const still = 'sft.train={steps: 1, learningRate: 0}';
  const continued = await run('continued', whole.path, ['sft.lora={}', still]);
  assert.match(continued.notes, /continues the adapter of sft step 4 \w+, of rank 4 on/);
  assert.match(continued.notes, /LoRA continued on a published model: epochs 1, batch size 8/);
  const tensors = (one: typeof whole) => bytesOf({ weights: one.checkpoint.adapter?.tensors ?? new Map() });
  assert.deepEqual(tensors(continued), tensors(whole));
  assert.deepEqual(
    continued.checkpoint.manifest.lineage.map(({ stage }) => stage),
    ['import', 'sft'],
  );
  await assert.rejects(run('other', whole.path, ['sft.lora={rank: 8}']), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.faults[0].what, '8 contradicts the adapter that is continued, which has 4');
    return true;
  });

  const merged = await run('merged', whole.path, [still, 'sft.neftune=0']);
  assert.match(merged.notes, /all weights of a published model: epochs 3, batch size 8/);
  assert.equal(merged.checkpoint.adapter, undefined);
  assert.deepEqual(bytesOf(merged.checkpoint), bytesOf(await openCheckpoint(whole.path)));
});
