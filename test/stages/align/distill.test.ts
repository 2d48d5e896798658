// Rounds that learn what a teacher predicts at every token of their own answers: they come nearer to it, and a teacher that cannot
// be compared is refused in words.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../../../src/base/errors.js';
import { loadPipeline } from '../../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../../src/report/event.js';
import { alignStage } from '../../../src/stages/align/stage.js';
import { fewAnswers, published, writeTasks } from './say-e.js';

let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'align-distill-'));
  await writeTasks(root);
});
after(() => rm(root, { recursive: true, force: true }));

const settings = [...fewAnswers, 'train={steps: 5, batchSize: 4, learningRate: 0.003}'];

async function align(name: string, set: string[], from = published): Promise<Event[]> {
  const { align: config } = await loadPipeline({
    set: [...settings, `prompts=${join(root, 'tasks.jsonl')}`, ...set].map((each) => `align.${each}`),
    flags: { backend: 'auto' },
  });
  const events: Event[] = [];
  await alignStage.run({
    config: config ?? assert.fail(),
    inputs: { sft: from },
    directory: join(root, name),
    seed: 1,
    compute: { backend: 'auto', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'align'),
    signal: new AbortController().signal,
  });
  return events;
}

test('comes nearer to its teacher', async () => {
  await align('teacher', ['method=grpo', 'train.learningRate=0.02', 'train.steps=3']);
  const teacher = join(root, 'teacher', 'round-01');
  const events = await align('student', ['method=distill', `teacher=${teacher}`]);
  const steps = events.flatMap((event) => (event.type === 'step' ? [event] : []));
  const divergence = steps.map(({ metrics }) => metrics?.divergence ?? Number.NaN);
  assert.equal(divergence.length, 5);
  assert.ok(divergence[4] < 0.8 * divergence[0], `${divergence}`);
  assert.ok(steps.every(({ loss }, i) => Math.abs(divergence[i] - loss) < 1e-5));
  assert.match(
    events.flatMap((event) => (event.type === 'note' ? [event.text] : [])).join('\n'),
    /the teacher, .*, takes/,
  );
  const moved = join(root, 'moved');
  await rename(teacher, moved);
  const again = await align('student', ['method=distill', `teacher=${moved}`]);
  assert.ok(!again.some(({ type }) => type === 'step'), 'where a teacher stands changes nothing');
});

test('answers that serve two steps are compared with the teacher alone: who gave them is not measured', async () => {
  await align('twice', ['method=distill', `teacher=${published}`, 'iterations=2', 'train.steps=2']);
  const journal = await readFile(join(root, 'twice', 'round-01', 'rollouts.jsonl'), 'utf8');
  assert.ok(journal.includes('"answers"') && !journal.includes('logProbabilities'));
});

test('a teacher with another tokenizer is refused', async () => {
  const other = join(root, 'other');
  await cp(published, other, { recursive: true });
  const path = join(other, 'tokenizer.json');
  const tokenizer = JSON.parse(await readFile(path, 'utf8'));
  tokenizer.added_tokens.at(-1).content = '<|another|>';
  await writeFile(path, JSON.stringify(tokenizer));
  await assert.rejects(align('refused', ['method=distill', `teacher=${other}`]), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /another tokenizer/);
    return true;
  });
});

test('what does not go with it is refused', async () => {
  const refused = async (set: string[]) => {
    const load = loadPipeline({ set: set.map((each) => `align.${each}`), flags: { backend: 'auto' } });
    return assert.rejects(load, /distill|is not read by/);
  };
  await refused(['method=distill']);
  await refused(['method=grpo', 'teacher=x']);
  await refused(['method=distill', 'teacher=x', 'policyLoss=dapo']);
  await refused(['method=distill', 'teacher=x', 'resample=1']);
});
