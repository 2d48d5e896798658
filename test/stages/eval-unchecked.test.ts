// Tasks that no program can check: what is measured of them is how they compare with the answers that their rows give, and
// their form, which is never called a reward.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toJsonl } from '../../src/base/jsonl.js';
import { loadPipeline } from '../../src/pipeline/load.js';
import { type Event, stageReporter } from '../../src/report/event.js';
import { evalStage } from '../../src/stages/eval.js';

const directory = await mkdtemp(join(tmpdir(), 'unchecked-'));
after(() => rm(directory, { recursive: true }));
const model = fileURLToPath(new URL('../interop/fixtures/llama-3.2', import.meta.url));

async function evaluate(rows: readonly object[]) {
  const tasks = join(directory, 'tasks.jsonl');
  await writeFile(tasks, toJsonl(rows));
  const set = [`eval.tasks=${tasks}`, 'eval.turns=[]', 'eval.samples=1', 'eval.maxNewTokens=4'];
  const pipeline = await loadPipeline({ config: 'smoke', set, flags: { backend: 'wasm' } });
  const events: Event[] = [];
  const { metrics } = await evalStage.run({
    config: pipeline.eval ?? assert.fail(),
    inputs: { sft: model },
    directory,
    seed: 1,
    compute: { backend: 'wasm', precision: 'fp32' },
    reporter: stageReporter({ emit: (event) => void events.push(event) }, 'eval'),
  });
  const warnings = events.flatMap((each) => (each.type === 'note' && each.level === 'warning' ? [each.text] : []));
  return { metrics, warnings };
}

const said = (question: string, ...answers: string[]) => ({
  messages: [{ role: 'user', content: question }, ...answers.map((content) => ({ role: 'assistant', content }))],
});

test('without a check there is no reward and nothing is called right', async () => {
  const { metrics, warnings } = await evaluate([
    said('几点开门？', '早上九点。'),
    said('When do you open?', 'At nine.'),
    said('And when do you close?'),
  ]);
  const names = Object.keys(metrics).map((name) => name.replace('sft.', ''));
  for (const name of ['form', 'rougeL', 'chrF', 'referenceBitsPerByte', 'ended']) assert.ok(names.includes(name), name);
  assert.deepEqual(
    names.filter((name) => /^(reward|correct)/.test(name)),
    [],
  );
  // Untrained weights: about as many bits as a guess among the fixture's tokens, whatever the answer.
  assert.ok(metrics['sft.referenceBitsPerByte'] > 2 && metrics['sft.referenceBitsPerByte'] < 20);
  assert.match(warnings.join('\n'), /^3 tasks, 0 with a check: .* 2 give an answer: /m);
});

test('those with a check keep their reward, the others count apart', async () => {
  const { metrics, warnings } = await evaluate([
    { ...said('1+1=?', '2'), check: { type: 'number', answer: 2 } },
    said('几点开门？'),
  ]);
  assert.equal(metrics['sft.correct'], 0);
  assert.ok('sft.reward' in metrics && 'sft.form' in metrics && !('sft.rougeL' in metrics));
  assert.match(warnings.join('\n'), /2 tasks, 1 with a check: .* Nor do they give an answer/);
});
