// The tables of keys in docs/ are those of the schemas, every table stands on a page, and no key is without its description.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyTables, tablesIn, withTables } from '../../scripts/docs/tables.js';
import { root } from '../e2e/cli.js';
import { pages } from './pages.js';

test('the tables of keys are as the schemas have them now', () => {
  const written: string[] = [];
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8');
    assert.ok(
      withTables(text) === text,
      `${page} is stale: npm run docs writes its tables (${tablesIn(text).join(', ')})`,
    );
    written.push(...tablesIn(text));
  }
  assert.deepEqual(written.sort(), Object.keys(keyTables).sort(), 'each table stands on one page');
});

test('every key says what it is for', () => {
  const rows = Object.entries(keyTables).flatMap(([name, make]) =>
    make()
      .split('\n')
      .slice(2)
      .map((line) => ({ name, line })),
  );
  assert.ok(rows.length > 200, `${rows.length} keys`);
  const bare = rows.filter(({ line }) => line.endsWith('| |')).map(({ name, line }) => `${name}: ${line}`);
  assert.deepEqual(bare, []);
});

test('a table is written between its markers and nowhere else', () => {
  const page = 'Before.\n<!-- keys check -->\nstale\n<!-- end -->\nAfter.\n';
  const written = withTables(page);
  assert.match(
    written,
    /^Before\.\n<!-- keys check -->\n\n\| `type`[\s\S]*`equals`[\s\S]*\n\n<!-- end -->\nAfter\.\n$/,
  );
  assert.ok(!written.includes('stale'));
  assert.throws(() => withTables('<!-- keys nothing -->\n<!-- end -->'), /keys nothing -->: one of data-spec/);
});
