// Files and settings of earlier versions say exactMatch, and are read as what it is called now.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseYaml } from '../../src/base/yaml.js';
import { budgetsSchema } from '../../src/config/gate.js';
import { keepRule } from '../../src/config/keep.js';
import { readMetrics } from '../../src/report/metrics.js';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metric-names-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('metrics.jsonl of an earlier version is read under the present names', async () => {
  const path = join(folder, 'metrics.jsonl');
  const one = { mean: 0.1, low: 0, high: 0.2 };
  const lines = [
    { type: 'evaluation', stage: 'sft', step: 1, metrics: { exactMatch: 0.5, 'bitsPerByte.zh': 2 }, time: 1 },
    {
      ...{ type: 'table', stage: 'eval', time: 2 },
      columns: [
        { label: 'sft', checkpoint: 'x', metrics: { 'exactMatch.refusal.en': 0.25, bitsPerByte: 3 }, intervals: {} },
      ],
      comparisons: [{ from: 'base', to: 'sft', differences: { exactMatch: one, reward: one } }],
    },
  ];
  await writeFile(path, lines.map((line) => JSON.stringify(line)).join('\n'));
  const { events, broken } = await readMetrics(path);
  assert.equal(broken, 0);
  const [evaluation, table] = events;
  assert.deepEqual(evaluation.type === 'evaluation' && evaluation.metrics, {
    correct: 0.5,
    'heldOutBitsPerByte.zh': 2,
  });
  assert.ok(table.type === 'table');
  assert.deepEqual(table.columns[0].metrics, { 'correct.refusal.en': 0.25, bitsPerByte: 3 });
  assert.deepEqual(table.comparisons?.[0].differences, { correct: one, reward: one });
});

test('settings of an earlier version keep their meaning', () => {
  const said: string[] = [];
  const text = 'exactMatch: 0.2\n';
  const budgets = parseYaml({ path: 'budgets.yaml', text }, budgetsSchema, [], {
    warn: (warning) => said.push(warning),
  });
  assert.equal(budgets.correct, 0.2);
  assert.deepEqual(said, ['exactMatch is called correct now']);
  assert.equal(keepRule('last=1,best=exact_match.zh').best, 'correct.zh');
  assert.equal(keepRule('best=bits_per_byte.en').best, 'heldOutBitsPerByte.en');
});
