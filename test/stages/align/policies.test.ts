// Rounds of alignment on a published model: of all its weights or of an adapter beside them, a new one and one that continues.
// Whatever is trained, what it is compared with is the policy as the round found it.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/base/errors.js';
import { openCheckpoint } from '../../../src/checkpoint/directory.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { alignStage } from '../../../src/stages/align/stage.js';

const published = fileURLToPath(new URL('../../interop/fixtures/llama-3.2', import.meta.url));
let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'align-policies-'));
  const tasks = Array.from({ length: 8 }, (_, i) => ({
    messages: [{ role: 'user', content: `${i}+1=?` }],
    check: { type: 'number', answer: i + 1 },
  }));
  await writeFile(join(root, 'tasks.jsonl'), tasks.map((row) => JSON.stringify(row)).join('\n'));
});
after(() => rm(root, { recursive: true, force: true }));

const settings = [
  ...['samplesPerPrompt=6', 'maxNewTokens=4', 'minMargin=0.0001', 'rounds=1', 'heldOutSamples=1', 'tolerance=1'],
  'train={steps: 2, batchSize: 4, learningRate: 0.01}',
];

async function align(name: string, from: string, set: string[]) {
  const { align: config } = await loadPipeline({
    set: [...settings, `prompts=${join(root, 'tasks.jsonl')}`, ...set].map((each) => `align.${each}`),
    flags: { backend: 'auto' },
  });
  const events: Event[] = [];
  const directory = join(root, name);
  const output = await alignStage.run({
    config: config ?? assert.fail(),
    inputs: { sft: from },
    directory,
    seed: 1,
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
  });
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  const steps = events.flatMap((event) => (event.type === 'step' ? [event] : []));
  return { output, notes: notes.join('\n'), steps, candidate: join(directory, 'round-01', 'step-000002') };
}

test('an adapter is aligned beside its base, and continued beside it', async () => {
  const first = await align('new', published, ['lora={rank: 4, alpha: 8}']);
  assert.match(first.notes, /a new adapter of rank 4 on .*llama-3\.2/);
  const made = await openCheckpoint(first.candidate, { adapter: 'apart' });
  assert.equal(made.adapter?.shape.rank, 4);
  const second = await align('continued', first.candidate, ['lora={}']);
  assert.match(second.notes, /continues the adapter of align step 2 \w+, of rank 4 on/);
  const continued = await openCheckpoint(second.candidate, { adapter: 'apart' });
  assert.equal(continued.manifest.parent, made.digest);
  assert.equal(continued.adapter?.base.digest, made.adapter?.base.digest);
  for (const { steps } of [first, second]) {
    // Compared with the base, the adapter that continues would begin with a margin of its own.
    assert.ok(Math.abs(steps[0].metrics?.['rewards/margins'] ?? 1) < 1e-5, JSON.stringify(steps[0]));
    assert.ok((steps[1].metrics?.['rewards/margins'] ?? 0) > 1e-3, JSON.stringify(steps[1]));
  }
  await assert.rejects(align('other', first.candidate, ['lora={rank: 8}']), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.faults[0].where, 'align.lora.rank');
    return true;
  });
  const merged = await align('merged', first.candidate, []);
  assert.match(merged.notes, /all weights of a published model: epochs 1, weight decay 0; align\.train sets others/);
  assert.equal((await openCheckpoint(merged.candidate)).adapter, undefined);
});
