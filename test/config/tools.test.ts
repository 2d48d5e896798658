// Tools in a pipeline: names, and what built-in ones read. A pipeline of somebody else's can name no file that runs something.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toolNames } from '../../src/config/tools.js';

test('a pipeline names built-in tools and one’s own, never a file that says what runs', () => {
  const names = ['Calculate', 'Solve,Now', 'all', 'Search=notes/', 'Query=a.csv,b.parquet', 'my-notes'];
  assert.deepEqual(toolNames.parse(names), names);
  for (const name of ['evil.yaml', './evil.yml', 'tools/', '/etc', '..', 'a\\b', 'Calculate,evil.yaml', '']) {
    const { success, error } = toolNames.safeParse([name]);
    assert.ok(!success && /no file says in a pipeline what runs/.test(error?.message ?? ''), name);
  }
});
