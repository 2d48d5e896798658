// A reward model from the command line, from its pairs to the alignment that it steers: the licence that it earns, the command that is
// printed then, what only measures it, and what is said where it is used for what it is not.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { letterPairs, letterTasks } from '../../scripts/reward/pairs.js';
import { programsOf } from '../docs/pages.js';
import { runWarm } from '../docs/warm.js';

const published = fileURLToPath(new URL('../interop/fixtures/qwen3', import.meta.url));
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reward-licence-'));
  await writeFile(join(folder, 'pairs.jsonl'), letterPairs(160));
  await writeFile(join(folder, 'tasks.jsonl'), letterTasks(12));
});
after(() => rm(folder, { recursive: true, force: true }));

const typed = (...words: string[]): Promise<string> => runWarm(words, { folder, env: { NO_COLOR: '1' } });
const refused = (...words: string[]): Promise<string> => typed(...words).then(assert.fail, String);
const setting = (key: string): string[] => ['--set', key];
const train = (...more: string[]): Promise<string> =>
  typed(
    ...['align', '--only', 'reward-model', '--from', published, '--data', 'pairs.jsonl', '--prompts', 'tasks.jsonl'],
    ...setting('rewardModel.train={steps: 24, batchSize: 16, learningRate: 0.01, evaluateEvery: 0}'),
    ...setting('rewardModel.licence={samples: 8, maxNewTokens: 4}'),
    ...['--out', 'run', ...more],
  );
const kept = (name: string): Promise<string> => readFile(join(folder, 'run/reward-model', name), 'utf8');
const manifest = 'step-000024/mossctl.json';

test('a licence that was earned is followed by a command that steers with it', async () => {
  const said = await train();
  assert.match(said, /licence: granted; it may steer alignment/);
  const [, next = assert.fail(said)] = said.match(/^next {4}(.*)$/m) ?? [];
  const [[, , ...words]] = programsOf(next);
  assert.ok(words.includes('--prompts') && words.includes(join(folder, 'tasks.jsonl')), next);
  const steered = await typed(...words, ...['rounds=1', 'maxNewTokens=4'].flatMap((key) => setting(`align.${key}`)));
  assert.match(steered, /the reward model has a licence to steer alignment/);
  assert.match(steered, /rules and reward model [0-9a-f]{12} order answers alike by/);
});

test('what only measures it measures it again, with the answers that are there, and trains nothing', async () => {
  const [weights, answers] = [await kept(manifest), await kept('licence-answers.jsonl')];
  const said = await train(...setting('rewardModel.licence.promptCount=8'));
  assert.match(said, /only what rewardModel is measured by changed: it is measured again, and not trained/);
  assert.match(said, /best of n: answers to 8 tasks are already there/);
  assert.doesNotMatch(said, /step 24\/24/);
  assert.deepEqual([await kept(manifest), await kept('licence-answers.jsonl')], [weights, answers]);
  assert.match(await kept('step-000024/licence.json'), /"prompts": 8,\n\s+"most": 8,/);
  const other = await train(...setting('rewardModel.licence.temperature=0.5'));
  assert.match(other, /has answers that were sampled otherwise\. It is kept as licence-answers\.jsonl\.other/);
  assert.equal(await kept('licence-answers.jsonl.other'), answers);
  assert.equal(await kept(manifest), weights);
});

test('it is not packed, not steered with where nothing is steered, and scores by the name of its run', async () => {
  assert.match(await refused('pack', 'run', '--out', 'run.tar.gz'), /a reward model alone, which pack does not share/);
  assert.match(
    await train('--unlicensed').then(assert.fail, String),
    /says nothing to --only reward-model. It is align that/,
  );
  const path = join(folder, 'run/reward-model/step-000024/licence.json');
  const text = await readFile(path, 'utf8');
  const align = [
    ...['align', '--from', published, '--prompts', 'tasks.jsonl', '--set', 'align.scorers=[{rewardModel: run}]'],
    ...setting('align.train={steps: 1}'),
    ...['rounds=1', 'maxNewTokens=4', 'samplesPerPrompt=2'].flatMap((key) => setting(`align.${key}`)),
  ];
  await writeFile(path, text.slice(0, -20));
  assert.match(await refused(...align, '--out', 'damaged'), /this licence of a reward model cannot be believed/);
  await writeFile(path, text);
  assert.match(await typed(...align, '--out', 'whole'), /the reward model has a licence to steer alignment/);
});
