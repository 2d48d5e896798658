// References that are too long to be compared are said, and give no score of their beginning.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureAgainstReference } from '../../src/evaluation/against-reference.js';
import { maxLength } from '../../src/evaluation/checks.js';
import type { Answer } from '../../src/evaluation/tasks.js';
import type { LocalModel } from '../../src/inference/local-model.js';

test('a reference over the limit is skipped with a warning that names its row', async () => {
  const messages = [
    { role: 'user', content: 'Tell a long story.' },
    { role: 'assistant', content: 'a'.repeat(maxLength + 1) },
  ];
  const answer = { task: { id: 'rows.jsonl:7', messages }, text: 'a' } as unknown as Answer;
  const noModel = {} as LocalModel; // nothing is left to weigh
  const { measurements, warnings } = await measureAgainstReference(noModel, [answer], {});
  assert.equal(measurements.size, 0);
  assert.deepEqual(warnings, ['skipped 1 answer of more than 20,000 characters (first: rows.jsonl:7)']);
});
