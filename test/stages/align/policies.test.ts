// Rounds of alignment on preferences that people gave, by several methods, of all weights of a published model or of an adapter
// beside them. Whatever is trained, what it is compared with is the policy as the round found it.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Interrupted, UserError } from '../../../src/base/errors.js';
import { toJsonl } from '../../../src/base/jsonl.js';
import { type Checkpoint, openCheckpoint } from '../../../src/checkpoint/directory.js';
import { resolvedPreference } from '../../../src/config/preference.js';
import { packSequences } from '../../../src/data/sequences.js';
import { openChatFormat } from '../../../src/inference/chat-format.js';
import { LocalModel } from '../../../src/inference/local-model.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { FirstStep } from '../../../src/stages/align/first-step.js';
import { type RoundRow, readRoundRows, sequenceOf } from '../../../src/stages/align/pairs.js';
import { badTag, withTags } from '../../../src/stages/align/quality-tags.js';
import { alignStage } from '../../../src/stages/align/stage.js';
import { readResult } from '../../../src/tensor/host.js';
import { sequenceLogProbabilities } from '../../../src/train/objectives/sequence-log-probabilities.js';
import { abortedWhen } from '../../signals.js';

const published = fileURLToPath(new URL('../../interop/fixtures/qwen3', import.meta.url));
let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'align-policies-'));
  const pairs = Array.from({ length: 10 }, (_, i) => ({ prompt: `${i}?`, chosen: `${i} yes`, rejected: `${i} no` }));
  await writeFile(join(root, 'pairs.jsonl'), toJsonl(pairs));
  const others = pairs.slice(0, 6).map(({ prompt, ...answers }) => ({ prompt: `other ${prompt}`, ...answers }));
  await writeFile(join(root, 'others.jsonl'), toJsonl(others));
});
after(() => rm(root, { recursive: true, force: true }));

const settings = ['gate.alphas=[1]', 'train={steps: 4, batchSize: 3, checkpointEvery: 2, learningRate: 0.01}'];

async function align(name: string, set: string[], { from = published, stopAfter = Number.POSITIVE_INFINITY } = {}) {
  const { align: config } = await loadPipeline({
    set: [...settings, `data=${join(root, 'pairs.jsonl')}`, `evalData=${join(root, 'others.jsonl')}`, ...set].map(
      (each) => `align.${each}`,
    ),
    flags: { backend: 'auto' },
  });
  const events: Event[] = [];
  const directory = join(root, name);
  await alignStage.run({
    config: config ?? assert.fail(),
    inputs: { sft: from },
    directory,
    seed: 1,
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
    signal: abortedWhen(() => events.filter(({ type }) => type === 'step').length >= stopAfter),
  });
  const round = join(directory, 'round-01');
  return {
    notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n'),
    steps: events.flatMap((event) => (event.type === 'step' ? [event] : [])),
    round,
    rows: await readRoundRows(join(round, 'pairs.jsonl')),
    candidate: await openCheckpoint(join(round, 'step-000004'), { adapter: 'apart' }),
  };
}
type Outcome = Awaited<ReturnType<typeof align>>;

const margins = ({ steps }: Outcome): number[] =>
  steps.map(({ metrics }) => metrics?.['rewards/margins'] ?? Number.NaN);

test('an adapter is aligned beside its base, and continued beside it: the reference is what the round found', async () => {
  const first = await align('new', ['lora={rank: 4, alpha: 8}']);
  assert.match(first.notes, /a new adapter of rank 4 on .*qwen3/);
  assert.equal(first.candidate.adapter?.shape.rank, 4);
  const { path: from } = first.candidate;
  const second = await align('continued', ['lora={}'], { from });
  assert.match(second.notes, /continues the adapter of align step 4 \w+, of rank 4 on/);
  assert.match(second.notes, /the reference of dpo is the policy \(align step 4 \w{12}, adapter and base together\)/);
  assert.equal(second.candidate.manifest.parent, first.candidate.digest);
  assert.equal(second.candidate.adapter?.base.digest, first.candidate.adapter?.base.digest);
  for (const outcome of [first, second]) {
    // Compared with its base alone, the adapter that continues would begin with a margin of its own.
    const [before, ...later] = margins(outcome);
    assert.ok(Math.abs(before) < 1e-5 && later[2] > 1e-3, `${margins(outcome)}`);
    assert.match(outcome.notes, /round 1, first step: .*margin -?0\.0000: the policy is its own reference/);
  }
  await assert.rejects(align('other', ['lora={rank: 8}'], { from }), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.faults[0].where, 'align.lora.rank');
    return true;
  });
});

test('kto learns what is called good; stopped, and its references damaged, it ends with the same bits', async () => {
  const whole = await align('whole', ['method=kto']);
  await assert.rejects(align('parts', ['method=kto'], { stopAfter: 3 }), Interrupted);
  const path = join(root, 'parts', 'round-01', 'references.jsonl');
  const stored = await readFile(path, 'utf8');
  await writeFile(path, stored.replace(/-\d+\./, '-1.'));
  const resumed = await align('parts', ['method=kto']);
  assert.equal(await readFile(path, 'utf8'), stored, 'what changed on the disk is computed again');
  assert.equal(resumed.candidate.digest, whole.candidate.digest);
  const isGood = (row: RoundRow) => 'isGood' in row && row.isGood;
  const [good, bad] = [whole.rows.filter(isGood), whole.rows.filter((row) => !isGood(row))];
  assert.deepEqual([good.length, bad.length], [10, 10]);
  const gap = async (model: Checkpoint) => (await likelihood(model, good)) - (await likelihood(model, bad));
  const [before, after] = [await gap(await openCheckpoint(published)), await gap(whole.candidate)];
  assert.ok(after > before + 0.5, `${before} → ${after}`);
});

test('best-of-n learns the good answers, quality tags what a bad one is like; stopped, they end with the same bits', async () => {
  const start = await openCheckpoint(published);
  for (const method of ['best-of-n', 'quality-tags']) {
    const whole = await align(`${method} whole`, [`method=${method}`]);
    await assert.rejects(align(method, [`method=${method}`], { stopAfter: 3 }), Interrupted);
    assert.equal((await align(method, [`method=${method}`])).candidate.digest, whole.candidate.digest, method);
    const rose = async (rows: readonly RoundRow[]) =>
      (await likelihood(whole.candidate, rows)) - (await likelihood(start, rows));
    const bad = whole.rows.filter((row) => 'isGood' in row && !row.isGood);
    const good = whole.rows.filter((row) => !bad.includes(row));
    assert.equal(bad.length, method === 'best-of-n' ? 0 : 10);
    const learnt = await rose(good);
    assert.ok(learnt > 0.5, `${method}: the good ones rose by ${learnt}`);
    if (bad.length === 0) continue;
    const { tokenizer } = await openChatFormat(published);
    const tag = tokenizer.encode(badTag);
    const asked = (rows: readonly RoundRow[], prompt: (tokens: number[]) => number[]) =>
      rose(rows.map((row) => ({ ...row, prompt: prompt(row.prompt) })));
    const plain = (await rose(good)) - (await asked(bad, (tokens) => tokens.slice(0, -tag.length)));
    const tagged = (await asked(good, (tokens) => [...tokens, ...tag])) - (await rose(bad));
    assert.ok(plain > tagged, `good over bad rose by ${plain} without the tag, by ${tagged} after it`);
  }
});

test('a reference of another model ends a round at its first step, in words', () => {
  const said: string[] = [];
  const preference = resolvedPreference({ method: 'dpo', fDivergence: 'reverse_kl' });
  const watch = () => new FirstStep(preference, { isHalf: false, say: (text) => said.push(text) });
  const fault = watch().see({ 'loss/preference': 0.7931, 'rewards/chosen': 0, 'rewards/margins': -0.2 });
  assert.match(fault?.what ?? '', /rewards\/margins is -0\.2000, not 0\.0000, loss is 0\.7931, not 0\.6931$/);
  const own = watch();
  assert.equal(own.see({ 'loss/preference': Math.LN2, 'rewards/margins': 0 }), undefined);
  assert.equal(own.see({ 'loss/preference': 2, 'rewards/margins': 9 }), undefined, 'later steps are its own');
  assert.deepEqual(said, ['first step: loss 0.6931 (ln 2 = 0.6931), margin 0.0000: the policy is its own reference']);
});

test('a tag stands before a bad answer, and is not learnt; a good one is asked for as ever', async () => {
  const { tokenizer } = await openChatFormat(published);
  const side = (tokens: number[]) => ({ tokens, text: '' });
  const rows = withTags([{ id: 'a', prompt: [5, 6], chosen: side([7]), rejected: side([8, 9]) }], tokenizer);
  const tag = tokenizer.encode(badTag);
  assert.equal(tokenizer.decode(tag), badTag);
  const sequences = rows.map((row) => sequenceOf(row, row.answer));
  assert.deepEqual(sequences, [
    { id: 'a#chosen', tokens: [5, 6, 7], loss: [0, 0, 1] },
    { id: 'a#rejected', tokens: [5, 6, ...tag, 8, 9], loss: [0, 0, ...tag.map(() => 0), 1, 1] },
  ]);
});

/** Mean log π of the answers. */
async function likelihood(checkpoint: Checkpoint, rows: readonly RoundRow[]): Promise<number> {
  const loaded = await LocalModel.of(checkpoint);
  const sequences = rows.map((row) => sequenceOf(row, 'answer' in row ? row.answer : row.chosen));
  const batch = packSequences(sequences, { padId: 0 });
  const values = await readResult(() => sequenceLogProbabilities(loaded.model, batch).logProbabilities);
  await loaded.dispose();
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
