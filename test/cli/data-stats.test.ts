// mossctl data stats and data inspect --dropped as a person runs them.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { mossctl } from '../e2e/cli.js';

const folder = await mkdtemp(join(tmpdir(), 'mossctl-stats-test-'));
after(() => rm(folder, { recursive: true }));

test('files of any kind are counted, with what could not be read; nothing is left behind', async () => {
  await writeFile(join(folder, 'a.jsonl'), '{"text":"你好世界"}\n{"text":"你好世界"}\n{"text":\n');
  await writeFile(join(folder, 'b.csv'), 'body,text\n1,plain English text\n');
  const before = (await readdir(tmpdir())).filter(
    (name) => name.startsWith('mossctl-stats-') && !name.includes('test'),
  );
  const { code, stdout } = await mossctl(['data', 'stats', join(folder, 'a.jsonl'), join(folder, 'b.csv'), '--json']);
  assert.equal(code, 0);
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  assert.equal(summary.total.documents, 3);
  assert.equal(summary.total.characters, 4 + 4 + 18);
  assert.equal(summary.duplicates, 1);
  assert.equal(summary.unreadable.rows, 1);
  assert.match(summary.unreadable.first, /a\.jsonl:3/);
  assert.deepEqual(
    summary.sources.map(({ name }: { name: string }) => name),
    ['a.jsonl', 'b.csv'],
  );
  for (const name of await readdir(tmpdir())) {
    if (name.startsWith('mossctl-stats-') && !name.includes('test') && !before.includes(name))
      assert.ok(!existsSync(join(tmpdir(), name)));
  }
});

test('a built corpus: its halves together, and what its rules dropped', async () => {
  const rows = ['a text that is kept', 'a text that is kept', '# # # # #', 'x'].map((text) => JSON.stringify({ text }));
  await writeFile(join(folder, 'rows.jsonl'), rows.join('\n'));
  const source = { name: 'rows', from: 'file:rows.jsonl', format: 'jsonl', licence: 'CC0' };
  await writeFile(
    join(folder, 'spec.yaml'),
    JSON.stringify({ name: 'x', filters: { symbols: {} }, sources: [source] }),
  );
  const run = join(folder, 'run');
  assert.equal((await mossctl(['data', 'build', join(folder, 'spec.yaml'), '--out', run])).code, 0);
  const { stdout } = await mossctl(['data', 'stats', run]);
  assert.match(stdout, /all +1 +19 B +19 +0\.0 %/);
  const seen = await mossctl(['data', 'inspect', run]);
  assert.match(seen.stdout, /^rows +CC0 +4 +3 +0 +1 +0 +19 B$/m);
  assert.match(seen.stdout, /^rows +duplicate +1\n +symbols +1\n +short +1$/m);
  const dropped = await mossctl(['data', 'inspect', run, '--dropped']);
  assert.match(dropped.stdout, /rows: 1 documents dropped by duplicate\n {2}rows:rows\.jsonl:2: "a text that is kept"/);
  assert.match(dropped.stdout, /dropped by symbols\n {2}rows:rows\.jsonl:3: .* symbols for each word: "# # # # #"/);
});

test('nothing there: what to give instead', async () => {
  const { code, stderr } = await mossctl(['data', 'stats', join(folder, 'nowhere.txt')]);
  assert.equal(code, 2);
  assert.match(stderr, /nowhere\.txt: there is no corpus and no file here\. Give a run folder/);
});
