// mossctl eval A B --tasks FILE as a person runs it: two models of others and one run folder, results beside, nothing in a run.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { evaluateTasks } from '../../src/cli/commands/eval-tasks.js';
import { columnLabels } from '../../src/cli/labels.js';
import { withoutTasks } from '../../src/cli/options.js';
import { mossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-eval-tasks-'));
after(() => rm(folder, { recursive: true }));
const fixture = (name: string): string => fileURLToPath(new URL(`../interop/fixtures/${name}`, import.meta.url));

test('two models, one table; a folder with the results of something else is not touched', async () => {
  const base = join(folder, 'base');
  await cp(fixture('llama-3.2'), base, { recursive: true });
  await rm(join(base, 'chat_template.jinja'));
  const chat = join(folder, 'llama-3.2'); // its path is printed, and is to be short
  await cp(fixture('llama-3.2'), chat, { recursive: true });
  const tasks = join(folder, 'mine.jsonl');
  const rows = [
    { question: 'a', choices: ['b', 'c'], answer: 'b', kind: 'pick' },
    { question: '1+1=?', answer: 2, kind: 'sum', language: 'en' },
    { question: '1+2=?', answer: 3, kind: 'sum', language: 'en' },
  ];
  await writeFile(tasks, toJsonl(rows));
  const earlier = join(folder, 'evals/mine/results.json');
  await mkdir(dirname(earlier), { recursive: true });
  await writeFile(earlier, '{"digest": "of something else"}');
  const flags = ['--tasks', tasks, '--max-new-tokens', '3', '--cot', 'both', '--backend', 'wasm'];
  const { code, stdout, stderr } = await mossctl(['eval', base, chat, ...flags], { cwd: folder });
  assert.equal(code, 0, stderr);
  assert.equal(await readFile(earlier, 'utf8'), '{"digest": "of something else"}');
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80 || line.includes('answers.jsonl'), line);
  for (const row of ['number.sum', 'numberInSteps.sum', 'accuracy.pick'])
    assert.ok(stdout.includes(`\n${row} `), stdout);
  assert.match(stdout, /base .*as text to continue\n.*as a chat/);
  for (const pair of ['llama-3.2 − base', 'base in steps − base']) assert.ok(stdout.includes(pair), stdout);
  const results = JSON.parse(await readFile(join(folder, 'evals/mine-2/results.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  assert.deepEqual(results.chance, { pick: 0.5 });
  const lines = (await readFile(join(folder, 'evals/mine-2/answers.jsonl'), 'utf8')).trim().split('\n');
  const asked = lines.map(
    (line) => JSON.parse(line) as { checkpoint: string; id: string; mode: string; prompt: string },
  );
  assert.deepEqual(
    asked.map(({ checkpoint }) => checkpoint),
    [...Array<string>(5).fill('base'), ...Array<string>(5).fill('llama-3.2')],
  );
  assert.equal(
    asked.find(({ id, mode }) => id === 'mine.jsonl:2' && mode === 'direct')?.prompt,
    'Question: 1+1=?\nAnswer:',
  );
  const report = await readFile(join(folder, 'evals/mine-2/report.html'), 'utf8');
  assert.ok(report.includes('Differences') && report.includes('1+1=?'));
});

test('what cannot be meant is refused before anything is opened', async () => {
  assert.throws(() => withoutTasks(['a', 'b'], {}), /2 checkpoints are compared on questions.*--tasks FILE/s);
  assert.throws(
    () => withoutTasks(['a'], { shots: 2, cot: 'yes' }),
    /--shots is about --tasks.*--cot is about --tasks/s,
  );
  assert.equal(withoutTasks(['a'], {}), 'a');
  await assert.rejects(evaluateTasks([], { tasks: ['x'] }), /--tasks needs a checkpoint/);
  await assert.rejects(evaluateTasks(['a'], { tasks: ['x'], set: ['eval.samples=1'] }), /--set is about a run/);
  await assert.rejects(evaluateTasks(['a'], { tasks: ['memory'], seed: '-1' }), /--seed is a whole number/);
  const trainedOn = folder;
  await assert.rejects(evaluateTasks(['a'], { tasks: ['safety'], trainedOn }), /not the folder of a run.*no pipeline/);
  await assert.rejects(evaluateTasks(['a'], { tasks: ['memory'], trainedOn }), /--trained-on is about the audit/);
  assert.throws(() => withoutTasks(['a'], { trainedOn }), /--trained-on is about --tasks/);
  assert.throws(() => withoutTasks(['a'], { tools: false }), /--no-tools is about --tasks/);
});

test('labels: stages where they differ, else what differs in the paths, else letters', () => {
  const column = (path: string, stage = 'sft') => ({ path, stage });
  assert.deepEqual(columnLabels([column('/r/pretrain/step-000010', 'pretrain'), column('/r/sft/step-000010')]), [
    'base',
    'sft',
  ]);
  assert.deepEqual(columnLabels([column('/r/a/sft/step-000010'), column('/r/b/sft/step-000020')]), ['a/sft', 'b/sft']);
  assert.deepEqual(columnLabels([column('/r/sft/step-000010'), column('/r/sft/step-000020')]), [
    'step-000010',
    'step-000020',
  ]);
  assert.deepEqual(columnLabels([column('/r/x'), column('/r/x')]), ['A', 'B']);
});
