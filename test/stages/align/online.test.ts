// Rounds that sample as they learn: interrupted, and what they sampled cut, they end with the same bits and sample nothing twice;
// what goes wrong is said in words. What they learn is in test/train/objectives/online.test.ts.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Interrupted, UserError } from '../../../src/base/errors.js';
import { toJsonl } from '../../../src/base/jsonl.js';
import { openCheckpoint } from '../../../src/checkpoint/directory.js';
import { appendFeedback } from '../../../src/feedback/store.js';
import { touchedBy } from '../../../src/feedback/touched.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { alignStage } from '../../../src/stages/align/stage.js';
import type { SettingChange } from '../../../src/train/resume.js';
import { asked, judgement } from '../../feedback/judgements.js';
import { abortedWhen } from '../../signals.js';
import { fewAnswers, published, writeTasks } from './say-e.js';

let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'align-online-'));
  await writeTasks(root);
});
after(() => rm(root, { recursive: true, force: true }));

const settings = [...fewAnswers, 'train={steps: 4, batchSize: 3, checkpointEvery: 2, learningRate: 0.01}'];

async function align(
  name: string,
  set: string[],
  { stopWhen = (_: readonly Event[]): boolean => false, overrides = [] as SettingChange[] } = {},
) {
  const { align: config } = await loadPipeline({
    set: [...settings, `prompts=${join(root, 'tasks.jsonl')}`, ...set].map((each) => `align.${each}`),
    flags: { backend: 'auto' },
  });
  const events: Event[] = [];
  const directory = join(root, name);
  await alignStage.run({
    config: config ?? assert.fail(),
    inputs: { sft: published },
    ...{ directory, overrides, seed: 1 },
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
    signal: abortedWhen(() => stopWhen(events)),
  });
  const round = join(directory, 'round-01');
  return {
    notes: events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n'),
    steps: events.flatMap((event) => (event.type === 'step' ? [event] : [])),
    journal: await journalOf(name),
    candidate: await openCheckpoint(round, { adapter: 'apart' }),
  };
}

const journalPath = (name: string): string => join(root, name, 'round-01', 'rollouts.jsonl');
const journalOf = (name: string): Promise<string> => readFile(journalPath(name), 'utf8');
const stepsIn = (events: readonly Event[]): number => events.filter(({ type }) => type === 'step').length;

test('stopped after a step, and its journal cut, grpo ends with the same bits and the same samples', async () => {
  const whole = await align('whole', ['method=grpo']);
  assert.equal(whole.steps.length, 4);
  const keys = Object.keys(whole.steps[0].metrics ?? {});
  for (const key of [
    'reward',
    'reward_std',
    'frac_reward_zero_std',
    'completions/mean_length',
    'rewards/right',
    'entropy',
    'sampling_share',
  ])
    assert.ok(keys.includes(key), key);
  const lines = whole.journal.trimEnd().split('\n');
  assert.equal(lines.length, 1 + 4 * 2 * 2, 'a line for each group, and one for its rewards');

  await assert.rejects(align('parts', ['method=grpo'], { stopWhen: (events) => stepsIn(events) >= 3 }), Interrupted);
  await rm(join(root, 'parts', 'round-01', 'step-000003'), { recursive: true }); // as a kill leaves it: step 2 is the newest
  const before = await journalOf('parts');
  const resumed = await align('parts', ['method=grpo']);
  assert.match(resumed.notes, /round 1: of an interrupted try 24 answers already there/);
  assert.ok(resumed.journal.startsWith(before), 'what was there stays, and is not sampled again');
  assert.deepEqual([resumed.candidate.digest, resumed.journal], [whole.candidate.digest, whole.journal]);

  let polls = 0;
  const amidSampling = (events: readonly Event[]): boolean => stepsIn(events) >= 1 && ++polls > 1;
  await assert.rejects(align('sampling', ['method=grpo'], { stopWhen: amidSampling }), /stopped at step 1 of 4; saved/);
  const gone = await align('sampling', ['method=grpo']);
  assert.deepEqual([gone.steps.length, gone.candidate.digest], [3, whole.candidate.digest]);

  await rm(join(root, 'parts', 'round-01', 'step-000004'), { recursive: true });
  await truncate(journalPath('parts'), before.length - 20);
  const cut = await align('parts', ['method=grpo']);
  assert.equal(cut.candidate.digest, whole.candidate.digest);
  assert.equal(cut.journal.length, whole.journal.length);
});

test('of answers that serve several steps the journal keeps what those are compared with; without it no step is made up', async () => {
  const twice = 'scorers=[rules, {scorer: rules, weight: 2}]';
  const own = ['method=grpo', twice, 'iterations=2', 'stepsPerSampling=2', 'klWeight=0.1', 'lora={rank: 2}'];
  const whole = await align('reused', own);
  assert.equal((whole.journal.match(/"logProbabilities"/g) ?? []).length, 1);
  const [first, second, third] = whole.steps.map(({ metrics = {} }) => metrics);
  assert.equal(first.reward, second.reward, 'one sampling');
  assert.equal(whole.notes.match(/round 1: .* order answers alike by 1\.00/g)?.length, 1, 'once, not for each group');
  assert.ok(Math.abs(first.kl) < 1e-6 && third.kl > 0, `${first.kl} → ${third.kl}`);
  assert.match(
    whole.notes,
    /the reference of grpo is the policy as it is at the round's start: a frozen copy of it, .* stays in memory/,
  );
  await assert.rejects(align('parts reused', own, { stopWhen: (events) => stepsIn(events) >= 3 }), Interrupted);
  await cp(join(root, 'parts reused'), join(root, 'lost'), { recursive: true });
  await cp(join(root, 'parts reused'), join(root, 'other'), { recursive: true });
  assert.equal((await align('parts reused', own)).candidate.digest, whole.candidate.digest);
  await truncate(journalPath('lost'), 300);
  await assert.rejects(align('lost', own), /was learning from are no longer there/);

  const before = await journalOf('other');
  const overrides = [{ key: 'align.temperature', from: '1', to: '0.5' }];
  const other = await align('other', [...own, 'temperature=0.5'], { overrides });
  assert.match(other.notes, /rollouts\.jsonl has answers of other settings\. It is kept as rollouts\.jsonl\.other/);
  assert.match(other.notes, /sampling 1 had other settings when 3 steps learnt from it: its prompts are answered anew/);
  assert.equal(await readFile(`${journalPath('other')}.other`, 'utf8'), before);
  assert.equal(other.candidate.manifest.step, 4);
});

test('a critic learns first and beside the policy; it resumes to the same bits, and is no part of the model that comes of it', async () => {
  const critic = `critic=${fileURLToPath(new URL('../../interop/fixtures/qwen3-reward', import.meta.url))}`;
  const own = ['method=ppo', 'iterations=2', 'criticWarmup=1', 'lora={rank: 2}', 'train.batchSize=8', critic];
  const whole = await align('ppo', own);
  assert.match(whole.notes, /the critic of ppo begins as .*qwen3-reward: .* of weights are trained/);
  assert.equal((whole.journal.match(/"values"/g) ?? []).length, 2, 'once for each sampling');
  const [first, second] = whole.steps.map(({ metrics = {} }) => metrics);
  assert.ok(first['loss/value_avg'] > 0 && !('loss/policy_avg' in first), 'the critic alone');
  assert.ok(Math.abs(second['policy/approxkl_avg']) < 1e-9, 'the policy is the one that sampled still');
  for (const key of [
    'objective/kl',
    'val/clipfrac_avg',
    'val/ratio',
    'val/explained_variance',
    'kl',
    'entropy',
    'reward',
  ])
    assert.ok(key in second, key);
  const named = (path: string) => readFile(join(whole.candidate.path, path), 'latin1');
  assert.ok(!(await named('adapter_model.safetensors')).includes('score.weight'));
  assert.match(await named('training/optimizer.safetensors'), /"critic\.score\.weight"/);

  // Amid a sampling, in steps that the critic has learnt in since.
  await assert.rejects(align('ppo parts', own, { stopWhen: (events) => stepsIn(events) >= 3 }), Interrupted);
  const resumed = await align('ppo parts', own);
  assert.deepEqual([resumed.candidate.digest, resumed.journal], [whole.candidate.digest, whole.journal]);
  await assert.rejects(align('ppo other', ['method=ppo', `critic=${published}`]), /this is no reward model/);
  await assert.rejects(align('ppo warm', ['method=ppo']), /the critic alone would learn in all of the 4 steps/);
});

test('each scorer is learnt from by itself, and what none could score is known when the step goes on without it', async () => {
  const tasks = Array.from({ length: 24 }, (_, i) => ({
    messages: [{ role: 'user', content: `say e ${i}` }],
    check: i % 2 === 0 ? { type: 'contains', any: ['e'] } : { type: 'constraints', all: [{ kind: 'no-commas' }] },
  }));
  await writeFile(join(root, 'mixed.jsonl'), toJsonl(tasks));
  const own = [
    'method=grpo',
    'train.steps=1',
    'promptsPerStep=8',
    'scorers=[constraints, {scorer: tools, weight: 0.5}]',
  ];
  const { journal, steps } = await align('scorers', [...own, `prompts=${join(root, 'mixed.jsonl')}`]);
  const rewards = journal.split('\n').flatMap((line): (number | null)[][][] => {
    return line.includes('"rewards"') ? [(JSON.parse(line) as { rewards: (number | null)[][] }).rewards] : [];
  });
  assert.equal(rewards.length, 8);
  const unscored = rewards.filter(([constraints]) => constraints.every((each) => each === null));
  assert.ok(unscored.length > 0 && unscored.length < 8, `${unscored.length}`);
  assert.ok(rewards.every(([constraints, tools]) => constraints.length === 4 && tools.every((each) => each === null)));
  const { metrics = {} } = steps[0];
  assert.equal(metrics['rewards/missing'], unscored.length / 8);
  assert.equal(metrics['rewards/constraints/mean'], metrics.reward);
  assert.ok(!('rewards/tools/mean' in metrics));
});

test('a round is found by what it asked, where people asked it: feedback delete names what learnt from it', async () => {
  const store = join(root, 'feedback.jsonl');
  const judged = [1, 2, 3, 4].map((n) => judgement(n, 'good', ['e'], { prompt: asked(`say e ${n}`) }));
  await appendFeedback(store, judged);
  const { candidate } = await align('asked', ['method=grpo', `prompts=${store}`]);
  const found = await Promise.all(judged.map(({ id }) => touchedBy(new Set([id]), join(root, 'asked'))));
  const learnt = found.filter(({ checkpoints }) => checkpoints.some(({ digest }) => digest === candidate.digest));
  assert.equal(learnt.length, 3, 'one of four is held out');
});

test('what does not go together is refused, and a method without tasks says what it needs', async () => {
  await assert.rejects(
    align('pairs', ['method=grpo', `data=${join(root, 'tasks.jsonl')}`]),
    /learns from its own answers/,
  );
  await assert.rejects(align('unread', ['promptsPerStep=2', 'method=dpo']), /is not read by dpo/);
  await assert.rejects(align('none', ['method=grpo', 'prompts=null']), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.faults[0].what, /grpo has no tasks to sample answers to/);
    return true;
  });
});
