// Alignment by other scorers than the rules: a reward model that has no licence is refused unless that is asked for, and then it is
// recorded; what it says is mixed with the checks, and decides nothing.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/base/errors.js';
import { toJsonl } from '../../../src/base/jsonl.js';
import { openCheckpoint } from '../../../src/checkpoint/directory.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { alignStage } from '../../../src/stages/align/stage.js';
import { type Licence, writeLicence } from '../../../src/stages/reward-model/licence.js';
import { nextOfRewardModel } from '../../../src/stages/reward-model/next.js';

const fixture = (name: string) => fileURLToPath(new URL(`../../interop/fixtures/${name}`, import.meta.url));
const published = fixture('qwen3');
let root: string;
let reward: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'scorers-'));
  const tasks = Array.from({ length: 24 }, (_, i) => ({
    messages: [{ role: 'user', content: `say ${i}` }],
    check: { type: 'contains', any: ['a', 'e', 'o', '的'] },
  }));
  await writeFile(join(root, 'tasks.jsonl'), toJsonl(tasks));
  reward = join(root, 'reward');
  await cp(fixture('qwen3-reward'), reward, { recursive: true });
});
after(() => rm(root, { recursive: true, force: true }));

const settings = [
  ...['rounds=1', 'promptsPerRound=6', 'samplesPerPrompt=4', 'heldOutSamples=1', 'maxNewTokens=8', 'minMargin=0.01'],
  ...['gate.alphas=[1]', 'train={steps: 1, batchSize: 2}', 'replay.instructions=0'],
];

async function align(name: string, set: string[], inputs = {}) {
  const { align: config } = await loadPipeline({
    set: [...settings, `prompts=${join(root, 'tasks.jsonl')}`, ...set].map((each) => `align.${each}`),
    flags: { backend: 'auto' },
  });
  const events: Event[] = [];
  const directory = join(root, name);
  await alignStage.run({
    config: config ?? assert.fail(),
    inputs: { sft: published, ...inputs },
    directory,
    seed: 1,
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
  });
  return { directory, notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n') };
}

const granted = (model: string): Licence => ({
  ...{ format: 1, model, isGranted: true, refusals: [], pairs: 40, prompts: 40, baselines: [] },
  accuracy: { mean: 0.9, low: 0.8, high: 0.95 },
  calibration: { error: 0.02, bound: 0.1, temperature: 1 },
  bestOfN: { prompts: 8, most: 64, gain: { mean: 0.2, low: 0.1, high: 0.3 }, turnsAt: 1.25 },
});

test('a reward model steers with a licence of its own, or where a person says so, which is recorded', async () => {
  const scorers = `scorers=[rules, {rewardModel: ${reward}, weight: 2}]`;
  await assert.rejects(align('none', [scorers]), (error) => {
    return error instanceof UserError && /has no licence to steer alignment.*--unlicensed/s.test(error.message);
  });
  const unlicensed = await align('unlicensed', [scorers, 'unlicensed=true']);
  assert.match(
    unlicensed.notes,
    /a reward model without a licence steers alignment \(align\.unlicensed\): this reward model has no licence/,
  );
  assert.match(
    unlicensed.notes,
    /rules and reward model [0-9a-f]{12} order answers alike by -?\d\.\d\d \(rank correlation/,
  );
  const candidate = await openCheckpoint(join(unlicensed.directory, 'round-01', 'step-000001'));
  const recorded = candidate.manifest.settings as { unlicensed?: boolean; scorer?: string };
  assert.equal(recorded.unlicensed, true);
  const { digest } = await openCheckpoint(reward);
  assert.equal(recorded.scorer, `rules + 2 × reward model ${digest.slice(0, 12)}`);
  assert.ok(!JSON.stringify(recorded).includes(root), 'places are no part of what a checkpoint follows from');

  await writeLicence(reward, granted(digest));
  const { align: _, ...config } = await loadPipeline({});
  const made = { runDirectory: 'runs/r', path: reward, digest, config };
  assert.equal(
    await nextOfRewardModel({ ...made, from: 'runs/x' }),
    "npx mossctl align --from runs/x --prompts TASKS.jsonl --set 'align.scorers=[rules, {rewardModel: runs/r/reward-model}]' --out runs/r-aligned",
  );
  const licensed = await align('licensed', ['scorers=[{scorer: reward-model}]'], { rewardModel: reward });
  assert.match(licensed.notes, /has a licence to steer alignment; .*a KL of 1\.25 nats/);
  const pairs = (await readFile(join(licensed.directory, 'round-01', 'pairs.jsonl'), 'utf8')).trim().split('\n');
  const [{ chosen, rejected }] = pairs.map((line) => JSON.parse(line));
  assert.ok(chosen.reward === 1 && rejected.reward === 0, 'scaled among the answers to a prompt');
});

test('a reward model that gives no numbers ends the round in words', async () => {
  const broken = join(root, 'broken');
  await cp(fixture('qwen3-reward'), broken, { recursive: true });
  const path = join(broken, 'model.safetensors');
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: number[] }>;
  const [begin, end] = header['score.weight'].data_offsets;
  await writeFile(path, bytes.fill(0x7f, 8 + length + begin, 8 + length + end));
  await assert.rejects(align('nan', [`scorers=[{rewardModel: ${broken}}]`, 'unlicensed=true']), (error) => {
    return error instanceof UserError && /gives an answer no number \(NaN.*Train it again/s.test(error.message);
  });
});

test('a model that predicts text, and one with other tokens, are no scorers', async () => {
  const refused = (path: string) =>
    align('refused', [`scorers=[{rewardModel: ${path}}]`, 'unlicensed=true']).then(() => '', String);
  assert.match(await refused(published), /this is no reward model.*Qwen3ForCausalLM/s);
  assert.match(await refused(fixture('llama-reward')), /other tokens than the model that is aligned/);
});
