// `epochs` means passes over the data: whatever the batch size, a training reads each conversation that often, to within
// one batch, rounded once.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type Event, silentReporter, stageReporter } from '../../src/report/event.js';
import { sftStage } from '../../src/stages/sft/stage.js';
import { stepCount } from '../../src/stages/training.js';

const quiet = { reporter: stageReporter(silentReporter, 'sft') };

/** Tokens read of `count` conversations of one length, and what was said. */
async function readOf(count: number, set: string[]) {
  const directory = await mkdtemp(join(tmpdir(), 'epochs-'));
  const messages = [
    { role: 'user', content: 'a'.repeat(100) },
    { role: 'assistant', content: 'b' },
  ];
  const rows = Array.from({ length: count }, () => JSON.stringify({ messages })).join('\n');
  await writeFile(join(directory, 'rows.jsonl'), rows);
  const settings = [`sft.data=${join(directory, 'rows.jsonl')}`, 'sft.textShare=0', 'sft.contextLength=256', ...set];
  const { sft } = await loadPipeline({
    config: 'smoke',
    set: [...settings, 'sft.train.steps=null'],
    flags: { backend: 'wasm' },
  });
  const events: Event[] = [];
  try {
    await sftStage.run({
      config: sft ?? assert.fail(),
      inputs: { pretrain: fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url)) },
      directory: join(directory, 'sft'),
      seed: 1,
      compute: { backend: 'wasm', precision: 'fp32' },
      reporter: stageReporter({ emit: (event) => void events.push(event) }, 'sft'),
    });
  } finally {
    await rm(directory, { recursive: true });
  }
  return {
    steps: events.flatMap((event) => (event.type === 'step' ? [event.tokens] : [])),
    notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])),
    evaluations: events.filter(({ type }) => type === 'evaluation'),
  };
}

test('three conversations, three epochs: each is read three times, in small batches and in large ones', async () => {
  const small = await readOf(3, ['sft.train={epochs: 3, batchSize: 1}']);
  const all = small.steps.reduce((sum, tokens) => sum + tokens, 0);
  assert.equal(small.steps.length, 9);
  assert.ok(
    small.steps.every((tokens) => tokens === all / 9 && tokens > 128),
    `one row each: ${small.steps.join()}`,
  );
  const large = await readOf(3, ['sft.train={epochs: 3, batchSize: 16}']);
  assert.deepEqual(large.steps, [all / 3, all / 3, all / 3]);
  assert.ok(
    large.notes.some((text) => /all conversations take 3 rows of 256 tokens.*not 16/.test(text)),
    large.notes.join('\n'),
  );
  // And nothing is said of held-out figures that are not there.
  assert.deepEqual(large.evaluations, []);
  assert.ok(
    large.notes.some((text) => /no conversations are held out/.test(text)),
    large.notes.join('\n'),
  );
});

test('accumulation and batches are rounded once, at the end', async () => {
  const count = (batchesPerEpoch: number, epochs: number, accumulation = 1) =>
    stepCount(quiet, { epochs, batchSize: 16, accumulation, batchWarmup: 0 }, () => batchesPerEpoch);
  // 17 rows in batches of 16: three passes are 3.19 batches, and not the six of 17 rows rounded up three times.
  assert.equal(await count(17 / 16, 3), 3);
  assert.equal(await count(17 / 16, 16), 17);
  assert.equal(await count(10 / 4, 2), 5);
  assert.equal(await count(10 / 4, 2, 5), 1);
  assert.equal(await count(100.5, 10, 4), 251);
});

test('where whole steps come to other passes, that is said', async () => {
  const notes: string[] = [];
  const reporter = stageReporter({ emit: (event) => void (event.type === 'note' && notes.push(event.text)) }, 'sft');
  const settings = { batchSize: 16, accumulation: 8, batchWarmup: 0 };
  assert.equal(await stepCount({ reporter }, { ...settings, epochs: 3 }, () => 1), 1);
  assert.equal(notes.length, 2);
  assert.match(notes[0], /^only 1 optimizer step, .*\(--epochs, now 3\).*\(--batch-size, now 16\)$/);
  assert.match(notes[1], /^3 epochs come to 8\.0 passes over the data: .*1 step of this batch size comes nearest/);
  assert.equal(await stepCount({ reporter }, { ...settings, epochs: 3 }, () => 80), 30);
  assert.equal(await stepCount({ reporter }, { ...settings, steps: 2, epochs: 3 }, () => 1), 2);
  assert.equal(notes.length, 2, 'not where they agree, nor of steps that somebody asked for by number');
});
