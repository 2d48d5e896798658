// A reward model trained for real on a tiny published model: all weights or an adapter, stopped and resumed to the same digest, and
// refused a licence where all it has learnt is that longer is better.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Interrupted, UserError } from '../../../src/base/errors.js';
import { toJsonl } from '../../../src/base/jsonl.js';
import { openCheckpoint } from '../../../src/checkpoint/directory.js';
import { appendFeedback } from '../../../src/feedback/store.js';
import { openRewardModel, scoreSequences } from '../../../src/inference/rewards.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { readLicence, requireGranted } from '../../../src/stages/reward-model/licence.js';
import { measurePairs } from '../../../src/stages/reward-model/report.js';
import { rewardModelStage } from '../../../src/stages/reward-model/stage.js';
import { openBackend } from '../../../src/tensor/backends.js';
import { batchTolerance } from '../../conformance/backends.js';
import { judgement } from '../../feedback/judgements.js';
import { abortedWhen } from '../../signals.js';

const published = fileURLToPath(new URL('../../interop/fixtures/qwen3', import.meta.url));
const fixtureReward = fileURLToPath(new URL('../../interop/fixtures/qwen3-reward', import.meta.url));
let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'reward-model-'));
  const pairs = Array.from({ length: 60 }, (_, i) => {
    const prompt = `${i}?`;
    return {
      prompt,
      chosen: 'ab'.repeat(3 + (i % 3)),
      rejected: 'ab'.repeat(1 + (i % 2)),
      language: 'en',
      margin: 0.5,
    };
  });
  const long = { prompt: 'long', chosen: 'ab '.repeat(5000), rejected: 'c' };
  await writeFile(join(root, 'pairs.jsonl'), toJsonl([...pairs, long]));
});
after(() => rm(root, { recursive: true, force: true }));

const settings = [
  'validation=0.4',
  'train={steps: 12, batchSize: 6, checkpointEvery: 4, learningRate: 0.02, evaluateEvery: 6}',
];

async function train(name: string, set: string[] = [], stopAfter = Number.POSITIVE_INFINITY) {
  const { rewardModel } = await loadPipeline({
    set: [...settings, `data=${join(root, 'pairs.jsonl')}`, ...set].map((each) => `rewardModel.${each}`),
    flags: { backend: 'auto' },
  });
  const events: Event[] = [];
  const output = await rewardModelStage.run({
    config: rewardModel ?? assert.fail(),
    inputs: { sft: published },
    directory: join(root, name),
    seed: 1,
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'rewardModel'),
    signal: abortedWhen(() => events.filter(({ type }) => type === 'step').length >= stopAfter),
  });
  return {
    ...output,
    events,
    notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n'),
  };
}

test('a length-lover is refused, what it may not do is sealed beside it, and stopping changes nothing', async () => {
  const whole = await train('whole');
  const report = whole.events.find((event) => event.type === 'reward') ?? assert.fail();
  assert.match(whole.notes, /skipped 1 preference: with its prompt, the chosen answer takes more than/);
  assert.ok(whole.metrics.pairAccuracy > 0.9, `${whole.metrics.pairAccuracy}: it has learnt the length`);
  assert.ok(report.lengthCorrelation > 0.7, `${report.lengthCorrelation}`);
  assert.equal(report.isGranted, false);
  const licence = await readLicence({ path: whole.path, digest: whole.digest });
  assert.match(licence.refusals.join('; '), /not surely better than the length of an answer alone: right in/);
  assert.throws(
    () => requireGranted(licence, whole.path),
    (error) => {
      return error instanceof UserError && /may not steer.*length of an answer.*--unlicensed/s.test(error.message);
    },
  );
  await assert.rejects(readLicence({ path: whole.path, digest: 'another' }), /of another reward model/);

  await assert.rejects(train('parts', [], 7), Interrupted);
  const resumed = await train('parts');
  assert.equal(resumed.digest, whole.digest);
  assert.deepEqual(resumed.metrics, whole.metrics);

  const text = await readFile(join(whole.path, 'licence.json'), 'utf8');
  await writeFile(join(whole.path, 'licence.json'), text.replace('"isGranted": false', '"isGranted": true'));
  await assert.rejects(readLicence({ path: whole.path, digest: whole.digest }), /cannot be believed/);
});

test('an adapter keeps its score whole, and scores as it did; text beside the score is learnt, too', async () => {
  const { path, events } = await train('lora', ['lora={rank: 4}', 'lmWeight=0.5', 'margins=false']);
  const config = JSON.parse(await readFile(join(path, 'adapter_config.json'), 'utf8'));
  assert.deepEqual([config.task_type, config.modules_to_save], ['SEQ_CLS', ['score']]);
  const [first, last] = [1, 12].map((step) =>
    events.find((event) => event.type === 'step' && event.step === step && event.metrics),
  );
  const lm = (event: Event | undefined): number =>
    (event?.type === 'step' ? event.metrics?.['loss/lm'] : undefined) ?? Number.NaN;
  assert.ok(lm(last) < lm(first), `${lm(first)} → ${lm(last)}`);
  const merged = await openCheckpoint(path);
  assert.equal(merged.model.architectures[0], 'Qwen3ForSequenceClassification');
  const { model, dispose } = await openRewardModel(path);
  const sequences = [[5, 6, 7], [5, 6, 7, 8, 9, 10, 11], [9], [12, 3, 4, 4]];
  const together = await scoreSequences(model, sequences);
  for (const [i, sequence] of sequences.entries()) {
    const [alone, ...rest] = await scoreSequences(model, [sequence]);
    assert.deepEqual(rest, []);
    assert.ok(
      Math.abs(alone - together[i]) <= batchTolerance(),
      `alone as in a batch, bit for bit: ${alone}, ${together[i]}`,
    );
  }
  dispose();
});

test('what people judge meanwhile is noticed where a reward model learns from it, and only there', async () => {
  const folder = process.cwd();
  process.chdir(root);
  try {
    const digestOf = async (data: string) => {
      const { rewardModel: config = assert.fail() } = await loadPipeline({ set: [`rewardModel.data=${data}`] });
      return rewardModelStage.inputDigest?.({ config, inputs: {} });
    };
    await appendFeedback('feedback.jsonl', [judgement(1, 'first', ['a', 'b'])]);
    const before = await digestOf('feedback');
    await appendFeedback('feedback.jsonl', [judgement(2, 'second', ['a', 'b'])]);
    assert.notEqual(await digestOf('feedback'), before);
    assert.match(before ?? '', /^[0-9a-f]{64}$/);
    assert.equal(await digestOf('pairs.jsonl'), undefined);
  } finally {
    process.chdir(folder);
  }
});

test('a model in training is measured on pairs from the whole of a sorted file', async () => {
  await openBackend('auto');
  const { model, dispose } = await openRewardModel(fixtureReward);
  const [lower, higher] = [
    [5, 6],
    [7, 8],
  ].sort();
  const scores = await scoreSequences(model, [lower, higher]);
  assert.notEqual(scores[0], scores[1]);
  const side = (tokens: number[]) => ({ id: '', text: '', tokens });
  const rows = Array.from({ length: 400 }, (_, i) => {
    const [chosen, rejected] = i < 200 === scores[1] > scores[0] ? [higher, lower] : [lower, higher];
    return { id: String(i), prompt: [], chosen: side(chosen), rejected: side(rejected), asked: '', source: '' };
  });
  const { pairAccuracy } = await measurePairs(model, rows);
  assert.ok(pairAccuracy > 0.4 && pairAccuracy < 0.6, `${pairAccuracy} of 200 in the first half, and the rest wrong`);
  dispose();
});
